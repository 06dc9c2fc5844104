"""A run as JSON, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.tests.reports.made_up import HOSTILE, bad, good, report, result
from inverted_conformance.reports.data import StoredError, read, write
from inverted_conformance.wire.transcript import Line, Message

WHEN = "2026-08-01T12:00:00+00:00"


def stored(**changed: Any) -> dict[str, Any]:
    return json.loads(write(report(), WHEN)) | changed


def test_a_run_comes_back_as_it_was() -> None:
    ran = report(peer=HOSTILE)
    back = read(write(ran, WHEN))
    assert back.written == WHEN
    assert back.report.peer == HOSTILE
    assert [one.id for one in back.report.results] == [one.id for one in ran.results]
    for one, other in zip(back.report.results, ran.results, strict=True):
        assert (one.status, one.findings, one.lines) == (other.status, other.findings, other.lines)
        assert one.not_offered == other.not_offered
    assert back.report.requirements() == ran.requirements()
    assert write(back.report, WHEN) == write(ran, WHEN)


def test_the_document_has_every_verdict() -> None:
    said = stored()
    assert (said["format"], said["version"], said["role"]) == ("inverted-conformance", 1, "server")
    assert said["summary"]["2026-07-28"] == {
        "passed": 1,
        "warned": 1,
        "failed": 2,
        "not offered": 0,
    }
    verdicts = {one["id"]: one["status"] for one in said["requirements"]}
    assert verdicts["2026-07-28/server/sampling-tools.balance"] == "failed"
    assert verdicts["2026-07-28/server/elicitation.flat"] == "warned"
    assert verdicts["2025-11-25/server/elicitation.flat"] == "not offered"
    [broken] = [one for one in said["scenarios"] if one["name"] == "tasks/both"]
    assert broken["findings"] == [
        {"key": None, "ok": False, "detail": "The server ended.", "line": 2}
    ]
    assert broken["transcript"][0]["said"]["method"] == "tools/call"


def test_what_a_peer_says_cannot_make_it_invalid() -> None:
    deep: Message = {"jsonrpc": "2.0"}
    for _ in range(5000):
        deep = {"a": deep}
    lines = [Line("received", {"jsonrpc": "2.0", "result": float("nan")}, 0), Line("sent", deep, 0)]
    ran = report(result("rounds/state", "2026-07-28", bad(None, HOSTILE), lines=lines))
    text = write(ran, WHEN)
    assert text.isascii()
    transcript = json.loads(text, parse_constant=pytest.fail)["scenarios"][0]["transcript"]
    assert transcript[0]["said"] == '{"jsonrpc": "2.0", "result": NaN}'
    assert transcript[1]["said"] == "(nested too deeply to store)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not a stored run"),
        ('{"format": "inverted-conformance"}', "'version' is missing"),
        ("[" * 100_000, "cannot be read"),
        (json.dumps({"format": "inverted-conformance", "version": 2}), "version 2"),
    ],
)
def test_what_is_no_run_is_refused(text: str, message: str) -> None:
    with pytest.raises(StoredError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"role": "proxy"}, "'proxy' is none of server, client"),
        ({"scenarios": [{"name": "a"}]}, "is missing"),
        ({"scenarios": 7}, "cannot be read"),
        ({"seconds": "long"}, "cannot be read"),
    ],
)
def test_a_run_with_wrong_parts_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(StoredError, match=message):
        read(json.dumps(stored(**changed)))


def test_a_run_that_this_suite_would_judge_otherwise_is_refused() -> None:
    said = stored()
    said["scenarios"][0]["status"] = "failed"
    with pytest.raises(StoredError, match="was failed and would now be passed"):
        read(json.dumps(said))


def test_fields_that_are_not_known_are_ignored() -> None:
    said = stored(more="later")
    said["scenarios"][0]["more"] = 1
    assert read(json.dumps(said)).report.role == "server"


def test_a_good_finding_keeps_its_line() -> None:
    kept = report(result("rounds/state", "2026-07-28", good("rounds.state")))
    assert read(write(kept, WHEN)).report.results[0].findings[0].line == 2
