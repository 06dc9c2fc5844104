"""What the checks make of a model's claims."""

from __future__ import annotations

import pytest

from inverted_code_review.changes import Change, Hunk
from inverted_code_review.findings import Finding, Severity, Verdict, Verdicts
from inverted_code_review.verify import checked, judged

CHANGE = Change(
    path="a.py",
    status="modified",
    hunks=(
        Hunk(
            old_start=10,
            new_start=10,
            lines=(" def f(a):", "-    return a", "+    b = a", "+", "+    return  b", " # end"),
        ),
        Hunk(old_start=50, new_start=52, lines=("+    b = a", " x = 1")),
    ),
)


def finding(**fields: object) -> Finding:
    usual: dict[str, object] = {
        "file": "a.py",
        "line": 11,
        "severity": Severity.HIGH,
        "title": "wrong",
        "explanation": "because",
        "evidence": "b = a",
    }
    return Finding.model_validate(usual | fields)


@pytest.mark.parametrize(
    ("fields", "span"),
    [
        ({}, (11, 11)),
        ({"line": 12}, (11, 11)),
        ({"line": 60}, (52, 52)),
        ({"evidence": "b = a\nreturn b"}, (11, 13)),
        ({"evidence": "    b = a\n\n    return  b\n"}, (11, 13)),
        ({"evidence": "+    b = a\n+    return b"}, (11, 13)),
        ({"evidence": "def f(a):"}, (10, 10)),
        ({"evidence": "return a", "side": "old"}, (11, 11)),
        ({"evidence": "-    return a", "side": "old", "line": 1}, (11, 11)),
    ],
)
def test_a_finding_moves_to_where_its_evidence_is(
    fields: dict[str, object], span: tuple[int, int]
) -> None:
    kept, removed = checked([finding(**fields)], CHANGE, [], "model")
    assert [(each.line, each.end_line) for each in kept] == [span]
    assert removed == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"file": "b.py"}, "a file other than the reviewed one"),
        ({"evidence": "y = 2"}, "not in the changed part"),
        ({"evidence": "return a"}, "not in the changed part"),
        ({"evidence": "b = a\nx = 2"}, "not in the changed part"),
        ({"evidence": " \n"}, "not in the changed part"),
        ({"evidence": "+"}, "not in the changed part"),
    ],
)
def test_a_finding_without_support_is_taken_out_with_the_reason(
    fields: dict[str, object], reason: str
) -> None:
    kept, removed = checked([finding(**fields)], CHANGE, [], "model")
    assert kept == []
    assert reason in removed[0].reason
    assert removed[0].by == "check"


def test_a_model_cannot_pass_its_finding_off_as_a_linters() -> None:
    kept, _ = checked([finding(source="ruff:F401")], CHANGE, [], "model")
    assert kept[0].source == "model"


def test_a_linter_finding_stays_unless_the_model_explains_it() -> None:
    linted = [
        finding(source="ruff:F841", line=11, severity=Severity.LOW),
        finding(source="check:todo", line=13, evidence="return  b"),
    ]
    explained = finding(source="ruff:F841", line=11, explanation="it is never read")
    own = finding(evidence="b = a")
    kept, removed = checked([explained, own, own], CHANGE, linted, "model")
    assert [(each.source, each.line, each.explanation) for each in kept] == [
        ("ruff:F841", 11, "it is never read"),
        ("check:todo", 13, "because"),
        ("model", 11, "because"),
        ("model", 11, "because"),
    ]
    assert removed == []


def test_the_judge_removes_by_number_and_silence_keeps() -> None:
    findings = [finding(title="first"), finding(title="second"), finding(title="third")]
    verdicts = Verdicts(
        verdicts=[
            Verdict(number=1, keep=True),
            Verdict(number=2, keep=False, reason="the same as 1"),
            Verdict(number=99, keep=False),
        ]
    )
    kept, removed = judged(findings, verdicts)
    assert [each.title for each in kept] == ["first", "third"]
    assert [(each.title, each.reason, each.by) for each in removed] == [
        ("second", "the same as 1", "judge")
    ]
