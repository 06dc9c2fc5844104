"""The rules: where the disks are, and what a move does.

A position is a text with the peg of every disk, the smallest disk first: `CAA` is three disks, of
which the smallest is on C.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

PEGS: Final = "ABC"
_MOVE: Final = re.compile(r"([0-9]{1,3}) ([ABC]) ([ABC])")


class Move(NamedTuple):
    """One disk goes from one peg to another. The smallest disk is 1."""

    disk: int
    of: str
    to: str

    def __str__(self) -> str:
        return f"{self.disk} {self.of} {self.to}"


class WrongMoveError(Exception):
    """A move that the rules forbid."""


def read(text: str) -> Move | None:
    """The move that a text is, or None if it is none."""
    found = _MOVE.fullmatch(text.strip())
    return Move(int(found[1]), found[2], found[3]) if found else None


def legal_moves(position: str) -> list[Move]:
    """What may be moved: the top disk of a peg, onto a larger one or an empty peg."""
    tops = {peg: position.find(peg) % (len(position) + 1) for peg in PEGS}  # empty: beyond all
    return [
        Move(tops[of] + 1, of, to)
        for of in PEGS
        for to in PEGS
        if tops[of] < tops[to] and tops[of] < len(position)
    ]


def after(position: str, move: Move) -> str:
    """The position after a move.

    Raises:
        WrongMoveError: The rules forbid it.
    """
    if move not in legal_moves(position):
        raise WrongMoveError(f"The rules forbid {move} at {position}.")
    return position[: move.disk - 1] + move.to + position[move.disk :]
