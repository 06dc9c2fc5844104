"""Measuring two or more sides in one run, in turns, so that a busy machine slows all of them."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

Side = Callable[[], Awaitable[float]]
"""Does the work once and returns its figure (most often seconds)."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        repetitions: Turns of each side that count.
        warm_up: Turns of each side before them.
        size: Share of the full amount of work in one turn.
    """

    repetitions: int
    warm_up: int
    size: float

    def part(self, share: float) -> Effort:
        """Fewer turns, for work that takes long."""
        return replace(self, repetitions=max(1, round(self.repetitions * share)))

    def of(self, amount: int) -> int:
        """This effort's share of an amount; at least one."""
        return max(1, round(amount * self.size))


FULL = Effort(repetitions=41, warm_up=2, size=1.0)
QUICK = Effort(repetitions=1, warm_up=0, size=0.01)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the turns of every side gave, in order.

    Attributes:
        of: The figures that the sides returned.
        processor: Processor seconds of this process, turn by turn.
    """

    of: Mapping[str, list[float]]
    processor: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        """Median of one side."""
        return statistics.median(self.of[side])

    def processor_ratio(self, ours: str, theirs: str) -> float:
        """Ratio of two sides by the processor time of this process, waiting left out."""
        return statistics.median(self.processor[ours]) / statistics.median(self.processor[theirs])

    def spread(self, ours: str, theirs: str) -> tuple[float, float]:
        """Quartiles of the ratio of two sides, turn by turn."""
        ratios = [a / b for a, b in zip(self.of[ours], self.of[theirs], strict=True)]
        if len(ratios) == 1:
            return ratios[0], ratios[0]
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, high


async def in_turns(sides: Mapping[str, Side], effort: Effort) -> Figures:
    """Let the sides work in turns, in a new random order every time.

    A fixed order would always give the same side the caches that another one left behind.

    Args:
        sides: What to measure, by name.
        effort: How many turns.
    """
    figures: dict[str, list[float]] = {name: [] for name in sides}
    processor: dict[str, list[float]] = {name: [] for name in sides}
    shuffled = random.Random(0)
    for turn in range(effort.warm_up + effort.repetitions):
        for name in shuffled.sample(list(sides), len(sides)):
            # The garbage of one side is not collected during the turn of the next.
            gc.collect()
            start = time.process_time()
            figure = await sides[name]()
            spent = time.process_time() - start
            if turn >= effort.warm_up:
                figures[name].append(figure)
                processor[name].append(spent)
    return Figures(figures, processor)
