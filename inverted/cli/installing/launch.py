"""What a host has to start so that a server runs, from any directory and with any PATH.

A host with a window has not the PATH of a terminal, and starts servers wherever it likes. So every
command here begins with an absolute path. Without --with and --python it is what is installed now:
the interpreter of this environment, or the console command. That starts in a second and needs no
network. With them it is `uv run` or `uv tool run`, which makes an environment of its own.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

from fastmcp.utilities.mcp_server_config.v1.environments.uv import UVEnvironment
from pydantic import BaseModel, Field

from inverted.cli.errors import ConnectionProblem, UsageProblem
from inverted.cli.target import Command, resolve

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Names that every host accepts."""

_OWN: Final = "an environment of its own (--with, --python)"
_GENERIC: Final = frozenset({"server", "main", "app", "mcp", "__main__", "__init__"})
_USUAL_PLACES: Final = (
    "~/.local/bin/uv",
    "~/.cargo/bin/uv",
    "/opt/homebrew/bin/uv",
    "/usr/local/bin/uv",
)


@dataclass(frozen=True)
class Launch:
    """A command line.

    Attributes:
        argv: The program, as an absolute path, and its arguments.
        name: A name for the server, made from the target.
    """

    argv: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Wishes:
    """What the person wants of the environment.

    Attributes:
        packages: Packages to add.
        python: The version of Python.
        env_file: A file of variables that the command has to read, since the host does not.
        args: Arguments for the server.
    """

    packages: tuple[str, ...] = ()
    python: str | None = None
    env_file: Path | None = None
    args: tuple[str, ...] = ()

    @property
    def own_environment(self) -> bool:
        """Whether uv has to make an environment."""
        return bool(self.packages) or self.python is not None


def launch(target: str, wishes: Wishes) -> Launch:
    """Find out what starts a target.

    Args:
        target: A server file (`server.py`, `server.py:object`), a project directory, or a command.
        wishes: What the person wants of the environment.

    Raises:
        ConnectionProblem: There is nothing to start.
        UsageProblem: The target is a URL, or uv is needed and not there.
    """
    if urlsplit(target).scheme in ("http", "https"):
        raise UsageProblem(
            f"{target} is a server that runs already; a host needs only its address. Add the URL "
            "in the host itself. `inverted install` is for servers that the host has to start."
        )
    directory = Path(target).expanduser()
    if target and directory.is_dir():
        argv, name = _directory(target, directory.resolve(), wishes)
    elif re.search(r"\.py(:[^/\\]*)?$", target):
        argv, name = _file(target, wishes)
    else:
        argv, name = _command(target, wishes)
    if wishes.env_file is not None and not wishes.own_environment:
        argv = (
            find_uv("--env-file, for this host,"),
            "run",
            "--no-project",
            "--env-file",
            str(wishes.env_file),
            "--",
            *argv,
        )
    return Launch(argv, usable(name))


def _file(target: str, wishes: Wishes) -> tuple[tuple[str, ...], str]:
    started = _resolved(target)
    path = Path(started[4]).resolve()
    spec = ":".join([str(path), *started[5:]])
    name = path.parent.name if path.stem in _GENERIC else path.stem
    rest = ("--", *wishes.args) if wishes.args else ()
    if wishes.own_environment:
        dependencies = [*wishes.packages, requirement("inverted")]
        command = ["fastmcp", "run", spec, "--no-banner", *rest]
        return _with_uv(wishes, dependencies, command, ["--no-project"]), name
    if wishes.args:  # serve.py has no arguments to pass on
        return (sys.executable, "-P", "-m", "fastmcp.cli", "run", spec, "--no-banner", *rest), name
    return (*started[:4], str(path), *started[5:]), name


def _directory(target: str, directory: Path, wishes: Wishes) -> tuple[tuple[str, ...], str]:
    declared = _project(directory)
    name = str(declared.get("name") or directory.name)
    scripts: dict[str, str] = declared.get("scripts") or {}
    script = name if name in scripts else next(iter(scripts), None)
    if wishes.own_environment and script is not None:
        options = ["--project", str(directory)]
        return _with_uv(wishes, list(wishes.packages), [script, *wishes.args], options), name
    if wishes.own_environment:
        raise UsageProblem(
            f"--with and --python need a project with a command, and that of {directory} declares "
            "none under [project.scripts]. Name the server's file instead."
        )
    if script is not None:
        beside = "Scripts" if sys.platform == "win32" else "bin"
        found = shutil.which(script, path=str(directory / ".venv" / beside))
        if found is not None:
            return (found, *wishes.args), name
    started = _resolved(target)
    if wishes.args:
        raise UsageProblem(
            f"arguments after -- cannot be passed to {target} without an environment of its own. "
            "Make one (`uv sync` in the project), or name the server's file or command."
        )
    return started, name


