"""The report: its order and counts, its Markdown, its SARIF."""

from __future__ import annotations

import re
from typing import Any

import pytest

from inverted_code_review.changes import ChangeSet
from inverted_code_review.findings import Finding, Removed, ReviewReport, Severity, Skipped
from inverted_code_review.report import Threshold, assemble
from inverted_code_review.sarif import FINGERPRINT, to_sarif

CHANGES = ChangeSet(root="/home/ada/project", base="b" * 40, head="a" * 40, label="main..topic")


def finding(**fields: object) -> Finding:
    usual: dict[str, object] = {
        "file": "a.py",
        "line": 3,
        "end_line": 4,
        "severity": Severity.HIGH,
        "title": "It breaks",
        "explanation": "Because of this.",
        "suggestion": "Do that.",
        "evidence": "x = 1",
        "source": "model",
    }
    return Finding.model_validate(usual | fields)


def report(
    *findings: Finding, threshold: Severity = Severity.INFO, models: tuple[str, ...] = ("big-1",)
) -> ReviewReport:
    return assemble(
        CHANGES,
        findings,
        threshold=Threshold(threshold, "as the caller asked"),
        removed=[Removed(file="a.py", line=1, title="odd", reason="no proof", by="check")],
        skipped=[Skipped(file="logo.png", reason="binary")],
        models=models,
        notes=["ruff failed: no such program"],
    )


def test_findings_are_ordered_counted_and_cut_at_the_threshold() -> None:
    found = report(
        finding(severity=Severity.LOW),
        finding(severity=Severity.MEDIUM, file="z.py"),
        finding(severity=Severity.MEDIUM, file="b.py"),
        finding(severity=Severity.CRITICAL),
        threshold=Severity.MEDIUM,
    )
    assert [(each.severity.value, each.file) for each in found.findings] == [
        ("critical", "a.py"),
        ("medium", "b.py"),
        ("medium", "z.py"),
    ]
    assert found.counts == {"info": 0, "low": 0, "medium": 2, "high": 0, "critical": 1}
    assert found.below_threshold == 1
    assert "**Findings: 1 critical, 2 medium.**" in found.markdown
    assert "Threshold: medium (as the caller asked); 1 below it left out." in found.markdown


def test_the_markdown_tells_what_a_reader_must_know() -> None:
    text = report(finding()).markdown
    for part in (
        "# Code review: project, `main..topic`",
        "Reviewed `aaaaaaaaaaaa` against `bbbbbbbbbbbb`.",
        "Model: `big-1`.",
        "ruff failed: no such program",
        "## high: It breaks",
        "`a.py:3-4`, found by `model`",
        "```\nx = 1\n```",
        "**Suggestion:** Do that.",
        "- `logo.png`: binary",
        "1 by checks of this server, 0 by the judging pass.",
        "- `a.py:1` odd: no proof",
        "## How to read this",
    ):
        assert part in text
    assert "/home/ada" not in text


def test_a_rehearsal_is_called_one() -> None:
    assert "**No language model was used.**" in report(models=("rehearsal",)).markdown
    assert "**No language model was used.**" not in report(models=("rehearsal", "big-1")).markdown
    assert "No model was asked." in report(models=()).markdown


def test_text_of_a_model_or_a_repository_stays_in_its_place() -> None:
    text = report(
        finding(
            file="a`\n# b.py",
            title="<script>\n# not a heading [x](y)",
            explanation="fine\n# no heading\n<img src=x>\n![beacon](https://evil.example/?q)\n===",
            evidence="```\n# inside\n````\n",
        )
    ).markdown
    headings = [line for line in text.split("\n") if line.startswith("#")]
    assert headings == [
        "# Code review: project, `main..topic`",
        "## high: \\<script\\> \\# not a heading \\[x\\](y)",
        "# inside",
        "## Not reviewed by the model",
        "## Findings that were taken out",
        "## How to read this",
    ]
    assert "\n`````\n```\n# inside\n````\n`````\n" in text
    assert "`a'\\x0a# b.py:3-4`" in text
    assert "<img" not in text
    assert "![" not in text


def _check_sarif(log: dict[str, Any]) -> None:
    """The requirements of SARIF 2.1.0 for the properties that are written here."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    identities = [rule["id"] for rule in driver["rules"]]
    assert len(set(identities)) == len(identities)
    bases = run["originalUriBaseIds"]
    for result in run["results"]:
        assert identities[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
        for location in result["locations"]:
            physical = location["physicalLocation"]
            assert re.fullmatch(r"[A-Za-z0-9%._~/-]+", physical["artifactLocation"]["uri"])
            assert physical["artifactLocation"]["uriBaseId"] in bases
            if region := physical.get("region"):
                assert 1 <= region["startLine"] <= region["endLine"]


def test_the_sarif_log_is_well_formed() -> None:
    log = report(
        finding(),
        finding(file="sp ace/ü.py", source="ruff:F401", severity=Severity.INFO),
        finding(side="old", source="check:test-removed", severity=Severity.MEDIUM, end_line=0),
    ).sarif
    _check_sarif(log)
    levels = {result["ruleId"]: result["level"] for result in log["runs"][0]["results"]}
    assert levels == {"model": "error", "check:test-removed": "warning", "ruff:F401": "note"}
    removed = next(r for r in log["runs"][0]["results"] if r["ruleId"] == "check:test-removed")
    assert "region" not in removed["locations"][0]["physicalLocation"]
    assert "/home/ada" not in str(log)


def test_a_sarif_log_without_findings_is_well_formed() -> None:
    _check_sarif(report().sarif)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"line": 99, "end_line": 99}, True),
        ({"title": "Other words", "explanation": "Other words.", "severity": "low"}, True),
        ({"evidence": "  x  =  1"}, True),
        ({"evidence": "x = 2"}, False),
        ({"file": "b.py"}, False),
        ({"source": "ruff:F401"}, False),
    ],
)
def test_a_fingerprint_survives_moved_lines_and_other_words(
    change: dict[str, object], *, same: bool
) -> None:
    def fingerprint(one: Finding) -> str:
        result = to_sarif([one], "1", ["m"])["runs"][0]["results"][0]
        return result["partialFingerprints"][FINGERPRINT]

    assert (fingerprint(finding()) == fingerprint(finding(**change))) is same


def test_two_equal_findings_have_different_fingerprints() -> None:
    results = to_sarif([finding(), finding(line=9)], "1", [])["runs"][0]["results"]
    assert len({result["partialFingerprints"][FINGERPRINT] for result in results}) == 2
