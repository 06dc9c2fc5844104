"""A crash at every journal line, then the same request to a new process: exact continuation."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from inverted import AgentServer
from inverted.core.effects import Json, Kind
from inverted.core.journal import Answered, Asked, Codec
from inverted.stores import MemoryStore, SQLiteStore, Store
from inverted.testing import CrashingStore, ScriptedHost
from inverted.testing.host import Era
from inverted.testing.serving import Transport
from tests.agents.everything import (
    ARGUMENTS,
    EFFECTS,
    EXPECTED,
    Effects,
    make_server,
    model,
    person,
)

LONG = os.environ.get("INVERTED_LONG") == "1"

When = Literal["after", "before"]


@dataclass(frozen=True)
class Place:
    """Where the crashes happen."""

    era: Era
    transport: Transport
    store: Literal["memory", "sqlite"]

    def __str__(self) -> str:
        return f"{self.era}-{self.transport}-{self.store}"

    def new_store(self, folder: Path) -> Store:
        return MemoryStore() if self.store == "memory" else SQLiteStore(folder / "runs.sqlite3")

    def crashes(self, lines: int) -> range:
        """The lines to crash at: all of them in the first place, and everywhere if told so.

        Elsewhere it is one in a few, and in each place other ones.
        """
        every = 1 if LONG else STEPS[self.transport, self.store]
        return range(1 + PLACES.index(self) % every, lines + 1, every)


WHERE: tuple[tuple[Transport, Literal["memory", "sqlite"]], ...] = (
    ("memory", "memory"),
    ("memory", "sqlite"),
    ("stdio", "memory"),
    ("http", "sqlite"),
)
ERAS: tuple[Era, ...] = ("2026-07-28", "2025-11-25")
STEPS = {
    ("memory", "memory"): 1,
    ("memory", "sqlite"): 2,
    ("stdio", "memory"): 4,
    ("http", "sqlite"): 8,
}
PLACES = [Place(era, transport, store) for era in ERAS for transport, store in WHERE]


class Trial:
    """One run with at most one crash in it."""

    def __init__(self, folder: Path, place: Place, crash: int | None, when: When) -> None:
        folder.mkdir()
        self.effects = Effects(folder / "effects")
        self.store = CrashingStore(place.new_store(folder), crash, when)
        # Parked runs live in memory for one store, and are replayed every time for the other.
        self._hot_runs = 1000 if place.store == "memory" else 0
        self._host = ScriptedHost(
            model=model, person=person, era=place.era, transport=place.transport
        )

    def server(self, store: Store) -> AgentServer:
        return make_server(store, self.effects, hot_runs=self._hot_runs)

    async def run(self) -> Json:
        outcome = await self._host.run(
            self.server(self.store),
            "triage",
            ARGUMENTS,
            run_key="the run",
            restart=lambda: self.server(self.store.restart()),
        )
        await self.store.aclose()
        return outcome.result

    def asked(self) -> Counter[str]:
        """How often the host heard each question."""
        return Counter(_canonical(question.params) for question in self._host.questions)

    def answered(self, kind: Kind) -> list[Asked]:
        """What had its answer in the store when the crash came."""
        codec = Codec()
        asked: dict[str, Asked] = {}
        found: list[Asked] = []
        for line in self.store.lines:
            entry, _ = codec.decode(line)
            if isinstance(entry, Asked):
                asked[entry.id] = entry
            elif isinstance(entry, Answered) and asked[entry.id].kind is kind:
                found.append(asked[entry.id])
        return found


@pytest.mark.parametrize("when", ["after", "before"])
@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_crash_at_any_journal_line_loses_nothing_and_repeats_nothing(
    place: Place, when: When, tmp_path: Path
) -> None:
    whole = Trial(tmp_path / "whole", place, None, when)
    await whole.run()
    assert len(whole.store.lines) > 30
    for line in place.crashes(len(whole.store.lines)):
        trial = Trial(tmp_path / f"{line}", place, line, when)
        assert await trial.run() == EXPECTED, line
        assert trial.store.crashed
        # Whatever was under way may have happened twice; the order of first times is the same.
        assert list(dict.fromkeys(trial.effects.lines)) == EFFECTS, line
        for step in trial.answered(Kind.STEP):
            assert trial.effects.steps[step.id] == 1, f"{step} ran again after line {line}"
        asked = trial.asked()
        for sample in trial.answered(Kind.SAMPLE):
            assert asked[_canonical(sample.question)] == 1, f"bought again after line {line}"


def _canonical(params: Json) -> str:
    return json.dumps(params, sort_keys=True)