def _command(target: str, wishes: Wishes) -> tuple[tuple[str, ...], str]:
    words = target.split()
    name = Path(words[0]).stem if words else target
    if not wishes.own_environment:
        found = (*_resolved(target), *wishes.args)
        return (str(Path(found[0]).absolute()), *found[1:]), name
    if len(words) != 1:
        raise UsageProblem("--with and --python need the name of one command, without arguments.")
    options = ["--python", wishes.python] if wishes.python else []
    options += [word for package in wishes.packages for word in ("--with", package)]
    options += _from(target)
    if wishes.env_file is not None:
        options += ["--env-file", str(wishes.env_file)]
    return (find_uv(_OWN), "tool", "run", *options, target, *wishes.args), name


def _with_uv(
    wishes: Wishes, dependencies: list[str], command: list[str], options: list[str]
) -> tuple[str, ...]:
    """What FastMCP's own `install` makes of it, with an absolute uv and our options."""
    environment = UVEnvironment(python=wishes.python, dependencies=dependencies or None)
    _, _, *rest = environment.build_command(command)
    if wishes.env_file is not None:
        options = [*options, "--env-file", str(wishes.env_file)]
    return (find_uv(_OWN), "run", *options, *rest)


def _resolved(target: str) -> tuple[str, ...]:
    return cast("Command", resolve(target, (), ())).argv  # `launch` has refused URLs


def find_uv(wanted: str) -> str:
    """Find uv, also where a shell's PATH would not lead.

    Args:
        wanted: What needs it, for the message.

    Returns:
        Its absolute path.

    Raises:
        UsageProblem: It is not there.
    """
    beside = Path(sys.executable).parent
    found = shutil.which("uv") or shutil.which("uv", path=str(beside))
    for usual in _USUAL_PLACES:
        found = found or shutil.which(str(Path(usual).expanduser()))
    if found is None:
        raise UsageProblem(
            f"{wanted} needs uv, which is not on PATH. Install it: docs.astral.sh/uv."
        )
    return str(Path(found).absolute())


def _from(command: str) -> list[str]:
    """The package of an installed console command; an unknown one names its package itself."""
    for script in entry_points(group="console_scripts", name=command):
        if script.dist is not None:
            return ["--from", requirement(script.dist.name)]
    return []


class Direct(BaseModel):
    """direct_url.json (PEP 610): where a package came from, if not from an index."""

    url: str
    vcs_info: dict[str, str] = Field(default_factory=dict)


def requirement(package: str) -> str:
    """How to ask uv for a package as it is installed here.

    Args:
        package: The name of a distribution.

    Returns:
        `name==version`, or where it came from: a directory, an archive, a repository (PEP 508).
    """
    try:
        found: Distribution = distribution(package)
    except PackageNotFoundError:
        return package
    written = found.read_text("direct_url.json")
    if written is None:
        return f"{package}=={found.version}"
    direct = Direct.model_validate_json(written)
    if direct.vcs_info:
        commit = direct.vcs_info.get("commit_id", "")
        return f"{package} @ {direct.vcs_info.get('vcs', 'git')}+{direct.url}@{commit}"
    return f"{package} @ {direct.url}"


def _project(directory: Path) -> dict[str, Any]:
    file = directory / "pyproject.toml"
    try:
        return dict(tomllib.loads(file.read_text(encoding="utf-8")).get("project", {}))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConnectionProblem(f"cannot read {file}: {error}") from None


def usable(name: str) -> str:
    """The name of a server, made from any name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:64] or "server"


def checked_name(name: str) -> str:
    """Hold a name that the person chose to what every host accepts.

    Raises:
        UsageProblem: It is not.
    """
    if NAME.fullmatch(name):
        return name
    raise UsageProblem(
        f"--name {name!r} is not usable: hosts accept letters, digits, - and _, a letter or digit "
        "first, 64 at most."
    )


def env_values(items: Sequence[str], option: str) -> dict[str, str | None]:
    """`NAME=VALUE` and `NAME`, by name; None where no value was given.

    Raises:
        UsageProblem: A name is not one.
    """
    found: dict[str, str | None] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            shown = name if equals else "the name given"
            raise UsageProblem(f"{option}: {shown} is no name of a variable.")
        found[name] = value if equals else None
    return found
