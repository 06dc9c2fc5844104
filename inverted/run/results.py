"""What the verbs of `Run` return."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Literal, TypeVar

from mcp_types import CreateMessageResultWithTools, SamplingMessage, TextContent, ToolUseContent
from pydantic import TypeAdapter

from inverted.core.effects import Json
from inverted.runtime.ladders import ModelRung, PersonRung
from inverted.runtime.spending import estimate_tokens

T = TypeVar("T")


@dataclass(frozen=True)
class AcceptedElicitation(Generic[T]):
    """The person answered. `data` is validated and typed, `via` says where they were asked."""

    data: T
    action: Literal["accept"] = "accept"
    via: PersonRung = "form"


@dataclass(frozen=True)
class DeclinedElicitation:
    """The person said no."""

    action: Literal["decline"] = "decline"
    data: None = None
    via: PersonRung = "form"


@dataclass(frozen=True)
class CancelledElicitation:
    """The person closed the question without an answer."""

    action: Literal["cancel"] = "cancel"
    data: None = None
    via: PersonRung = "form"


@dataclass(frozen=True)
class Usage:
    """Tokens of a `sample`, over all its turns.

    The protocol reports none, so they are estimated at four characters each, and say so.
    """

    input_tokens: int
    output_tokens: int
    model_calls: int
    estimated: bool = True


@dataclass(frozen=True)
class SamplingResult(Generic[T]):
    """Result of `Run.sample`.

    Attributes:
        text: The model's text; the JSON for a structured result.
        result: The text, or the validated object when a `result_type` was given.
        model: Name of the model that gave the last message.
        stop_reason: Why it stopped, as the client said.
        via: The rung on which the last message came.
        messages: Every message in wire form, in order.
        asked: For each turn of the model, how many messages it was asked with.
    """

    text: str | None
    result: T
    model: str
    stop_reason: str | None
    messages: list[Json] = field(repr=False)
    asked: tuple[int, ...] = field(repr=False)
    via: ModelRung = "sampling"

    @cached_property
    def history(self) -> list[SamplingMessage]:
        """Every message, in order; pass it on to continue the conversation."""
        return parse_messages(self.messages)

    @cached_property
    def usage(self) -> Usage:
        """Tokens over all turns, estimated."""
        sizes = [estimate_tokens(message["content"]) for message in self.messages]
        return Usage(
            input_tokens=sum(sum(sizes[:count]) for count in self.asked),
            output_tokens=sum(sizes[count] for count in self.asked),
            model_calls=len(self.asked),
        )


_messages: TypeAdapter[list[SamplingMessage]] = TypeAdapter(list[SamplingMessage])


def parse_messages(messages: list[Json]) -> list[SamplingMessage]:
    """Typed messages from wire form. Parsed when somebody looks: most agents never do."""
    return _messages.validate_python(messages)


@dataclass(frozen=True)
class SampleStep:
    """Result of `Run.sample_step`: one turn of the model.

    Attributes:
        response: What the client returned.
        history: The messages so far, this turn and its tool results included.
        via: The rung on which the turn came.
    """

    response: CreateMessageResultWithTools
    history: list[SamplingMessage]
    via: ModelRung = "sampling"

    @property
    def is_tool_use(self) -> bool:
        """Whether the model called tools."""
        return bool(self.tool_calls)

    @property
    def tool_calls(self) -> list[ToolUseContent]:
        """The tool calls of this turn."""
        return [
            block for block in self.response.content_as_list if isinstance(block, ToolUseContent)
        ]

    @property
    def text(self) -> str | None:
        """The text of this turn, if there is any."""
        texts = [
            block.text for block in self.response.content_as_list if isinstance(block, TextContent)
        ]
        return "\n".join(texts) if texts else None
