"""How many scenarios came out how, and what each of them fell short of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inverted_conformance.manifest import GROUPS, Requirement
from inverted_conformance.scenario import WIRES, Wire
from inverted_conformance.verdicts import Finding, Report, Result, Status


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of scenarios."""

    passed: int
    warned: int
    failed: int
    not_offered: int

    @property
    def scored(self) -> int:
        """Those that say something about the peer: all but what it does not offer."""
        return self.passed + self.warned + self.failed


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One finding that is not ok, with what it is about."""

    result: Result
    finding: Finding
    requirement: Requirement | None
    """`None` for what is wrong in itself, such as a scenario that ended early."""

    @property
    def status(self) -> Status:
        """Failed; warned where the specification only says SHOULD."""
        should = self.requirement is not None and self.requirement.level.startswith("SHOULD")
        return Status.WARNED if should else Status.FAILED


def tally(results: Iterable[Result]) -> Tally:
    """Count scenarios.

    Args:
        results: The scenarios.
    """
    statuses = [result.status for result in results]
    return Tally(
        passed=statuses.count(Status.PASSED),
        warned=statuses.count(Status.WARNED),
        failed=statuses.count(Status.FAILED),
        not_offered=statuses.count(Status.NOT_OFFERED),
    )


def by_revision(report: Report) -> dict[Wire, Tally]:
    """The counts of each revision that was spoken.

    Args:
        report: The run.
    """
    there = {result.wire for result in report.results}
    return {
        wire: tally(result for result in report.results if result.wire == wire)
        for wire in WIRES
        if wire in there
    }


def by_group(report: Report) -> dict[tuple[str, Wire], Tally]:
    """The counts of each suite in each revision, in the manifest's order.

    Args:
        report: The run.
    """
    found: dict[tuple[str, Wire], list[Result]] = {}
    for result in report.results:
        found.setdefault((result.scenario.group, result.wire), []).append(result)
    order = {key: at for at, key in enumerate((group, wire) for group in GROUPS for wire in WIRES)}
    return {key: tally(found[key]) for key in sorted(found, key=lambda k: order.get(k, len(order)))}


def shortfalls(results: Iterable[Result]) -> Iterator[Shortfall]:
    """Every finding that is not ok, in the order of the run.

    Args:
        results: The scenarios; what was not offered has none.
    """
    for result in results:
        if result.not_offered is None and result.failures:
            known = result.requirements
            for finding in result.failures:
                yield Shortfall(result, finding, known.get(finding.key or ""))
