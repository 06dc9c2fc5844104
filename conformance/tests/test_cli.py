"""The command line, with stand-ins for the runners."""

from __future__ import annotations

import io
import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from conformance.tests.reports import made_up
from conformance.tests.reports.made_up import bad, good, result
from inverted_conformance.cli import main, roles
from inverted_conformance.cli.selection import Chosen
from inverted_conformance.manifest import Role
from inverted_conformance.reports.data import read
from inverted_conformance.scenario import Registry
from inverted_conformance.verdicts import Report, Result

CMD = ["--", "node", "my server.js"]


class Peer:
    """A peer under test that comes out as it is told."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.mute = False
        self.name = "made-up"
        self.asked: list[str] = []
        self.options = Namespace()
        self.command: Sequence[str] = ()

    async def run(
        self,
        role: Role,
        options: Namespace,
        command: Sequence[str],
        chosen: Sequence[Chosen],
        told: Callable[[Result], None],
    ) -> Report:
        self.options, self.command = options, command
        results: list[Result] = []
        for scenario, wire in chosen:
            name = f"{scenario.name}@{wire}"
            self.asked.append(name)
            key = scenario.checks[-1]
            findings = [bad(key) if name in self.broken else good(key)]
            if self.mute:
                results.append(result(scenario.name, wire, bad(None, "It is gone."), lines=[]))
            else:
                results.append(result(scenario.name, wire, *findings))
            told(results[-1])
        return Report(role, " ".join(command), self.name, results, 0.1)


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    def registry(role: Role) -> Registry:
        return made_up.registry() if role == "server" else Registry("client")

    for _ in made_up.use(tmp_path, monkeypatch):
        there = Peer()
        monkeypatch.setattr(roles, "registry", registry)
        monkeypatch.setattr(roles, "run", there.run)
        monkeypatch.setenv("COLUMNS", "80")
        yield there


def usage(*arguments: str) -> int:
    """The exit code of a command line that argparse refuses."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_a_server_that_does_all_is_zero(peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", *CMD]) == 0
    assert peer.command == ["node", "my server.js"]
    assert len(peer.asked) == 7
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith("PASSED. 7 of 7 scenarios passed.")
    assert err.count("passed ") == 7, "a log has a line for each"


