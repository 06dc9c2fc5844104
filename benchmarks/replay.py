"""Replay of a long journal in the core: how fast a run that nobody holds in memory comes back."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from benchmarks.measure import Effort, in_turns
from benchmarks.rows import Goal, Row
from inverted.core.effects import Effect, Json, Kind
from inverted.core.journal import Answered, Asked, Codec, Entry, Started
from inverted.core.replay import replay

EFFECTS = 100_000


def _question(number: int) -> dict[str, Json]:
    return {"name": "benchmarks:double", "args": [number]}


def journal(effects: int) -> list[Entry]:
    """The entries of a run that made so many effects."""
    entries: list[Entry] = [Started("loop", {})]
    for number in range(effects):
        id = str(number + 1)
        entries += [Asked(id, Kind.STEP, _question(number)), Answered(id, number)]
    return entries


def _replayed(entries: list[Entry], effects: int) -> float:
    async def loop(_: Json) -> int:
        total = 0
        for number in range(effects):
            total += await Effect(Kind.STEP, _question(number))
        return total

    start = time.process_time()
    machine = replay(loop, entries)
    seconds = time.process_time() - start
    assert machine.result == effects * (effects - 1) // 2  # noqa: S101
    return seconds


async def _decoded(entries: list[Entry], effects: int) -> float:
    return effects / _replayed(entries, effects)


async def _encoded(lines: list[bytes], effects: int) -> float:
    start = time.process_time()
    codec = Codec()
    entries = [codec.decode(line)[0] for line in lines]
    seconds = time.process_time() - start
    return effects / (seconds + _replayed(entries, effects))


def rows(effort: Effort) -> list[Row]:
    """Effects per second of processor time, of decoded entries and of stored lines."""
    effects = effort.of(EFFECTS)
    entries = journal(effects)
    codec = Codec()
    lines = [codec.encode(entry, 0.0) for entry in entries]
    sides = {
        "decoded": partial(_decoded, entries, effects),
        "encoded": partial(_encoded, lines, effects),
    }
    rates = asyncio.run(in_turns(sides, effort.part(0.2)))
    return [
        Row(
            f"replay of {EFFECTS:,} effects in the core",
            "effects/s",
            rates.median("decoded"),
            None,
            Goal("ours", at_least=500_000),
            beside={"with decoding of the stored lines (effects/s)": rates.median("encoded")},
        )
    ]
