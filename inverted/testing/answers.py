"""What a scripted model or person answers, and how that becomes a result on the wire.

A script may answer in short: a text, a value, a dict. The helpers say the rest: `text`,
`tool_calls`, `final` for the model; `accept`, `decline`, `cancel` for the person. An exception, as
a value, refuses the question.

Called by `script`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Literal, cast

from mcp import MCPError
from mcp_types import CreateMessageResult, CreateMessageResultWithTools, ElicitResult, ErrorData
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

Wire = dict[str, Any]
"""A protocol object as it travels. JSON has no narrower type."""

FINAL: Final = "final_response"
"""The tool through which a model gives a structured result."""

REFUSED: Final = -1
"""Error code of a refused request, as the specification's client/sampling uses it."""

MODEL: Final = "scripted"


class ScriptError(AssertionError):
    """The script does not fit what the server asked. The test, or the server, is wrong."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """One turn of a scripted model. Made by `text`, `tool_calls` and `final`.

    Attributes:
        said: The text of the turn, if there is any.
        calls: Names and arguments of tool calls.
        result: A structured result, as the call of `final_response` or as JSON text.
        has_result: Whether there is a result (it may be None).
        stop_reason: Why the model stopped; from the content if not given.
    """

    said: str | None = None
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    result: object = None
    has_result: bool = False
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """A scripted person's answer. Made by `accept`, `decline` and `cancel`."""

    action: Literal["accept", "decline", "cancel"]
    value: object = None


def text(said: str, *, stop_reason: str | None = None) -> ModelAnswer:
    """The model says this.

    Args:
        said: The text.
        stop_reason: Why it stopped; `endTurn` if not given.
    """
    return ModelAnswer(said, stop_reason=stop_reason)


def tool_calls(*calls: tuple[str, Mapping[str, Any]], said: str | None = None) -> ModelAnswer:
    """The model calls tools, all in one turn.

    Args:
        calls: Names and arguments. Their ids are made here.
        said: Text before the calls.
    """
    return ModelAnswer(said, tuple((name, dict(arguments)) for name, arguments in calls))


def final(result: object) -> ModelAnswer:
    """The model gives its structured result.

    It calls `final_response` where that is offered, and answers with JSON text where not.

    Args:
        result: JSON, a pydantic model or a dataclass. What is no object is wrapped as
            `{"value": ...}`, as the schema wants it.
    """
    return ModelAnswer(result=to_jsonable_python(result), has_result=True)


def accept(value: object = None) -> PersonAnswer:
    """The person fills in the form and sends it, or agrees to open the page.

    Args:
        value: The value of a form's only field, a dict of all fields, or None for a form
            without fields and for a page.
    """
    return PersonAnswer("accept", to_jsonable_python(value))


def decline() -> PersonAnswer:
    """The person says no."""
    return PersonAnswer("decline")


def cancel() -> PersonAnswer:
    """The person closes the question without an answer."""
    return PersonAnswer("cancel")


def refusal(error: Exception) -> ErrorData:
    """The error with which a client refuses a question."""
    if isinstance(error, MCPError):
        return error.error
    return ErrorData(code=REFUSED, message=str(error) or type(error).__name__)


def model_result(params: Wire, answer: object, ids: count[int]) -> Wire:
    """A `CreateMessageResult` in wire form.

    Args:
        params: What was asked.
        answer: What the script says.
        ids: Numbers for the ids of tool calls.

    Raises:
        ScriptError: The answer is of no known kind.
    """
    if isinstance(answer, CreateMessageResult | CreateMessageResultWithTools):
        return _dump(answer)
    if isinstance(answer, str):
        answer = text(answer)
    elif isinstance(answer, dict):
        given = cast("Wire", answer)
        if "content" in given:
            return {"role": "assistant", "model": MODEL, **given}
        answer = final(given)
    elif isinstance(answer, BaseModel):
        answer = final(answer)
    if not isinstance(answer, ModelAnswer):
        raise ScriptError(
            f"The scripted model answered with a {type(answer).__name__}. Use a text, a dict, or "
            "the helpers text(), tool_calls() and final() of inverted.testing."
        )
    said, calls = answer.said, answer.calls
    if answer.has_result:
        arguments = _result_for(params, answer.result)
        if arguments is None:
            said = json.dumps(answer.result, ensure_ascii=False)
        else:
            calls = ((FINAL, arguments),)
    content: list[Wire] = [] if said is None else [{"type": "text", "text": said}]
    content += [
        {"type": "tool_use", "id": f"call-{next(ids)}", "name": name, "input": arguments}
        for name, arguments in calls
    ]
    return {
        "role": "assistant",
        "model": MODEL,
        "content": content[0] if len(content) == 1 else content,
        "stopReason": answer.stop_reason or ("toolUse" if calls else "endTurn"),
    }


def _result_for(params: Wire, result: object) -> dict[str, Any] | None:
    """The arguments of `final_response`, or None where it is not offered or not allowed."""
    offered = {tool["name"]: tool["inputSchema"] for tool in params.get("tools", ())}
    if FINAL not in offered or params.get("toolChoice", {}).get("mode") == "none":
        return None
    wrapped = list(offered[FINAL].get("properties", ())) == ["value"]
    if isinstance(result, dict):
        fields = cast("Wire", result)
        if not wrapped or "value" in fields:
            return fields
    return {"value": result}


def person_result(params: Wire, answer: object) -> Wire:
    """An `ElicitResult` in wire form.

    Args:
        params: What was asked.
        answer: What the script says.

    Raises:
        ScriptError: A single value was given for a form of several fields.
    """
    if isinstance(answer, ElicitResult):
        return _dump(answer)
    if isinstance(answer, dict) and "action" in answer:
        return cast("Wire", answer)
    if answer == "decline":
        answer = decline()
    elif answer == "cancel":
        answer = cancel()
    elif not isinstance(answer, PersonAnswer):
        answer = accept(cast("object", answer))
    if answer.action != "accept" or params.get("mode") == "url":
        return {"action": answer.action}
    return {"action": "accept", "content": _content(params, answer.value)}


def _content(params: Wire, value: object) -> Wire:
    if isinstance(value, dict):
        return cast("Wire", value)
    fields: Sequence[str] = list(params["requestedSchema"].get("properties", ()))
    if value is None and not fields:
        return {}
    if len(fields) != 1:
        raise ScriptError(
            f"The scripted person answered {value!r} to a form with the fields "
            f"{', '.join(fields)}: {params['message']!r}. Answer with a dict of its fields."
        )
    return {fields[0]: value}


def _dump(result: BaseModel) -> Wire:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
