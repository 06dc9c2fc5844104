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

from inverted.cli.installing.hosts import HOSTS, Host, signs, user_file

Command = Callable[..., Any]
SERVER = "from fastmcp import FastMCP\nserver = FastMCP('tea')\n@server.tool\ndef brew(): ...\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where every host was started once, a working directory, and no variables of here."""
    place = tmp_path / "home"
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(place))
    for name in ("XDG_CONFIG_HOME", "APPDATA", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    for each in HOSTS.values():
        signs(each)[-1].mkdir(parents=True)
    work = tmp_path / "work"
    work.mkdir()
    (work / "tea.py").write_text(SERVER)
    monkeypatch.chdir(work)
    return place


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
    secret = ["--secret", "API_KEY"] if where.secret else []
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


# Secrets


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


@pytest.mark.parametrize("name", [each.name for each in HOSTS.values() if each.secret])
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
    text = json.dumps({"mcpServers": servers, "list": [1]})
    user_file(HOSTS["cursor"]).write_text(text)
    shown = host("install", "cursor", "tea.py", "--dry-run").out
    assert '"K": "•••", "L": "${K}"' in shown
    assert "x1" not in shown
    assert "abc" not in shown


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
