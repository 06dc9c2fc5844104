"""Towers of Hanoi by votes: a small tower under kills, and the judge that looks at the moves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hanoi.agent import State, is_malformed, question
from benchmarks.hanoi.check import play, solution
from benchmarks.hanoi.game import Move, WrongMoveError, after, legal_moves, read
from benchmarks.hanoi.model import MALFORMED, Model, next_move, number_of

ROOT = Path(__file__).parent.parent.parent


def recorded(disks: int) -> list[str]:
    moves = enumerate(solution(disks, "A", "C", "B"), 1)
    return [f"{number} {disk} {of} {to}\n" for number, (disk, of, to) in moves]


def hanoi(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the figures of a run."""
    file = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.hanoi", *options, "--json", str(file)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert file.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(file.read_text())


def test_a_small_tower_is_moved_without_a_wrong_move_by_a_server_that_is_killed(
    tmp_path: Path,
) -> None:
    code, found = hanoi(tmp_path, "--disks=6", "--kills=2", "--seed=1", "--wrong=0.03")

    assert code == 0, found
    assert (found["steps"], found["wrong_moves"], found["kills"]) == (63, 0, 2)
    assert found["wrong_answers"] > 0
    assert found["malformed_answers"] > 0
    assert found["agreed"] is True


def test_a_model_that_errs_too_often_for_the_vote_is_told_by_the_exit_code(tmp_path: Path) -> None:
    code, found = hanoi(tmp_path, "--disks=5", "--kills=0", "--seed=1", "--wrong=0.5", "--k=1")

    assert code == 1
    assert found["wrong_moves"] > 0


def test_the_judge_accepts_the_way_and_a_move_that_was_carried_out_again() -> None:
    lines = recorded(4)

    played = play([*lines[:3], lines[2], *lines[3:]], 4, 15)

    assert (played.moves, played.wrong, played.repeated) == (15, 0, 1)
    assert played.ended


@pytest.mark.parametrize(
    "lines",
    [
        ["1 1 A C\n", *recorded(4)[1:]],  # a detour
        ["2 1 A B\n", *recorded(4)[1:]],  # another number
        recorded(4)[1:],  # one is missing
        recorded(4)[:-1],  # the last one is missing
        [*recorded(4), "16 1 C A\n"],  # one too many
        [*recorded(4)[:3], *recorded(4)[1:]],  # two are done again
    ],
)
def test_the_judge_sees_what_is_wrong(lines: list[str]) -> None:
    assert play(lines, 4, 15).wrong > 0


def test_the_model_that_never_errs_walks_the_shortest_way() -> None:
    model = Model(0, 0.0, 0.0)
    state = State(position="AAAAA")
    moves: list[Move] = []
    while state.position != "CCCCC":
        assert number_of(question(state)) == state.moves + 1
        move = read(model.answer(question(state)))
        assert move is not None
        moves.append(move)
        state = State(position=after(state.position, move), moves=state.moves + 1)

    assert moves == list(solution(5, "A", "C", "B"))


def test_the_model_errs_as_often_as_it_is_told_to() -> None:
    model = Model(0, 0.2, 0.1)
    state = State(position="AAA")

    answers = [model.answer(question(state)) for _ in range(1000)]

    assert sum(map(is_malformed, answers)) == model.malformed == pytest.approx(100, abs=40)
    right = str(next_move("AAA"))
    assert sum(each != right for each in answers) - model.malformed == model.wrong
    assert model.wrong == pytest.approx(200, abs=60)
    assert all(map(is_malformed, MALFORMED))


def test_the_rules_allow_a_top_disk_on_a_larger_one_only() -> None:
    assert legal_moves("AAA") == [Move(1, "A", "B"), Move(1, "A", "C")]
    assert Move(2, "A", "B") in legal_moves("CAA")
    assert after("CAA", Move(2, "A", "B")) == "CBA"
    for wrong in [Move(2, "A", "C"), Move(3, "A", "B"), Move(1, "A", "B"), Move(1, "C", "C")]:
        with pytest.raises(WrongMoveError):
            after("CAA", wrong)
