"""Every journal in this folder replays with the agents as they are, and with none that differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inverted import DeterminismError
from inverted.testing import check_golden
from tests.golden.agents import HERE, RECORDED, server

JOURNALS = sorted(HERE.glob("*.jsonl"))


def test_every_agent_has_its_journal() -> None:
    assert {path.stem for path in JOURNALS} == set(RECORDED)


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.stem)
async def test_it_replays(path: Path) -> None:
    await check_golden(server, path)


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.stem)
async def test_any_other_question_in_it_is_noticed(path: Path, tmp_path: Path) -> None:
    """Each line that holds a question is changed in turn."""
    lines = path.read_bytes().splitlines()  # noqa: ASYNC240 # a small file
    changed = tmp_path / "changed.jsonl"
    asked = [number for number, line in enumerate(lines) if b'"t":"asked"' in line]
    assert asked
    for number in asked:
        entry = json.loads(lines[number])
        entry["q"]["changed"] = True
        other = json.dumps(entry).encode()
        changed.write_bytes(b"\n".join([*lines[:number], other, *lines[number + 1 :]]) + b"\n")
        with pytest.raises(DeterminismError, match="changed"):
            await check_golden(server, changed)
