"""What the specification asks: one entry per normative sentence, read from `requirements/`.

An entry never names its scenarios: scenarios name the entries that they check (`Scenario`),
so neither can drift from the other. What nobody outside can observe says why.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal, get_args

Level = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT"]
Role = Literal["server", "client"]
Revision = Literal["2025-11-25", "2026-07-28", "SEP-2663"]
Group = Literal[
    "sampling",
    "sampling-tools",
    "elicitation",
    "url",
    "rounds",
    "tasks",
    "cancellation",
    "progress",
    "capabilities",
]
"""What a requirement is about; the first word of its key, and what `--suite` selects."""

REVISIONS: Final[tuple[Revision, ...]] = get_args(Revision)
GROUPS: Final[tuple[Group, ...]] = get_args(Group)


class ManifestError(ValueError):
    """A file of the manifest says something that cannot be."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that the specification asks of a server or of a client."""

    key: str
    """Its name within a revision and a role, such as `sampling-tools.balance`."""

    level: Level
    role: Role
    revision: Revision
    url: str
    """The section that says it."""

    sense: str
    """What it says, in our words."""

    source: str
    """The digest of the sentence (`tools/sentences.py`)."""

    unobservable: str | None = None
    """Why nobody outside can see whether it is kept; `None` where a scenario sees it."""

    @property
    def id(self) -> str:
        """Its name everywhere."""
        return f"{self.revision}/{self.role}/{self.key}"

    @property
    def group(self) -> str:
        """What it is about."""
        return self.key.partition(".")[0]


@cache
def manifest() -> dict[str, Requirement]:
    """Every requirement, by id, in the order of the files.

    Raises:
        ManifestError: A file is wrong; the message says where and how.
    """
    found: dict[str, Requirement] = {}
    for file in _toml(files("inverted_conformance") / "requirements"):
        try:
            for requirement in _read(tomllib.loads(file.read_text("utf-8"))):
                if requirement.id in found:
                    raise ManifestError(f"{requirement.id} is there twice; rename one.")  # noqa: TRY301
                found[requirement.id] = requirement
        except (tomllib.TOMLDecodeError, KeyError, ManifestError) as error:
            raise ManifestError(f"{file}: {error}") from error
    return found


def _toml(folder: Traversable) -> list[Traversable]:
    inside = sorted(folder.iterdir(), key=lambda entry: entry.name)
    here = [entry for entry in inside if entry.name.endswith(".toml")]
    return here + [file for entry in inside if entry.is_dir() for file in _toml(entry)]


def _read(page: dict[str, Any]) -> list[Requirement]:
    return [_requirement(page, entry) for entry in page["requirement"]]


def _requirement(page: dict[str, Any], entry: dict[str, Any]) -> Requirement:
    allowed = {
        "level": (entry["level"], get_args(Level)),
        "role": (entry["role"], get_args(Role)),
        "revision": (page["revision"], REVISIONS),
        "group of the key": (str(entry["key"]).partition(".")[0], GROUPS),
    }
    for what, (said, words) in allowed.items():
        if said not in words:
            raise ManifestError(
                f"the {what} of {entry['key']} is {said!r}; it must be one of {', '.join(words)}."
            )
    return Requirement(
        key=entry["key"],
        level=entry["level"],
        role=entry["role"],
        revision=page["revision"],
        url=f"{page['url']}#{entry['anchor']}",
        sense=entry["sense"],
        source=entry["source"],
        unobservable=entry.get("unobservable"),
    )
