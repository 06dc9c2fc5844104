"""Measuring two or more sides in one run, in turns, so that a busy machine slows all of them."""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Side = Callable[[], Awaitable[float]]
"""Does the work once and returns its figure (most often seconds)."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        repetitions: Turns of each side.
        size: Share of the full amount of work in one turn.
    """

    repetitions: int
    size: float

    def of(self, amount: int) -> int:
        """This effort's share of an amount; at least one."""
        return max(1, round(amount * self.size))


FULL = Effort(repetitions=41, size=1.0)
QUICK = Effort(repetitions=1, size=0.01)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the turns of every side gave, in order."""

    of: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        """Median of one side."""
        return statistics.median(self.of[side])

    def spread(self, ours: str, theirs: str) -> tuple[float, float]:
        """Quartiles of the ratio of two sides, turn by turn."""
        ratios = [a / b for a, b in zip(self.of[ours], self.of[theirs], strict=True)]
        if len(ratios) == 1:
            return ratios[0], ratios[0]
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, high


async def in_turns(sides: Mapping[str, Side], repetitions: int, *, warm_up: int = 2) -> Figures:
    """Let the sides work in turns, in a new random order every time.

    A fixed order would always give the same side the caches that another one left behind.

    Args:
        sides: What to measure, by name.
        repetitions: Turns of each side that count.
        warm_up: Turns before them that do not.
    """
    figures: dict[str, list[float]] = {name: [] for name in sides}
    shuffled = random.Random(0)
    for turn in range(warm_up + repetitions):
        for name in shuffled.sample(list(sides), len(sides)):
            # The garbage of one side is not collected during the turn of the next.
            gc.collect()
            figure = await sides[name]()
            if turn >= warm_up:
                figures[name].append(figure)
    return Figures(figures)
