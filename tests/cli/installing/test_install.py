"""`inverted install` and `inverted uninstall`, on homes of their own."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import anyio
import pytest
import yaml
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from platformdirs import user_data_path

from inverted.cli.installing.hosts import HOSTS, Host, user_file

Command = Callable[..., Any]


def read(host: Host, path: Path | None = None) -> Any:
    text = (path or user_file(host)).read_text()
    if host.name == "codex":
        return tomllib.loads(text)
    return yaml.safe_load(text) if host.name == "goose" else json.loads(text)


def entry(host: Host, name: str = "tea", path: Path | None = None) -> Any:
    return read(host, path)[host.servers][name]


# Every host


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_server_is_installed_once_and_taken_out_again(
    home: Path, host: Command, name: str
) -> None:
    where = HOSTS[name]
    first = host("install", name, "tea.py", "--env", "LEVEL=debug")
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith(f"Installed tea in {where.title}.\n")
    written = user_file(where).read_bytes()
    again = host("install", name, "tea.py", "--env", "LEVEL=debug")
    assert again.out.startswith(f"tea is installed in {where.title} already: ~")
    assert user_file(where).read_bytes() == written
    assert not list(user_file(where).parent.glob("*.bak"))
    gone = host("uninstall", name, "tea")
    assert gone.out.startswith(f"Removed tea from {where.title}.\n  file    ~")
    assert "(removed)" in gone.out
    assert not user_file(where).exists()


HAND_WRITTEN = {
    "codex": b"# mine\r\nmodel = 'm'\r\n\r\n[mcp_servers.a] # first\r\ncommand='x'\r\n",
    "goose": b"# mine\nextensions:\n    # first\n    a: {enabled: true}   # x\nGOOSE_MODEL:   m\n",
}
JSON_BY_HAND = (
    b'\xef\xbb\xbf{\r\n   // mine\r\n   "strange": [1,2],\r\n   "%s": {\r\n      "a": {}, // x\r\n'
    b"   },\r\n}\r\n"
)


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_hand_written_configuration_gets_its_bytes_back(
    home: Path, host: Command, name: str
) -> None:
    where = HOSTS[name]
    file = user_file(where)
    text = HAND_WRITTEN.get(name, JSON_BY_HAND % where.servers.encode())
    file.write_bytes(text)
    secret = ["--secret", "API_KEY"] if where.keeps else []
    assert host("install", name, "tea.py", *secret).code == 0
    assert host("install", name, "tea.py", "--name", "more", *secret).code == 0
    assert file.read_bytes() != text
    assert host("uninstall", name, "more").code == 0
    assert host("uninstall", name, "tea").code == 0
    assert file.read_bytes() == text


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_server_is_taken_out_of_a_configuration_that_the_host_wrote_since(
    home: Path, host: Command, name: str
) -> None:
    where = HOSTS[name]
    file = user_file(where)
    host("install", name, "tea.py")
    host("install", name, "tea.py", "--name", "more")
    comment = "// since\n" if file.suffix == ".json" else "# since\n"
    file.write_text(file.read_text() + comment)
    assert host("uninstall", name, "tea").code == 0
    assert set(read_with_comment(where)) == {"more"}
    assert host("uninstall", name, "more").code == 0
    assert file.read_text().strip() in (comment.strip(), f"{{}}\n{comment}".strip())


def read_with_comment(where: Host) -> Any:
    data: Any = where.format.read(user_file(where).read_text())
    return data[where.servers]


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_dry_run_shows_the_change_and_writes_nothing(
    home: Path, host: Command, name: str
) -> None:
    file = user_file(HOSTS[name])
    shown = host("install", name, "tea.py", "--dry-run", "--env", "LEVEL=debug")
    assert shown.code == 0
    assert "+++ ~" in shown.out
    assert "tea.py" in shown.out
    assert "debug" in shown.out
    assert shown.out.endswith("Nothing was written (--dry-run).\n")
    assert not file.exists()
    host("install", name, "tea.py")
    before = file.read_bytes()
    gone = host("uninstall", name, "tea", "--dry-run")
    assert "--- ~" in gone.out
    assert gone.out.endswith("Nothing was written (--dry-run).\n")
    assert file.read_bytes() == before
    assert host("uninstall", name, "tea").code == 0


def test_a_dry_run_leaves_out_what_stays(home: Path, host: Command) -> None:
    user_file(HOSTS["gemini"]).write_text('{\n  "strange": 1,\n  "mcpServers": {}\n}\n')
    shown = host("install", "gemini", "tea.py", "--dry-run").out
    assert '@@ line 3 @@\n-  "mcpServers": {}\n+  "mcpServers": {\n+    "tea": {\n' in shown
    assert "strange" not in shown


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_host_that_is_not_there_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Command, home: Path, name: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "nobody"))
    missing = host("install", name, "tea.py")
    assert missing.code == 1
    assert f"{HOSTS[name].title} was not found: there is no ~" in missing.err
    assert "--config PATH" in missing.err
    elsewhere = tmp_path / "portable" / "config"
    assert host("install", name, "tea.py", "--config", elsewhere).code == 0
    assert entry(HOSTS[name], path=elsewhere)
    assert host("uninstall", name, "tea", "--config", elsewhere).code == 0
    assert not elsewhere.exists()


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_malformed_configuration_is_refused_with_its_place(
    home: Path, host: Command, name: str
) -> None:
    file = user_file(HOSTS[name])
    file.write_text("{\n  [1}\n")
    for command in (("install", name, "tea.py"), ("uninstall", name, "tea")):
        refused = host(*command)
        assert refused.code == 1
        assert f"{file.name}:" in refused.err
        assert refused.err.endswith("It was not changed. Correct it there, then try again.\n")
    assert file.read_text() == "{\n  [1}\n"
    assert len(list(file.parent.glob(f"{file.name}*"))) == 1


@pytest.mark.parametrize("name", [each.name for each in HOSTS.values() if each.project])
def test_a_server_is_installed_for_one_project(home: Path, host: Command, name: str) -> None:
    where = HOSTS[name]
    done = host("install", name, "tea.py", "--project")
    assert "This file belongs to the project" in done.out
    file = Path.cwd() / str(where.project)
    assert entry(where, path=file)
    assert not user_file(where).exists()
    assert host("uninstall", name, "tea", "--scope", "project").code == 0
    assert not file.exists()


@pytest.mark.parametrize("name", [each.name for each in HOSTS.values() if not each.project])
def test_a_host_without_projects_says_so(home: Path, host: Command, name: str) -> None:
    refused = host("install", name, "tea.py", "--project")
    assert refused.code == 2
    assert "has no configuration for one project" in refused.err


@pytest.mark.parametrize("platform", ["darwin", "win32", "linux"])
@pytest.mark.parametrize("name", list(HOSTS))
def test_every_platform_has_its_file(home: Path, name: str, platform: str) -> None:
    file = user_file(HOSTS[name], platform)
    assert file.is_absolute()
    assert home in file.parents
    assert "{" not in str(file)


def test_the_hosts_own_variables_move_their_files(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", "/c")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/d")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")
    monkeypatch.setenv("APPDATA", "/a")
    assert user_file(HOSTS["codex"]) == Path("/c/config.toml")
    assert user_file(HOSTS["claude-code"]) == Path("/d/.claude.json")
    assert user_file(HOSTS["vscode"], "linux") == Path("/x/Code/User/mcp.json")
    assert user_file(HOSTS["goose"], "win32") == Path("/a/Block/goose/config/config.yaml")


# The command line


def test_variables_come_from_here_or_from_the_command_line(
    home: Path, host: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "yes")
    host("install", "cursor", "tea.py", "--env", "HERE", "--env", "A==b=c")
    assert entry(HOSTS["cursor"])["env"] == {"HERE": "yes", "A": "=b=c"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--env", "NOT_SET_HERE"], "this variable is not set here"),
        (["--env", "1=x"], "--env: 1 is no name of a variable"),
        (["--secret", "sk-123"], "--secret: the name given is no name of a variable"),
        (["--env", "K=v", "--secret", "K"], "K is given with --env and with --secret"),
        (["--env-file", "none.env"], "there is no file none.env"),
        (["--name", "two words"], "hosts accept letters, digits, - and _"),
        (["--name", "-x"], "expected one argument"),
    ],
)
def test_a_command_line_that_does_not_fit_is_refused(
    home: Path, host: Command, options: list[str], said: str
) -> None:
    refused = host("install", "cursor", "tea.py", *options)
    assert refused.code == 2
    assert said in refused.err
    assert not user_file(HOSTS["cursor"]).exists()


def test_another_server_of_that_name_is_refused_and_replaced_by_force(
    home: Path, host: Command
) -> None:
    file = user_file(HOSTS["vscode"])
    file.write_text('{"servers": {"tea": {"command": "mine"}}}')
    refused = host("install", "vscode", "tea.py")
    assert refused.code == 1
    assert "VS Code has another server called tea" in refused.err
    assert file.read_text() == '{"servers": {"tea": {"command": "mine"}}}'
    assert host("install", "vscode", "tea.py", "--force").out.startswith("Replaced tea in VS Code")
    assert entry(HOSTS["vscode"])["command"] == sys.executable
    (backup,) = file.parent.glob("*.bak")
    assert backup.read_text() == '{"servers": {"tea": {"command": "mine"}}}'
    assert host("uninstall", "vscode", "tea").code == 0
    assert read(HOSTS["vscode"]) == {"servers": {}}


def test_what_nobody_installed_is_not_uninstalled(home: Path, host: Command) -> None:
    file = user_file(HOSTS["gemini"])
    file.write_text('{"mcpServers": {"mine": {"command": "x"}}}')
    refused = host("uninstall", "gemini", "mine")
    assert refused.code == 1
    assert "mine in ~/.gemini/settings.json was not put there by `inverted install`" in refused.err
    missing = host("uninstall", "gemini", "other")
    assert "Gemini CLI has no server called other" in missing.err
    assert host("uninstall", "gemini", "mine", "--force").code == 0
    assert file.read_text() == '{"mcpServers": {}}'


def test_a_directory_as_configuration_is_refused(home: Path, host: Command) -> None:
    refused = host("install", "cursor", "tea.py", "--config", home)
    assert refused.code == 1
    assert "is a directory. --config names the file in it" in refused.err


def test_a_configuration_that_cannot_be_added_to_safely_is_refused(
    home: Path, host: Command
) -> None:
    user_file(HOSTS["codex"]).write_text("mcp_servers = {}\n")
    refused = host("install", "codex", "tea.py")
    assert refused.code == 1
    assert "cannot be changed without touching the rest" in refused.err
    assert user_file(HOSTS["codex"]).read_text() == "mcp_servers = {}\n"


@pytest.mark.parametrize("damage", ["not json", '{"file": 1}', '{"format": 2, "file": "x"}'])
def test_a_damaged_receipt_counts_as_none(home: Path, host: Command, damage: str) -> None:
    host("install", "cursor", "tea.py")
    (receipt,) = (user_data_path("inverted") / "installed").glob("*.json")
    receipt.write_text(damage)
    assert "was not put there" in host("uninstall", "cursor", "tea").err
    assert host("uninstall", "cursor", "tea", "--force").code == 0
    assert read(HOSTS["cursor"]) == {"mcpServers": {}}


def test_without_a_place_for_receipts_a_server_is_installed_all_the_same(
    tmp_path: Path, home: Path, host: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    done = host("install", "cursor", "tea.py")
    assert done.code == 0
    assert "`inverted uninstall` will need --force" in done.out
    assert host("uninstall", "cursor", "tea", "--force").code == 0


# What is installed runs


def test_an_installed_server_starts_from_anywhere(
    tmp_path: Path, home: Path, host: Command
) -> None:
    host("install", "cursor", "tea.py")
    found = entry(HOSTS["cursor"])
    assert found["command"] == sys.executable
    assert tools(found, tmp_path) == ["brew"]


def test_an_installed_server_gets_its_own_arguments(
    tmp_path: Path, home: Path, host: Command
) -> None:
    Path("argued.py").write_text(
        "import sys\nfrom fastmcp import FastMCP\nserver = FastMCP('t')\n"
        "server.tool(lambda: 1, name=sys.argv[1])\n"
    )
    host("install", "cursor", "argued.py:server", "--", "chosen")
    assert tools(entry(HOSTS["cursor"], "argued"), tmp_path) == ["chosen"]


def test_an_installed_command_starts_with_a_poor_path(
    tmp_path: Path, home: Path, host: Command
) -> None:
    host("install", "cursor", "inverted-code-review", "--", "--root", str(tmp_path))
    found = entry(HOSTS["cursor"], "inverted-code-review")
    assert Path(found["command"]).is_absolute()
    assert found["args"] == ["--root", str(tmp_path)]
    assert "review" in tools(found, tmp_path)


def tools(found: dict[str, Any], directory: Path) -> list[str]:
    """The tools of a server that is started as a host with a window would start it."""

    async def ask(log: TextIO) -> list[str]:
        parameters = StdioServerParameters(
            command=found["command"],
            args=found["args"],
            env={"PATH": "/usr/bin:/bin", "HOME": str(directory)},
            cwd=directory,
        )
        with anyio.fail_after(50):
            async with (
                stdio_client(parameters, errlog=log) as (reading, writing),
                ClientSession(reading, writing) as session,
            ):
                await session.initialize()
                return [tool.name for tool in (await session.list_tools()).tools]

    with (directory / "log").open("w") as log:
        return anyio.run(ask, log)
