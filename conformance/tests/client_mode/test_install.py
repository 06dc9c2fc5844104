"""The suite is put into real clients, and taken out again without a trace."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from inverted_conformance.client_mode import install as installing
from inverted_conformance.client_mode.config_file import ConfigError, add, remove
from inverted_conformance.client_mode.install import HOSTS, NAME, install, uninstall

ENTRY = {"command": "python", "args": ["-m", "x"]}

FILES = [
    b"{}",
    b"{ }\n",
    b'{"mcpServers": {}}',
    b'{"mcpServers":{"a":{"command":"b"}},"other":[1,2]}',
    b'{\n\t"other": "\xc3\xa9",\r\n\t"mcpServers": {\n\t\t"a": {"b": "}"},\n\t\t"c": {}\n\t}\n}\n',
    b'{"theme": "dark"}\n\n',
    b'  {"mcpServers" : {  } , "x": null}',
]


@pytest.mark.parametrize("before", FILES)
def test_adding_and_removing_gives_back_the_same_bytes(tmp_path: Path, before: bytes) -> None:
    file = tmp_path / "mcp.json"
    file.write_bytes(before)
    old = json.loads(before)

    add(file, "mcpServers", NAME, ENTRY)
    new = json.loads(file.read_bytes())

    assert new.pop("mcpServers") == {**old.get("mcpServers", {}), NAME: ENTRY}
    assert new == {key: value for key, value in old.items() if key != "mcpServers"}
    assert remove(file, "mcpServers", NAME)
    assert file.read_bytes() == before


def test_a_file_that_was_not_there_is_gone_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "mcp.json"

    add(file, "servers", NAME, ENTRY)
    assert json.loads(file.read_text()) == {"servers": {NAME: ENTRY}}
    assert remove(file, "servers", NAME)

    assert not file.exists()


def test_what_others_added_meanwhile_stays(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    add(file, "mcpServers", NAME, ENTRY)
    page = json.loads(file.read_text())
    page["mcpServers"] = {"before": {}, **page["mcpServers"], "after": {}}
    file.write_text(json.dumps(page, indent=4))

    assert remove(file, "mcpServers", NAME)

    assert json.loads(file.read_text()) == {"mcpServers": {"before": {}, "after": {}}}


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        b'{"mcpServers": []}',
        b"// note\n{}",
        b"\xff",
        b'{"mcpServers": {"%s": 1}}',
    ],
)
def test_a_broken_file_is_refused_and_left_alone(tmp_path: Path, broken: bytes) -> None:
    file = tmp_path / "mcp.json"
    broken = broken.replace(b"%s", NAME.encode())
    file.write_bytes(broken)

    with pytest.raises(ConfigError, match="nothing was changed"):
        add(file, "mcpServers", NAME, ENTRY)

    assert file.read_bytes() == broken
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("{}")
    link.symlink_to(real)

    add(link, "mcpServers", NAME, ENTRY)

    assert link.is_symlink()
    assert NAME in real.read_text()


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_takes_the_suite_in_and_gives_it_back(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> int:
        ran.append(command)
        return 0

    assert install(host, run=run) == 0
    assert uninstall(host, run=run) == 0

    assert ran or HOSTS[host].file is not None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert all(NAME in " ".join(command) for command in ran)


def test_the_entry_of_any_other_host_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert install("print") == 0

    entry = json.loads(capsys.readouterr().out)["mcpServers"][NAME]
    assert [entry["command"], *entry["args"]] == list(installing.COMMAND)
    assert entry["command"] == sys.executable


def test_an_unknown_host_and_a_missing_program_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    assert install("emacs") == 2
    assert install("codex") == 1

    told = capsys.readouterr().err
    assert "claude-code" in told
    assert "no codex on the PATH" in told
