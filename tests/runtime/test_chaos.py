"""`scripts/chaos --short`: processes that share a store are killed, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SHORT = {"processes": 2, "kills": 40, "tasks": 30, "lost": 0, "doubled": 0, "wrong": 0}


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"

    done = chaos("--short", "--json", str(file))

    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(file.read_text())
    assert [row["met"] for row in rows] == [True] * 3
    figures = rows[0]["figures"]
    assert {name: figures[name] for name in SHORT} == SHORT
    assert sum(figures["ends"].values()) == 30
    assert figures["answers"] > 50
    assert figures["steps"] > 200
    *_, summary = done.stdout.splitlines()
    assert re.fullmatch(
        r"2 processes, 40 kills, 30 tasks of 20 effects \(.*completed\), 0 lost, 0 doubled, "
        r"0 wrong, in \d+\.\d s",
        summary,
    )
