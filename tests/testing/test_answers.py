"""What a script may answer, and what travels."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from mcp import MCPError
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ErrorData,
    TextContent,
)
from pydantic import BaseModel

from inverted.testing import (
    ScriptError,
    accept,
    cancel,
    decline,
    final,
    text,
    tool_calls,
)
from inverted.testing.answers import model_result, person_result, refusal

Wire = dict[str, Any]


class Plan(BaseModel):
    steps: list[str]


def asked(*tools: str, result: Wire | None = None, mode: str | None = None) -> Wire:
    """The params of a sampling request."""
    offered = [{"name": name, "inputSchema": {"type": "object"}} for name in tools]
    if result is not None:
        offered.append({"name": "final_response", "inputSchema": result})
    params: Wire = {"messages": [], "maxTokens": 9}
    if offered:
        params["tools"] = offered
    if mode is not None:
        params["toolChoice"] = {"mode": mode}
    return params


def form(*fields: str) -> Wire:
    properties = {name: {"type": "string"} for name in fields}
    return {"message": "Well?", "requestedSchema": {"type": "object", "properties": properties}}


PLAN = {"type": "object", "properties": {"steps": {"type": "array"}}}
WRAPPED = {"type": "object", "properties": {"value": {"type": "integer"}}}


@pytest.mark.parametrize("answer", ["hello", text("hello")])
def test_a_text_is_one_block_that_ends_the_turn(answer: Any) -> None:
    assert model_result(asked(), answer, count(1)) == {
        "role": "assistant",
        "model": "scripted",
        "content": {"type": "text", "text": "hello"},
        "stopReason": "endTurn",
    }


def test_tool_calls_get_ids_that_are_never_used_twice() -> None:
    ids = count(1)
    first = model_result(asked("a"), tool_calls(("a", {"x": 1}), ("a", {"x": 2})), ids)
    second = model_result(asked("a"), tool_calls(("a", {})), ids)
    assert [block["id"] for block in first["content"]] == ["call-1", "call-2"]
    assert second["content"]["id"] == "call-3"
    assert first["stopReason"] == "toolUse"
    assert first["content"][1]["input"] == {"x": 2}


def test_tool_calls_may_come_with_words() -> None:
    result = model_result(asked("a"), tool_calls(("a", {}), said="Let me see."), count(1))
    assert [block["type"] for block in result["content"]] == ["text", "tool_use"]


@pytest.mark.parametrize("answer", [{"steps": ["a"]}, Plan(steps=["a"]), final(Plan(steps=["a"]))])
def test_a_structured_result_calls_final_response_where_it_is_offered(answer: Any) -> None:
    content = model_result(asked("a", result=PLAN), answer, count(1))["content"]
    assert (content["name"], content["input"]) == ("final_response", {"steps": ["a"]})


@pytest.mark.parametrize("params", [asked(), asked(result=PLAN, mode="none")])
def test_a_structured_result_is_json_text_where_no_tool_may_be_called(params: Wire) -> None:
    content = model_result(params, final({"steps": ["ä"]}), count(1))["content"]
    assert content == {"type": "text", "text": '{"steps": ["ä"]}'}


@pytest.mark.parametrize("answer", [final(4), final({"value": 4})])
def test_a_result_that_is_no_object_is_wrapped_once(answer: Any) -> None:
    content = model_result(asked(result=WRAPPED), answer, count(1))["content"]
    assert content["input"] == {"value": 4}


def test_an_object_for_a_wrapping_schema_is_wrapped_too() -> None:
    content = model_result(asked(result=WRAPPED), final({"low": 1}), count(1))["content"]
    assert content["input"] == {"value": {"low": 1}}


def test_a_whole_result_travels_as_it_is() -> None:
    given = {"content": {"type": "text", "text": "x"}, "stopReason": "odd"}
    assert model_result(asked(), given, count(1)) == {
        "role": "assistant",
        "model": "scripted",
        **given,
    }
    typed = CreateMessageResult(
        role="assistant", model="m", content=TextContent(type="text", text="x")
    )
    assert model_result(asked(), typed, count(1))["model"] == "m"


def test_an_answer_of_no_known_kind_is_an_error_that_lists_the_helpers() -> None:
    with pytest.raises(ScriptError, match=r"answered with a int.*tool_calls\(\)"):
        model_result(asked(), 7, count(1))


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        ("Ada", {"action": "accept", "content": {"name": "Ada"}}),
        (accept("Ada"), {"action": "accept", "content": {"name": "Ada"}}),
        ({"name": "Ada"}, {"action": "accept", "content": {"name": "Ada"}}),
        ("decline", {"action": "decline"}),
        (decline(), {"action": "decline"}),
        ("cancel", {"action": "cancel"}),
        (cancel(), {"action": "cancel"}),
        (accept("decline"), {"action": "accept", "content": {"name": "decline"}}),
        ({"action": "accept", "content": {"x": 1}}, {"action": "accept", "content": {"x": 1}}),
        (ElicitResult(action="cancel"), {"action": "cancel"}),
        (False, {"action": "accept", "content": {"name": False}}),
    ],
)
def test_a_person_answers_in_short(answer: Any, sent: Wire) -> None:
    assert person_result(form("name"), answer) == sent


def test_a_form_without_fields_is_accepted_with_nothing() -> None:
    assert person_result(form(), accept()) == {"action": "accept", "content": {}}


def test_a_page_is_accepted_without_content() -> None:
    page = {"mode": "url", "message": "Go.", "url": "https://example.org"}
    assert person_result(page, accept()) == {"action": "accept"}


def test_one_value_does_not_answer_two_fields() -> None:
    with pytest.raises(ScriptError, match="first, last"):
        person_result(form("first", "last"), "Ada")


def test_an_exception_refuses_with_its_words_and_an_mcp_error_with_its_code() -> None:
    assert refusal(ValueError("no")).message == "no"
    assert refusal(ValueError("no")).code == -1
    assert refusal(ValueError()).message == "ValueError"
    given = ErrorData(code=-32001, message="busy")
    assert refusal(MCPError.from_error_data(given)) == given
