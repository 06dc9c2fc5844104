"""What a run of the suite found, as plain data: every report is made from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from inverted_conformance.manifest import Requirement, Role, manifest
from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.wire.transcript import Line


class Status(StrEnum):
    """How a scenario or a requirement came out."""

    FAILED = "failed"
    """A MUST was broken, or the peer did something that ended the scenario."""

    WARNED = "warned"
    """Only a SHOULD was not followed."""

    PASSED = "passed"
    NOT_OFFERED = "not offered"
    """The peer does not have what the scenario needs. It counts as neither passed nor failed."""

    NOT_REACHED = "not reached"
    """Of a requirement: its scenario ended before it came to it."""


WORST_FIRST: Final = tuple(Status)


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at one requirement."""

    key: str | None
    """The requirement's key; `None` for what ended the scenario or is wrong in itself."""

    ok: bool
    detail: str
    """What was seen, in one sentence; for what is not ok also what was expected."""

    line: int = 0
    """How many lines the transcript had."""


@dataclass(slots=True)
class Result:
    """One scenario in one revision."""

    scenario: Scenario
    wire: Wire
    findings: list[Finding] = field(default_factory=list[Finding])
    lines: list[Line] = field(default_factory=list[Line])
    not_offered: str | None = None
    """What the peer does not have."""

    seconds: float = 0

    @property
    def id(self) -> str:
        """Its name in reports and in lists of expected failures."""
        return f"{self.scenario.name}@{self.wire}"

    @property
    def requirements(self) -> dict[str, Requirement]:
        """The requirements that it checks, by key."""
        return self.scenario.requirements(self.wire)

    @property
    def status(self) -> Status:
        """How it came out."""
        if self.not_offered is not None:
            return Status.NOT_OFFERED
        return min(
            (self._of(finding) for finding in self.findings),
            default=Status.PASSED,
            key=WORST_FIRST.index,
        )

    @property
    def failures(self) -> list[Finding]:
        """What was not ok."""
        return [finding for finding in self.findings if not finding.ok]

    def of(self, key: str) -> Status:
        """How one of its requirements came out here.

        Args:
            key: The requirement's key.
        """
        if self.not_offered is not None:
            return Status.NOT_OFFERED
        seen = [self._of(finding) for finding in self.findings if finding.key == key]
        return min(seen, default=Status.NOT_REACHED, key=WORST_FIRST.index)

    def _of(self, finding: Finding) -> Status:
        if finding.ok:
            return Status.PASSED
        requirement = self.requirements.get(finding.key or "")
        should = requirement is not None and requirement.level.startswith("SHOULD")
        return Status.WARNED if should else Status.FAILED


@dataclass(slots=True)
class Report:
    """A whole run."""

    role: Role
    target: str
    """What was under test: its address or its command."""

    peer: str
    """What the peer calls itself, with its version; empty if it never said."""

    results: list[Result]
    seconds: float

    def requirements(self) -> dict[str, Status]:
        """How each requirement that was looked at came out, by id, in the manifest's order.

        The worst of its scenarios; not reached and not offered give way to a look that succeeded.
        """
        found: dict[str, list[Status]] = {}
        for result in self.results:
            for key, requirement in result.requirements.items():
                found.setdefault(requirement.id, []).append(result.of(key))
        return {id: _worst(found[id]) for id in manifest() if id in found}

    def count(self, status: Status) -> int:
        """How many scenarios came out like this."""
        return sum(result.status is status for result in self.results)


def _worst(statuses: Iterable[Status]) -> Status:
    there = set(statuses)
    order = (Status.FAILED, Status.WARNED, Status.PASSED, Status.NOT_REACHED, Status.NOT_OFFERED)
    return next(status for status in order if status in there)
