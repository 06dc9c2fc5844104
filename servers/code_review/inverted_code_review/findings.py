"""The values that a review is made of: what models and linters report, and the final report.

The field descriptions are part of the schema that the model sees, so they are written for it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MODEL = "model"
"""The source of a finding that the model reported by itself."""
REHEARSAL = "rehearsal"
"""The name of the rehearsal model, and the source of what it found: no language model."""


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place in the order, from 0."""
        return list(Severity).index(self)


DEFAULT_SEVERITY = Severity.LOW
"""The threshold where nobody chooses one."""


class ThresholdChoice(BaseModel):
    """What the person is asked."""

    severity: Severity = Field(
        default=DEFAULT_SEVERITY, description="Findings below it are left out of the report."
    )


class Finding(BaseModel):
    """A problem in the change."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(description="Path of the changed file, exactly as given.")
    line: int = Field(ge=1, description="First line of the problem.")
    end_line: int = Field(default=0, ge=0, description="Last line of it; 0 if it is the same line.")
    side: Literal["new", "old"] = Field(
        default="new",
        description="`new` when the line numbers count in the new version of the file; `old` only "
        "for a line that the change removed.",
    )
    severity: Severity = Field(
        description="critical: data loss, security hole or crash in ordinary use; high: wrong "
        "behaviour; medium: wrong in some cases, or hard to maintain; low: minor; info: a remark."
    )
    title: str = Field(description="The problem in one line.")
    explanation: str = Field(description="Why it is a problem, and what shows it, with file:line.")
    suggestion: str = Field(default="", description="What to do instead.")
    evidence: str = Field(
        description="The problematic line or lines, copied exactly from the diff, without numbers "
        "and marks. A finding whose evidence is not in the diff is thrown away.",
    )
    source: str = Field(
        default=MODEL,
        description="Leave it out, except to explain or re-rate a linter finding: then its source.",
    )


class FileFindings(BaseModel):
    """All problems that were found in one file; an empty list when there are none."""

    findings: list[Finding] = Field(default_factory=list[Finding])


class Verdict(BaseModel):
    """The judgement of one finding."""

    number: int = Field(description="The number of the finding.")
    keep: bool = Field(description="False to remove it from the report.")
    reason: str = Field(default="", description="Why it is removed, in one line.")


class Verdicts(BaseModel):
    """The judgement of the findings. A finding that is not named is kept."""

    verdicts: list[Verdict] = Field(default_factory=list[Verdict])


class Skipped(BaseModel):
    """Something that was not reviewed."""

    model_config = ConfigDict(frozen=True)

    file: str
    reason: str


class Removed(BaseModel):
    """A finding that is not in the report."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    title: str
    reason: str
    by: Literal["check", "judge"] = Field(
        description="`check`: the code of this server; `judge`: the judging pass."
    )


class ReviewReport(BaseModel):
    """The outcome of a review."""

    repository: str = Field(description="Name of the repository's directory.")
    change: str = Field(description="The two revisions as they were asked for.")
    base: str = Field(description="The commit that the change was compared with.")
    head: str = Field(description="The commit that was reviewed.")
    models: list[str] = Field(description="The models that answered, as the client named them.")
    threshold: Severity = Field(description="Findings below it are left out.")
    threshold_from: str = Field(description="Where the threshold comes from.")
    counts: dict[str, int] = Field(description="Number of findings by severity.")
    findings: list[Finding]
    below_threshold: int = Field(description="How many findings were left out by the threshold.")
    removed: list[Removed] = Field(description="Findings that the checks or the judge removed.")
    skipped: list[Skipped] = Field(description="What was not reviewed, and why.")
    notes: list[str]
    markdown: str = Field(description="The report for people.")
    sarif: dict[str, Any] = Field(description="The report as a SARIF 2.1.0 log, for tools.")
