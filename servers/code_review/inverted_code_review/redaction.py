"""Finds committed secrets and blacks them out.

Whatever leaves `repository.py` and `changes.py` towards the model, the journal or the report goes
through `redact`. It works line by line and keeps the number of lines, so that line numbers stay
true. Patterns name well-known credential formats; an unknown format is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MASK = "[redacted]"
_HEADER = "private-key"  # the header line is no secret; the lines below it are

_FORMATS: dict[str, re.Pattern[str]] = {
    "aws-access-key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "github-token": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{60,})"),
    "gitlab-token": re.compile(r"\bglpat-[0-9A-Za-z_-]{20,}"),
    "slack-token": re.compile(r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}"),
    "google-api-key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}"),
    "stripe-key": re.compile(r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    "model-api-key": re.compile(r"\bsk-(?:ant|proj|svcacct)-[0-9A-Za-z_-]{20,}"),
    "npm-token": re.compile(r"\bnpm_[0-9A-Za-z]{36}\b"),
    "pypi-token": re.compile(r"\bpypi-[0-9A-Za-z_-]{60,}"),
    _HEADER: re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "password-in-url": re.compile(r"(?<=://)[^\s/:@\"'<>{}$]+:[^\s/:@\"'<>{}$]+(?=@)"),
    "hard-coded-secret": re.compile(
        r"(?i)(?:password|passwd|secret|token|api_?key)[\"']?\s*[:=]\s*[\"'](?P<value>[^\"'\s]{12,})"
    ),
}
# A full line of an encoded key: 64 or 76 signs, of which some are digits.
_KEY_LINE = re.compile(
    r"""^(?P<indent>[\s"'+-]*)(?=\D*\d)[0-9A-Za-z+/]{60,80}={0,2}(?P<rest>[\\n"',\s]*)$"""
)
_PLACEHOLDER = re.compile(
    r"(?i)example|sample|dummy|change.?me|your|test|fake|redacted|[<>{}$%*]|x{4}"
)


def secrets_in(line: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield the rule and the match for every secret in one line.

    Args:
        line: A line of a file.

    Yields:
        The name of the format, and where it is; the group `value` narrows it where there is one.
    """
    for rule, pattern in _FORMATS.items():
        for match in pattern.finditer(line):
            value = match["value"] if "value" in pattern.groupindex else match[0]
            general = rule in {"hard-coded-secret", "password-in-url"}
            if not (general and (_PLACEHOLDER.search(value) or not _mixed(value))):
                yield rule, match


def redact(text: str) -> str:
    """Black out every secret, keeping the lines as they are otherwise.

    Args:
        text: One or many lines.

    Returns:
        The same number of lines without the secrets.
    """
    return "\n".join(_redact_line(line) for line in text.split("\n"))


def _redact_line(line: str) -> str:
    # From the right, and only what an earlier replacement has not covered: spans may overlap.
    edge = len(line)
    for start, end in sorted(
        (_span(match) for rule, match in secrets_in(line) if rule != _HEADER), reverse=True
    ):
        if end <= edge:
            line, edge = f"{line[:start]}{MASK}{line[end:]}", start
    return _KEY_LINE.sub(rf"\g<indent>{MASK}\g<rest>", line)


def _span(match: re.Match[str]) -> tuple[int, int]:
    return match.span("value") if "value" in match.re.groupindex else match.span()


def _mixed(value: str) -> bool:
    """Whether a value looks made by a machine: letters and digits. A word or a sentence is not."""
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
