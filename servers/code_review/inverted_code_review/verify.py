"""Checks what a model claims, by code: a finding stays only if its quote is in the change.

Pure functions over the hunks, which are quotes of the files themselves. Called by `server.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from inverted_code_review.changes import Change
from inverted_code_review.findings import Finding, Removed, Verdicts


def checked(
    findings: Iterable[Finding], change: Change, linted: Sequence[Finding], source: str
) -> tuple[list[Finding], list[Removed]]:
    """Check the findings of one file, and join them with those of the linters.

    A finding moves to the lines where its evidence is. One that repeats a linter finding (same
    line and source) takes that one's place.

    Args:
        findings: What the model reported.
        change: The file that it reviewed.
        linted: What the linters found in it.
        source: The source of findings that are the model's own.

    Returns:
        The findings that stay, and those that do not.
    """
    kept = {_place(finding): finding for finding in linted}
    removed: list[Removed] = []
    own = len(kept)
    for finding in findings:
        if finding.file != change.path:
            removed.append(_removed(finding, "it is about a file other than the reviewed one"))
            continue
        lines = change.lines(finding.side)
        span = _find(finding.evidence, finding.line, lines)
        if span is None:
            removed.append(_removed(finding, "its evidence is not in the changed part of the file"))
            continue
        found = finding.model_copy(update={"line": span[0], "end_line": span[1]})
        if _place(found) in kept:
            kept[_place(found)] = found
        else:
            own += 1
            kept[(own,)] = found.model_copy(update={"source": source})
    return list(kept.values()), removed


def judged(findings: Sequence[Finding], verdicts: Verdicts) -> tuple[list[Finding], list[Removed]]:
    """Apply the verdicts of the judging pass; a finding without a verdict stays.

    Args:
        findings: The findings in the order in which they were numbered, from 1.
        verdicts: The verdicts.

    Returns:
        The findings that stay, and those that do not.
    """
    rejected: Mapping[int, str] = {
        verdict.number: verdict.reason for verdict in verdicts.verdicts if not verdict.keep
    }
    numbered = list(enumerate(findings, start=1))
    kept = [finding for number, finding in numbered if number not in rejected]
    removed = [
        Removed(
            file=finding.file,
            line=finding.line,
            title=finding.title,
            reason=rejected[number] or "no reason given",
            by="judge",
        )
        for number, finding in numbered
        if number in rejected
    ]
    return kept, removed


def _find(evidence: str, near: int, lines: Mapping[int, str]) -> tuple[int, int] | None:
    """Find a quote in numbered lines, nearest to a line; spaces and empty lines do not count."""
    text = [(number, squeezed) for number, line in lines.items() if (squeezed := _squeeze(line))]
    quoted = evidence.splitlines()
    unmarked = [line.removeprefix("+").removeprefix("-") for line in quoted]
    for candidate in (quoted, unmarked):
        wanted = [squeezed for line in candidate if (squeezed := _squeeze(line))]
        spans = [
            (text[at][0], text[at + len(wanted) - 1][0])
            for at in range(len(text) - len(wanted) + 1)
            if wanted and all(part in text[at + i][1] for i, part in enumerate(wanted))
        ]
        if spans:
            return min(spans, key=lambda span: abs(span[0] - near))
    return None


def _squeeze(line: str) -> str:
    return " ".join(line.split())


def _place(finding: Finding) -> tuple[object, ...]:
    return (finding.side, finding.line, finding.source)


def _removed(finding: Finding, reason: str) -> Removed:
    return Removed(
        file=finding.file, line=finding.line, title=finding.title, reason=reason, by="check"
    )
