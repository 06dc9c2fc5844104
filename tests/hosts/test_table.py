"""The table: every agent in every known host completes, or ends in the documented refusal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inverted.testing import PROFILES
from tests.hosts import __main__ as script
from tests.hosts.__main__ import Which, main, table, which
from tests.hosts.agents import AGENTS
from tests.hosts.cells import COMPLETED, DECLINED, NOBODY, Cell, run

ALL = which()
CELL = Cell(
    agent="fifty",
    host="cursor",
    place="local",
    transport="memory",
    must=COMPLETED,
    came=COMPLETED,
    model={"relay": 50},
    person={},
    rounds=0,
    hops=50,
    framing=900.0,
    per_question=18.0,
)


def name_of(one: Which) -> str:
    return "-".join(one)


@pytest.mark.parametrize("one", ALL, ids=name_of)
async def test_an_agent_completes_in_a_host_or_is_refused_as_documented(one: Which) -> None:
    cell = await run(*one)
    assert cell.came == cell.must
    assert cell.met


def test_the_table_has_every_agent_in_every_host_and_real_transports() -> None:
    assert {(agent, host) for agent, host, *_ in ALL} == {
        (agent, host) for agent in AGENTS for host in PROFILES
    }
    for agent in AGENTS:
        for over in ("stdio", "http"):
            assert len({host for each, host, _, way in ALL if (each, way) == (agent, over)}) >= 2
    assert {name for name, *_ in which("fifty", "codex")} == {"fifty"}
    assert {host for _, host, *_ in which("fifty", "codex")} == {"codex"}


def test_a_refusal_is_rare_and_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    assert main(["--agent", "approvals", "--only", "codex", "--json", str(file)]) == 0
    told = capsys.readouterr().out
    assert "declined by the host (docs/ladders.md): 'Not approved'" in told
    assert "2 cells: 1 completed, 1 refused as documented, 0 wrong" in told
    rows = json.loads(file.read_text("utf-8"))
    assert [(row["place"], row["came"], row["met"]) for row in rows] == [
        ("local", COMPLETED, True),
        ("remote", DECLINED, True),
    ]
    assert rows[0]["person"] == {"page": 2}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(CELL, came="error: boom"), "must be 'completed' and was 'error: boom'"),
        (replace(CELL, came=NOBODY), "must be 'completed' and was 'nobody to ask'"),
        (replace(CELL, must=NOBODY), "must be 'nobody to ask' and was 'completed'"),
        (replace(CELL, per_question=151.0), "at most 151 tokens"),
    ],
)
def test_what_is_not_as_it_must_be_is_told_and_fails(
    wrong: Cell, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def ran(wanted: Sequence[Which]) -> list[Cell]:
        return [CELL, wrong]

    monkeypatch.setattr(script, "_run", ran)
    assert main([]) == 1
    told = capsys.readouterr().out
    assert said in told
    assert "1 wrong" in told


def test_the_rungs_of_an_answer_are_counted_in_the_table() -> None:
    told = table([CELL, replace(CELL, person={"page": 2, "card": 1}, per_question=None)])
    assert "50 relay" in told
    assert "2 page" in told
    assert "1 card" in told
