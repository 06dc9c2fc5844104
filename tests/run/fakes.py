"""A client without a protocol, and an agent played against it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable
from itertools import count
from typing import Any

from mcp_types import (
    ClientCapabilities,
    ElicitationCapability,
    FormElicitationCapability,
    RootsCapability,
    SamplingCapability,
    SamplingToolsCapability,
    UrlElicitationCapability,
)

from inverted import Limits, MemoryStore, Run
from inverted.carriers.client import Client
from inverted.carriers.ladder import Ladder
from inverted.core.effects import Json, Kind
from inverted.core.journal import Codec, Failure
from inverted.core.lifecycle import Status
from inverted.core.replay import replay
from inverted.runtime import Runtime
from inverted.runtime.ladders import Ladders
from inverted.runtime.ports import Agent, Answer, Ended, Question, RunInfo
from inverted.testing import VirtualClock
from inverted.testing.answers import model_result, person_result
from inverted.testing.strict import Declared, check_question

Body = Callable[[Run], Coroutine[Any, Any, Any]]

EVERYTHING = ClientCapabilities(
    sampling=SamplingCapability(tools=SamplingToolsCapability()),
    elicitation=ElicitationCapability(
        form=FormElicitationCapability(), url=UrlElicitationCapability()
    ),
    roots=RootsCapability(),
)
WITHOUT_TOOLS = EVERYTHING.model_copy(update={"sampling": SamplingCapability()})
NOTHING = ClientCapabilities()


PLAIN = Ladders(model=("sampling",), person=("form",))
"""Nothing but what the protocol means."""


class Host:
    """A client that answers from a script and checks every question. Implements `Channel`.

    Args:
        model: The model's turns, as `inverted.testing` takes them, or functions of the request.
        person: The person's answers, likewise.
        roots: What `roots/list` gives.
        capabilities: What the client declared.
    """

    inline = True

    def __init__(
        self,
        *model: object,
        person: Iterable[object] = (),
        roots: Iterable[dict[str, str]] = (),
        capabilities: ClientCapabilities = EVERYTHING,
    ) -> None:
        self._turns = {Kind.SAMPLE: iter(model), Kind.ELICIT: iter(person)}
        self._roots = list(roots)
        self._declared = Declared(capabilities, "2026-07-28")
        self._client = Client.of("2026-07-28", capabilities)
        self._ids = count(1)
        self.samples: list[dict[str, Json]] = []
        self.forms: list[dict[str, Json]] = []
        self.notices: list[dict[str, Json]] = []

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        return self._client.refusal(kind, params)

    def read(self, question: Question, raw: Json) -> Answer:
        raise AssertionError("this client answers at once")

    async def ask(self, question: Question) -> Answer:
        params = question.params
        check_question(question.kind.value, params, self._declared)
        if question.kind is Kind.ROOTS:
            return Answer({"roots": self._roots})
        {Kind.SAMPLE: self.samples, Kind.ELICIT: self.forms}[question.kind].append(params)
        turn = next(self._turns[question.kind])
        said: object = turn(params) if inspect.isfunction(turn) else turn
        if isinstance(said, Failure):
            return Answer(failure=said)
        if question.kind is Kind.SAMPLE:
            return Answer(model_result(params, said, self._ids))
        return Answer(person_result(params, said))

    async def notify(self, payload: dict[str, Json]) -> None:
        self.notices.append(payload)

    def describe(self) -> list[str]:
        return sorted(self._client.features)

    @property
    def told(self) -> list[dict[str, Json]]:
        """The tool results that the model was told last."""
        return self.samples[-1]["messages"][-1]["content"]


class Played:
    """An agent that has run: what it returned or raised, and its journal."""

    def __init__(self, outcome: Ended, lines: list[bytes], returned: Any) -> None:
        self.outcome = outcome
        self.lines = lines
        self.returned = returned

    @property
    def error(self) -> Failure:
        assert self.outcome.status is Status.FAILED, self.outcome
        assert self.outcome.failure is not None
        return self.outcome.failure


async def play(body: Body, host: Host, limits: Limits | None = None) -> Any:
    """Run an agent to its end and give what it returned."""
    played = await perform(body, host, limits)
    assert played.outcome.status is Status.COMPLETED, played.outcome.failure
    return played.returned


async def fail(body: Body, host: Host, limits: Limits | None = None) -> Failure:
    """Run an agent to its end and give how it failed."""
    return (await perform(body, host, limits)).error


async def perform(body: Body, host: Host, limits: Limits | None = None) -> Played:
    """Run an agent to its end, and once more from its journal, which must do the same."""
    returned: list[Any] = []

    def make(info: RunInfo, _: dict[str, Json], restored: Json) -> Coroutine[Any, Any, Any]:
        return body(Run(info, restored))

    def encode(value: Any) -> Json:
        returned.append(value)
        return None

    store = MemoryStore()
    agent = Agent("agent", make, encode, limits or Limits())
    outcome = await Runtime(store, clock=VirtualClock()).begin(agent, {}, Ladder(host, PLAIN))
    assert isinstance(outcome, Ended)
    record = await store.get(outcome.run_id)
    assert record is not None
    lines = await store.read(outcome.run_id, record.segment_start)
    codec = Codec()
    entries = [codec.decode(line)[0] for line in lines]
    info = RunInfo(outcome.run_id, "agent", agent.limits)
    again = replay(lambda restored: make(info, {}, restored), entries[:-1])
    assert again.done
    if again.error is not None:
        assert outcome.failure is not None
        assert outcome.failure.message == str(again.error)
    else:
        assert repr(again.result) == repr(returned[0])
    return Played(outcome, lines, returned[0] if returned else None)
