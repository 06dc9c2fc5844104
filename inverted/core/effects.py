"""What an agent's body can await.

There are four things, and nothing else suspends a body:

- `Effect`, a leaf: the outside world must answer it (a model, a person, a step, a timer);
- `Fork`, a structure: child branches, joined by one of three policies;
- `Checkpoint`, a restart of the body from a serialisable state;
- `Notice`, a message to the outside that needs no answer and is not journaled.

Awaiting one yields the object itself to the machine, which steps the coroutine by hand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from enum import StrEnum
from typing import Any, Literal

# JSON values are typed loosely on purpose: they are whatever `json.loads` returns.
Json = Any


class Kind(StrEnum):
    """The kinds of leaf effects, as the journal names them."""

    SAMPLE = "sample"
    ELICIT = "elicit"
    ROOTS = "roots"
    STEP = "step"
    SLEEP = "sleep"
    VALUE = "value"


QUESTIONS = (Kind.SAMPLE, Kind.ELICIT, Kind.ROOTS)
"""The kinds that the client answers. The others are answered by this process."""


class Effect:
    """A leaf: one request to the outside world, answered exactly once.

    Args:
        kind: What is asked.
        question: The canonical JSON of the request; it is journaled and compared on replay.
        local: What this process needs to serve the effect (a function to call). Never journaled.
    """

    __slots__ = ("kind", "local", "question")

    def __init__(self, kind: Kind, question: Json, local: object = None) -> None:
        self.kind = kind
        self.question = question
        self.local = local

    def __await__(self) -> Generator[Effect, Json, Json]:
        return (yield self)


class Fork:
    """Child branches and the rule that joins them.

    Args:
        children: Functions that make each child's awaitable; called when the child starts.
        mode: `gather` fails fast, `collect` returns exceptions, `race` takes the first to end.
        limit: How many children run at once; None for all.
    """

    __slots__ = ("children", "limit", "mode")

    def __init__(
        self,
        children: Sequence[Callable[[], Awaitable[Any]]],
        mode: Literal["gather", "collect", "race"],
        limit: int | None = None,
    ) -> None:
        self.children = children
        self.mode = mode
        self.limit = limit

    def __await__(self) -> Generator[Fork, Any, Any]:
        return (yield self)


class Checkpoint:
    """Start the body again from the top with this state and a fresh journal segment."""

    __slots__ = ("state",)

    def __init__(self, state: Json) -> None:
        self.state = state

    def __await__(self) -> Generator[Checkpoint, Any, Any]:
        return (yield self)


class Notice:
    """A one-way message (progress). Sent live, skipped on replay."""

    __slots__ = ("payload",)

    def __init__(self, payload: dict[str, Json]) -> None:
        self.payload = payload

    def __await__(self) -> Generator[Notice, None, None]:
        yield self
