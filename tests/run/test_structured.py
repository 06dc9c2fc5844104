"""Structured results: through `final_response`, or as JSON text; validated, and asked again."""

import json
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from inverted import Run
from inverted.run.sampling import FINAL, Structured
from inverted.testing import final, text, tool_calls

from .fakes import WITHOUT_TOOLS, Host, fail, play


class Severity(Enum):
    LOW = "low"
    HIGH = "high"


class Triage(BaseModel):
    title: str
    severity: Severity = Severity.LOW


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    severity: Severity
    due: date
    tags: tuple[str, ...]


@dataclass
class Point:
    x: int
    y: int = 0


def wants(kind: Any, **how: Any) -> Any:
    """An agent that samples once for a result of this type."""

    async def body(run: Run) -> Any:
        return (await run.sample("go", result_type=kind, **how)).result

    return body


def told(host: Host) -> list[str]:
    return [result["content"][0]["text"] for result in host.told]


async def test_the_model_must_call_final_response_with_the_types_schema() -> None:
    host = Host(final({"title": "Crash"}))
    assert await play(wants(Triage), host) == Triage(title="Crash")
    (params,) = host.samples
    assert params["toolChoice"] == {"mode": "required"}
    (tool,) = params["tools"]
    assert (tool["name"], tool["inputSchema"]) == (FINAL, Triage.model_json_schema())


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (int, 5, 5),
        (list[int], [1, 2], [1, 2]),
        (Literal["a", "b"], "b", "b"),
        (Severity, "high", Severity.HIGH),
        (date, "2026-07-28", date(2026, 7, 28)),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Point, {"x": 1}, Point(1)),
        (list[Triage], [{"title": "a"}], [Triage(title="a")]),
        (
            Strict,
            {"severity": "low", "due": "2026-07-28", "tags": ["a"]},
            Strict(severity=Severity.LOW, due=date(2026, 7, 28), tags=("a",)),
        ),
    ],
)
@pytest.mark.parametrize("how", ["tool", "text", "fenced"])
async def test_results_are_typed_however_they_come(
    kind: Any, given: Any, value: Any, how: str
) -> None:
    if how == "tool":
        host = Host(final(given))
    else:
        said = json.dumps(given)
        host = Host(f"```json\n{said}\n```\n" if how == "fenced" else f" {said}\n")
    assert await play(wants(kind), host) == value


def test_what_is_no_object_is_wrapped() -> None:
    assert Structured(int).schema == {
        "type": "object",
        "properties": {"value": {"type": "integer"}},
        "required": ["value"],
    }
    schema = Structured(list[Triage]).schema
    assert schema["$defs"].keys() == {"Triage", "Severity"}
    assert schema["properties"]["value"]["items"] == {"$ref": "#/$defs/Triage"}


async def test_wrapped_results_may_come_unwrapped_and_wrapped_as_text() -> None:
    assert await play(wants(list[int]), Host('{"value": [1]}')) == [1]
    assert await play(wants(list[int]), Host("[1]")) == [1]


async def test_the_text_of_a_structured_result_is_its_json() -> None:
    async def body(run: Run) -> Any:
        return (await run.sample("go", result_type=int)).text

    assert await play(body, Host(final(5))) == "5"
    assert await play(body, Host("5")) == "5"


async def test_a_result_that_is_written_without_its_call_needs_no_further_turn() -> None:
    """Where tools are written as text, a model may write the result in place of the call."""

    def look_up(word: str) -> str:
        return word

    async def body(run: Run) -> Any:
        answer = await run.sample("go", tools=[look_up], result_type=Triage, rungs=["text"])
        return answer.result, answer.history[-1].content

    host = Host('```json\n{"title": "Crash"}\n```', capabilities=WITHOUT_TOOLS)
    result, said = await play(body, host)
    assert result == Triage(title="Crash")
    assert said.type == "text"
    assert len(host.samples) == 1


async def test_a_text_that_is_no_result_is_told_that_a_call_is_missing() -> None:
    def look_up(word: str) -> str:
        return word

    final_call = '<tool_call>\n{"name": "final_response", "arguments": {"value": 5}}\n</tool_call>'
    host = Host("Let me think.", final_call, capabilities=WITHOUT_TOOLS)
    assert await play(wants(int, tools=[look_up], rungs=["text"]), host) == 5
    assert "A tool must be called now" in str(host.samples[1]["messages"])


async def test_text_as_the_type_is_no_structure() -> None:
    host = Host("hello")
    assert await play(wants(str), host) == "hello"
    assert "tools" not in host.samples[0]


async def test_an_invalid_call_is_answered_with_the_reason_and_asked_again() -> None:
    host = Host(final({"name": "x"}), final({"title": "x"}))
    assert await play(wants(Triage), host) == Triage(title="x")
    assert told(host) == ["Not accepted: title: Field required. Call final_response again."]
    assert host.told[0]["isError"] is True


async def test_an_accepted_call_is_answered_in_the_history() -> None:
    async def body(run: Run) -> Any:
        first = await run.sample("go", result_type=int)
        return (await run.sample([*first.history, "thanks"])).text

    host = Host(final(5), "you are welcome")
    assert await play(body, host) == "you are welcome"
    answer = host.samples[1]["messages"][2]["content"][0]
    assert answer["content"] == [{"type": "text", "text": "Accepted."}]
    assert "isError" not in answer


