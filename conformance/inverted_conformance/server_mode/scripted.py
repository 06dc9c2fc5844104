"""The scripted model and person: what the suite answers when a server asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final, cast

from inverted_conformance.server_mode.said import (
    ELICIT,
    ROOTS,
    SAMPLE,
    Answer,
    Question,
    Refusal,
)
from inverted_conformance.wire.transcript import Message

MODEL: Final = "scripted-model"

Turn = str | Message | Refusal | Callable[[Question], Answer]
"""What the model says: a text, a whole result, a refusal, or what a function makes of it."""

Reaction = str | Message | Refusal | Callable[[Question], Answer]
"""What the person does: `accept`, `decline`, `cancel`, the content of a form, a refusal, or what a
function makes of the question."""


class Script:
    """Answers for every question of a call; the last turn and the last reaction are repeated.

    Args:
        model: What the model says, turn by turn.
        person: What the person does, question by question. `accept` fills a form by its schema.
        roots: The client's roots.
    """

    def __init__(
        self,
        model: Sequence[Turn] = ("Hello.",),
        person: Sequence[Reaction] = ("accept",),
        roots: Sequence[Message] = (),
    ) -> None:
        self._model: Final = list(model)
        self._person: Final = list(person)
        self._roots: Final = list(roots)

    async def __call__(self, question: Question) -> Answer:
        """Answer a question."""
        if question.method == SAMPLE:
            return _turn(_next(self._model), question)
        if question.method == ELICIT:
            return _reaction(_next(self._person), question)
        if question.method == ROOTS:
            return {"roots": self._roots}
        return Refusal(-32601, f"The client has no {question.method}")


def says(text: str, **more: Any) -> Message:
    """A result of sampling that is a text.

    Args:
        text: The text.
        more: Further fields, or others than usual.
    """
    content = {"type": "text", "text": text}
    return {
        "role": "assistant",
        "content": content,
        "model": MODEL,
        "stopReason": "endTurn",
        **more,
    }


_numbers: Final = count(1)


def tool_use(name: str, arguments: Message | None = None, id: str | None = None) -> Message:
    """A call of a tool, as a content block.

    Args:
        name: The tool.
        arguments: Its arguments.
        id: The call's id; a new one by default.
    """
    return {
        "type": "tool_use",
        "id": id or f"call-{next(_numbers)}",
        "name": name,
        "input": arguments or {},
    }


def uses(*calls: Message, text: str | None = None) -> Message:
    """A result of sampling that calls tools.

    Args:
        calls: The calls (`tool_use`).
        text: What the model says before.
    """
    said = [] if text is None else [{"type": "text", "text": text}]
    return {
        "role": "assistant",
        "content": [*said, *calls],
        "model": MODEL,
        "stopReason": "toolUse",
    }


def filled(schema: Message) -> Message:
    """Content that a form accepts, made from its schema: defaults first, then what fits.

    Args:
        schema: The form's `requestedSchema`.
    """
    fields = cast("dict[str, Message]", schema.get("properties", {}))
    return {name: _value(field) for name, field in fields.items()}


def _next(turns: list[Any]) -> Any:
    return turns.pop(0) if len(turns) > 1 else turns[0]


def _turn(turn: Turn, question: Question) -> Answer:
    if isinstance(turn, str):
        return says(turn)
    return turn(question) if callable(turn) else turn


def _reaction(reaction: Reaction, question: Question) -> Answer:
    if callable(reaction):
        return reaction(question)
    if isinstance(reaction, Refusal):
        return reaction
    if isinstance(reaction, dict):
        return {"action": "accept", "content": reaction}
    if reaction != "accept" or question.params.get("mode") == "url":
        return {"action": reaction}
    return {"action": "accept", "content": filled(question.params.get("requestedSchema", {}))}


_FORMATS: Final = {
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "date": "2026-07-28",
    "date-time": "2026-07-28T12:00:00Z",
}


def _value(field: Message) -> Any:
    if "default" in field:
        return field["default"]
    choices = field.get("enum") or [one["const"] for one in field.get("oneOf", [])]
    if choices:
        return choices[0]
    match field.get("type"):
        case "boolean":
            return True
        case "integer" | "number":
            return field.get("minimum", field.get("maximum", 1))
        case "array":
            items = field.get("items", {})
            options = items.get("enum") or [one["const"] for one in items.get("anyOf", [])]
            return options[: max(1, field.get("minItems", 1))]
        case _:
            text = _FORMATS.get(field.get("format", ""), "Ada")
            return text.ljust(field.get("minLength", 0), "a")[: field.get("maxLength")]
