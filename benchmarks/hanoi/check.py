"""The judge: plays the recorded moves again, with rules and a solution of its own.

It shares no code with the agent and the model but the digest, which it computes over what it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from benchmarks.hanoi.agent import digest_of


@dataclass
class Played:
    """What the recorded moves are.

    Attributes:
        moves: How many moves.
        wrong: Moves that the rules forbid, that are not the next of the shortest way, or out of
            order. After a detour all that follow count.
        repeated: Moves that were carried out again because a kill cut their step off.
        digest: Of all moves.
        ended: Whether the whole tower is on C.
    """

    moves: int = 0
    wrong: int = 0
    repeated: int = 0
    digest: str = ""
    ended: bool = False


def play(lines: Iterable[str], disks: int, expected: int) -> Played:
    """Play the moves on three stacks.

    Args:
        lines: `NUMBER DISK FROM TO`, in the order in which they were carried out.
        disks: Disks of the tower.
        expected: How many moves there must be; missing ones count as wrong.
    """
    stacks = {"A": list(range(disks, 0, -1)), "B": list[int](), "C": list[int]()}
    played, last = Played(), ""
    way = islice(solution(disks, "A", "C", "B"), expected)
    for line in (each.strip() for each in lines):
        if line == last:
            played.repeated += 1
            continue
        last = line
        number, disk, of, to = line.split(" ")
        played.moves += 1
        right = int(number) == played.moves and (int(disk), of, to) == next(way, None)
        if right and _fits(stacks[of], stacks[to], int(disk)):
            stacks[to].append(stacks[of].pop())
        else:
            played.wrong += 1
        played.digest = digest_of(played.digest, f"{disk} {of} {to}")
    played.wrong += max(0, expected - played.moves)
    played.ended = len(stacks["C"]) == disks
    return played


def _fits(of: list[int], to: list[int], disk: int) -> bool:
    """Whether the disk is on top of its stack, and smaller than what it goes onto."""
    return of[-1:] == [disk] and (not to or to[-1] > disk)


def solution(disks: int, of: str, to: str, over: str) -> Iterator[tuple[int, str, str]]:
    """Every move of the shortest way, by the textbook's recursion."""
    if disks:
        yield from solution(disks - 1, of, over, to)
        yield disks, of, to
        yield from solution(disks - 1, over, to, of)
