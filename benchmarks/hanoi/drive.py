"""The client: answers as the model, kills the server at random moments, and calls again.

The call goes over 2025-11-25, where the questions come while it is open. The client names the run
with a run key, so the next process continues what the dead one has left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from mcp_types import SamplingMessage, TextContent

from benchmarks.hanoi.agent import PROCESS, State
from benchmarks.hanoi.model import Model, number_of
from benchmarks.hanoi.process import megabytes, processor_seconds

ROOT: Final = Path(__file__).parent.parent.parent
STALLED: Final = 30.0
"""Seconds without a question after which the run counts as lost."""
LOG: Final = "log"
LATEST: Final = 0.02
"""Seconds between a question and the kill that it is chosen for, at most."""
LOOKS: Final = 40
"""How often the server's memory is looked at."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much work.

    Attributes:
        disks: Disks of the tower.
        moves: Moves to make; the whole way is 2^disks - 1.
        kills: Kills on the way.
        k: How far ahead a move must be in the vote.
    """

    disks: int
    moves: int
    kills: int
    k: int


class Mark(NamedTuple):
    """How things stood at one moment.

    Attributes:
        done: Moves that were done.
        time: When it was.
        processor: Seconds of the server's processor so far.
    """

    done: int
    time: float
    processor: float


@dataclass
class Seen:
    """What happened.

    Attributes:
        kills: Kills so far.
        resumed: Seconds from each kill to the first question of the next process.
        at: How things stood at each tenth of the way, from 0 to 10.
        memory: Megabytes of the server (resident), at the part of the moves that was done.
        state: What the agent returned.
    """

    kills: int = 0
    resumed: list[float] = field(default_factory=list[float])
    at: dict[int, Mark] = field(default_factory=dict[int, Mark])
    memory: dict[int, float] = field(default_factory=dict[int, float])
    state: State | None = None

    def steps_per_second(self, first: int, last: int) -> float:
        """The speed between two tenths of the way."""
        since, until = self.at[first], self.at[last]
        return round((until.done - since.done) / (until.time - since.time), 1)

    def processor(self, first: int, last: int) -> float:
        """Milliseconds of the server's processor a move, between two tenths without a kill."""
        since, until = self.at[first], self.at[last]
        spent = until.processor - since.processor
        return round(1000 * spent / (until.done - since.done), 1)


class Driver:
    """One run, through as many processes as it takes.

    Args:
        folder: Where everything lasts.
        sizes: How much.
        model: Answers.
        seed: Chooses the moves at which the server is killed.
    """

    def __init__(self, folder: Path, sizes: Sizes, model: Model, seed: int) -> None:
        self.seen = Seen()
        self._folder, self._sizes, self._model = folder, sizes, model
        self._random = Random(seed)
        # The first and the last tenth are compared, so they and their surroundings are left alone.
        middle = range(sizes.moves * 3 // 20, sizes.moves * 17 // 20)
        self._to_kill = sorted(self._random.sample(middle, sizes.kills), reverse=True)
        self._killed: float | None = None
        self._life = 0
        self._doomed = False

    async def run(self) -> None:
        """Call the agent until it has returned.

        Raises:
            TimeoutError: It asked nothing for too long.
            ToolError: The agent failed.
        """
        while self.seen.state is None:
            self._life += 1
            self._doomed = False
            try:
                async with asyncio.timeout(STALLED) as patience:
                    self.seen.state = await self._call(patience)
            except Exception:
                if not self._doomed or self._killed is None:
                    raise

    async def _call(self, patience: asyncio.Timeout) -> State:
        """One process, until the run ends or the process does."""
        command = ["-m", "benchmarks.hanoi.agent", str(self._folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        way = StdioTransport(
            sys.executable,
            command,
            env=environment,
            keep_alive=False,
            log_file=self._folder / LOG,
        )
        arguments = {
            "disks": self._sizes.disks,
            "k": self._sizes.k,
            "moves": self._sizes.moves,
        }
        asked = partial(self._asked, self._life, patience)
        async with Client(way, mode="legacy", sampling_handler=asked) as client:
            result = await client.call_tool(
                "hanoi", arguments, meta={"inverted/run-key": "the tower"}
            )
            self.seen.at[10] = self._mark(self._sizes.moves)
        return State.model_validate(result.structured_content)

    async def _asked(
        self,
        life: int,
        patience: asyncio.Timeout,
        messages: list[SamplingMessage],
        *_: Any,
    ) -> str:
        """Answer as the model; note the time; perhaps kill."""
        content = messages[-1].content
        if not isinstance(content, TextContent):
            raise TypeError("The agent asks with a text.")
        if life == self._life and not patience.expired():
            loop = asyncio.get_running_loop()
            patience.reschedule(loop.time() + STALLED)
            self._note(number_of(content.text))
        return self._model.answer(content.text)

    def _note(self, number: int) -> None:
        now = time.monotonic()
        if self._killed is not None and not self._doomed:
            self.seen.resumed.append(now - self._killed)
            self._killed = None
        done = number - 1
        tenth = done * 10 // self._sizes.moves
        if tenth not in self.seen.at:
            self.seen.at[tenth] = self._mark(done)
        look = done * LOOKS // self._sizes.moves
        if look not in self.seen.memory and not self._doomed:
            self.seen.memory[look] = megabytes(self._process)
        if self._to_kill and number >= self._to_kill[-1] and not self._doomed:
            self._to_kill.pop()
            self._doomed = True
            # Not at the question, but at any moment around it: in the vote, the step, the commit.
            wait = self._random.uniform(0, LATEST)
            asyncio.get_running_loop().call_later(wait, self._kill, self._process)

    def _mark(self, done: int) -> Mark:
        return Mark(done, time.monotonic(), processor_seconds(self._process))

    def _kill(self, process: int) -> None:
        os.kill(process, signal.SIGKILL)
        self._killed = time.monotonic()
        self.seen.kills += 1

    @property
    def _process(self) -> int:
        return int((self._folder / PROCESS).read_text("utf-8"))
