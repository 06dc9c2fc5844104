"""What has to go into a bundle so that its server runs on another machine.

Packages that an index has are named, and uv installs them there. What is installed here from a
directory, the project itself above all, is on no index: it goes in as a wheel. A wheel holds what
the project's build means to ship, and nothing else of the directory.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from inverted.cli.errors import ConnectionProblem, UsageProblem
from inverted.cli.installing.launch import Direct, usable
from inverted.cli.packing.project import Project, from_installed, from_pyproject

_NAME: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_BLOCK: Final = re.compile(r"(?m)^# /// script$\s(?P<lines>(^#(| .*)$\s)+)^# ///$")

_FILE_MAIN: Final = '''\
"""Starts the server of this bundle."""

from pathlib import Path

from inverted.cli.serve import main

main(["file", str(Path(__file__).with_name({file!r})){item}])
'''
_SCRIPT_MAIN: Final = '''\
"""Starts the server of this bundle."""

import sys

from {module} import {first}

sys.exit({function}())
'''


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle.

    Attributes:
        project: What is known of it.
        requirements: What uv has to install from an index.
        local: Packages that go in as wheels: their names and directories.
        files: Files under `src/`, by name.
    """

    project: Project
    requirements: tuple[str, ...]
    local: dict[str, Path]
    files: dict[str, bytes]


def contents(target: str, packages: Sequence[str]) -> Contents:
    """Find out what has to go in.

    Args:
        target: A server file, a project directory, or an installed console command.
        packages: Packages to add.

    Raises:
        ConnectionProblem: There is no such target, or it cannot be packed.
        UsageProblem: The target is not one that can travel.
    """
    directory = Path(target).expanduser()
    if target and directory.is_dir():
        return _of_directory(directory.resolve(), packages)
    if re.search(r"\.py(:[^/\\]*)?$", target):
        return _of_file(target, packages)
    return _of_command(target, packages)


def _of_directory(directory: Path, packages: Sequence[str]) -> Contents:
    project = from_pyproject(directory)
    if project is None and (directory / "server.py").is_file():
        return _of_file(str(directory / "server.py"), packages)
    if project is None or not project.scripts:
        raise ConnectionProblem(
            f"nothing to pack in {directory}: there is no pyproject.toml with a command under "
            "[project.scripts], and no server.py. Name the server's file, or declare a command."
        )
    scripts = project.scripts
    script = scripts[project.name] if project.name in scripts else next(iter(scripts.values()))
    return _of_project(project, directory, script, packages)


def _of_command(target: str, packages: Sequence[str]) -> Contents:
    for script in entry_points(group="console_scripts", name=target):
        if script.dist is not None:
            directory = _directory(script.dist)
            if directory is not None:
                project = from_pyproject(directory) or from_installed(script.dist)
                return _of_project(project, directory, script.value, packages)
            installed = from_installed(script.dist)
            wanted = [f"{installed.name}=={installed.version}", *packages]
            local = _local(wanted)
            return Contents(installed, _others(wanted, local), local, _main(script.value))
    raise UsageProblem(
        f"{target!r} is no Python file, no directory and no command of a Python package in this "
        "environment. Only those can be packed; install the package here first."
    )


def _of_project(
    project: Project, directory: Path, script: str, packages: Sequence[str]
) -> Contents:
    local = {project.name: directory, **_local([*project.dependencies, *packages])}
    return Contents(project, _others(packages, local), local, _main(script))


def _of_file(target: str, packages: Sequence[str]) -> Contents:
    written, _, item = target.rpartition(":") if not target.endswith(".py") else (target, "", "")
    file = Path(written).expanduser().resolve()
    if not file.is_file():
        raise ConnectionProblem(f"there is no file {written}. TARGET {target!r} names it.")
    source = file.read_bytes()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ConnectionProblem(f"cannot read {file}: {error}") from None
    beside = sorted(set(_beside(file, tree)))
    if beside:
        raise UsageProblem(
            f"{file.name} imports {', '.join(beside)} from its directory, and a bundle of one file "
            "would lack it. Make it a project with a command under [project.scripts], and pack "
            "the directory."
        )
    around = next((found for each in file.parents if (found := from_pyproject(each))), None)
    around = around or _own(file, tree)
    dependencies = _inline(file, source)
    if dependencies is None:
        dependencies = around.dependencies
    wanted = list(dict.fromkeys([*dependencies, *packages, "inverted"]))
    local = _local(wanted)
    main = _FILE_MAIN.format(file=file.name, item=f", {item!r}" if item else "")
    if file.name == "main.py":
        raise UsageProblem(
            "main.py is the name of the bundle's own start. Rename the server's file."
        )
    return Contents(
        around, _others(wanted, local), local, {"main.py": main.encode(), file.name: source}
    )


def _own(file: Path, tree: ast.Module) -> Project:
    """What a file outside of any project says about itself."""
    name = file.parent.name if file.stem in ("server", "app") else file.stem
    about = (ast.get_docstring(tree) or "").partition("\n")[0]
    return Project(usable(name), "0.0.0", about)


def _inline(file: Path, source: bytes) -> Sequence[str] | None:
    """The dependencies that a file declares in its script block (PEP 723), if it has one."""
    block = _BLOCK.search(source.decode(errors="replace").replace("\r\n", "\n"))
    if block is None:
        return None
    lines = (line.removeprefix("#").removeprefix(" ") for line in block["lines"].splitlines())
    try:
        inline: dict[str, Any] = tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        raise ConnectionProblem(f"cannot read the script block of {file}: {error}") from None
    return inline.get("dependencies", ())


def _beside(file: Path, tree: ast.Module) -> Iterator[str]:
    """The modules beside a file that it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"
            continue
        else:
            continue
        for first in (name.partition(".")[0] for name in names):
            there = (file.with_name(f"{first}.py"), file.with_name(first) / "__init__.py")
            if first not in sys.stdlib_module_names and any(each.is_file() for each in there):
                yield first


def _main(script: str) -> dict[str, bytes]:
    module, _, function = script.partition(" ")[0].partition(":")
    first = function.partition(".")[0]
    text = _SCRIPT_MAIN.format(module=module, first=first, function=function)
    return {"main.py": text.encode()}


def _local(requirements: Iterable[str]) -> dict[str, Path]:
    """Packages among these, and among what they need, that are installed from a directory."""
    found: dict[str, Path] = {}
    waiting = list(requirements)
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = _name(requirement)
        if name in seen or "extra ==" in requirement:
            continue
        seen.add(name)
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        directory = _directory(installed)
        if directory is not None:
            found[installed.name] = directory
        waiting += installed.requires or ()
    return found


def _others(requirements: Iterable[str], local: dict[str, Path]) -> tuple[str, ...]:
    names = {_name(each) for each in local}
    return tuple(each for each in requirements if _name(each) not in names)


def _name(requirement: str) -> str:
    """The name in a requirement, as PyPI compares names."""
    found = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else requirement


def _directory(installed: Distribution) -> Path | None:
    """The directory that a package was installed from."""
    written = installed.read_text("direct_url.json")
    if written is None:
        return None
    direct = Direct.model_validate_json(written)
    parts = urlsplit(direct.url)
    if parts.scheme != "file":
        return None
    path = Path(url2pathname(unquote(parts.path)))
    return path if path.is_dir() else None
