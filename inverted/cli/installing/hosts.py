"""The hosts that a server can be installed in, as data: files, entries, places for secrets.

Every line names its source and the day on which it was read. `docs/installing.md` shows the same
table, and a test compares.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from inverted.cli.installing.edits import END, Data, Format
from inverted.cli.installing.edits import Path as Place
from inverted.cli.installing.jsonc import Jsonc
from inverted.cli.installing.tomltext import Toml
from inverted.cli.installing.yamltext import Yaml

SECONDS: Final = 600
"""How long a host shall wait for a tool, where its default is shorter: an agent asks people."""

START_SECONDS: Final = 60
"""How long a host shall wait for the start, where its default is shorter: uv may install first."""


@dataclass(frozen=True)
class Server:
    """What is to be installed.

    Attributes:
        name: What the host calls it.
        command: The program, as an absolute path.
        args: Its arguments.
        env: Variables whose values may stand in the configuration.
        secrets: Variables whose values stay in the host's place for secrets.
        clear: Secret values that the person wants in the configuration all the same.
        env_file: A file of variables that the host reads itself.
    """

    name: str
    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: tuple[str, ...] = ()
    clear: Mapping[str, str] = field(default_factory=dict[str, str])
    env_file: str | None = None


Addition = tuple[Place, object]
"""A place in a configuration, and what is put there."""


@dataclass(frozen=True)
class Host:
    """One host.

    Attributes:
        name: What it is called on the command line.
        title: What people call it.
        format: The format of its configuration.
        user: The file for every project, by `sys.platform`; "" for any other platform.
        project: The file for one project, in its directory; None if the host has none.
        servers: The key under which servers stand.
        entry: The entry of a server.
        keeps: Where the value of a secret comes from, as a sentence; empty if the
            host has no place for secrets.
        reference: How an entry refers to a secret, with `{key}` and `{name}`.
        next: What to do after the installation.
        source: Where the format was read.
        checked: When.
        signs: Paths one of which is there when the host is; by default the directory of its file.
        prompts: Whether the host asks for secrets that are listed under `inputs`.
        reads_env_file: Whether an entry may name a file of variables.
        folds_names: Whether it knows servers by their names in lower case.
    """

    name: str
    title: str
    format: Format
    user: Mapping[str, str]
    project: str | None
    servers: str
    entry: Callable[[Host, Server], Data]
    keeps: str
    reference: str
    next: str
    source: str
    checked: str
    signs: tuple[str, ...] = ()
    prompts: bool = False
    reads_env_file: bool = False
    folds_names: bool = False

    def place(self, name: str) -> Place:
        """Where the entry of a server stands."""
        return self.servers, name.lower() if self.folds_names else name

    def additions(self, server: Server) -> list[Addition]:
        """What an installation puts into the configuration: the entry first."""
        found: list[Addition] = [(self.place(server.name), self.entry(self, server))]
        if self.prompts:
            found += [
                (
                    ("inputs", END),
                    {
                        "type": "promptString",
                        "id": input_id(server.name, key),
                        "description": f"{key} for {server.name}",
                        "password": True,
                    },
                )
                for key in server.secrets
            ]
        return found

    def variables(self, server: Server) -> dict[str, str]:
        """The variables of an entry, secrets as references."""
        referred = {
            key: self.reference.format(key=key, name=server.name)
            for key in server.secrets
            if self.reference
        }
        return {**server.env, **server.clear, **referred}


def input_id(name: str, key: str) -> str:
    """What VS Code calls the question for a secret."""
    return f"{name}-{key}"


def user_file(host: Host, platform: str = sys.platform) -> Path:
    """The configuration of a host for every project of this person."""
    return expanded(host.user.get(platform, host.user[""]))


def signs(host: Host, platform: str = sys.platform) -> list[Path]:
    """Paths one of which is there when the host was started here once."""
    return [expanded(each) for each in host.signs] or [user_file(host, platform).parent]


def expanded(path: str) -> Path:
    """A path of the table on this machine."""
    home = Path.home()
    places = {
        "home": home,
        "config": os.environ.get("XDG_CONFIG_HOME") or home / ".config",
        "appdata": os.environ.get("APPDATA") or home / "AppData" / "Roaming",
        "codex": os.environ.get("CODEX_HOME") or home / ".codex",
        "claude": os.environ.get("CLAUDE_CONFIG_DIR") or home,
    }
    return Path(path.format_map(places))


def _plain(host: Host, server: Server) -> Data:
    entry: Data = {"command": server.command, "args": list(server.args)}
    variables = host.variables(server)
    if variables:
        entry["env"] = variables
    if server.env_file is not None:
        entry["envFile"] = server.env_file
    return entry


def _typed(host: Host, server: Server) -> Data:
    return {"type": "stdio", **_plain(host, server)}


def _goose(host: Host, server: Server) -> Data:
    return {
        "enabled": True,
        "type": "stdio",
        "name": server.name,
        "description": f"MCP server {server.name}",
        "cmd": server.command,
        "args": list(server.args),
        "envs": host.variables(server),
        "env_keys": list(server.secrets),
        "timeout": SECONDS,
    }


def _codex(host: Host, server: Server) -> Data:
    forwarded = {"env_vars": list(server.secrets)} if server.secrets else {}
    return {
        **_plain(host, server),
        **forwarded,
        "startup_timeout_sec": START_SECONDS,
        "tool_timeout_sec": SECONDS,
    }


_FROM_ENVIRONMENT: Final = "{title} takes it from its own environment: set it where {title} starts"

HOSTS: Final = {
    host.name: host
    for host in (
        Host(
            name="claude-desktop",
            title="Claude Desktop",
            format=Jsonc(),
            user={
                "darwin": "{home}/Library/Application Support/Claude/claude_desktop_config.json",
                "win32": "{appdata}/Claude/claude_desktop_config.json",
                "": "{config}/Claude/claude_desktop_config.json",
            },
            project=None,
            servers="mcpServers",
            entry=_plain,
            keeps="",
            reference="",
            next="Quit Claude Desktop and start it again.",
            source="modelcontextprotocol.io/docs/develop/connect-local-servers",
            checked="2026-11-21",
        ),
        Host(
            name="claude-code",
            title="Claude Code",
            format=Jsonc(),
            user={"": "{claude}/.claude.json"},
            project=".mcp.json",
            servers="mcpServers",
            entry=_typed,
            keeps=_FROM_ENVIRONMENT,
            reference="${{{key}}}",
            next="claude mcp get {name} shows it; a running Claude Code must be started again.",
            source="code.claude.com/docs/en/mcp; claude 2.1.197",
            checked="2026-11-21",
            signs=("{claude}/.claude.json", "{home}/.claude"),
        ),
        Host(
            name="vscode",
            title="VS Code",
            format=Jsonc(),
            user={
                "darwin": "{home}/Library/Application Support/Code/User/mcp.json",
                "win32": "{appdata}/Code/User/mcp.json",
                "": "{config}/Code/User/mcp.json",
            },
            project=".vscode/mcp.json",
            servers="servers",
            entry=_typed,
            keeps="{title} asks for it at the first start and keeps it in its secret storage",
            reference="${{input:{name}-{key}}}",
            next='In VS Code, run "MCP: List Servers" and start {name}.',
            source="code.visualstudio.com/docs/copilot/reference/mcp-configuration (of 2026-05-20)",
            checked="2026-11-21",
            prompts=True,
            reads_env_file=True,
        ),
        Host(
            name="cursor",
            title="Cursor",
            format=Jsonc(),
            user={"": "{home}/.cursor/mcp.json"},
            project=".cursor/mcp.json",
            servers="mcpServers",
            entry=_typed,
            keeps=_FROM_ENVIRONMENT,
            reference="${{env:{key}}}",
            next="In Cursor, open Settings, MCP, and switch {name} on.",
            source="cursor.com/docs/mcp (as quoted by syllago.dev)",
            checked="2026-11-21",
            reads_env_file=True,
        ),
        Host(
            name="goose",
            title="Goose",
            format=Yaml(),
            user={
                "win32": "{appdata}/Block/goose/config/config.yaml",
                "": "{config}/goose/config.yaml",
            },
            project=None,
            servers="extensions",
            entry=_goose,
            keeps="{title} takes it from its environment, else from its keyring: set it in the "
            "extension's settings of Goose Desktop, or as a variable where goose starts",
            reference="",
            next="The next goose session has it.",
            source="aaif-goose/goose crates/goose/src/agents/extension.rs (20f87d1)",
            checked="2026-11-21",
            folds_names=True,
        ),
        Host(
            name="gemini",
            title="Gemini CLI",
            format=Jsonc(),
            user={"": "{home}/.gemini/settings.json"},
            project=".gemini/settings.json",
            servers="mcpServers",
            entry=_plain,
            keeps=_FROM_ENVIRONMENT,
            reference="${{{key}}}",
            next="gemini mcp list shows it; a running Gemini CLI must be started again.",
            source="google-gemini/gemini-cli/docs/tools/mcp-server.md (5411f11); gemini 0.61.0",
            checked="2026-11-21",
        ),
        Host(
            name="codex",
            title="Codex",
            format=Toml(),
            user={"": "{codex}/config.toml"},
            project=".codex/config.toml",
            servers="mcp_servers",
            entry=_codex,
            keeps=_FROM_ENVIRONMENT,
            reference="",
            next="codex mcp get {name} shows it; a running Codex must be started again.",
            source="openai/codex codex-rs/config/src/mcp_types.rs (00b17c2); codex 0.169.0",
            checked="2026-11-21",
        ),
    )
}
"""Every host by its name."""
