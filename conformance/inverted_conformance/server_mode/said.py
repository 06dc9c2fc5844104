"""What goes between the suite and the server under test, as scenarios see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message

SAMPLE: Final = "sampling/createMessage"
ELICIT: Final = "elicitation/create"
ROOTS: Final = "roots/list"


@dataclass(frozen=True, slots=True)
class Question:
    """What the server asks the client, on whichever revision."""

    method: str
    params: Message
    key: str
    """The id of the request (2025-11-25), or the key in `inputRequests` (2026-07-28)."""

    round: int = 0
    """The round that it came in; 0 where questions are requests."""

    of: int | str | None = None
    """The client's request on whose stream it came, where the transport tells."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error instead of an answer."""

    code: int
    message: str
    data: Any = None

    @property
    def error(self) -> Message:
        """As JSON-RPC has it."""
        body: Message = {"code": self.code, "message": self.message}
        return body if self.data is None else {**body, "data": self.data}


Answer = Message | Refusal
"""A result, or an error. On 2026-07-28 a refusal ends the call: rounds have no errors."""

Answers = Callable[[Question], Awaitable[Answer]]
"""What answers the server's questions."""


@dataclass(slots=True)
class Reply:
    """What came back for a request."""

    id: int | str
    method: str
    message: Message | None
    """The response as it came; `None` if there was none."""

    status: int | None = None
    """Its HTTP status."""

    fault: str | None = None
    """What came instead."""

    streamed: bool = False
    """Whether it came on an SSE stream."""

    twice: tuple[str, ...] = ()
    """Names that one of its objects has twice."""

    questions: list[Question] = field(default_factory=list[Question])
    """What the server asked until then; `Client.call` fills it."""

    states: list[str | None] = field(default_factory=list[str | None])
    """The `requestState` of each round, in order (2026-07-28)."""

    @property
    def result(self) -> Message:
        """Its result.

        Raises:
            PeerError: It has none.
        """
        if self.message is None or "result" not in self.message:
            raise PeerError(f"{self.method} should have a result, but {self.told}.")
        return cast("Message", self.message["result"])

    @property
    def error(self) -> Message | None:
        """Its error, if it has one."""
        return None if self.message is None else self.message.get("error")

    @property
    def code(self) -> int | None:
        """The code of its error."""
        return None if self.error is None else self.error.get("code")

    @property
    def refused(self) -> bool:
        """Whether the request itself was refused: an error of the protocol, or of HTTP."""
        return self.message is None or "error" in self.message

    @property
    def failed(self) -> bool:
        """Whether the request was refused or the tool failed."""
        return self.refused or self.result.get("isError") is True

    @property
    def kind(self) -> str:
        """The result's type: `complete`, `input_required`, `task`, or what the server calls it."""
        return str(self.result.get("resultType", "complete"))

    @property
    def text(self) -> str:
        """The texts of a tool's result, one after the other."""
        blocks = cast("list[Message]", self.result.get("content", []))
        return "\n".join(str(block.get("text", "")) for block in blocks if "text" in block)

    @property
    def told(self) -> str:
        """What came, in a few words for a finding."""
        if self.fault is not None:
            return f"the server {self.fault}"
        if self.error is not None:
            return f"it was refused with {self.code}: {self.error.get('message')!r}"
        if self.kind != "complete":
            return f"it came back as {self.kind}"
        failed = "failed with" if self.failed else "came back with"
        return f"the call {failed} {self.text[:200]!r}"
