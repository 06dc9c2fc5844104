"""What the runtime needs from outside: a clock, a sealer for secrets, a carrier for questions.

Also what it knows of an agent, and what a request gets back from it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import anyio

from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.core.lifecycle import Status
from inverted.runtime.ladders import ANYHOW, Asking, Ladders, Rung


class Clock(Protocol):
    """Wall-clock time. `inverted.testing` has a virtual one."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellable."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back after some time, on the event loop. Returns how to call it off."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """See `Clock.now`."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await anyio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """See `Clock.call_later`."""
        return asyncio.get_running_loop().call_later(seconds, callback).cancel


class Sealer(Protocol):
    """Encrypts the results of secret steps for the journal."""

    def seal(self, payload: bytes) -> str:
        """An opaque token that protects the payload."""
        ...

    def unseal(self, token: str) -> bytes:
        """Reverse `seal`; raises for anything that it did not mint."""
        ...


class Answer(NamedTuple):
    """The answer to an effect: a JSON value, or a failure that is raised in the agent's body.

    A secret value is encrypted in the journal, whether the body still waits for it or not.
    """

    value: Json = None
    failure: Failure | None = None
    secret: bool = False


class Question(NamedTuple):
    """An outstanding question. Its id is unique within its run."""

    run_id: str
    id: str
    kind: Kind
    params: dict[str, Json]
    asking: Asking = ANYHOW


class Given(NamedTuple):
    """An answer that came from elsewhere than the client itself.

    Attributes:
        raw: As the client would have sent it.
        via: The rung on which it came.
    """

    raw: Json
    via: str


class Carrier(Protocol):
    """How questions are asked while one leg runs."""

    @property
    def patience(self) -> float | None:
        """Seconds that the leg waits for a timer, or for an answer that somebody posts."""
        ...

    def rung(self, question: Question) -> Rung | Failure:
        """How to ask this, or why it cannot be asked. Called before every question."""
        ...

    def read(self, question: Question, raw: Json, via: str | None = None) -> Answer | None:
        """Read an answer that arrived from outside: from the client, or on the rung `via`.

        Returns:
            The answer; None for what is not one: it is ignored, and the question stays.

        Raises:
            AnswerError: It is not an answer to this kind of question.
        """
        ...

    async def ask(self, question: Question, rung: Rung) -> Answer | Rung | None:
        """Ask. Only called where the rung's mode is not `park`.

        Returns:
            The answer; another rung, if this one turned out not to work; None when the answer is
            going to be posted.
        """
        ...

    def outgoing(self, question: Question) -> Question | None:
        """A parked question as the client is sent it; None when it is not the client's."""
        ...

    async def notify(self, payload: dict[str, Json]) -> None:
        """Send a one-way message; never raises for a client that is gone."""
        ...

    def describe(self) -> list[str]:
        """What the client can answer, for `run` to choose how to ask."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one run may use. None means no limit.

    Attributes:
        model_calls: Sampling requests.
        tokens: Tokens in and out; estimated from text length, because the protocol reports none.
        seconds: Wall-clock time since the start, waiting included.
        journal_bytes: Size of the journal.
        turns: Default of `max_turns`: model turns within one `run.sample`.
        concurrent: Runs of one principal that this process drives at the same time.
    """

    model_calls: int | None = 500
    tokens: int | None = 5_000_000
    seconds: float | None = 30 * 24 * 3600.0
    journal_bytes: int | None = 64 * 1024 * 1024
    turns: int = 25
    concurrent: int | None = 1000


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What an agent's body may know of its run without asking."""

    id: str
    agent: str
    limits: Limits
    mask_error_details: bool = False


def _as_it_is(error: BaseException) -> BaseException:
    return error


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as the runtime knows it.

    Attributes:
        name: Its name; stored with every run.
        body: Makes the coroutine from the run, the arguments and the state of a checkpoint.
        encode: Turns what the body returns into JSON for the journal.
        limits: Limits of its runs.
        mask_error_details: Keep the details of unexpected errors from models and clients.
        translate: Turns the error that ends a run into one that the journal can keep whole.
        ladders: How its questions are asked.
    """

    name: str
    body: Callable[[RunInfo, dict[str, Json], Json], Coroutine[Any, Any, Any]]
    encode: Callable[[Any], Json]
    limits: Limits = field(default_factory=Limits)
    mask_error_details: bool = False
    translate: Callable[[BaseException], BaseException] = _as_it_is
    ladders: Ladders = field(default_factory=Ladders)


@dataclass(frozen=True, slots=True)
class Parked:
    """The leg ended: the run waits for answers to these questions.

    Attributes:
        run_id: The run.
        questions: What it asks; nothing when it waits for a timer only.
        rungs: How each question is asked, by id.
        told: What the host's model has heard in the course of this run (`Live.told`).
    """

    run_id: str
    questions: list[Question]
    rungs: Mapping[str, Rung] = field(default_factory=dict[str, Rung])
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ended:
    """The run has ended."""

    run_id: str
    status: Status
    result: Json = None
    failure: Failure | None = None


Outcome = Parked | Ended
