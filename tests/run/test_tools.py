"""The tool loop of `run.sample`: every call is answered, and the model hears what goes wrong."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Literal

import pytest
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from mcp_types import ImageContent, TextContent
from pydantic import BaseModel

from inverted import ApprovalDenied, Limits, Run, SamplingTool
from inverted.testing import accept, tool_calls

from .fakes import WITHOUT_TOOLS, Host, fail, play


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


async def greet(name: str) -> str:
    return f"Hello, {name}!"


def broken() -> str:
    raise ConnectionError("no route to 10.0.0.1")


def refuses() -> str:
    raise ToolError("the ticket is closed")


def asks(*tools: Any, **how: Any) -> Any:
    """An agent that samples once with these tools."""

    async def body(run: Run) -> Any:
        return (await run.sample("go", tools=tools, **how)).text

    return body


def texts(results: list[dict[str, Any]]) -> list[str]:
    return [result["content"][0]["text"] for result in results]


async def test_the_model_sees_each_tools_name_description_and_schema() -> None:
    host = Host("done")
    await play(asks(add, greet), host)
    assert host.samples[0]["tools"] == [
        {
            "name": "add",
            "description": "Add two numbers.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "a": {"type": "integer", "title": "A"},
                    "b": {"type": "integer", "title": "B", "default": 1},
                },
                "required": ["a"],
                "additionalProperties": False,
            },
        },
        {
            "name": "greet",
            "inputSchema": {
                "type": "object",
                "properties": {"name": {"type": "string", "title": "Name"}},
                "required": ["name"],
                "additionalProperties": False,
            },
        },
    ]


async def test_results_go_back_in_one_message_in_the_order_of_the_calls() -> None:
    turn = tool_calls(("add", {"a": 1, "b": 2}), ("greet", {"name": "Ann"}), ("add", {"a": 7}))
    host = Host(turn, "done")
    assert await play(asks(add, greet), host) == "done"
    assert host.told == [
        {
            "type": "tool_result",
            "toolUseId": f"call-{number}",
            "content": [{"type": "text", "text": said}],
        }
        for number, said in enumerate(["3", "Hello, Ann!", "8"], 1)
    ]


async def test_the_conversation_grows_by_call_and_result_and_is_in_the_history() -> None:
    async def body(run: Run) -> Any:
        answer = await run.sample("go", tools=[add])
        return [message.role for message in answer.history], answer.usage.model_calls

    host = Host(tool_calls(("add", {"a": 1})), tool_calls(("add", {"a": 2})), "done")
    roles = ["user", "assistant"] * 3
    assert await play(body, host) == (roles, 3)
    assert [len(params["messages"]) for params in host.samples] == [1, 3, 5]


NO_ARGUMENTS: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("fly", NO_ARGUMENTS), "There is no tool named 'fly'. Tools: add, broken, refuses."),
        (("add", {"a": "x"}), "Invalid arguments for add: a: Input should be a valid integer"),
        (
            ("add", NO_ARGUMENTS),
            "Invalid arguments for add: a: Missing required keyword",
        ),
        (("add", {"a": 1, "c": 2}), "Invalid arguments for add: c: Unexpected keyword argument"),
        (("invalid_tool_call", {"problem": "It is no JSON."}), "It is no JSON."),
        (("broken", NO_ARGUMENTS), "Tool broken failed: no route to 10.0.0.1"),
        (("refuses", NO_ARGUMENTS), "Tool refuses failed: the ticket is closed"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(
    call: tuple[str, dict[str, Any]], said: str
) -> None:
    host = Host(tool_calls(call), "never mind")
    assert await play(asks(add, broken, refuses), host) == "never mind"
    (result,) = host.told
    assert result["isError"] is True
    assert result["content"][0]["text"].startswith(said)


@pytest.mark.parametrize(
    ("name", "said"),
    [("broken", "Tool broken failed."), ("refuses", "Tool refuses failed: the ticket is closed")],
)
async def test_masked_details_are_not_told_except_those_of_a_tool_error(
    name: str, said: str
) -> None:
    host = Host(tool_calls((name, {})), "never mind")
    await play(asks(broken, refuses, mask_error_details=True), host)
    assert texts(host.told) == [said]


async def test_a_model_that_calls_a_tool_when_it_has_none_is_told_so() -> None:
    host = Host(tool_calls(("fly", {})), "never mind")
    assert await play(asks(), host) == "never mind"
    assert texts(host.told) == ["There is no tool named 'fly'. Tools: none."]


class Crowd:
    """A tool that counts how many of its calls run at once."""

    def __init__(self, together: int) -> None:
        self._full = asyncio.Event()
        self._together = together
        self.running = self.most = 0

    async def enter(self, number: int) -> int:
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == self._together:
            self._full.set()
        await asyncio.wait_for(self._full.wait(), 5)
        for _ in range(20):  # whoever may come in as well does so now
            await asyncio.sleep(0)
        self.running -= 1
        return number


@pytest.mark.parametrize(("concurrency", "together"), [(0, 4), (4, 4), (2, 2), (1, 1), (None, 1)])
async def test_calls_of_one_turn_run_side_by_side_up_to_the_limit(
    concurrency: int | None, together: int
) -> None:
    crowd = Crowd(together)
    host = Host(tool_calls(*(("enter", {"number": number}) for number in range(4))), "done")
    await play(asks(crowd.enter, tool_concurrency=concurrency), host)
    assert crowd.most == together
    assert texts(host.told) == ["0", "1", "2", "3"]


async def test_one_sequential_tool_makes_the_whole_turn_sequential() -> None:
    crowd = Crowd(1)
    tools = [crowd.enter, SamplingTool.from_function(add, sequential=True)]
    turn = tool_calls(("enter", {"number": 1}), ("add", {"a": 1}), ("enter", {"number": 2}))
    await play(asks(*tools), host := Host(turn, "done"))
    assert crowd.most == 1
    assert texts(host.told) == ["1", "2", "2"]


async def test_the_last_turn_is_asked_with_tool_choice_none() -> None:
    host = Host(*[tool_calls(("add", {"a": 1}))] * 2, "done")
    await play(asks(add, max_turns=3), host)
    assert [params.get("toolChoice") for params in host.samples] == [None, None, {"mode": "none"}]


async def test_a_tool_choice_is_for_all_turns_but_the_last() -> None:
    host = Host(tool_calls(("add", {"a": 1})), "done")
    await play(asks(add, max_turns=2, tool_choice="required"), host)
    modes = [params["toolChoice"]["mode"] for params in host.samples]
    assert modes == ["required", "none"]


async def test_a_model_that_never_answers_is_stopped() -> None:
    host = Host(*[tool_calls(("add", {"a": 1}))] * 3)
    error = await fail(asks(add, max_turns=3), host)
    assert error.type == "LimitExceeded"
    assert "did not give a final answer within max_turns=3" in error.message


async def test_the_number_of_turns_is_the_runs_limit_if_not_given() -> None:
    host = Host(*[tool_calls(("add", {"a": 1}))] * 2)
    error = await fail(asks(add), host, Limits(turns=2))
    assert "max_turns=2" in error.message


async def test_a_single_turn_may_use_its_tools() -> None:
    await play(asks(add, max_turns=1), host := Host("done"))
    assert "toolChoice" not in host.samples[0]


async def test_a_client_without_tools_in_sampling_is_not_asked_with_tools() -> None:
    host = Host(capabilities=WITHOUT_TOOLS)
    error = await fail(asks(add), host)
    assert "did not declare the capability sampling.tools" in error.message
    assert host.samples == []


async def test_a_tool_that_takes_the_run_is_part_of_the_agent() -> None:
    async def ask_the_person(run: Run, question: str) -> str:
        answer = await run.elicit(question, Literal["yes", "no"])
        return await run.step(str.upper, str(answer.data))

    host = Host(
        tool_calls(("ask_the_person", {"question": "Sure?"}), ("add", {"a": 1})),
        "done",
        person=[accept("yes")],
    )
    assert await play(asks(ask_the_person, add), host) == "done"
    assert [form["message"] for form in host.forms] == ["Sure?"]
    assert texts(host.told) == ["YES", "2"]
    schema = host.samples[0]["tools"][0]["inputSchema"]
    assert list(schema["properties"]) == ["question"]


@pytest.mark.parametrize(
    ("mask", "said"), [(False, "Tool fails failed: out of luck"), (True, "Tool fails failed.")]
)
async def test_the_error_of_a_tool_that_takes_the_run_is_told_to_the_model(
    *, mask: bool, said: str
) -> None:
    async def fails(run: Run) -> str:
        raise ValueError("out of luck")

    host = Host(tool_calls(("fails", {})), "never mind")
    await play(asks(fails, mask_error_details=mask), host)
    assert texts(host.told) == [said]


async def test_a_failed_step_of_a_tool_that_takes_the_run_is_told_to_the_model() -> None:
    async def fails(run: Run) -> str:
        return await run.step(broken)

    host = Host(tool_calls(("fails", {})), "never mind")
    await play(asks(fails), host)
    assert texts(host.told) == ["Tool fails failed: no route to 10.0.0.1"]


async def test_a_denied_approval_in_a_tool_ends_the_sample() -> None:
    async def delete(run: Run) -> str:
        await run.approve("Delete everything?")
        raise AssertionError

    async def body(run: Run) -> Any:
        try:
            await run.sample("go", tools=[delete])
        except ApprovalDenied:
            return "denied"

    host = Host(tool_calls(("delete", {})), person=["decline"])
    assert await play(body, host) == "denied"


async def test_a_fastmcp_tool_is_a_tool() -> None:
    server = FastMCP[Any]("tools")

    @server.tool
    def weather(city: str) -> dict[str, int]:
        """The weather."""
        return {"degrees": len(city)}

    @server.tool
    def count(items: list[str]) -> int:
        return len(items)

    @server.tool
    def picture() -> ImageContent:
        return ImageContent(type="image", data="aGk=", mime_type="image/png")

    tools = [await server.get_tool(name) for name in ("weather", "count", "picture")]
    host = Host(
        tool_calls(("weather", {"city": "Bern"}), ("count", {"items": ["a"]}), ("picture", {})),
        "done",
    )
    await play(asks(*tools), host)
    assert host.samples[0]["tools"][0]["description"] == "The weather."
    *told, image = host.told
    assert texts(told) == ['{"degrees": 4}', "1"]
    assert image["content"] == [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]


class Weather(BaseModel):
    degrees: int


BLOCK = TextContent(type="text", text="block")


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", [{"type": "text", "text": "text"}]),
        (None, [{"type": "text", "text": "null"}]),
        ({"ä": [1, None]}, [{"type": "text", "text": '{"ä": [1, null]}'}]),
        (Weather(degrees=4), [{"type": "text", "text": '{"degrees":4}'}]),
        ([Weather(degrees=4)], [{"type": "text", "text": '[{"degrees": 4}]'}]),
        ([], [{"type": "text", "text": "[]"}]),
        (BLOCK, [{"type": "text", "text": "block"}]),
        ([BLOCK, BLOCK], [{"type": "text", "text": "block"}] * 2),
        (["x", BLOCK], [{"type": "text", "text": "x"}, {"type": "text", "text": "block"}]),
    ],
)
async def test_a_tools_value_becomes_content(value: Any, content: list[Any]) -> None:
    def tool() -> Any:
        return value

    host = Host(tool_calls(("tool", {})), "done")
    await play(asks(tool), host)
    sent = host.told[0]["content"]
    assert [{key: block[key] for key in ("type", "text")} for block in sent] == content


async def test_a_sync_tool_may_return_something_to_await() -> None:
    def later(name: str) -> Awaitable[str]:
        return greet(name)

    host = Host(tool_calls(("later", {"name": "Ann"})), "done")
    await play(asks(later), host)
    assert texts(host.told) == ["Hello, Ann!"]


async def test_a_tool_without_a_signature_takes_what_comes() -> None:
    def call(**arguments: Any) -> str:
        return repr(arguments)

    tool = SamplingTool("anything", None, {"type": "object"}, call)
    host = Host(tool_calls(("anything", {"x": [1]})), "done")
    await play(asks(tool), host)
    assert texts(host.told) == ["{'x': [1]}"]


@pytest.mark.parametrize(
    ("tools", "error"),
    [
        ((add, add), "Two tools have the same name: add."),
        (("add",), "'add' is no tool: pass a function, a SamplingTool or a FastMCP tool."),
        ((lambda: 1,), "A lambda needs a name: SamplingTool.from_function(fn, name=...)"),
    ],
)
async def test_what_is_no_tool_is_refused(tools: tuple[Any, ...], error: str) -> None:
    assert (await fail(asks(*tools), Host())).message.startswith(error)


def test_a_tool_may_be_named_and_described_by_hand() -> None:
    tool = SamplingTool.from_function(lambda: 1, name="one", description="Gives one.")
    assert tool.definition() == {
        "name": "one",
        "description": "Gives one.",
        "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
    }


async def test_a_turn_may_be_taken_by_hand() -> None:
    async def body(run: Run) -> Any:
        step = await run.sample_step("go", tools=[add], tool_choice="required")
        seen = [step.is_tool_use, step.text, [call.name for call in step.tool_calls]]
        step = await run.sample_step(step.history, tools=[add])
        return [*seen, step.is_tool_use, step.text, step.response.model, len(step.history)]

    host = Host(tool_calls(("add", {"a": 1}), said="Adding."), "2")
    assert await play(body, host) == [True, "Adding.", ["add"], False, "2", "scripted", 4]
    assert host.samples[0]["toolChoice"] == {"mode": "required"}
    assert texts(host.told) == ["2"]


async def test_a_turn_by_hand_may_leave_the_calls_to_the_author() -> None:
    async def body(run: Run) -> Any:
        step = await run.sample_step("go", tools=[add], execute_tools=False)
        return len(step.history), step.text, step.tool_calls[0].input

    host = Host(tool_calls(("add", {"a": 1})))
    assert await play(body, host) == (2, None, {"a": 1})
