"""Puts the report together: order, threshold, counts, and the two written forms. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from inverted_code_review import __version__
from inverted_code_review.changes import ChangeSet
from inverted_code_review.findings import (
    Finding,
    Removed,
    ReviewReport,
    Severity,
    Skipped,
)
from inverted_code_review.markdown import to_markdown
from inverted_code_review.sarif import to_sarif


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which severity on findings are reported.

    Args:
        severity: The lowest severity in the report.
        origin: Who said so.
    """

    severity: Severity
    origin: str


def by_weight(findings: Sequence[Finding]) -> list[Finding]:
    """Order findings: the severest first, then by place."""
    return sorted(findings, key=lambda f: (-f.severity.rank, f.file, f.line, f.source, f.title))


def assemble(
    changes: ChangeSet,
    findings: Sequence[Finding],
    *,
    threshold: Threshold,
    removed: Sequence[Removed],
    skipped: Sequence[Skipped],
    models: Sequence[str],
    notes: Sequence[str],
) -> ReviewReport:
    """Make the report.

    Args:
        changes: What was reviewed.
        findings: What was found and not taken out.
        threshold: From which severity on to report.
        removed: What was taken out.
        skipped: What was not reviewed.
        models: The models that answered.
        notes: What else a reader should know.

    Returns:
        The report in all its forms.
    """
    shown = [finding for finding in findings if finding.severity.rank >= threshold.severity.rank]
    report = ReviewReport(
        repository=PurePath(changes.root).name,
        change=changes.label,
        base=changes.base,
        head=changes.head,
        models=list(models),
        threshold=threshold.severity,
        threshold_from=threshold.origin,
        counts={s.value: sum(finding.severity is s for finding in shown) for s in Severity},
        findings=by_weight(shown),
        below_threshold=len(findings) - len(shown),
        removed=list(removed),
        skipped=list(skipped),
        notes=[*changes.notes, *notes],
        markdown="",
        sarif={},
    )
    sarif = to_sarif(report.findings, __version__, models)
    return report.model_copy(update={"markdown": to_markdown(report), "sarif": sarif})
