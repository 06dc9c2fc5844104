"""Puts the suite into a real client, as a server that a person goes through by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inverted_conformance.client_mode.config_file import ConfigError, add, remove
from inverted_conformance.wire.transcript import Message

NAME: Final = "inverted-conformance"
COMMAND: Final = (sys.executable, "-m", "inverted_conformance.client_mode.by_hand")
SECONDS: Final = 60
"""Seconds that a host's own command may take."""

NEXT: Final = (
    "Restart the client, and ask its model: call the tool next_check of the server "
    f"{NAME} until it says that all is done, then report."
)


@dataclass(frozen=True, slots=True)
class Host:
    """A client that a person uses, and how servers come into it."""

    title: str
    add: tuple[str, ...] = ()
    """Its own command for adding; empty if its file is changed instead."""

    remove: tuple[str, ...] = ()
    """Its own command for taking out; empty if its file is changed instead."""

    file: Callable[[], Path] | None = None
    container: str = "mcpServers"
    """The key in the file under which the servers are."""


def _entry() -> Message:
    return {"command": COMMAND[0], "args": list(COMMAND[1:])}


def _settings(*path: str) -> Callable[[], Path]:
    """A file where the system keeps the settings of applications."""

    def find() -> Path:
        home = Path.home()
        if sys.platform == "darwin":
            return home.joinpath("Library", "Application Support", *path)
        if sys.platform == "win32":
            return Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")).joinpath(*path)
        return Path(os.environ.get("XDG_CONFIG_HOME", home / ".config")).joinpath(*path)

    return find


def _home(*path: str) -> Callable[[], Path]:
    return lambda: Path.home().joinpath(*path)


_SERVER: Final = json.dumps({"name": NAME, **_entry()})

HOSTS: Final[dict[str, Host]] = {
    "claude-code": Host(
        "Claude Code",
        add=("claude", "mcp", "add", "--scope", "user", NAME, "--", *COMMAND),
        remove=("claude", "mcp", "remove", "--scope", "user", NAME),
    ),
    "claude-desktop": Host(
        "Claude Desktop", file=_settings("Claude", "claude_desktop_config.json")
    ),
    "codex": Host(
        "Codex",
        add=("codex", "mcp", "add", NAME, "--", *COMMAND),
        remove=("codex", "mcp", "remove", NAME),
    ),
    "cursor": Host("Cursor", file=_home(".cursor", "mcp.json")),
    "gemini": Host(
        "Gemini CLI",
        # Without the dashes its command takes the arguments of the server for its own.
        add=("gemini", "mcp", "add", "--scope", "user", NAME, COMMAND[0], "--", *COMMAND[1:]),
        remove=("gemini", "mcp", "remove", "--scope", "user", NAME),
    ),
    "vscode": Host(
        "VS Code",
        add=("code", "--add-mcp", _SERVER),
        # It has no command for taking out.
        file=_settings("Code", "User", "mcp.json"),
        container="servers",
    ),
}

PRINT: Final = "print"
"""The host that is any other: its entry is printed."""

Run = Callable[[Sequence[str]], int]


def install(host: str, *, run: Run | None = None) -> int:
    """Put the suite into a host.

    Args:
        host: A key of `HOSTS`, or `print`.
        run: Runs a command; tests give another.

    Returns:
        The exit code: 0 done, 1 not done, 2 no such host. What was done or why not is printed.
    """
    if host == PRINT:
        sys.stdout.write(json.dumps({"mcpServers": {NAME: _entry()}}, indent=2) + "\n")
        return 0
    found = _host(host)
    if found is None:
        return 2
    try:
        if found.add:
            _ran(found, found.add, run or _run)
        elif found.file is not None:
            file = found.file()
            add(file, found.container, NAME, _entry())
            sys.stdout.write(f"Added {NAME} to {file}.\n")
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{found.title}: {NEXT}\n")
    return 0


def uninstall(host: str, *, run: Run | None = None) -> int:
    """Take the suite out of a host.

    Args:
        host: A key of `HOSTS`.
        run: Runs a command; tests give another.

    Returns:
        The exit code: 0 it is not there any more, 1 not done, 2 no such host.
    """
    found = _host(host)
    if found is None:
        return 2
    try:
        if found.remove:
            _ran(found, found.remove, run or _run)
        elif found.file is not None:
            file = found.file()
            was = remove(file, found.container, NAME)
            done = "Took {} out of {}." if was else "There is no {} in {}."
            sys.stdout.write(done.format(NAME, file) + "\n")
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _host(name: str) -> Host | None:
    found = HOSTS.get(name)
    if found is None:
        known = ", ".join([*HOSTS, PRINT])
        sys.stderr.write(f"There is no host {name!r}; it must be one of {known}.\n")
    return found


def _ran(host: Host, command: Sequence[str], run: Run) -> None:
    code = run(command)
    if code:
        raise ConfigError(f"{host.title}: {command[0]} ended with {code}; nothing was changed.")


def _run(command: Sequence[str]) -> int:
    program = shutil.which(command[0])
    if program is None:
        raise ConfigError(f"There is no {command[0]} on the PATH; nothing was changed.")
    try:
        return subprocess.run([program, *command[1:]], check=False, timeout=SECONDS).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{command[0]} could not be run: {error}") from error
