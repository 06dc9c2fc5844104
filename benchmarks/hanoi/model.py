"""A model that knows the way, and errs as often as it is told to."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from benchmarks.hanoi.game import PEGS, Move, legal_moves

_QUESTION: Final = re.compile(r"Move ([0-9]+)\..*: ([ABC]+)\.")
MALFORMED: Final = (
    "The smallest disk should go next.",
    "1 A C, " + "because it is the top one. " * 9,
)


class Model:
    """The scripted model.

    Args:
        seed: Decides which answers are wrong.
        wrong: The part of the answers that is another legal move, the hardest kind to notice.
        malformed: The part that is no move, or one with a ramble behind it.
    """

    def __init__(self, seed: int, wrong: float, malformed: float) -> None:
        self._random = Random(seed)
        self._wrong, self._malformed = wrong, malformed
        self.answers = 0
        self.wrong = 0
        self.malformed = 0

    def answer(self, prompt: str) -> str:
        """Answer one question of the agent."""
        self.answers += 1
        chance = self._random.random()
        if chance < self._malformed:
            self.malformed += 1
            return self._random.choice(MALFORMED)
        position = _read(prompt)[1]
        right = next_move(position)
        if chance < self._malformed + self._wrong:
            self.wrong += 1
            return str(
                self._random.choice([each for each in legal_moves(position) if each != right])
            )
        return str(right)


def number_of(prompt: str) -> int:
    """The number of the move that is asked for."""
    return int(_read(prompt)[0])


def next_move(position: str) -> Move:
    """The next move of the shortest way from this position to a tower on C.

    Raises:
        ValueError: It is there.
    """
    found: Move | None = None
    target = PEGS[-1]
    for disk in range(len(position), 0, -1):
        of = position[disk - 1]
        if of != target:
            # All smaller disks must first be out of the way, on the third peg.
            found = Move(disk, of, target)
            target = next(peg for peg in PEGS if peg not in (of, target))
    if found is None:
        raise ValueError(f"{position} is the end.")
    return found


def _read(prompt: str) -> tuple[str, str]:
    found = _QUESTION.match(prompt)
    if found is None:
        raise ValueError(f"This is not a question of the agent: {prompt}")
    return found[1], found[2]
