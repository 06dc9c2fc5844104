"""What a client makes of one question of the suite."""

from __future__ import annotations

from typing import Final

from inverted_conformance.client_mode.plain import array, mapping
from inverted_conformance.wire.transcript import Message

LONGEST: Final = 500
"""Characters of an answer in the words of a finding; the transcript has all of it."""


class Answer:
    """What the client made of one question.

    Args:
        result: The answer.
        error: The JSON-RPC error instead of one (2025-11-25).

    Attributes:
        result: The answer; empty if there is none.
        error: The error; empty if there is none.
        refused: There is no answer. On 2026-07-28 that is a call that is not retried.
    """

    def __init__(self, result: Message | None, error: Message | None = None) -> None:
        self.result: Final[Message] = result or {}
        self.error: Final[Message] = error or {}
        self.refused: Final = result is None

    @property
    def content(self) -> list[Message]:
        """The blocks of a message, also where it is a single one."""
        found = self.result.get("content")
        return [mapping(block) for block in array(found) or [found]]

    @property
    def text(self) -> str:
        """The text of a message."""
        return "".join(
            str(block.get("text")) for block in self.content if block.get("type") == "text"
        )

    @property
    def uses(self) -> list[Message]:
        """The calls of tools in a message."""
        return [block for block in self.content if block.get("type") == "tool_use"]

    def __str__(self) -> str:
        if self.error:
            return f"the error {self.error.get('code')} ({self.error.get('message')})"
        said = "no answer" if self.refused else str(self.result)
        return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def answered(message: Message) -> Answer:
    """An answer from a JSON-RPC response.

    Args:
        message: The response.
    """
    return Answer(message.get("result"), message.get("error"))
