"""The values of secrets go to the host's place for them, and are shown nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inverted.cli.installing.hosts import HOSTS, Host, user_file

Command = Callable[..., Any]


def read(host: Host) -> Any:
    return host.format.read(user_file(host).read_text())


def entry(host: Host) -> Any:
    return read(host)[host.servers]["tea"]


def test_vscode_asks_for_a_secret(home: Path, host: Command) -> None:
    done = host("install", "vscode", "tea.py", "--secret", "API_KEY")
    assert "API_KEY: VS Code asks for it at the first start" in done.out
    data = read(HOSTS["vscode"])
    assert data["servers"]["tea"]["env"] == {"API_KEY": "${input:tea-API_KEY}"}
    assert data["inputs"] == [
        {
            "type": "promptString",
            "id": "tea-API_KEY",
            "description": "API_KEY for tea",
            "password": True,
        }
    ]


def test_an_input_that_came_back_goes_with_its_server(home: Path, host: Command) -> None:
    host("install", "vscode", "tea.py", "--secret", "API_KEY")
    file = user_file(HOSTS["vscode"])
    file.write_text(json.dumps(json.loads(file.read_text()) | {"inputs": [], "mine": 1}))
    assert host("install", "vscode", "tea.py", "--secret", "API_KEY").code == 0
    assert [each["id"] for each in read(HOSTS["vscode"])["inputs"]] == ["tea-API_KEY"]
    assert host("uninstall", "vscode", "tea").code == 0
    assert read(HOSTS["vscode"]) == {"mine": 1}


REFERENCES = {
    "claude-code": {"API_KEY": "${API_KEY}"},
    "cursor": {"API_KEY": "${env:API_KEY}"},
    "gemini": {"API_KEY": "${API_KEY}"},
}


@pytest.mark.parametrize("name", list(REFERENCES))
def test_a_secret_is_a_reference_to_the_hosts_environment(
    home: Path, host: Command, name: str
) -> None:
    done = host("install", name, "tea.py", "--secret", "API_KEY", "--env", "A=b")
    assert f"API_KEY: {HOSTS[name].title} takes it from its own environment" in done.out
    assert entry(HOSTS[name])["env"] == {"A": "b", **REFERENCES[name]}


def test_codex_passes_a_secret_on_by_name(home: Path, host: Command) -> None:
    host("install", "codex", "tea.py", "--secret", "API_KEY")
    assert entry(HOSTS["codex"])["env_vars"] == ["API_KEY"]
    assert "env" not in entry(HOSTS["codex"])


def test_goose_takes_a_secret_from_its_keyring(home: Path, host: Command) -> None:
    host("install", "goose", "tea.py", "--secret", "API_KEY", "--name", "Tea")
    found = entry(HOSTS["goose"])
    assert (found["name"], found["env_keys"], found["envs"]) == ("Tea", ["API_KEY"], {})
    assert host("uninstall", "goose", "Tea").code == 0


@pytest.mark.parametrize("name", [each.name for each in HOSTS.values() if each.keeps])
def test_the_value_of_a_secret_is_written_and_printed_nowhere(
    tmp_path: Path, home: Path, host: Command, name: str
) -> None:
    dry = host("install", name, "tea.py", "--secret", "API_KEY=hunter22", "--dry-run")
    done = host("install", name, "tea.py", "--secret", "API_KEY=hunter22")
    assert "The value was not written anywhere." in done.out
    assert "hunter22" not in dry.out + dry.err + done.out + done.err
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"hunter22" not in file.read_bytes()


def test_claude_desktop_gets_no_secret_in_clear_by_accident(home: Path, host: Command) -> None:
    refused = host("install", "claude-desktop", "tea.py", "--secret", "API_KEY=hunter22")
    assert refused.code == 2
    assert "`inverted pack tea.py --secret API_KEY` makes a bundle" in refused.err
    assert "hunter22" not in refused.err
    assert not user_file(HOSTS["claude-desktop"]).exists()
    valueless = host("install", "claude-desktop", "tea.py", "--secret", "A", "--allow-clear")
    assert "--allow-clear needs the values to write: --secret A=VALUE" in valueless.err


def test_claude_desktop_gets_a_secret_in_clear_when_told_so(home: Path, host: Command) -> None:
    line = ("install", "claude-desktop", "tea.py", "--secret", "K=hunter22", "--allow-clear")
    dry = host(*line, "--dry-run")
    assert '"K": "•••"' in dry.out
    done = host(*line)
    assert "K stands in ~" in done.out
    assert "hunter22" not in dry.out + done.out
    assert entry(HOSTS["claude-desktop"])["env"] == {"K": "hunter22"}


def test_clear_text_is_refused_where_a_host_has_a_better_place(home: Path, host: Command) -> None:
    refused = host("install", "vscode", "tea.py", "--secret", "K=v", "--allow-clear")
    assert refused.code == 2
    assert "VS Code has one" in refused.err


def test_a_variable_that_looks_like_a_secret_is_pointed_at_and_hidden(
    home: Path, host: Command
) -> None:
    done = host("install", "cursor", "tea.py", "--env", "GH_TOKEN=hunter22", "--dry-run")
    assert '"GH_TOKEN": "•••"' in done.out
    assert "GH_TOKEN looks like a secret" in done.out
    assert "--secret GH_TOKEN keeps it out" in done.out
    desktop = host("install", "claude-desktop", "tea.py", "--env", "GH_TOKEN=hunter22")
    assert "`inverted pack` keeps secrets out" in desktop.out


def test_a_diff_hides_the_values_of_other_servers(home: Path, host: Command) -> None:
    servers = {"a": {"env": {"K": "x1", "L": "${K}"}, "headers": {"Auth": 'Bearer "abc"'}}}
    file = user_file(HOSTS["cursor"])
    file.write_text(json.dumps({"mcpServers": servers}, indent=1))
    key = "-----BEGIN\nmiddle-of-it\n"
    assert host("install", "cursor", "tea.py", "--env", f"PEM={key}").code == 0
    file.write_text("")
    host("install", "cursor", "tea.py", "--env", "LEVEL=x1")
    file.write_text(file.read_text().replace("}", f', "GO": {json.dumps(key)}}}', 1))
    shown = host("uninstall", "cursor", "tea", "--dry-run", "--force").out
    assert '-        "LEVEL": "•••"' in shown
    assert "@@ line 1 @@\n-{" in shown
    assert "middle-of-it" not in shown
    assert "x1" not in shown


def test_a_diff_of_one_long_line_shows_what_changes_alone(home: Path, host: Command) -> None:
    servers = {"a": {"command": "x", "args": ["--api-key", "hunter22"], "env": {"K": "abc"}}}
    user_file(HOSTS["cursor"]).write_text(json.dumps({"list": [1], "mcpServers": servers}))
    shown = host("install", "cursor", "tea.py", "--dry-run").out
    assert '+…, "tea": {"type": "stdio", "command": ' in shown
    assert "hunter22" not in shown
    assert "abc" not in shown
