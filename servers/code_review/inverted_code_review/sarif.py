"""Writes findings as a SARIF 2.1.0 log, for code scanning services and editors.

Rules: paths are relative URIs; a fingerprint depends on the file, the rule and the quoted text, so
it stays the same when lines move (specification, 3.27.17); the log holds no time and no local path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from inverted_code_review.findings import MODEL, REHEARSAL, Finding, Severity

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "invertedCodeReview/v1"
_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# What GitHub sorts security findings by; harmless elsewhere.
_SECURITY = {Severity.CRITICAL: "9.0", Severity.HIGH: "7.0", Severity.MEDIUM: "5.0"}


# JSON as the specification defines it.
def to_sarif(findings: Sequence[Finding], version: str, models: Sequence[str]) -> dict[str, Any]:
    """Write a log with one run.

    Args:
        findings: The findings, in the order of the report.
        version: The version of this tool.
        models: The models that took part.

    Returns:
        The log.
    """
    rules = sorted({finding.source for finding in findings})
    seen: dict[str, int] = {}
    results: list[dict[str, Any]] = []
    for finding in findings:
        content = _fingerprint(finding)
        seen[content] = seen.get(content, 0) + 1
        results.append(_result(finding, rules, f"{content}:{seen[content]}"))
    driver = {
        "name": "inverted-code-review",
        "version": version,
        "rules": [{"id": rule, "shortDescription": {"text": _described(rule)}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            "SRCROOT": {"description": {"text": "The top directory of the repository."}}
        },
        "results": results,
        "properties": {"models": list(models)},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, rules: Sequence[str], fingerprint: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "artifactLocation": {"uri": quote(finding.file), "uriBaseId": "SRCROOT"}
    }
    if finding.side == "new":  # the reviewed version has no line for what was removed
        location["region"] = {
            "startLine": finding.line,
            "endLine": max(finding.line, finding.end_line),
            "snippet": {"text": finding.evidence},
        }
    text = "\n\n".join(filter(None, (finding.title, finding.explanation, finding.suggestion)))
    return {
        "ruleId": finding.source,
        "ruleIndex": rules.index(finding.source),
        "level": _LEVEL[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": {"severity": finding.severity.value, "side": finding.side},
    }


def _fingerprint(finding: Finding) -> str:
    quoted = " ".join(finding.evidence.split())
    place = f"{finding.file}\0{finding.side}\0{finding.source}\0{quoted}"
    return hashlib.sha256(place.encode("utf-8", errors="surrogatepass")).hexdigest()[:32]


def _described(rule: str) -> str:
    linter, _, name = rule.partition(":")
    if rule == REHEARSAL:
        return "Found by the rehearsal policy; no language model was used."
    return "Found by the language model." if rule == MODEL else f"{linter} rule {name}"