def test_a_failure_is_one_and_can_be_run_again(
    peer: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    peer.broken = {"rounds/state@2026-07-28"}
    assert main(["server", "--timeout-factor", "2", *CMD]) == 1
    [line] = [x for x in capsys.readouterr().out.splitlines() if x.startswith("  again: ")]
    words = shlex.split(line.removeprefix("  again: "))
    assert words[0] == "inverted-conformance"
    peer.asked.clear()
    assert main(words[1:]) == 1
    assert peer.asked == ["rounds/state@2026-07-28"]
    assert (peer.command, peer.options.timeout_factor) == (["node", "my server.js"], 2)


def test_headers_are_sent_and_never_shown(peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    peer.broken = {"rounds/state@2026-07-28"}
    headers = ["--header", "Authorization: Bearer s3cret", "--other-header", "X-Key:b:c"]
    assert main(["server", "--url", "http://127.0.0.1:1/mcp", *headers]) == 1
    assert peer.options.header == [("Authorization", "Bearer s3cret")]
    assert peer.options.other_header == [("X-Key", "b:c")]
    out, err = capsys.readouterr()
    assert "s3cret" not in out + err
    assert "--header 'Authorization: …'" in out


def test_a_warning_fails_only_a_strict_run(peer: Peer) -> None:
    peer.broken = {"elicitation/flat@2025-11-25"}
    assert main(["server", *CMD]) == 0
    assert main(["server", "--strict", *CMD]) == 1


def test_a_server_that_cannot_be_reached_is_three(
    peer: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    peer.mute = True
    assert main(["server", *CMD]) == 3
    assert "NOT TESTED" in capsys.readouterr().out


def test_expected_failures_are_read_and_stale_ones_fail(peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text('[[expected]]\nscenario = "rounds/state@2026-07-28"\nwhy = "w"\n', "utf-8")
    listed = ["server", "--expected-failures", str(file)]
    peer.broken = {"rounds/state@2026-07-28"}
    assert main([*listed, *CMD]) == 0
    peer.broken = set()
    assert main([*listed, *CMD]) == 1
    assert main([*listed, "--suite", "tasks", *CMD]) == 0, "it was not its turn"
    file.write_text("[[expected", "utf-8")
    assert main([*listed, *CMD]) == 2


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--suite", "rounds"], ["rounds/state@2026-07-28"]),
        (
            ["--scenario", "tasks/both", "--revision", "2025-11-25"],
            ["tasks/both@2025-11-25"],
        ),
        (["--scenario", "tasks/both@2026-07-28"], ["tasks/both@2026-07-28"]),
        (
            ["--suite", "rounds", "--scenario", "tasks/both"],
            ["tasks/both@2025-11-25", "rounds/state@2026-07-28", "tasks/both@2026-07-28"],
        ),
    ],
)
def test_suites_and_scenarios_are_chosen(peer: Peer, words: list[str], names: list[str]) -> None:
    main(["server", *words, *CMD])
    assert peer.asked == names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--suite", "round"], "There is no suite 'round'. Did you mean rounds?"),
        (["--scenario", "task/both"], "There is no scenario 'task/both'. Did you mean tasks/both"),
        (["--revision", "2025-06-18"], "There is no revision '2025-06-18'. Did you mean 20"),
        (["--revision", "SEP-2663"], "an extension of 2026-07-28"),
        (["--revision", "2025-11-25", "--suite", "rounds"], "nothing to run: no rounds on 2025-"),
        (["--suite", "qqq"], "There are cancellation, capabilities,"),
    ],
)
@pytest.mark.usefixtures("peer")
def test_a_word_that_is_not_known_is_two(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["server", *words, *CMD]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "COMMAND"),
        (["server"], "name the server: --url URL, or its command after --"),
        (["client"], "name the client"),
        (["server", "node", "x.js"], "unknown: node x.js. The command of the peer stands after --"),
        (["server", "--url", "localhost:80"], "must begin with http:// or https://"),
        (["server", "--header", "A: b", *CMD], "headers are sent over HTTP only"),
        (["server", "--header", "s3cret", *CMD], "must look like 'Name: value'"),
        (["server", "--timeout-factor", "0", *CMD], "must be a number above 0"),
        (["server", "--timeout-factor", "nan", *CMD], "must be a number above 0"),
        (["server", "--timeout-factor", "x", *CMD], "must be a number above 0"),
        (["server", "--quiet", "--verbose", *CMD], "not allowed with"),
        (["report", "/nowhere/run.json"], "cannot be read"),
    ],
)
@pytest.mark.usefixtures("peer")
def test_wrong_usage_is_two_and_says_what_is_right(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert usage(*words) == 2
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", [[], ["server"], ["client"], ["report"], ["requirements"]])
def test_help_is_there_for_each_command(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert usage(*command, "--help") == 0
    out = capsys.readouterr().out
    assert command == ["requirements"] or "3  the suite could not talk to the peer" in out


def test_a_list_needs_no_peer(peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "--list", "--suite", "rounds"]) == 0
    assert "State goes there and back." in capsys.readouterr().out
    assert peer.asked == []


def test_every_report_is_written_and_made_again_from_the_stored_run(
    peer: Peer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer.broken = {"rounds/state@2026-07-28"}

    def places(folder: Path) -> list[str]:
        return [
            *("--json", str(folder / "run.json"), "--junit", str(folder / "run.xml")),
            *("--html", str(folder / "run.html"), "--badge", str(folder / "badges")),
        ]

    first, second = tmp_path / "new" / "first", tmp_path / "second"
    assert main(["server", *places(first), "--", "node", "server.js"]) == 1
    shown = capsys.readouterr().out
    assert main(["report", str(first / "run.json"), *places(second)]) == 1
    assert capsys.readouterr().out == shown
    assert parse(first / "run.xml").getroot().get("failures") == "1"  # noqa: S314 (our own)
    assert json.loads((second / "run.json").read_text("utf-8"))["role"] == "server"
    for file in ("run.json", "run.xml", "run.html", "badges/mcp-server-2026-07-28.svg"):
        assert (first / file).read_bytes() == (second / file).read_bytes()
    assert "<h1>MCP conformance of the server made-up</h1>" in (first / "run.html").read_text()


def test_a_stored_run_that_is_none_is_two(peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("[]", "utf-8")
    assert main(["report", str(file)]) == 2
    assert peer.asked == []


def test_a_place_that_cannot_be_written_is_said_before_the_run(
    peer: Peer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for words in (["--json", str(tmp_path)], ["--html", str(file / "x")], ["--badge", str(file)]):
        assert main(["server", *words, *CMD]) == 2
        assert "inverted-conformance: " in capsys.readouterr().err
    assert peer.asked == []


def test_a_report_that_fails_at_the_end_does_not_take_the_others(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = peer.run

    async def spoil(*given: object) -> Report:
        (tmp_path / "run.json").mkdir()
        return await run(*given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(roles, "run", spoil)
    places = ["--json", str(tmp_path / "run.json"), "--html", str(tmp_path / "run.html")]
    assert main(["server", *places, *CMD]) == 2
    assert (tmp_path / "run.html").exists()


def test_a_log_that_knows_only_ascii_holds_every_name(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.name = "café 茶 → 🍵"
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii", write_through=True))
    assert main(["server", *CMD]) == 0
    assert rb"caf\xe9 \u8336 \u2192 \U0001f375" in raw.getvalue()


def test_ctrl_c_ends_without_a_traceback(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def stop(*_: object) -> Report:
        raise KeyboardInterrupt

    monkeypatch.setattr(roles, "run", stop)
    assert main(["server", *CMD]) == 130
    assert capsys.readouterr().err.endswith("stopped.\n")
    assert peer.asked == []


@pytest.mark.usefixtures("peer")
def test_requirements_are_shown_and_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["requirements"]) == 0
    assert "checked by: rounds/state@2026-07-28" in capsys.readouterr().out
    assert main(["requirements", "--json", "--unobservable"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


@pytest.mark.parametrize("role", ["server", "client"])
def test_a_command_that_does_not_start_is_three(
    role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([role, "--suite", "sampling", "--quiet", "--", "/nowhere/at-all"]) == 3
    out = capsys.readouterr().out
    assert "'/nowhere/at-all' cannot be started" in out
    assert out.splitlines()[-1].startswith("NOT TESTED: the suite could not talk to it.")


def test_the_fixture_does_all_that_a_suite_asks(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    command = ["--", sys.executable, "-m", "inverted_conformance.fixture"]
    assert main(["server", "--suite", "sampling", "--json", str(file), *command]) == 0
    assert read(file.read_text("utf-8")).report.peer.startswith("conformance-fixture")


def test_the_reference_client_does_all_that_a_scenario_asks(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    command = ["--", sys.executable, "-m", "inverted_conformance.fixture.client"]
    assert main(["client", "--scenario", "progress/tokens", "--json", str(file), *command]) == 0
    assert read(file.read_text("utf-8")).report.role == "client"


def test_the_suite_is_put_into_a_host_and_taken_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    file = tmp_path / ".cursor" / "mcp.json"
    assert main(["client", "--install", "cursor"]) == 0
    assert "inverted-conformance" in file.read_text("utf-8")
    assert main(["client", "--uninstall", "cursor"]) == 0
    assert not file.exists() or "inverted-conformance" not in file.read_text("utf-8")
    assert main(["client", "--install", "netscape"]) == 2
    assert "There is no host 'netscape'" in capsys.readouterr().err
