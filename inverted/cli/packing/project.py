"""What a target says about itself: pyproject.toml, or the metadata of an installed package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, Final, cast

from inverted.cli.errors import ConnectionProblem

_SYSTEMS: Final = {
    "Operating System :: MacOS": "darwin",
    "Operating System :: Microsoft": "win32",
    "Operating System :: POSIX": "linux",
}
PLATFORMS: Final = ("darwin", "win32", "linux")
"""Every platform that a bundle can name."""


@dataclass(frozen=True)
class Author:
    """Who wrote it."""

    name: str
    email: str | None = None


@dataclass(frozen=True)
class Project:
    """What is known of a project.

    Attributes:
        name: Its name.
        version: Its version; empty when the build decides.
        description: One line.
        author: Who wrote it, if it says so.
        license: The license's identifier.
        python: Which versions of Python it runs on.
        keywords: Words to find it by.
        urls: Addresses by their labels in lower case.
        classifiers: Trove classifiers.
        dependencies: What it needs.
        scripts: Its commands.
    """

    name: str
    version: str = ""
    description: str = ""
    author: Author | None = None
    license: str | None = None
    python: str = ">=3.11"
    keywords: tuple[str, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict[str, str])
    classifiers: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict[str, str])

    def url(self, *labels: str) -> str | None:
        """The first address under one of the labels (packaging.python.org, well-known labels)."""
        return next((self.urls[label] for label in labels if label in self.urls), None)

    @property
    def repository(self) -> str | None:
        """Where the source is."""
        return self.url("repository", "source", "source code", "sourcecode", "github", "code")

    @property
    def platforms(self) -> list[str]:
        """The platforms that the classifiers name; every one if they name none."""
        named = [
            platform
            for prefix, platform in _SYSTEMS.items()
            if any(each.startswith(prefix) for each in self.classifiers)
        ]
        return named or list(PLATFORMS)


def from_pyproject(directory: Path) -> Project | None:
    """What the pyproject.toml of a directory says; None without a [project] table.

    Raises:
        ConnectionProblem: It cannot be read.
    """
    file = directory / "pyproject.toml"
    if not file.is_file():
        return None
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConnectionProblem(f"cannot read {file}: {error}") from None
    if "name" not in table:
        return None
    authors: list[dict[str, str]] = table.get("authors") or table.get("maintainers") or []
    named = next((each for each in authors if each.get("name")), None)
    license_: object = table.get("license")
    if isinstance(license_, dict):  # the older form (PEP 621), `{text = "MIT"}`
        license_ = cast("dict[str, str]", license_).get("text")
    return Project(
        table["name"],
        table.get("version", ""),
        table.get("description", ""),
        None if named is None else Author(named["name"], named.get("email")),
        license_ if isinstance(license_, str) else None,
        table.get("requires-python", Project.python),
        tuple(table.get("keywords", ())),
        {label.lower(): url for label, url in table.get("urls", {}).items()},
        tuple(table.get("classifiers", ())),
        tuple(table.get("dependencies", ())),
        table.get("scripts", {}),
    )


def from_installed(found: Distribution) -> Project:
    """What the metadata of an installed package says (PyPA core metadata)."""
    said = found.metadata

    def several(name: str) -> Sequence[str]:
        return cast("Sequence[str]", said.get_all(name) or ())

    def one(name: str) -> str | None:
        return next(iter(several(name)), None)

    urls = [line.partition(",") for line in several("Project-URL")]
    return Project(
        found.name,
        found.version,
        one("Summary") or "",
        _author(one("Author"), one("Author-email")),
        one("License-Expression") or one("License"),
        one("Requires-Python") or Project.python,
        tuple(word.strip() for word in (one("Keywords") or "").split(",") if word.strip()),
        {label.strip().lower(): url.strip() for label, _, url in urls},
        tuple(several("Classifier")),
        tuple(found.requires or ()),
        {each.name: each.value for each in found.entry_points if each.group == "console_scripts"},
    )


def _author(name: str | None, email: str | None) -> Author | None:
    """`Author-email` may hold the name too: `Ada <ada@example.org>`."""
    both = re.match(r"\s*\"?([^\"<,]*?)\"?\s*<([^>]+)>", email or "")
    if both:
        return Author(both[1] or both[2], both[2])
    return Author(name, email) if name else None
