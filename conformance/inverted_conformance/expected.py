"""Expected failures, and what a run is worth with them: the judgement behind every exit code.

A list of expected failures is TOML. Each entry names one scenario in one revision, or one
requirement, and says why:

    [[expected]]
    scenario = "sampling-tools/parallel-calls@2025-11-25"
    why = "The SDK sends one call at a time; https://example.org/issues/7"

    [[expected]]
    requirement = "2025-11-25/server/sampling-tools.balance"
    why = "Mended in the next release."

An entry that excuses nothing is stale and fails the run, so that the list can only shrink.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

from inverted_conformance.manifest import manifest
from inverted_conformance.reports.tally import shortfalls
from inverted_conformance.verdicts import Report, Result, Status

Kind = Literal["scenario", "requirement"]

ALL_RIGHT: Final = 0
FAILED: Final = 1
USAGE: Final = 2
SILENT: Final = 3
"""Exit codes: all is as it must be; something failed; wrong usage; the peer said nothing."""


class ExpectedError(ValueError):
    """A list of expected failures cannot be read."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One entry of the list."""

    kind: Kind
    name: str
    """The scenario's name with its revision (`Result.id`), or the requirement's id."""

    why: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A run, and what it is worth."""

    report: Report
    strict: bool = False
    """Whether a SHOULD counts like a MUST."""

    excused: dict[str, str] = field(default_factory=dict[str, str])
    """Why a scenario may fail, by its id; only those that did."""

    stale: tuple[str, ...] = ()
    """What is wrong with the list of expected failures, a sentence for each entry."""

    @property
    def failed(self) -> list[Result]:
        """The scenarios that fail the run."""
        return [
            result
            for result in self.report.results
            if _counts(result.status, strict=self.strict) and result.id not in self.excused
        ]

    @property
    def silence(self) -> str | None:
        """Why the run tells nothing about the peer; `None` if it does."""
        results = self.report.results
        if all(result.status is Status.NOT_OFFERED for result in results):
            return "nothing that the suite asks for is offered"
        if any(finding.ok for result in results for finding in result.findings):
            return None
        return None if any(map(_answered, results)) else "the suite could not talk to it"

    @property
    def code(self) -> int:
        """The exit code."""
        if self.silence is not None:
            return SILENT
        return FAILED if self.failed or self.stale else ALL_RIGHT


def read_expected(path: Path) -> list[Expected]:
    """The entries of a list of expected failures.

    Args:
        path: The TOML file.

    Raises:
        ExpectedError: It is not there, not TOML, or an entry is not as it must be.
    """
    try:
        page = tomllib.loads(path.read_text("utf-8"))
        if set(page) - {"expected"}:
            raise ExpectedError("only [[expected]] entries may stand there")  # noqa: TRY301
        listed = page.get("expected", [])
        if not isinstance(listed, list):
            raise ExpectedError("[[expected]] has two brackets")  # noqa: TRY301
        entries = [_entry(entry) for entry in cast("list[Any]", listed)]
        names = [entry.name for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ExpectedError(f"{', '.join(twice)} is there twice")  # noqa: TRY301
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ExpectedError) as error:
        raise ExpectedError(f"The list of expected failures {path}: {error}.") from error
    return entries


def judge(
    report: Report,
    expected: Sequence[Expected] = (),
    *,
    chosen: Collection[str] = (),
    known: Collection[str] = (),
    strict: bool = False,
) -> Judgement:
    """Hold a run against a list of expected failures.

    Args:
        report: The run.
        expected: The entries.
        chosen: The ids of the scenarios that were to run.
        known: The ids of all scenarios that there are.
        strict: Whether a SHOULD counts like a MUST.
    """
    whys = {entry.name: entry.why for entry in expected}
    excused: dict[str, str] = {}
    used: set[str] = set()
    for result in report.results:
        if not _counts(result.status, strict=strict):
            continue
        wrong = _wrong(result, strict=strict)
        used.update(wrong)
        used.add(result.id)
        if result.id in whys:
            excused[result.id] = whys[result.id]
        elif whys.keys() >= wrong:
            excused[result.id] = " ".join(whys[name] for name in sorted(wrong))
    ran = {result.id: str(result.status) for result in report.results}
    ran |= {id: str(status) for id, status in report.requirements().items()}
    scenarios = _Known("scenario", {*known, *ran, *chosen}, chosen, ran)
    requirements = _Known("requirement", _observable(report), (), ran)
    stale = [
        (scenarios if entry.kind == "scenario" else requirements).wrong_with(entry)
        for entry in expected
        if entry.name not in used
    ]
    return Judgement(report, strict, excused, tuple(filter(None, stale)))


@dataclass(frozen=True, slots=True)
class _Known:
    """What entries of one kind may name."""

    kind: Kind
    names: Collection[str]
    chosen: Collection[str]
    ran: dict[str, str]

    def wrong_with(self, entry: Expected) -> str | None:
        """What is wrong with an entry that excused nothing; `None` if it was not its turn."""
        if entry.name not in self.names:
            near = difflib.get_close_matches(entry.name, self.names, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}? Else" if near else "correct it, or"
            return f"There is no {self.kind} {entry.name} to check: {hint} delete the entry."
        status = self.ran.get(entry.name)
        if status is None:
            return (
                f"{entry.name} was to run and did not: delete the entry."
                if entry.name in self.chosen
                else None
            )
        if status == Status.NOT_REACHED:
            return None  # whatever ended the scenario may hide the failure
        return f"{entry.name} does not fail any more ({status}): delete the entry."


def _entry(said: object) -> Expected:
    entry = cast("dict[str, object]", said) if isinstance(said, dict) else {}
    kinds: tuple[Kind, ...] = ("scenario", "requirement")
    named: list[Kind] = [kind for kind in kinds if kind in entry]
    if len(named) != 1 or set(entry) - {*named, "why"}:
        raise ExpectedError(
            f"the entry {said} must name a scenario or a requirement, say why, and nothing else"
        )
    name, why = entry[named[0]], entry.get("why")
    if not isinstance(why, str) or not why.strip():
        raise ExpectedError(f"the entry of {name} must say why the failure is expected")
    if not isinstance(name, str) or not name or (named[0] == "scenario" and "@" not in name):
        raise ExpectedError(f"{name!r} must be the scenario's name with its revision, as in a/b@c")
    return Expected(named[0], name, why.strip())


def _counts(status: Status, *, strict: bool) -> bool:
    return status is Status.FAILED or (strict and status is Status.WARNED)


def _wrong(result: Result, *, strict: bool) -> set[str]:
    """The ids of the requirements that fail a scenario; what has no requirement has no name."""
    return {
        short.requirement.id if short.requirement else ""
        for short in shortfalls([result])
        if _counts(short.status, strict=strict)
    }


def _observable(report: Report) -> list[str]:
    return [
        requirement.id
        for requirement in manifest().values()
        if requirement.role == report.role and requirement.unobservable is None
    ]


def _answered(result: Result) -> bool:
    return any(
        line.direction == "received" and isinstance(line.said, dict) and "jsonrpc" in line.said
        for line in result.lines
    )
