"""Answers in place of a model."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from inverted.cli import rehearsal
from inverted.cli.errors import HostProblem, UsageProblem
from inverted.cli.rehearsal import answer, generic_policy, load_policy


def says(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": {"type": "text", "text": text}}


def tool(name: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
        },
    }


SEARCH = tool("search", query={"type": "string", "default": "crash"})
READ = tool("read", path={"type": "string"})  # needs a path that no schema names
FINAL = tool("final_response", summary={"type": "string"}, score={"type": "integer", "minimum": 1})


def calls(result: dict[str, Any]) -> dict[str, Any]:
    return {block["name"]: block["input"] for block in result["content"]}


def test_without_a_final_tool_it_says_what_it_is_and_repeats_the_prompt() -> None:
    result = generic_policy({"messages": [says("First"), says("ok", "assistant"), says("Now\nx")]})
    assert result["content"]["text"] == "Rehearsal without a model. The last prompt began: Now"


def test_it_uses_each_tool_whose_arguments_the_schema_names() -> None:
    result = generic_policy({"messages": [says("Plan")], "tools": [SEARCH, READ, FINAL]})
    assert result["stopReason"] == "toolUse"
    assert calls(result) == {"search": {"query": "crash"}}


def test_then_it_gives_the_smallest_final_answer() -> None:
    turn = generic_policy({"messages": [says("Plan")], "tools": [SEARCH, FINAL]})
    results: dict[str, Any] = {
        "role": "user",
        "content": [{"type": "tool_result", "toolUseId": "x", "content": []}],
    }
    messages = [says("Plan"), {"role": "assistant", "content": turn["content"]}, results]
    result = generic_policy({"messages": messages, "tools": [SEARCH, FINAL]})
    assert calls(result) == {"final_response": {"summary": "rehearsal", "score": 1}}


def test_tools_of_an_earlier_prompt_are_used_again_for_a_new_one() -> None:
    turn = generic_policy({"messages": [says("Plan")], "tools": [SEARCH, FINAL]})
    messages = [says("Plan"), {"role": "assistant", "content": turn["content"]}, says("Next")]
    assert "search" in calls(generic_policy({"messages": messages, "tools": [SEARCH, FINAL]}))


def test_tool_calls_of_one_run_have_different_ids() -> None:
    first = generic_policy({"messages": [says("Plan")], "tools": [SEARCH, FINAL]})
    messages = [says("Plan"), says("x", "assistant"), says("Plan")]
    second = generic_policy({"messages": messages, "tools": [SEARCH, FINAL]})
    assert first["content"][0]["id"] != second["content"][0]["id"]


def test_when_tools_are_forbidden_it_answers_in_text() -> None:
    params = {"messages": [says("Plan")], "tools": [FINAL], "toolChoice": {"mode": "none"}}
    assert generic_policy(params)["content"]["type"] == "text"


def test_a_prompt_without_text_is_no_problem() -> None:
    image = {"role": "user", "content": {"type": "image", "data": "", "mimeType": "image/png"}}
    assert generic_policy({"messages": [image]})["content"]["text"].endswith("began: ")


def registered(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    points = EntryPoints([EntryPoint(name="tea", value=value, group="inverted.rehearsal")])

    def entry_points(group: str) -> EntryPoints:
        return points.select(group=group)

    monkeypatch.setattr(rehearsal, "entry_points", entry_points)


def test_a_policy_is_found_under_the_servers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, "inverted.cli.rehearsal:generic_policy")
    policy, note = load_policy(None, "tea")
    assert policy is generic_policy
    assert note == "policy inverted.cli.rehearsal:generic_policy"
    assert load_policy(None, "coffee")[1] == "generic policy"


def test_a_policy_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    policy, note = load_policy("inverted.cli.rehearsal:generic_policy", "tea")
    assert policy is generic_policy
    assert "policy" in note


@pytest.mark.parametrize(
    "spec", ["no_such_module:policy", "inverted.cli.rehearsal:no_such_function", "json:decoder"]
)
def test_a_policy_that_cannot_be_loaded_is_named(spec: str) -> None:
    with pytest.raises(UsageProblem, match=f"policy {spec}"):
        load_policy(spec, "tea")


def test_whatever_a_policy_claims_its_model_is_called_rehearsal() -> None:
    def policy(params: dict[str, Any]) -> dict[str, Any]:
        return {"model": "gpt-9", "content": {"type": "text", "text": "x"}}

    result = answer(policy, {})
    assert (result.model, result.role) == ("rehearsal", "assistant")


def test_a_policy_that_raises_is_reported() -> None:
    def policy(params: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("messages")

    with pytest.raises(HostProblem, match="the rehearsal policy failed: KeyError: 'messages'"):
        answer(policy, {})


@pytest.mark.parametrize("found", [{}, {"content": 3}, None])
def test_a_policy_that_returns_something_else_is_reported(found: Any) -> None:
    def policy(params: dict[str, Any]) -> dict[str, Any]:
        return found

    with pytest.raises(HostProblem, match="returned no CreateMessageResult"):
        answer(policy, {})
