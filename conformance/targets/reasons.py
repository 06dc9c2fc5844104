"""What a run found wrong, and why that is so: the reasons are written by hand, in `why.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inverted_conformance.manifest import manifest
from inverted_conformance.verdicts import Report, Status

FILE: Final = Path(__file__).with_name("why.toml")
WRONG: Final = (Status.FAILED, Status.WARNED)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A requirement that was not kept, or a scenario that could not be played to its end."""

    key: str
    """The requirement's key, or the scenario's name."""

    revision: str
    level: str
    """`MUST` and so on; empty for a scenario."""

    sense: str
    url: str


@dataclass(frozen=True, slots=True)
class Why:
    """A reason."""

    target: str
    of: tuple[str, ...]
    """Keys of requirements and names of scenarios, in every revision."""

    because: str


def wrongs(report: Report) -> list[Wrong]:
    """What a run found wrong: requirements in the manifest's order, then scenarios.

    Args:
        report: The run.
    """
    known = manifest()
    statuses = report.requirements().items()
    broken = [known[id] for id, status in statuses if status in WRONG]
    ended = [
        result
        for result in report.results
        if any(finding.key is None for finding in result.failures)
    ]
    return [
        *(Wrong(one.key, one.revision, one.level, one.sense, one.url) for one in broken),
        *(Wrong(one.scenario.name, one.wire, "", one.scenario.about, "") for one in ended),
    ]


def read(text: str) -> list[Why]:
    """The reasons of a file.

    Args:
        text: TOML: `[[why]]` with `target`, `of` and `because`.
    """
    entries: list[dict[str, Any]] = tomllib.loads(text).get("why", [])
    return [
        Why(entry["target"], tuple(entry["of"]), " ".join(str(entry["because"]).split()))
        for entry in entries
    ]


def reason(wrong: Wrong, target: str, whys: Iterable[Why]) -> Why | None:
    """Why something is wrong, if anybody wrote it down.

    Args:
        wrong: What is wrong.
        target: With whom.
        whys: The reasons.
    """
    return next((why for why in whys if why.target == target and wrong.key in why.of), None)


def problems(report: Report, target: str, whys: Sequence[Why]) -> list[str]:
    """What is wrong and has no reason, and what has one although nothing is wrong.

    Args:
        report: The run.
        target: With whom.
        whys: The reasons.
    """
    found = wrongs(report)
    keys = {wrong.key for wrong in found}
    unknown = [
        f"{wrong.key} ({wrong.revision}) is wrong, and nobody says why"
        for wrong in found
        if reason(wrong, target, whys) is None
    ]
    listed = [key for why in whys if why.target == target for key in why.of]
    stale = [f"{key} is not wrong; delete it from {FILE.name}" for key in listed if key not in keys]
    return [f"{target}: {text}" for text in [*unknown, *stale]]
