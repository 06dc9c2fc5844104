"""What TARGET means: a command that starts a server on stdio, or a URL where one listens.

In this order:
1. everything after a bare `--` is a command;
2. `http://…` and `https://…` are URLs;
3. `file.py` and `file.py:object` are Python files, run by the interpreter of this host;
4. a directory: the command that its pyproject.toml declares, else a package with `__main__.py`,
   else its `server.py`;
5. anything else is a command, quoted as in a shell; an installed console command is one.

Nothing is started and nothing is contacted here. Called by the `run` command.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from inverted.cli.errors import ConnectionProblem, UsageProblem

_RUNNER: Final = (sys.executable, "-P", str(Path(__file__).with_name("serve.py")))

# For servers of FastMCP: a log of what goes wrong only, and no look-up of newer versions at start.
_CALM: Final = {
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_LOG_LEVEL": "WARNING",
}

_PASSED: Final = ("LANG", "TZ", "TMPDIR", "VIRTUAL_ENV")
_PASSED_PREFIXES: Final = ("INVERTED_", "LC_", "XDG_", "PYTHON", "FASTMCP_")


@dataclass(frozen=True)
class Command:
    """A process to start and to speak with over its stdin and stdout.

    Attributes:
        argv: The program and its arguments.
        name: What to call it: what the person wrote.
        env: Variables that it gets beside the SDK's short list of harmless ones.
    """

    argv: tuple[str, ...]
    name: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def transport(self) -> str:
        """How to call it in a message."""
        return "stdio"


@dataclass(frozen=True)
class Url:
    """A server that listens already."""

    url: str

    @property
    def name(self) -> str:
        """What to call it."""
        return self.url

    @property
    def transport(self) -> str:
        """How to call it in a message."""
        return "SSE" if self.is_sse else "HTTP"

    @property
    def is_sse(self) -> bool:
        """Whether the address is one of the old HTTP+SSE transport, by the usual path."""
        return urlsplit(self.url).path.rstrip("/").endswith("/sse")


Target = Command | Url


def resolve(target: str | None, command: Sequence[str], env: Sequence[str]) -> Target:
    """Find out what to connect to.

    Args:
        target: TARGET as written, None when a command is given.
        command: The words after a bare `--`.
        env: `NAME=VALUE`, or `NAME` to pass on this process's own value.

    Returns:
        A command or a URL.

    Raises:
        ConnectionProblem: There is no such file, directory or command, or nothing in it to run.
        UsageProblem: `env` names a variable that is not set.
    """
    variables = _environment(env)
    if command:
        written = shlex.join(command)
        return Command(_program(command, written), written, variables)
    written = target or ""
    if urlsplit(written).scheme in ("http", "https"):
        return Url(written)
    path, found, name = _python_file(written)
    if found:
        argv = (*_RUNNER, "file", str(path), *([name] if name else []))
        return Command(argv, written, _CALM | variables)
    directory = Path(written).expanduser()
    if written and directory.is_dir():
        return Command(_in_directory(directory), written, _CALM | variables)
    try:
        words = shlex.split(written)
    except ValueError as error:
        raise ConnectionProblem(f"cannot read the command {written!r}: {error}") from None
    return Command(_program(words, written), written, variables)


def python_file(target: Target) -> tuple[Path, str | None] | None:
    """The Python file that a target runs and the object that it names in it, if it is one."""
    if not isinstance(target, Command) or target.argv[: len(_RUNNER) + 1] != (*_RUNNER, "file"):
        return None
    path, *name = target.argv[len(_RUNNER) + 1 :]
    return Path(path), name[0] if name else None


def _environment(given: Sequence[str]) -> dict[str, str]:
    """What the server's process gets beside PATH, HOME and the like.

    API keys and other secrets of this terminal stay here: a server that needs one is given it
    by name, with --env.
    """
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.startswith(_PASSED_PREFIXES)
    }
    for item in given:
        name, equals, value = item.partition("=")
        if not equals and name not in os.environ:
            raise UsageProblem(
                f"--env {name}: this variable is not set here. Set it, or write --env {name}=VALUE."
            )
        passed[name] = value if equals else os.environ[name]
    return passed


def _python_file(written: str) -> tuple[Path, bool, str | None]:
    """The path, whether it is a Python file, and the object after the colon."""
    before, colon, name = written.rpartition(":")
    for text, wanted in ((written, None), (before, name)):
        if not text.endswith(".py") or (wanted is not None and not colon):
            continue
        path = Path(text).expanduser()
        if not path.is_file():
            raise ConnectionProblem(f"there is no file {text}. TARGET {written!r} names it.")
        return path, True, wanted
    return Path(written), False, None


def _in_directory(directory: Path) -> tuple[str, ...]:
    resolved = directory.resolve()
    script = _declared_script(resolved)
    if script is not None:
        return (*_RUNNER, "script", script, str(resolved / "src"), str(resolved))
    if (resolved / "__main__.py").is_file() and (resolved / "__init__.py").is_file():
        return (*_RUNNER, "package", resolved.name, str(resolved.parent))
    for name in ("server.py", "__main__.py"):
        if (resolved / name).is_file():
            return (*_RUNNER, "file", str(resolved / name))
    raise ConnectionProblem(
        f"nothing to run in {directory}: there is no pyproject.toml with one command under "
        "[project.scripts], no package with __main__.py, and no server.py. Name the file itself."
    )


def _declared_script(directory: Path) -> str | None:
    file = directory / "pyproject.toml"
    if not file.is_file():
        return None
    try:
        project: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConnectionProblem(f"cannot read {file}: {error}") from None
    scripts: dict[str, str] = project.get("scripts", {})
    own = scripts.get(str(project.get("name")))
    if own is not None:
        return own
    if len(scripts) > 1:
        raise ConnectionProblem(
            f"{file} declares several commands ({', '.join(sorted(scripts))}). Install the "
            "project and name one of them as TARGET."
        )
    return next(iter(scripts.values()), None)


def _program(words: Sequence[str], written: str) -> tuple[str, ...]:
    name = words[0] if words else ""
    beside = Path(sys.executable).parent  # commands of this environment, active or not
    found = shutil.which(name) or shutil.which(name, path=str(beside))
    if not name or found is None:
        raise ConnectionProblem(
            f"cannot find {name or written!r}: it is no Python file, no directory, no URL and no "
            "command on PATH."
        )
    return (found, *words[1:])
