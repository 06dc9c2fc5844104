"""The agent that is tormented, and what each of its runs must have come to in the end."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import anyio

from inverted import Run
from inverted.core.effects import Json
from inverted.errors import Cancelled
from inverted.runtime import current_step
from inverted.runtime.ports import Agent, RunInfo
from inverted.stores import RunRecord

EFFECTS: Final = ("step",) * 11 + ("ask",) * 5 + ("sleep",) * 4
"""What one task does, in an order of its own, some of it side by side."""
SIZES: Final = (1, 1, 1, 2, 3, 4)
"""Of the blocks that are done side by side; one effect is no block."""
LONGEST_STEP: Final = 0.008
SHORTEST_SLEEP: Final = 0.02
LONGEST_SLEEP: Final = 0.3
WRONG: Final = -1
"""An answer that is sent for what is answered already. It must never arrive."""

Plan = list[list[str]]
Body = Coroutine[Any, Any, list[Json]]


class Place(NamedTuple):
    """Where one run of the chaos keeps its files.

    Attributes:
        folder: All of them.
    """

    folder: Path

    @property
    def store(self) -> Path:
        """The SQLite file that all processes share."""
        return self.folder / "store.sqlite3"

    @property
    def executions(self) -> Path:
        """One line for each begin and end of a step, written by the step itself."""
        return self.folder / "executions.jsonl"

    @property
    def calls(self) -> Path:
        """One line for each call, its death and its acknowledgement, written by the conductor."""
        return self.folder / "calls.jsonl"

    @property
    def log(self) -> Path:
        """What the processes log."""
        return self.folder / "processes.log"


def plan_of(seed: int, number: int) -> Plan:
    """What a task does: blocks of effects; those of one block are done side by side."""
    world = Random(f"{seed} {number}")
    kinds = list(EFFECTS)
    world.shuffle(kinds)
    plan: Plan = []
    while kinds:
        size = world.choice(SIZES)
        plan.append(kinds[:size])
        kinds = kinds[size:]
    return plan


def name_of(number: int) -> str:
    """The run key of a task."""
    return f"task {number}"


def answer_to(number: int, effect: int) -> int:
    """The only right answer to a question."""
    return number * 1000 + effect


def result_of(number: int, seed: int) -> list[Json]:
    """What a task returns that was not cancelled."""
    kinds = [kind for block in plan_of(seed, number) for kind in block]
    return [[kind, answer_to(number, effect)] for effect, kind in enumerate(kinds)]


def as_ended(record: RunRecord) -> str:
    """What of the record of a run must stay as it is after the end."""
    return repr(record)


class Executions:
    """Notes every execution of a step in a file of its own, apart from the store.

    Args:
        place: Where.
        process: The number of this process; a process that is started again has a new one.
    """

    def __init__(self, place: Place, process: int) -> None:
        self._file = os.open(place.executions, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._process = process
        self._count = 0

    def note(self, what: str, token: str | None = None) -> str:
        """One line; short enough to be written in one piece.

        Returns:
            The name of this execution.
        """
        if token is None:
            self._count += 1
            token = f"{self._process}.{self._count}"
        line: dict[str, Json] = {
            "what": what,
            "key": current_step().idempotency_key,
            "token": token,
            "at": time.time(),
        }
        os.write(self._file, json.dumps(line).encode() + b"\n")
        return token


class Work:
    """The agent, whose steps note that they were executed.

    Args:
        executions: Where.
        world: How long each execution takes.
    """

    def __init__(self, executions: Executions, world: Random) -> None:
        self._executions = executions
        self._world = world

    def agent(self) -> Agent:
        """As the runtime knows it."""

        def started(info: RunInfo, arguments: dict[str, Json], restored: Json) -> Body:
            return self._body(Run(info, restored), **arguments)

        return Agent("work", started, encode=lambda value: value)

    async def _body(self, run: Run, number: int, plan: Plan) -> list[Json]:
        done: list[Json] = []
        try:
            for block in plan:
                first = len(done)
                branches = [
                    self._one(run, number, effect, kind) for effect, kind in enumerate(block, first)
                ]
                done += await run.gather(*branches) if len(block) > 1 else [await branches[0]]
        except Cancelled:
            await run.step(self._act, number, len(EFFECTS))  # what was begun is tidied up
            raise
        return done

    async def _one(self, run: Run, number: int, effect: int, kind: str) -> list[Json]:
        value: Json = answer_to(number, effect)
        if kind == "ask":
            asked = await run.elicit(f"{number} {effect}", response_type=int)
            value = asked.data if asked.action == "accept" else asked.action
        elif kind == "sleep":
            await run.sleep(SHORTEST_SLEEP + (number + effect) % 10 / 10 * LONGEST_SLEEP)
        elif effect % 2:
            value, _ = await run.step(self._act, number, effect)
        else:
            value, _ = await run.step(self._act_in_a_thread, number, effect)
        return [kind, value]

    async def _act(self, number: int, effect: int) -> list[Json]:
        token = self._executions.note("began")
        await anyio.sleep(self._world.uniform(0, LONGEST_STEP))
        self._executions.note("ended", token)
        return [answer_to(number, effect), token]

    def _act_in_a_thread(self, number: int, effect: int) -> list[Json]:
        token = self._executions.note("began")
        time.sleep(self._world.uniform(0, LONGEST_STEP))
        self._executions.note("ended", token)
        return [answer_to(number, effect), token]
