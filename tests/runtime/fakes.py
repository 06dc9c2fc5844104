"""Stand-ins for the runtime's surroundings: agents, clients, a store that is watched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from inverted import MemoryStore, Run
from inverted.carriers.ladder import Ladder
from inverted.carriers.tasks import TaskCarrier
from inverted.core.effects import Effect, Json, Kind
from inverted.core.journal import (
    Answered,
    Asked,
    Attempted,
    CancelRequested,
    Checkpointed,
    Codec,
    Entry,
    Failure,
    Finished,
)
from inverted.core.lifecycle import Status
from inverted.errors import AnswerError
from inverted.runtime.ladders import Mode, Rung
from inverted.runtime.ports import Agent, Answer, Ended, Limits, Outcome, Parked, Question
from inverted.runtime.tasks import TaskInfo
from inverted.stores import RunRecord, Store
from inverted.stores.base import Append

T = TypeVar("T")
PATIENCE = 10.0


async def within(awaitable: Awaitable[T]) -> T:
    """Wait, but not for ever."""
    return await asyncio.wait_for(awaitable, PATIENCE)


def ask(name: str) -> Effect:
    """A question to the client."""
    return Effect(Kind.ELICIT, {"message": name})


def agent(
    body: Callable[..., Coroutine[Any, Any, Any]],
    *,
    name: str = "agent",
    limits: Limits | None = None,
    encode: Callable[[Any], Json] = lambda value: value,
) -> Agent:
    """An agent as the server would make it."""
    return Agent(
        name,
        lambda info, arguments, restored: body(Run(info, restored), **arguments),
        encode,
        limits or Limits(),
    )


async def echo(question: Question) -> Answer:
    """Answer with the question."""
    return Answer(question.params.get("message"))


class Inline:
    """A client that answers while the leg waits. Implements `Carrier`."""

    mode: Mode = "ask"
    patience: float | None = None

    def __init__(
        self,
        answer: Callable[[Question], Awaitable[Answer]] = echo,
        refuses: Sequence[Kind] = (),
    ) -> None:
        self._answer = answer
        self._refuses = refuses
        self.asked: list[str] = []
        self.notices: list[dict[str, Json]] = []

    def rung(self, question: Question) -> Rung | Failure:
        if question.kind in self._refuses:
            return Failure("CapabilityError", f"no {question.kind}")
        return Rung("client", self.mode)

    def read(self, question: Question, raw: Json, via: str | None = None) -> Answer | None:
        if raw == "broken":
            raise AnswerError(f"The answer to {question.id} is broken.")
        return Answer(raw)

    async def ask(self, question: Question, rung: Rung) -> Answer | Rung | None:
        self.asked.append(question.id)
        return await self._answer(question)

    def outgoing(self, question: Question) -> Question | None:
        return question

    async def notify(self, payload: dict[str, Json]) -> None:
        self.notices.append(payload)

    def describe(self) -> list[str]:
        return ["sampling"]


class Rounds(Inline):
    """A client that answers in a later request."""

    mode: Mode = "park"


def apart(_: Agent, info: TaskInfo, notify: Callable[[dict[str, Json]], object]) -> Ladder:
    """The carrier of a task."""
    return Ladder(TaskCarrier(info, notify))


class Watched(MemoryStore):
    """A store that tells its writes, each as the words of `journal`."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[list[str]] = []
        self.kept: list[bool] = []
        """Whether each write kept the lease."""

    async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
        await super().create(record, lines)
        self.writes.append(words(lines))
        self.kept.append(record.lease is not None)

    async def append(self, run_id: str, append: Append) -> RunRecord:
        record = await super().append(run_id, append)
        self.writes.append(words(append.lines))
        self.kept.append(append.lease_until is not None)
        return record


def words(lines: Sequence[bytes]) -> list[str]:
    """Journal lines for people."""
    codec = Codec()
    return [_word(codec.decode(line)[0]) for line in lines]


async def journal(store: Store, run_id: str) -> list[str]:
    """The journal of a run for people."""
    return words(await store.read(run_id))


def _word(entry: Entry) -> str:
    word = "started"
    match entry:
        case Asked(id=id):
            word = f"asked {id}"
        case Answered(id=id, failure=failure):
            word = f"answered {id}" if failure is None else f"failed {id}"
        case Attempted(id=id, attempt=attempt):
            word = f"attempted {id} #{attempt}"
        case CancelRequested():
            word = "cancel"
        case Checkpointed(segment=segment):
            word = f"checkpoint {segment}"
        case Finished(status=status):
            word = status
        case _:
            pass
    return word


async def record_of(store: Store, run_id: str) -> RunRecord:
    """The record of a run that is there."""
    record = await store.get(run_id)
    assert record is not None
    return record


def parked(outcome: Outcome) -> list[str]:
    """The ids of the questions that a run waits for."""
    assert isinstance(outcome, Parked), outcome
    return [question.id for question in outcome.questions]


def result(outcome: Outcome) -> Json:
    """What a run returned."""
    assert isinstance(outcome, Ended), outcome
    assert outcome.status is Status.COMPLETED, outcome
    return outcome.result


def failure(outcome: Outcome) -> Failure:
    """Why a run failed."""
    assert isinstance(outcome, Ended), outcome
    assert outcome.status is Status.FAILED, outcome
    assert outcome.failure is not None
    return outcome.failure
