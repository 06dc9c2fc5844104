"""Answers what a server asks during a run: the model's turns, the person's questions, the roots.

The same three callbacks serve both eras: on the handshake eras the SDK calls them when a request
arrives, on 2026-07-28 `session` has them called for every question of a round. Each question is
reported when it is asked and when it is answered. What this host cannot do (a model that fails, an
answer that does not fit) ends the run: a server could only guess at the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any

import anyio
from mcp.client.session import ClientRequestContext
from mcp_types import (
    INTERNAL_ERROR,
    CreateMessageRequestParams,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    ListRootsResult,
    Root,
)
from pydantic import BaseModel

from inverted.cli.errors import CliError, HostProblem
from inverted.cli.events import Answered, Asked, QuestionKind, Watcher, Wire
from inverted.cli.models import Model, SamplingResult
from inverted.cli.person import TYPED, Person


@dataclass
class Conversation:
    """The answering side of one run.

    Attributes:
        person: Answers for the person.
        roots: The directories to name.
        watch: Is told of every question and answer.
        stop: Ends the run with a problem.
        server: What to call the server.
        model: Answers as the model; set once the server has told its name.
        over: Whether the run has ended here, so that a question that is cut off needs no word.
    """

    person: Person
    roots: Sequence[Root]
    watch: Watcher
    stop: Callable[[CliError], None]
    server: str
    model: Model | None = None
    over: Callable[[], bool] = lambda: False
    _ids: count[int] = field(default_factory=lambda: count(1), init=False)

    async def sample(
        self,
        context: ClientRequestContext,  # noqa: ARG002 - the SDK's signature
        params: CreateMessageRequestParams,
    ) -> SamplingResult | ErrorData:
        """Answer `sampling/createMessage`."""
        question = self._asked("model", wire(params))
        if self.model is None:
            return self._failed(question, HostProblem("a model was asked before the run began"))
        try:
            result = await self.model.create(params)
        except CliError as problem:
            return self._failed(question, problem)
        except anyio.get_cancelled_exc_class():
            self._taken_back(question)
            raise
        self._answered(question, wire(result))
        return result

    async def elicit(
        self,
        context: ClientRequestContext,  # noqa: ARG002 - the SDK's signature
        params: ElicitRequestParams,
    ) -> ElicitResult | ErrorData:
        """Answer `elicitation/create`."""
        question = self._asked("person", wire(params))
        try:
            reply = await self.person.answer(self.server, params)
        except CliError as problem:
            return self._failed(question, problem)
        except anyio.get_cancelled_exc_class():
            self._taken_back(question)
            raise
        self._answered(question, wire(reply.result), reply.note, reply.summary)
        return reply.result

    async def list_roots(
        self,
        context: ClientRequestContext,  # noqa: ARG002 - the SDK's signature
    ) -> ListRootsResult:
        """Answer `roots/list`."""
        question = self._asked("roots", {})
        result = ListRootsResult(roots=list(self.roots))
        self._answered(question, wire(result))
        return result

    def _asked(self, kind: QuestionKind, request: Wire) -> int:
        question = next(self._ids)
        self.watch(Asked(question, kind, request, monotonic()))
        return question

    def _answered(self, question: int, response: Wire, note: str = "", summary: str = "") -> None:
        typed = note == TYPED
        self.watch(
            Answered(
                question,
                monotonic(),
                response=response,
                note="" if typed else note,
                summary=summary,
                typed=typed,
            )
        )

    def _taken_back(self, question: int) -> None:
        """The server needs no answer any more: another one came first, or the task has ended."""
        if not self.over():
            self.watch(Answered(question, monotonic(), error="the server took the question back"))

    def _failed(self, question: int, problem: CliError) -> ErrorData:
        self.watch(Answered(question, monotonic(), error=problem.message))
        self.stop(problem)
        return ErrorData(code=INTERNAL_ERROR, message=problem.message)


def wire(model: BaseModel) -> dict[str, Any]:
    """A protocol object as it travels."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)
