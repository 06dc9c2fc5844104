"""The choice of a rung, for every question in clients that can do least to most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks.measure import Effort, in_turns
from benchmarks.rows import Goal, Row
from inverted.carriers.client import Client
from inverted.carriers.ladder import Ladder, Means
from inverted.carriers.later import Later
from inverted.core.effects import Json, Kind
from inverted.runtime.ladders import Asking
from inverted.runtime.ports import Question

CHOICES: Final = 20_000
GOAL: Final = Goal("ours", at_most=20)
SAMPLE: Final = Question("run", "1", Kind.SAMPLE, {"messages": [], "tools": []})
APPROVAL: Final = Question(
    "run",
    "2",
    Kind.ELICIT,
    {"mode": "form", "message": "Sure?", "requestedSchema": {"properties": {}}},
    Asking(approval=True),
)


class Channel(Later):
    """A client that answers in a later request."""

    async def notify(self, payload: dict[str, Json]) -> None:
        """Nobody listens."""


def ladder(*features: str, relay: bool = False) -> Ladder:
    """The ladder of a client with these features."""
    client = Client("2026-07-28", frozenset(features))
    return Ladder(Channel(client), None, Means(relay=relay))


CASES: Final[dict[str, Callable[[], object]]] = {
    "sampling": partial(ladder("sampling", "sampling.tools").rung, SAMPLE),
    "text": partial(ladder("sampling").rung, SAMPLE),
    "relay": partial(ladder(relay=True).rung, SAMPLE),
    "form": partial(ladder("elicitation.form").rung, APPROVAL),
    "refused": partial(ladder().rung, APPROVAL),
}


async def _choose(choose: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        choose()
    return (time.perf_counter() - start) / count * 1e6


def rows(effort: Effort) -> list[Row]:
    """Microseconds of the slowest choice, with the others beside."""
    count = effort.of(CHOICES)
    sides = {name: partial(_choose, choose, count) for name, choose in CASES.items()}
    figures = asyncio.run(in_turns(sides, effort.part(0.25)))
    times = {name: figures.median(name) for name in CASES}
    beside = {f"{name} (us)": spent for name, spent in times.items()}
    return [Row("a rung chosen, the slowest", "us", max(times.values()), None, GOAL, beside=beside)]
