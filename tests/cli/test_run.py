"""`inverted run` against real servers: both eras, every transport, every way to fail.

The servers are written with plain FastMCP and the plain SDK: the host drives any MCP server.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Host = Callable[..., Any]


def prompts(found: Any) -> list[str]:
    return [
        question["request"]["messages"][0]["content"]["text"]
        for question in found.json["transcript"]
        if question["kind"] == "model"
    ]


def test_rounds_are_answered_until_there_is_a_result(host: Host, servers: Path) -> None:
    found = host("run", servers / "rounds.py", "triage", "--report", "it crashes", "--yes")
    assert found.code == 0
    lines = found.out.splitlines()
    assert lines[0] == "rounds 1.2 → triage"
    assert lines[1].startswith("2026-07-28 over stdio, model rehearsal (no API key")
    assert '         → search(query="crash")' in lines
    assert "         ← search: 3 places match {'query': 'crash'}" in lines
    assert "… 4/4 reading file 4" in lines
    assert "         → Low, can wait (by --yes)" in lines
    assert "# Triage of it crashes" in lines
    assert "round 2 · 2 model turns · 2 tool calls · 1 question" in lines[-1]
    assert "\x1b" not in found.out


@pytest.mark.parametrize("era", ["auto", "2026-07-28", "2025-11-25"])
def test_the_era_that_was_asked_for_is_negotiated(host: Host, servers: Path, era: str) -> None:
    found = host("run", servers / "rounds.py", "run_key", "--era", era, "--json")
    assert found.json["era"] == ("2026-07-28" if era == "auto" else era)
    assert found.json["transport"] == "stdio"


def test_an_era_that_the_server_does_not_speak_is_an_error(host: Host, servers: Path) -> None:
    found = host("run", servers / "handshake.py", "--era", "2026-07-28")
    assert found.code == 3
    assert "does not speak 2026-07-28: it negotiated 2025-06-18" in found.err
    assert host("run", servers / "handshake.py", "--json").json["era"] == "2025-06-18"


def test_questions_on_the_back_channel_are_answered(host: Host, servers: Path) -> None:
    found = host(
        *("run", servers / "backchannel.py", "research", "--topic", "cats"),
        *("--era", "2025-11-25", "--yes", "--json"),
    )
    assert found.code == 0
    assert found.json["structuredContent"]["kept"] is True
    assert all("rehearsal: Rehearsal" in note for note in found.json["structuredContent"]["notes"])
    assert sorted(prompts(found)) == ["First half of cats", "Second half of cats"]
    assert found.json["counts"]["rounds"] == 0
    assert "log warning: the person comes next" in found.err
    assert "● you    Keep the notes?" in found.err


def test_a_run_over_http_is_the_same(host: Host, rounds: str) -> None:
    found = host("run", rounds, "triage", "--report", "x", "--yes", "--json", "--header", "X-A: b")
    assert (found.json["transport"], found.json["era"]) == ("HTTP", "2026-07-28")
    assert found.json["counts"]["rounds"] == 2


def test_a_back_channel_over_http_is_the_same(host: Host, backchannel: str) -> None:
    found = host(
        *("run", backchannel, "research", "--topic", "x", "--yes", "--json"),
        *("--era", "2025-11-25"),
    )
    assert found.json["structuredContent"]["kept"] is True
    assert (found.json["transport"], found.json["era"]) == ("HTTP", "2025-11-25")


def test_a_run_has_a_key_and_resume_reuses_it(host: Host, rounds: str) -> None:
    fresh = host("run", rounds, "run_key", "--json")
    assert fresh.json["result"] == fresh.json["runKey"]
    again = host("run", rounds, "run_key", "--json", "--resume", "my key")
    assert again.json["result"] == "my key"
    assert "run key my key, resumed" in again.err


def test_json_prints_one_document_and_nothing_else_on_stdout(host: Host, rounds: str) -> None:
    found = host("run", rounds, "triage", "--report", "x", "--yes", "--json")
    document = found.json
    assert document["result"].startswith("# Triage of x")
    assert document["isError"] is False
    assert [question["kind"] for question in document["transcript"]] == ["model", "model", "person"]
    assert document["transcript"][0]["response"]["model"] == "rehearsal"
    assert "rounds 1.2 → triage" in found.err


def test_quiet_prints_the_result_alone(host: Host, rounds: str) -> None:
    found = host("run", rounds, "run_key", "--resume", "k", "--quiet")
    assert (found.out, found.err) == ("k\n", "")


def test_a_policy_of_ones_own_answers_as_the_model(
    host: Host, rounds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    module = ModuleType("my_policy")

    def policy(params: dict[str, Any]) -> dict[str, Any]:
        asked.append(params)
        use = {"type": "tool_use", "id": "1", "name": "final_response", "input": {"summary": "me"}}
        return {"content": [use], "stopReason": "toolUse", "model": "claimed"}

    vars(module)["policy"] = policy
    monkeypatch.setitem(sys.modules, "my_policy", module)
    found = host(
        *("run", rounds, "triage", "--report", "x", "--yes", "--json"),
        *("--model", "rehearsal:my_policy:policy"),
    )
    assert '"summary": "me"' in found.json["result"]
    assert asked[0]["maxTokens"] == 500  # wire form
    assert {question["response"].get("model") for question in found.json["transcript"]} == {
        "rehearsal",
        None,
    }


@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
def test_a_policy_that_fails_ends_the_run_and_says_how_to_go_on(
    host: Host, rounds: str, backchannel: str, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    module = ModuleType("bad_policy")

    def policy(params: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("out of ideas")

    vars(module)["policy"] = policy
    monkeypatch.setitem(sys.modules, "bad_policy", module)
    calls = {
        "2026-07-28": (rounds, "triage", "--report", "x"),
        "2025-11-25": (backchannel, "research", "--topic", "x"),
    }
    found = host(
        *("run", *calls[era], "--era", era, "--json", "--resume", "k"),
        *("--model", "rehearsal:bad_policy:policy"),
    )
    assert found.code == 4
    assert "inverted: the rehearsal policy failed: RuntimeError: out of ideas" in found.err
    assert "To continue this run:" in found.err
    assert "--resume k" in found.err
    assert found.json["error"]["exitCode"] == 4
    assert found.json["transcript"][0]["error"].startswith("the rehearsal policy failed")


def test_scripted_answers_reach_the_server(host: Host, rounds: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(json.dumps({"First": {"name": "Ada"}, "Second": "decline"}))
    found = host("run", rounds, "two_questions", "--answers", file, "--json")
    assert found.json["structuredContent"] == {"first": {"name": "Ada"}, "second": None}
    assert found.json["counts"]["questions"] == 2


def test_a_scripted_answer_that_does_not_fit_ends_the_run(
    host: Host, rounds: str, tmp_path: Path
) -> None:
    file = tmp_path / "answers.json"
    file.write_text("[7]")
    found = host("run", rounds, "two_questions", "--answers", file)
    assert found.code == 2
    assert "the answer given for 'First?' does not fit: name: 7 is not of type" in found.err
    assert "To continue" not in found.err


def test_roots_are_named_only_when_they_are_given(host: Host, rounds: str, tmp_path: Path) -> None:
    given = host("run", rounds, "where", "--root", tmp_path, "--json")
    assert json.loads(given.json["result"]) == [tmp_path.as_uri()]
    missing = host("run", rounds, "where", "--root", tmp_path / "none")
    assert missing.code == 2
    assert "is no directory" in missing.err


def test_a_server_that_is_still_working_is_asked_again(host: Host, rounds: str) -> None:
    found = host("run", rounds, "poll", "--json", "--max-rounds", "1")
    assert found.json["result"] == "done"


def test_too_many_rounds_end_the_run(host: Host, rounds: str) -> None:
    found = host("run", rounds, "endless", "--max-rounds", "3", "--json")
    assert found.code == 4
    assert "went on asking after 3 rounds" in found.err
    assert found.json["counts"] == {
        "rounds": 3,
        "modelTurns": 3,
        "toolCalls": 0,
        "questions": 0,
        "tokensEstimate": found.json["counts"]["tokensEstimate"],
    }


def test_a_tool_error_is_a_result_with_exit_code_1(host: Host, backchannel: str) -> None:
    found = host("run", backchannel, "fail", "--json")
    assert found.code == 1
    assert found.json["isError"] is True
    assert "the disk is full" in found.err
    assert "error" not in found.json


def test_a_refused_call_is_reported_with_the_servers_words(host: Host, rounds: str) -> None:
    # A tool that asks by ending the call cannot do so on the handshake era.
    found = host("run", rounds, "poll", "--era", "2025-11-25")
    assert found.code == 1
    assert "the server refused the call" in found.err
    assert "To continue" not in found.err


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_a_server_that_dies_during_the_run_is_reported_with_its_last_words(
    host: Host, servers: Path, era: str
) -> None:
    found = host("run", servers / "backchannel.py", "die", "--era", era, "--resume", "k")
    assert found.code == 3
    assert "the server ended during the run" in found.err
    assert "out of memory" in found.err
    assert f"{servers / 'backchannel.py'} die --era {era} --resume k" in found.err
    assert "Traceback" not in found.err


def test_a_server_that_does_not_start_is_reported_with_its_last_words(
    host: Host, servers: Path
) -> None:
    found = host("run", servers / "dying.py")
    assert found.code == 3
    assert "the server ended before it answered" in found.err
    assert "TEA_URL is not set" in found.err
    assert "Traceback" not in found.err


def test_a_program_that_is_no_mcp_server_is_recognised(host: Host) -> None:
    found = host("run", "--", sys.executable, "-c", "print('hello')")
    assert found.code == 3
    assert "is not an MCP server: it wrote 'hello' on stdout" in found.err
    echo = host("run", "cat")
    assert echo.code == 3
    assert "does not answer as an MCP server: Method not found" in echo.err


def test_a_program_that_never_answers_is_given_up(host: Host) -> None:
    script = "import sys; sys.stderr.write('thinking\\n'); sys.stderr.flush(); sys.stdin.read()"
    found = host("run", "--connect-timeout", "4", "--json", "--", sys.executable, "-c", script)
    assert found.code == 3
    assert "in 4 seconds" in found.err
    assert "thinking" in found.err
    assert found.json["error"]["exitCode"] == 3


def test_a_program_that_cannot_be_started_is_reported(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "server"
    file.write_text("no program")
    file.chmod(0o755)
    found = host("run", file)
    assert found.code == 3
    assert "cannot start" in found.err


def test_nobody_at_the_url_is_reported(host: Host) -> None:
    found = host("run", "http://127.0.0.1:9/mcp")
    assert found.code == 3
    assert "cannot connect to http://127.0.0.1:9/mcp" in found.err


@pytest.fixture
def web() -> Iterator[Callable[[int, str], str]]:
    """A web server that answers every POST with one status and one body."""
    running: list[ThreadingHTTPServer] = []

    def start(status: int, body: str) -> str:
        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(status)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "wants authorization: pass it with --header"),
        (404, "many servers use /mcp"),
        (500, "answered with an error (HTTP 500)"),
        (200, "does not answer as an MCP server: Unexpected content type: text/html"),
    ],
)
def test_a_web_page_is_not_taken_for_a_server(
    host: Host, web: Callable[[int, str], str], status: int, words: str
) -> None:
    found = host("run", web(status, "<html></html>"))
    assert found.code == 3
    assert words in found.err


def test_an_http_server_that_goes_away_is_reported(
    host: Host, http_servers: Callable[[str], Any]
) -> None:
    found = host("run", http_servers("backchannel").url, "die", "--resume", "k")
    assert found.code == 3
    assert "--resume k" in found.err
    assert "Traceback" not in found.err


def test_headers_are_for_urls_and_well_formed(host: Host, servers: Path) -> None:
    assert (
        "--header is for a server at a URL"
        in host("run", servers / "rounds.py", "--header", "A: b").err
    )
    found = host("run", "http://127.0.0.1:9/mcp", "--header", "nonsense")
    assert (found.code, "write NAME:VALUE" in found.err) == (2, True)


def test_an_sse_address_uses_the_old_transport(host: Host, web: Callable[[int, str], str]) -> None:
    found = host("run", web(200, "") + "sse")
    assert found.code == 3
    assert "501" in found.err or "sse" in found.err


def test_the_agents_of_a_server_are_listed(host: Host, rounds: str) -> None:
    found = host("run", rounds, "--list")
    assert found.code == 0
    assert found.out.startswith("rounds 1.2, 2026-07-28\n\ntriage\n  Turn a bug report into a plan")
    assert "  --report TEXT             required" in found.out
    assert host("run", rounds, "--help").out == found.out
    rows = host("run", rounds, "--list", "--json").json
    assert [row["name"] for row in rows["agents"]][:2] == ["triage", "answers"]


def test_help_on_an_agent_is_its_usage(host: Host, rounds: str) -> None:
    found = host("run", rounds, "triage", "--help")
    assert found.code == 0
    assert "triage --report TEXT [--pause NUMBER]" in " ".join(found.out.split())


def test_an_only_agent_need_not_be_named(host: Host, servers: Path) -> None:
    found = host("run", servers / "lowlevel.py", "--what", "3", "--json")
    assert found.json["result"] == "{'what': 3}"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "which agent? Name one after TARGET. This server has: triage, answers"),
        (["nobody"], "this server has no agent 'nobody'. It has: triage"),
        (["triage"], "missing: --report"),
        (["triage", "--report", "x", "--pause", "long"], "--pause: 'long' is not a number"),
        (["triage", "--rapport", "x"], "--rapport is not an argument"),
    ],
)
def test_wrong_calls_come_with_the_usage(
    host: Host, rounds: str, argv: list[str], words: str
) -> None:
    found = host("run", rounds, *argv)
    assert found.code == 2
    assert words in found.err
    assert ("usage: inverted run" in found.err) == (argv[:1] == ["triage"])


def test_servers_of_the_sdk_alone_are_found_in_their_files(host: Host, servers: Path) -> None:
    assert host("run", f"{servers / 'sdk.py'}:make", "--list").out.startswith("sdk-only, 2026-07")
    missing = host("run", f"{servers / 'sdk.py'}:nothing")
    assert missing.code == 3
    assert "has no 'nothing'" in missing.err


def test_the_error_that_names_a_page_is_put_to_the_person(host: Host, servers: Path) -> None:
    found = host("run", servers / "sdk.py", "--era", "2025-11-25")
    assert found.code == 1
    assert "● you    Please sign in" in found.out
    assert "a page is opened by a person only" in found.out
    assert "(-32042)" in found.err


def test_the_servers_log_is_shown_on_request(host: Host, servers: Path) -> None:
    script = servers / "backchannel.py"
    found = host("run", script, "fail", "--server-log", "--env", "FASTMCP_LOG_LEVEL=INFO")
    assert "  server: " in found.out
