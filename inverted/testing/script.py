"""The script of a host: who answers what, and the record of what was asked.

A function is called with the params of every question; a list is used up in order. What goes wrong
here is a mistake of the test or of the server, never an answer: it is kept and raised to the test.

Called by `host`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

from mcp_types import INTERNAL_ERROR, ErrorData, Root
from pydantic import BaseModel

from inverted.testing.answers import (
    ModelAnswer,
    PersonAnswer,
    ScriptError,
    Wire,
    model_result,
    person_result,
    refusal,
)
from inverted.testing.strict import Declared, check_question

Kind = Literal["sample", "elicit", "roots"]
ModelReply = str | ModelAnswer | BaseModel | dict[str, Any] | Exception
PersonReply = (
    str
    | int
    | float
    | bool
    | None
    | list[Any]
    | dict[str, Any]
    | PersonAnswer
    | BaseModel
    | Exception
)
Model = Callable[[Wire], ModelReply | Awaitable[ModelReply]] | Sequence[ModelReply]
"""A scripted model: a function of the request's params, or answers to be used in order."""
Person = Callable[[Wire], PersonReply | Awaitable[PersonReply]] | Sequence[PersonReply]
"""A scripted person: a function of the request's params, or answers to be used in order."""
Roots = Sequence[str | Path | Root]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the server and what became of it.

    Attributes:
        kind: `sample`, `elicit` or `roots`.
        params: The request's params in wire form, as the SDK read them.
        answer: The result in wire form; None if it was refused.
        refused: Why it was refused, if so.
    """

    kind: Kind
    params: Wire
    answer: Wire | None
    refused: str | None = None


class Script:
    """Answers questions and remembers them.

    Args:
        model: Answers as the model; None for a host without one.
        person: Answers as the person; None for a host without one.
        roots: What `roots/list` gives; None for a host without roots.
        declared: What the host told the server that it can do.
    """

    def __init__(
        self, model: Model | None, person: Person | None, roots: Roots | None, declared: Declared
    ) -> None:
        self._model = _Answers("model", model)
        self._person = _Answers("person", person)
        self._roots = roots
        self._declared = declared
        self._ids = count(1)
        self.questions: list[Question] = []
        self.problems: list[Exception] = []
        """What must fail the test: breaches of the protocol, and errors of the script."""

    async def answer(self, kind: Kind, params: Wire) -> Wire | ErrorData:
        """Answer one question.

        Returns:
            The result in wire form, or the error with which the host refuses.
        """
        try:
            check_question(kind, params, self._declared)
            found = await self._found(kind, params)
        except Exception as problem:  # noqa: BLE001 - a script raises anything; the test gets it
            self.problems.append(problem)
            error = ErrorData(code=INTERNAL_ERROR, message=str(problem))
        else:
            if not isinstance(found, Exception):
                self.questions.append(Question(kind, params, found))
                return found
            error = refusal(found)
        self.questions.append(Question(kind, params, None, error.message))
        return error

    async def elsewhere(self, kind: Kind, params: Wire) -> Wire:
        """The answer to a question that no client was asked: of the host's model, or on a card.

        Raises:
            ScriptError: The script has none, or refuses: a model that is told to call a tool calls
                it or ends its turn.
        """
        found = await self._found(kind, params)
        if isinstance(found, Exception):
            raise ScriptError(f"A host's model cannot refuse a relayed question: {found}")
        self.questions.append(Question(kind, params, found))
        return found

    async def _found(self, kind: Kind, params: Wire) -> Wire | Exception:
        if kind == "roots":
            return {"roots": [_root(each) for each in self._roots or ()]}
        answer = await (self._model if kind == "sample" else self._person).next(params)
        if isinstance(answer, Exception):
            return answer
        if kind == "sample":
            return model_result(params, answer, self._ids)
        return person_result(params, answer)


class _Answers:
    """A function, or a list with a place in it."""

    def __init__(self, who: str, source: Model | Person | None) -> None:
        self._who = who
        self._source = source
        self._used = 0

    async def next(self, params: Wire) -> object:
        source = self._source
        if callable(source):
            answer = source(params)
            return (
                await cast("Awaitable[object]", answer) if inspect.isawaitable(answer) else answer
            )
        if source is None or self._used >= len(source):
            given = "no answers" if not source else f"only {len(source)} answers"
            raise ScriptError(
                f"The scripted {self._who} has {given}, and was asked once more: "
                f"{_brief(params)}. Add an answer, or give a function that answers every question."
            )
        self._used += 1
        return source[self._used - 1]


def _root(root: str | Path | Root) -> Wire:
    if isinstance(root, Root):
        return root.model_dump(mode="json", by_alias=True, exclude_none=True)
    uri = str(root)
    return {"uri": uri if "://" in uri else Path(root).resolve().as_uri()}


def _brief(params: Wire) -> str:
    """A question in one line."""
    if "message" in params:
        return repr(params["message"])
    content = params["messages"][-1]["content"]
    last = cast("Wire", content[-1] if isinstance(content, list) else content)
    return repr(last.get("text", last))[:300]
