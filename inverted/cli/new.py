"""`inverted new NAME`: writes a small agent server that runs, with a test that passes.

The files are those of the `template` folder, with `$name`, `$module` and `$version` filled in.
Nothing that exists is touched.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

from inverted import __version__
from inverted.cli.errors import UsageProblem

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST: Final = 60
_TAKEN: Final = frozenset({"inverted", "mcp", "fastmcp", "pydantic", "pytest", "test", "tests"})
_SUFFIX: Final = ".tmpl"  # so that no tool takes the templates for source


def command(argv: Sequence[str]) -> int:
    """Serve `inverted new`.

    Args:
        argv: What stands after `new`.

    Returns:
        0.

    Raises:
        UsageProblem: The name is not usable, or something of that name is there already.
    """
    parser = argparse.ArgumentParser(
        prog="inverted new",
        description="Write a small agent server with a test into a new directory.",
        epilog="The name becomes the directory, the distribution, the server and, with underscores,"
        " the Python package.",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="NAME", help="lower-case words with hyphens: bug-triage")
    name: str = parser.parse_args(argv).name
    module = check_name(name)
    directory = Path(name)
    if directory.exists():
        raise UsageProblem(f"{directory} exists already. Choose another name, or remove it.")
    write_project(directory, {"name": name, "module": module, "version": __version__})
    sys.stdout.write(
        f"Wrote {name}. Next:\n\n"
        f"  cd {name} && inverted run . --topic tea\n"
        "  pip install -e . --group dev && python -m pytest\n"
    )
    return 0


def check_name(name: str) -> str:
    """Hold a project's name to what is usable everywhere.

    Args:
        name: The name.

    Returns:
        The name of its Python package.

    Raises:
        UsageProblem: It is not usable; the message says why.
    """
    module = name.replace("-", "_")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UsageProblem(
            f"{name!r} is no usable name. Take lower-case letters, digits and single hyphens, a "
            f"letter first, {_LONGEST} characters at most: bug-triage."
        )
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or module in _TAKEN:
        raise UsageProblem(
            f"{name!r} is taken: Python, or a package that the project needs, has a module of that "
            f"name. Take another: {name}-agent."
        )
    return module


def write_project(directory: Path, values: dict[str, str]) -> None:
    """Write the template's files.

    Args:
        directory: Where to; it is made here.
        values: What is filled in for `$name` and the like, also in paths.
    """
    directory.mkdir(parents=True)
    for relative, source in _templates(files("inverted.cli") / "template", Path()):
        filled = Template(str(relative).removesuffix(_SUFFIX)).substitute(values)
        file = directory / filled
        file.parent.mkdir(parents=True, exist_ok=True)
        text = Template(source.read_text(encoding="utf-8")).substitute(values)
        file.write_text(text, encoding="utf-8")


def _templates(folder: Traversable, at: Path) -> list[tuple[Path, Traversable]]:
    found: list[tuple[Path, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            found += _templates(entry, at / entry.name)
        elif entry.name.endswith(_SUFFIX):
            found.append((at / entry.name, entry))
    return found
