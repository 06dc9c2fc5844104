"""Writes the report for people.

Rules: text from a model or a repository cannot break out of its place: it is put on one line, with
HTML and table signs escaped, or into a fence that is longer than any fence within.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inverted_code_review.findings import REHEARSAL, Finding, Removed, ReviewReport, Severity

MAX_LISTED = 50


def to_markdown(report: ReviewReport) -> str:
    """Write a report, whose `markdown` is not there yet, as Markdown."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: ReviewReport) -> Iterator[str]:
    yield f"# Code review: {_line(report.repository)}, {_code(report.change)}"
    yield ""
    yield f"Reviewed {_code(report.head[:12])} against {_code(report.base[:12])}."
    yield _models(report.models)
    yield ""
    yield _counts(report)
    yield from (f"\n{_line(note)}" for note in report.notes)
    for finding in report.findings:
        yield from _finding(finding)
    yield from _skipped(report)
    yield from _removed(report.removed)
    yield from _how_to_read()


def _models(models: list[str]) -> str:
    if models == [REHEARSAL]:
        return (
            "**No language model was used.** The rehearsal model is a fixed policy over the same "
            "tools; it finds little, and only what the tools show."
        )
    return f"Model: {', '.join(map(_code, models))}." if models else "No model was asked."


def _counts(report: ReviewReport) -> str:
    counted = [f"{report.counts[s]} {s}" for s in reversed(Severity) if report.counts.get(s)]
    found = ", ".join(counted) or "none"
    below = f"; {report.below_threshold} below it left out" if report.below_threshold else ""
    return f"**Findings: {found}.** Threshold: {report.threshold} ({report.threshold_from}){below}."


def _finding(finding: Finding) -> Iterator[str]:
    last = f"-{finding.end_line}" if finding.end_line > finding.line else ""
    where = f"{finding.file}:{finding.line}{last}"
    removed = " (removed line, numbered as before the change)" if finding.side == "old" else ""
    yield f"\n## {finding.severity}: {_line(finding.title)}"
    yield f"\n{_code(where)}{removed}, found by {_code(finding.source)}"
    yield from _fenced(finding.evidence)
    yield f"\n{_text(finding.explanation)}"
    if finding.suggestion.strip():
        yield f"\n**Suggestion:** {_text(finding.suggestion)}"


def _skipped(report: ReviewReport) -> Iterator[str]:
    if report.skipped:
        yield "\n## Not reviewed by the model\n"
        yield from (
            f"- {_code(skipped.file)}: {_line(skipped.reason)}"
            for skipped in report.skipped[:MAX_LISTED]
        )
        if len(report.skipped) > MAX_LISTED:
            yield f"- and {len(report.skipped) - MAX_LISTED} more"


def _removed(removed: list[Removed]) -> Iterator[str]:
    if removed:
        by_code = sum(one.by == "check" for one in removed)
        yield "\n## Findings that were taken out\n"
        yield f"{by_code} by checks of this server, {len(removed) - by_code} by the judging pass.\n"
        yield from (
            f"- {_code(f'{one.file}:{one.line}')} {_line(one.title)}: {_line(one.reason)}"
            for one in removed[:MAX_LISTED]
        )


def _how_to_read() -> Iterator[str]:
    yield "\n## How to read this"
    yield (
        "\nEvery finding quotes the line that it is about; code has compared the quote with the "
        "file. The explanation is the opinion of its source: a linter's rule, or the model's, "
        "which can be wrong. No finding does not mean no defect. Lines are numbered as after the "
        "change. Credentials are shown as `[redacted]`."
    )


def _line(text: str) -> str:
    """One line of plain text in Markdown."""
    squeezed = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return re.sub(r"[\\`*\[\]<>|#]|\b_|_\b", r"\\\g<0>", squeezed)


def _code(text: str) -> str:
    """A code span on one line; backticks within are shown as quotes."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return f"`{shown.replace('`', chr(39))}`"


def _text(text: str) -> str:
    """Paragraphs as the source wrote them, without HTML, headings and images.

    An image would be fetched when the report is shown, from wherever the text says.
    """
    lines = text.replace("<", "&lt;").replace("![", "!\\[").strip().splitlines()
    return "\n".join(re.sub(r"^(\s*)(#|=+$|-+$)", r"\1\\\2", line) for line in lines)


def _fenced(text: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"\n{fence}\n{text.rstrip()}\n{fence}"
