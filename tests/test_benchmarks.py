"""The benchmarks run, print every row and write it as JSON. No test here judges a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rows import Goal, Row, table

ROOT = Path(__file__).parent.parent
ROWS = {
    "rounds": ["9 rounds of 20 KB, time", "9 rounds of 20 KB, bytes on the wire"],
    "backchannel": ["9 samples on the back-channel"],
    "replay": ["replay of 100,000 effects in the core"],
    "effects": [
        "journaled step on SQLite, against a raw commit",
        "journaled step on SQLite, against a DBOS step",
    ],
    "parked": ["10,000 parked runs"],
    "cold-start": ["cold start of a stdio server to its tools"],
    "emulation": ["1 MB of text with calls, read", "1 MB of hostile text, the slowest"],
    "ladder": ["a rung chosen, the slowest"],
}


@pytest.mark.parametrize("name", ROWS)
def test_a_quick_run_prints_its_rows_and_writes_them_as_json(name: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", name, "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())
    assert [row["name"] for row in rows] == ROWS[name]
    for row in rows:
        assert row["name"] in done.stdout
        assert row["figures"]["ours"] > 0
        assert row["goal"]["figure"] in ("ratio", "ours")
        assert row["met"] in (True, False)


def test_an_unknown_measurement_is_refused_with_the_names_of_all() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )

    assert done.returncode == 2
    assert all(name in done.stderr for name in ROWS)


@pytest.mark.parametrize(
    ("ours", "theirs", "goal", "met"),
    [
        (1.0, 2.0, Goal("ratio", at_most=0.5), True),
        (1.1, 2.0, Goal("ratio", at_most=0.5), False),
        (1.0, None, Goal("ratio", at_most=0.5), False),
        (5.0, None, Goal("ours", at_least=5.0), True),
        (4.9, None, Goal("ours", at_least=5.0), False),
        (5.0, None, Goal("ours", at_most=4.0), False),
    ],
)
def test_a_goal_is_met_when_its_figure_was_measured_and_keeps_the_bound(
    ours: float, theirs: float | None, goal: Goal, *, met: bool
) -> None:
    row = Row("work", "ms", ours, theirs, goal)

    assert row.met is met
    assert row.as_json()["met"] is met
    assert table([row]).splitlines()[-1].split()[-1] == ("yes" if met else "NO")


def test_the_table_shows_what_stands_beside_a_row_under_it() -> None:
    goal = Goal("ratio", at_most=1.5)
    row = Row("work", "ms", 1.5, 2.0, goal, (0.7, 0.8), {"on a slow disk (ms)": 1234.5})

    *_, line, beside = table([row]).splitlines()

    assert line.split() == ["work", "ms", "1.5", "2", "0.750x", "0.700-0.800", "<=", "1.5x", "yes"]
    assert beside.strip() == "on a slow disk (ms): 1,234"
    assert row.as_json()["figures"] == {
        "unit": "ms",
        "ours": 1.5,
        "theirs": 2.0,
        "ratio": 0.75,
        "ratio_quartiles": [0.7, 0.8],
        "on a slow disk (ms)": 1234.5,
    }
