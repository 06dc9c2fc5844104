"""What the suite found, scenario by scenario, and whether that is what must be.

A scenario passed if at least one of its checks passed and none failed. What the suite itself prints
says less: to it a scenario without any check has passed.
"""

from __future__ import annotations

import enum
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

KNOWN: Final = Path(__file__).with_name("known.toml")
COLUMNS: Final = ("passed", "failed", "warnings", "skipped")
_COLUMN_OF: Final = dict(zip(("SUCCESS", "FAILURE", "WARNING", "SKIPPED"), COLUMNS, strict=True))
"""The suite's word for a check and the column that counts it. INFO is counted nowhere."""


class Verdict(enum.StrEnum):
    """What became of a scenario."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """By the suite itself: none of its checks applies."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a scenario does that does not pass, and why."""

    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario on one revision.

    Attributes:
        revision: The protocol revision that was spoken.
        scenario: The scenario.
        scored: Whether the revision requires it.
        counts: Its checks by column.
        failures: Each check that failed or warned, and why.
        known: What it does if it need not pass.
    """

    revision: str
    scenario: str
    scored: bool
    counts: Mapping[str, int]
    failures: Sequence[str] = ()
    known: Known | None = None

    @property
    def checked_nothing(self) -> bool:
        """Whether the suite did not get as far as a check."""
        return not any(self.counts.values())

    @property
    def verdict(self) -> Verdict:
        """What became of it. A scenario that checked nothing has failed."""
        if self.counts["passed"] and not self.counts["failed"]:
            return Verdict.PASSED
        skipped = self.counts["skipped"] and not self.counts["failed"]
        return Verdict.SKIPPED if skipped else Verdict.FAILED

    @property
    def as_it_must_be(self) -> bool:
        """Whether it passed, or does what is known of it; a known failure that passes does not."""
        return self.verdict is (Verdict.PASSED if self.known is None else self.known.verdict)

    def __str__(self) -> str:
        if self.known is None:
            return "passed" if self.as_it_must_be else self.verdict.upper()
        if self.as_it_must_be:
            return f"{self.verdict}, as known: {self.known.why}"
        return f"{self.verdict.upper()}, but {KNOWN.name} says {self.known.verdict}: correct it"

    def as_json(self) -> dict[str, object]:
        """The row for programs. `met` is null for what the suite skips: that is no pass."""
        met = {Verdict.PASSED: True, Verdict.FAILED: False, Verdict.SKIPPED: None}[self.verdict]
        return {
            "name": f"{self.revision} {self.scenario}",
            "figures": {**self.counts, "scored": self.scored},
            "goal": {"figure": "failed", "at_most": 0},
            "met": met,
            "known": None if self.known is None else self.known.why,
        }


@dataclass(frozen=True, slots=True)
class Requirements:
    """The server scenarios of a revision.

    Attributes:
        scored: Those that it requires.
        unscored: Those that the suite runs besides: extensions, and tests that came later.
    """

    scored: Sequence[str]
    unscored: Sequence[str]

    @classmethod
    def read(cls, listing: str) -> Requirements:
        """From what `conformance list --requirements` prints."""
        _, _, servers = listing.partition("Server scenarios")
        servers, _, rest = servers.partition("Client scenarios")
        scored = re.findall(r"^  - (\S+)$", servers, re.MULTILINE)
        unscored = re.findall(r"^    - (\S+) \[server\]$", rest, re.MULTILINE)
        if not scored:
            raise ValueError(f"The suite lists no scenarios; it printed:\n{listing}")
        return cls(scored, unscored)


def known(path: Path = KNOWN) -> dict[str, dict[str, Known]]:
    """The scenarios that need not pass, by revision and name."""
    tables: dict[str, dict[str, dict[str, str]]] = tomllib.loads(path.read_text("utf-8"))
    return {
        revision: {
            scenario: Known(Verdict(entry["verdict"]), entry["why"])
            for scenario, entry in entries.items()
        }
        for revision, entries in tables.items()
    }


def rows(
    revision: str, required: Requirements, results: Path, only: Sequence[str] = ()
) -> Iterator[Row]:
    """A row for every scenario that should have run, whether it left results or not.

    Args:
        revision: The protocol revision.
        required: Its scenarios.
        results: The folder that the suite wrote.
        only: Nothing but these scenarios; all if empty.
    """
    excused = known().get(revision, {})
    for scenario in (*required.scored, *required.unscored):
        if only and scenario not in only:
            continue
        counts, failures = _checks(scenario, results)
        scored = scenario in required.scored
        yield Row(revision, scenario, scored, counts, failures, excused.get(scenario))


def _checks(scenario: str, results: Path) -> tuple[dict[str, int], list[str]]:
    # The suite names a folder after the scenario and the time.
    files = list(results.glob(f"server-{scenario}-[0-9][0-9][0-9][0-9]-*T*/checks.json"))
    if len(files) != 1:
        return dict.fromkeys(COLUMNS, 0), [f"it left {len(files)} results instead of one"]
    checks: list[dict[str, Any]] = json.loads(files[0].read_text("utf-8"))
    found = Counter(_COLUMN_OF.get(check["status"], "") for check in checks)
    failures = [
        f"{check['id']}: {check.get('errorMessage') or check['description']}"
        for check in checks
        if check["status"] in ("FAILURE", "WARNING")
    ]
    return {column: found[column] for column in COLUMNS}, failures