async def test_calls_beside_the_final_response_are_answered_and_not_run() -> None:
    ran: list[str] = []

    def note(what: str) -> None:
        ran.append(what)

    turn = tool_calls(("note", {"what": "x"}), (FINAL, {"value": 5}), (FINAL, {"value": 6}))

    async def body(run: Run) -> Any:
        answer = await run.sample("go", result_type=int, tools=[note])
        return [answer.result, [each["content"][0]["text"] for each in last(answer)]]

    def last(answer: Any) -> list[Any]:
        return answer.messages[-1]["content"]

    other = "Not run, because final_response was called in the same turn."
    assert await play(body, Host(turn)) == [5, [other, "Accepted.", other]]
    assert ran == []


async def test_text_that_is_no_json_or_does_not_fit_is_asked_again_with_the_reason() -> None:
    host = Host("I think 5.", '"x"', "5")
    assert await play(wants(int), host) == 5
    _, one, two = [params["messages"][-1]["content"]["text"] for params in host.samples]
    assert one.startswith("That answer was not accepted: it is not JSON (")
    assert one.endswith("Call final_response with it.")
    assert two.startswith("That answer was not accepted: value: Input should be a valid integer")


async def test_no_text_at_all_is_asked_again() -> None:
    picture = {"content": {"type": "image", "data": "aGk=", "mimeType": "image/png"}}
    assert await play(wants(int), Host(picture, final(5))) == 5


@pytest.mark.parametrize("answer", [final("x"), text("x")])
async def test_after_some_attempts_it_is_an_error(answer: Any) -> None:
    host = Host(answer, answer)
    error = await fail(wants(int, attempts=2), host)
    assert error.type == "InvalidAnswerError"
    assert "or allow more attempts" in error.message
    assert len(host.samples) == 2


async def test_when_the_turns_are_used_up_first_that_is_the_error() -> None:
    error = await fail(wants(int, max_turns=1), Host("x"))
    assert error.type == "LimitExceeded"
    assert "within max_turns=1" in error.message


async def test_three_attempts_are_the_default() -> None:
    host = Host(*["x"] * 9)
    await fail(wants(int), host)
    assert len(host.samples) == 3


async def test_a_client_without_tools_is_told_the_schema_instead() -> None:
    host = Host("no", "5", capabilities=WITHOUT_TOOLS)
    assert await play(wants(int, system_prompt="Be kind."), host) == 5
    prompt = host.samples[0]["systemPrompt"]
    assert prompt.startswith("Be kind.\n\nAnswer with one JSON value that fits this JSON schema")
    assert json.loads(prompt.rpartition("\n")[2]) == Structured(int).schema
    assert "tools" not in host.samples[0]
    assert host.samples[1]["messages"][-1]["content"]["text"].endswith(
        "Answer with the corrected JSON only."
    )


async def test_a_client_without_tools_and_a_prompt_is_told_the_schema_alone() -> None:
    host = Host("5", capabilities=WITHOUT_TOOLS)
    await play(wants(int), host)
    assert host.samples[0]["systemPrompt"].startswith("Answer with one JSON value")


async def test_the_last_turn_asks_for_the_json_without_tools() -> None:
    def add(a: int) -> int:
        return a

    host = Host(tool_calls(("add", {"a": 1})), "5")
    assert await play(wants(int, tools=[add], max_turns=2, system_prompt="Be kind."), host) == 5
    first, last = host.samples
    assert (first["toolChoice"], last["toolChoice"]) == ({"mode": "required"}, {"mode": "none"})
    assert first["systemPrompt"] == "Be kind."
    assert last["systemPrompt"].startswith("Be kind.\n\nAnswer with one JSON value")
    assert [tool["name"] for tool in first["tools"]] == ["add", FINAL]


async def test_a_model_that_works_first_may_choose_its_tools() -> None:
    def add(a: int) -> int:
        return a

    host = Host(tool_calls(("add", {"a": 1})), final(5))
    assert await play(wants(int, tools=[add], tool_choice="auto"), host) == 5
    assert [params["toolChoice"]["mode"] for params in host.samples] == ["auto", "auto"]


async def test_a_tool_of_the_author_cannot_take_the_name_of_the_final_response() -> None:
    def final_response() -> None: ...

    error = await fail(wants(int, tools=[final_response]), Host())
    assert "Two tools have the same name: final_response" in error.message


async def test_without_a_result_type_final_response_is_a_name_like_any_other() -> None:
    def final_response(value: int) -> int:
        return value

    async def body(run: Run) -> Any:
        return (await run.sample("go", tools=[final_response])).text

    host = Host(tool_calls((FINAL, {"value": 5})), "done")
    assert await play(body, host) == "done"
    assert told(host) == ["5"]


class Described(BaseModel):
    """What the model reads."""

    title: str = Field(description="One line.", max_length=5)


async def test_constraints_of_the_type_are_in_its_schema_and_enforced() -> None:
    host = Host(final({"title": "too long"}), final({"title": "short"}))
    assert (await play(wants(Described), host)).title == "short"
    assert "at most 5 characters" in told(host)[0]
