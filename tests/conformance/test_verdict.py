from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.__main__ import NOT_RUN, table
from tests.conformance.verdict import COLUMNS, Known, Requirements, Row, Verdict, known, rows

ROOT = Path(__file__).parents[2]
LISTING = """\
Required for 2026-07-28 (2 scenarios, frozen; run at the 2026-07-28 wire):

Server scenarios (test against a server):
  - tools-list
  - ping

Client scenarios (test against a client):
  - initialize

Run and reported, but never scored:
  extension (2):
    - auth/dpop [client]
    - tasks-lifecycle [server]
"""


def row(counts: dict[str, int], known: Known | None = None) -> Row:
    full = {**dict.fromkeys(COLUMNS, 0), **counts}
    return Row("2026-07-28", "tools-list", scored=True, counts=full, known=known)


def left(results: Path, scenario: str, *statuses: str) -> None:
    folder = results / f"server-{scenario}-2026-11-21T01-18-32-394Z"
    folder.mkdir()
    checks = [
        {"id": f"check-{status}", "description": "d", "status": status} for status in statuses
    ]
    (folder / "checks.json").write_text(json.dumps(checks), "utf-8")


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({"passed": 2}, Verdict.PASSED),
        ({"passed": 2, "skipped": 1, "warnings": 1}, Verdict.PASSED),
        ({"passed": 2, "failed": 1}, Verdict.FAILED),
        ({"skipped": 1}, Verdict.SKIPPED),
        ({"skipped": 1, "failed": 1}, Verdict.FAILED),
        ({"warnings": 1}, Verdict.FAILED),
        ({}, Verdict.FAILED),
    ],
)
def test_a_scenario_passes_only_with_a_passed_check_and_no_failed_one(
    counts: dict[str, int], verdict: Verdict
) -> None:
    assert row(counts).verdict is verdict


def test_what_is_known_to_fail_may_fail_and_must_not_pass_unnoticed() -> None:
    late = Known(Verdict.FAILED, "not yet")

    assert row({"failed": 1}, late).as_it_must_be
    assert not row({"passed": 1}, late).as_it_must_be
    assert not row({"skipped": 1}, late).as_it_must_be
    assert not row({"failed": 1}).as_it_must_be
    assert not row({"skipped": 1}).as_it_must_be


def test_a_skipped_scenario_is_written_neither_as_met_nor_as_missed() -> None:
    assert row({"passed": 1}).as_json()["met"] is True
    assert row({"failed": 1}).as_json()["met"] is False
    assert row({"skipped": 1}).as_json()["met"] is None


def test_each_listed_scenario_gets_a_row_also_when_it_left_no_results(tmp_path: Path) -> None:
    required = Requirements.read(LISTING)
    left(tmp_path, "tools-list", "SUCCESS", "SUCCESS", "WARNING", "INFO")
    left(tmp_path, "tasks-lifecycle", "FAILURE")

    found = list(rows("2025-11-25", required, tmp_path))

    assert [(each.scenario, each.scored, each.verdict) for each in found] == [
        ("tools-list", True, "passed"),
        ("ping", True, "failed"),
        ("tasks-lifecycle", False, "failed"),
    ]
    assert dict(found[0].counts) == {"passed": 2, "failed": 0, "warnings": 1, "skipped": 0}
    assert found[2].failures == ["check-FAILURE: d"]
    text = table(found)
    assert "2025-11-25: 1 of 2 scored scenarios passed; 0 of 1 not scored" in text
    assert "Not as it must be: 2025-11-25 ping, 2025-11-25 tasks-lifecycle." in text


def test_a_scenario_is_not_taken_for_another_whose_name_begins_the_same(tmp_path: Path) -> None:
    left(tmp_path, "ping-pong", "SUCCESS")

    (found,) = rows("2025-11-25", Requirements(["ping"], []), tmp_path)

    assert found.verdict is Verdict.FAILED


def test_a_listing_without_scenarios_is_an_error() -> None:
    with pytest.raises(ValueError, match="lists no scenarios"):
        Requirements.read("error: unknown command")


def test_the_file_of_known_failures_can_be_read() -> None:
    assert known()["2026-07-28"]["tasks-status-notifications"].verdict is Verdict.SKIPPED


def test_without_the_registry_the_script_says_that_it_did_not_run(tmp_path: Path) -> None:
    nowhere = {
        "HOME": str(tmp_path),
        "LOCALAPPDATA": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_registry": "http://127.0.0.1:9",
    }

    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance", "--only", "ping"],
        cwd=ROOT,
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == NOT_RUN
    assert "NOT RUN" in done.stderr
    assert "ECONNREFUSED" in done.stderr
    assert done.stdout == ""
