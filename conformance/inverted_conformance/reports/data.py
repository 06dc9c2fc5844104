"""A run as JSON, and a run from JSON: the format that other programs may rely on.

The document, version 1:

    {
      "format": "inverted-conformance", "version": 1,
      "suite": "0.1.0",                    the suite's own version
      "written": "2026-08-01T12:00:00+00:00",
      "role": "server", "target": "…", "peer": "…", "seconds": 1.5,
      "summary": {"2026-07-28": {"passed": 1, "warned": 0, "failed": 0, "not offered": 0}},
      "scenarios": [{
        "name": "sampling/one", "revision": "2026-07-28", "status": "passed",
        "group": "sampling", "about": "…", "seconds": 0.2,
        "checks": ["sampling.messages"],   keys of requirements
        "not_offered": null,               or what the peer does not have
        "findings": [{"key": "…" or null, "ok": true, "detail": "…", "line": 3}],
        "transcript": [{"direction": "sent", "said": {…} or "…", "seconds": 0.1}]
      }],
      "requirements": [{
        "id": "2026-07-28/server/sampling.messages", "level": "MUST", "sense": "…", "url": "…",
        "status": "passed",
        "scenarios": ["sampling/one@2026-07-28"]
      }]
    }

A finding's `line` is the number of transcript lines that there were: its own is the last of them.
A status is one of `failed`, `warned`, `passed`, `not offered`, and for requirements `not reached`.
Fields may be added within a version; a reader ignores those that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Final, cast, get_args

from inverted_conformance.manifest import Role, manifest
from inverted_conformance.reports.tally import by_revision
from inverted_conformance.scenario import WIRES, Scenario
from inverted_conformance.verdicts import Finding, Report, Result
from inverted_conformance.wire.transcript import Direction, Line, Message

FORMAT: Final = "inverted-conformance"
VERSION: Final = 1


class StoredError(ValueError):
    """A stored run cannot be read."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A run that was read back."""

    report: Report
    written: str
    """When it was written, as the file says."""


@cache
def suite_version() -> str:
    """The version of this suite."""
    return version(FORMAT)


def now() -> str:
    """The time, as reports give it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write(report: Report, written: str) -> str:
    """A run as JSON. It is plain ASCII, whatever the peer said.

    Args:
        report: The run.
        written: The time (`now`).
    """
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "suite": suite_version(),
            "written": written,
            "role": report.role,
            "target": report.target,
            "peer": report.peer,
            "seconds": round(report.seconds, 3),
            "summary": {
                wire: {name.replace("_", " "): number for name, number in asdict(counts).items()}
                for wire, counts in by_revision(report).items()
            },
            "scenarios": [_scenario(result) for result in report.results],
            "requirements": list(_requirements(report)),
        },
        allow_nan=False,
    )


def read(text: str) -> Stored:
    """A run from JSON. What each requirement asks comes from this suite's own manifest.

    Args:
        text: What `write` made.

    Raises:
        StoredError: It is no stored run, or this suite would judge it otherwise.
    """
    try:
        said: Any = json.loads(text)
        if not isinstance(said, dict) or cast("Any", said).get("format") != FORMAT:
            raise StoredError("it is not a stored run of this suite")
        page = cast("dict[str, Any]", said)
        if page["version"] != VERSION:
            raise StoredError(
                f"its format has version {page['version']} and this suite reads {VERSION}"
            )
        role = _word(page["role"], get_args(Role))
        results = [_result(role, entry) for entry in page["scenarios"]]
        report = Report(
            cast("Role", role),
            str(page["target"]),
            str(page["peer"]),
            results,
            float(page["seconds"]),
        )
        _same(page, results)
        return Stored(report, str(page["written"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else error
        raise StoredError(f"The run cannot be read: {why}.") from error


def _scenario(result: Result) -> dict[str, Any]:
    scenario = result.scenario
    return {
        "name": scenario.name,
        "revision": result.wire,
        "status": result.status,
        "group": scenario.group,
        "about": scenario.about,
        "seconds": round(result.seconds, 3),
        "checks": list(scenario.checks),
        "not_offered": result.not_offered,
        "findings": [asdict(finding) for finding in result.findings],
        "transcript": [
            {
                "direction": line.direction,
                "said": _said(line),
                "seconds": round(line.seconds, 4),
            }
            for line in result.lines
        ],
    }


def _said(line: Line) -> Any:
    """The message, or its text if JSON has no way to say it (NaN, too deep)."""
    try:
        json.dumps([[[[[[line.said]]]]]], allow_nan=False)  # as deep as it will stand
    except RecursionError:
        return "(nested too deeply to store)"
    except ValueError:
        return line.text
    return line.said


def _requirements(report: Report) -> Iterable[dict[str, Any]]:
    looked: dict[str, list[str]] = {}
    for result in report.results:
        for requirement in result.requirements.values():
            looked.setdefault(requirement.id, []).append(result.id)
    for id, status in report.requirements().items():
        requirement = manifest()[id]
        yield {
            "id": id,
            "level": requirement.level,
            "sense": requirement.sense,
            "url": requirement.url,
            "status": status,
            "scenarios": looked[id],
        }


async def _never(_: Any) -> None:
    raise NotImplementedError("A stored run is read, not run again.")


def _result(role: Any, entry: dict[str, Any]) -> Result:
    wire = _word(entry["revision"], WIRES)
    checks = tuple(map(str, entry["checks"]))
    about = str(entry["about"])
    lacking = entry["not_offered"]
    return Result(
        Scenario(str(entry["name"]), role, (wire,), checks, (), 0, about, _never),
        wire,
        [_finding(finding) for finding in entry["findings"]],
        [_line(line) for line in entry["transcript"]],
        None if lacking is None else str(lacking),
        float(entry["seconds"]),
    )


def _finding(entry: dict[str, Any]) -> Finding:
    key = entry["key"]
    return Finding(
        None if key is None else str(key),
        entry["ok"] is True,
        str(entry["detail"]),
        int(entry["line"]),
    )


def _line(entry: dict[str, Any]) -> Line:
    said: Any = entry["said"]
    direction = _word(entry["direction"], get_args(Direction))
    said = cast("Message", said) if isinstance(said, dict) else str(said)
    return Line(direction, said, float(entry["seconds"]))


def _word(said: Any, words: Iterable[str]) -> Any:
    if said not in words:
        raise StoredError(f"{said!r} is none of {', '.join(words)}")
    return said


def _same(page: dict[str, Any], results: list[Result]) -> None:
    """Refuse a run that this suite's manifest would turn into another one."""
    for entry, result in zip(page["scenarios"], results, strict=True):
        if entry["status"] != result.status:
            raise StoredError(
                f"{result.id} was {entry['status']} and would now be {result.status}, as the "
                f"requirements changed; make the report with version {page['suite']} of the suite"
            )
