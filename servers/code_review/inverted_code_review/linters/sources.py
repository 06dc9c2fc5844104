"""What a linter gets: each changed file with its texts, read from git objects.

The linters look at every changed file, also at those that the model does not see. A finding of a
linter always lies on a changed line and quotes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from inverted_code_review.changes import Side
from inverted_code_review.compare import Version, compare
from inverted_code_review.findings import Finding, Severity
from inverted_code_review.repository import Repository

MAX_PER_RULE = 5
"""How many findings of one rule a file may have; more of the same help nobody."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a linter says about a line.

    Args:
        id: The linter and its rule, for example `ruff:F401`; it becomes the finding's source.
        severity: How much it matters.
        title: The problem in one line.
        explanation: Why it is one.
        suggestion: What to do instead.
    """

    id: str
    severity: Severity
    title: str
    explanation: str
    suggestion: str = ""

    def about(self, detail: str) -> Rule:
        """Give the same rule with a title that says what it is about here."""
        return replace(self, title=f"{self.title}: {detail}")


class Source(Version):
    """A changed file, with what a linter asks of it."""

    @property
    def path(self) -> str:
        """The file's path."""
        return self.change.path

    @property
    def added(self) -> dict[int, str]:
        """The added lines by their number, secrets redacted."""
        return self.change.changed("new")

    def finding(self, rule: Rule, line: int, side: Side = "new") -> Finding:
        """Make a finding at a line, with that line as its evidence."""
        return Finding(
            file=self.path,
            line=line,
            end_line=line,
            side=side,
            severity=rule.severity,
            title=rule.title,
            explanation=rule.explanation,
            suggestion=rule.suggestion,
            evidence=self.change.lines(side).get(line, "").strip(),
            source=rule.id,
        )


def sources(root: str, base: str, head: str) -> Iterator[Source]:
    """Read the changed files.

    Args:
        root: The repository's directory.
        base: The commit before.
        head: The commit after.

    Yields:
        Each changed file, in the order of their paths.
    """
    for version in compare(Repository.open(root), base, head):
        yield Source(version.change, version.size, version.old, version.new)


def few(findings: Iterator[Finding]) -> list[Finding]:
    """Keep the first findings of each rule and file."""
    seen: dict[tuple[str, str], int] = {}
    kept: list[Finding] = []
    for finding in findings:
        key = (finding.file, finding.source)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= MAX_PER_RULE:
            kept.append(finding)
    return kept
