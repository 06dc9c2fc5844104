"""`inverted doctor`: what each host can do, and for which server."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inverted.carriers.hosts import HOSTS
from inverted.server.diagnosis import QUESTIONS, Diagnosis
from tests.cli.test_terminal import Terminal

Host = Callable[..., Any]

SERVER = '''
from inverted import AgentServer, Ladders, Run

if __name__ != "__main__":
    print("a word on stdout, while it is imported")


async def own(*asked):
    raise NotImplementedError


server = AgentServer("kit", version="3", provider=own, store=":memory:")


@server.agent
async def careful(run: Run) -> str:
    """Ask nobody."""
    return "here"


@server.agent(ladders=Ladders(model=("sampling", "relay"), person=("form",)))
async def narrow(run: Run) -> str:
    """Ask nobody."""
    return "here"


if __name__ == "__main__":
    server.run(show_banner=False)
'''


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a server with a model of its own and two ladders."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "kit.py"
    file.write_text(SERVER)
    return file


def rungs(found: dict[str, Any], host: str, group: int = 0) -> dict[str, str | None]:
    ways = found["groups"][group]["hosts"][host]["ways"]
    return {way["question"]: way["rung"] for way in ways}


def cells(out: str, host: str) -> list[str]:
    """The row of a host in the table."""
    rows = [line.split() for line in out.splitlines()]
    return next(row[1:] for row in rows if row[:1] == [host] and len(row) > 8)


def test_without_a_target_every_host_has_a_row_and_what_to_enable(host: Host) -> None:
    found = host("doctor")
    assert (found.code, found.err) == (0, "")
    assert "any server made with inverted" in found.out
    for name in HOSTS:
        assert len(cells(found.out, name)) in (8, 9)
    assert cells(found.out, "vscode")[:7] == [
        *("sampling", "text", "form", "form"),
        *("yes", "yes", "yes"),
    ]
    assert cells(found.out, "librechat")[:7] == ["relay", "relay", "no", "no", "no", "no", "no"]
    assert "chat.mcp.serverSampling" in found.out.replace("\n", "")
    assert "its tool calls written as text" in found.out


def test_the_table_fits_into_eighty_columns(host: Host) -> None:
    lines = host("doctor").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.endswith(" ")]


@pytest.mark.parametrize("name", ["codex", "codex-mcp-client", "CODEX"])
def test_one_host_is_told_in_full_with_its_sources(host: Host, name: str) -> None:
    found = host("doctor", "--client", name)
    said = " ".join(found.out.split())
    for source in HOSTS["codex"].sources:
        assert f"{source.date} {source.where}" in said
        assert source.note in said
    assert "declines forms unasked it may" in said
    assert "gives up a silent call after 300 s" in said
    assert "progress starts that time anew no" in said
    assert "It may decline a form without having asked anybody." in said
    for words in QUESTIONS.values():
        assert words in said


@pytest.mark.parametrize("name", HOSTS)
def test_every_host_can_be_told(host: Host, name: str) -> None:
    said = " ".join(host("doctor", "--client", name).out.split())
    assert HOSTS[name].title in said
    assert " ".join(HOSTS[name].enable.split()) in said
    for habit in HOSTS[name].habits:
        assert habit in said


def test_an_unknown_host_is_a_usage_error_that_names_the_others(host: Host) -> None:
    found = host("doctor", "--client", "netscape")
    assert (found.code, found.out) == (2, "")
    assert "--client netscape: nobody has recorded this host. Take one of claude" in found.err


def test_the_json_document_holds_whole_diagnoses(host: Host) -> None:
    found = host("doctor", "--json").json
    assert found["server"]["said"] is None
    (group,) = found["groups"]
    assert list(group["hosts"]) == list(HOSTS)
    for name, one in group["hosts"].items():
        read = Diagnosis.model_validate(one)
        assert read.host is not None
        assert read.host.name == name


def test_a_provider_and_pages_of_this_machine_are_taken_into_account(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVERTED_PROVIDER", "openai:some")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("INVERTED_BROWSER", "true")
    found = host("doctor", "--json").json
    assert found["server"]["provider"] == "openai:some"
    assert found["server"]["pages"] == "in the browser of this machine"
    assert rungs(found, "cursor")["model"] == "provider"
    assert rungs(found, "librechat")["form"] == "page"
    assert rungs(found, "chatgpt")["form"] is None  # it starts no server on this machine
    assert "it reaches a server by its URL alone" in host("doctor", "--client", "chatgpt").out


def test_a_provider_that_cannot_be_used_is_a_usage_error(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVERTED_PROVIDER", "openai:some")
    found = host("doctor")
    assert found.code == 2
    assert "INVERTED_PROVIDER: openai:some needs an API key" in found.err


def test_a_python_file_is_connected_to_and_loaded(host: Host, kit: Path) -> None:
    found = host("doctor", kit, "--json")
    assert found.code == 0, found.err
    server = found.json["server"]
    assert server["title"] == "kit 3"
    assert server["said"]["revision"] == "2026-07-28"
    assert server["said"]["agents"] == ["careful", "narrow"]
    assert (server["said"]["tasks"], server["said"]["relay"]) == (True, True)
    assert (server["provider"], server["relay"], server["notes"]) == ("own", "on", [])
    assert [group["agents"] for group in found.json["groups"]] == [["careful"], ["narrow"]]
    assert rungs(found.json, "cursor", 0)["model"] == "provider"
    assert rungs(found.json, "cursor", 1)["model"] == "relay"
    assert rungs(found.json, "claude-desktop", 1)["form"] is None


def test_agents_that_ask_differently_have_tables_of_their_own(host: Host, kit: Path) -> None:
    found = host("doctor", f"{kit}:server")
    assert found.out.index("Agents: careful") < found.out.index("Agents: narrow")
    assert found.out.count("\nclaude-desktop  ") == 3
    one = host("doctor", kit, "--client", "cursor")
    assert "Agents: careful" in one.out
    assert one.out.count("What to enable") == 1


def test_of_a_server_that_is_not_loaded_only_what_it_says_is_told(host: Host, kit: Path) -> None:
    found = host("doctor", "--json", "--", sys.executable, kit)
    server = found.json["server"]
    assert (server["title"], server["relay"]) == ("kit 3", "on: it lists continue_run")
    assert server["provider"] == "cannot be seen from outside"
    assert "none here" in server["pages"]
    assert "the table assumes none" in server["notes"][0]
    assert rungs(found.json, "cursor")["model"] == "relay"


def test_of_a_foreign_server_the_protocol_alone_is_told(host: Host, rounds: str) -> None:
    found = host("doctor", rounds, "--json", "--connect-timeout", "20")
    server = found.json["server"]
    assert server["said"]["name"] == "rounds"
    assert (server["relay"], server["pages"]) == ("not listed", "cannot be seen from outside")
    assert "does not show that it is made with inverted" in server["notes"][0]
    assert rungs(found.json, "cursor")["model"] is None
    assert rungs(found.json, "fast-agent")["tools"] == "sampling"
    assert rungs(found.json, "vscode")["tools"] is None
    shown = host("doctor", rounds).out
    assert "revisions  2026-07-28; negotiated 2026-07-28" in shown
    assert "tasks      not declared" in shown


def test_what_an_older_revision_hides_is_not_guessed(host: Host, servers: Path) -> None:
    found = host("doctor", servers / "handshake.py", "--json").json["server"]
    assert found["said"]["relay"] is None
    assert found["relay"] == f"cannot be seen from outside, on {found['said']['revision']}"


def test_a_file_that_starts_but_cannot_be_loaded_is_told_as_such(host: Host, kit: Path) -> None:
    kit.write_text(SERVER + "\nelse:\n    raise RuntimeError('not as a module')\n")
    found = host("doctor", kit, "--json").json["server"]
    assert "cannot be loaded here (RuntimeError: not as a module)" in found["notes"][0]
    assert found["provider"] == "cannot be seen from outside"


# The SDK's server leaves streams open when it finds nobody on stdin.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_file_that_serves_whatever_its_name_is_can_be_loaded(host: Host, kit: Path) -> None:
    kit.write_text(SERVER.replace('if __name__ == "__main__":', "if True:"))
    found = host("doctor", kit, "--json")
    assert found.json["server"]["provider"] == "own", found.err
    gc.collect()  # of these streams, in this test


def test_a_file_with_a_foreign_server_is_not_loaded(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "foreign.py"
    lines = (
        "from fastmcp import FastMCP",
        "server = FastMCP('plain')",
        f"open({str(tmp_path / 'n')!r}, 'a').write('x')",
    )
    file.write_text("\n".join(lines))
    assert host("doctor", file, "--json").json["server"]["said"]["tasks"] is False
    assert (tmp_path / "n").read_text() == "x"


def test_a_server_around_an_agent_server_is_told_as_such(host: Host, kit: Path) -> None:
    around = kit.with_name("around.py")
    around.write_text(
        "from fastmcp import FastMCP\nfrom kit import server as kit\n"
        "server = FastMCP('around')\nserver.mount(kit)\n"
    )
    found = host("doctor", f"{around}:server", "--json").json["server"]
    assert (found["title"].split()[0], found["said"]["relay"]) == ("around", True)
    assert "around.py holds no AgentServer of its own" in found["notes"][0]


def test_a_server_without_a_list_of_tools_is_a_connection_problem(
    host: Host, servers: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mute.py"
    file.write_text((servers / "handshake.py").read_text().replace('"tools/list"', '"tools/none"'))
    found = host("doctor", file)
    assert (found.code, found.out) == (3, "")
    assert "lists no tools: Method not found" in found.err


def test_a_server_that_ends_at_once_is_a_connection_problem(host: Host, servers: Path) -> None:
    found = host("doctor", servers / "dying.py")
    assert (found.code, found.out) == (3, "")
    assert "ended before it answered" in found.err


def test_a_server_that_says_nothing_is_given_up(host: Host) -> None:
    found = host("doctor", "--connect-timeout", "0.5", "--", "sleep", "60")
    assert found.code == 3
    assert "no answer from sleep 60 in 0.5 seconds" in found.err


def test_ctrl_c_while_connecting_ends_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*asked: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("anyio.run", interrupted)
    found = host("doctor", "http://127.0.0.1:9/mcp")
    assert (found.code, found.err) == (130, "inverted: stopped.\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["a.py", "--", "b"], "exclude each other"),
        (["--client"], "expected one argument"),
        (["--connect-timeout", "0"], "invalid"),
        (["--nothing"], "unrecognized arguments: --nothing. See inverted doctor --help."),
    ],
)
def test_a_wrong_command_line_is_one_line(host: Host, argv: list[str], said: str) -> None:
    found = host("doctor", *argv)
    assert (found.code, found.out) == (2, "")
    assert said in found.err


@pytest.mark.parametrize(("plain", "colours"), [("", 1), ("1", 0)])
def test_a_terminal_gets_colours_unless_they_are_unwanted(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch, plain: str, colours: int
) -> None:
    monkeypatch.setenv("NO_COLOR", plain)
    terminal = Terminal(["doctor", "--client", "vscode"], 80, "xterm-256color", None)
    try:
        assert terminal.wait() == 0
    finally:
        terminal.close()
    assert "a model turn             sampling" in terminal.text
    assert ("\x1b[36m" in terminal.raw) == bool(colours)


def test_a_file_gets_no_control_codes(shell: Host) -> None:
    found = shell("doctor", "--client", "vscode", env={"FORCE_COLOR": "1"})
    assert found.code == 0
    assert "\x1b" not in found.out
