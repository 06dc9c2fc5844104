"""The sampling loop: tools, structured results, their errors and their bounds.

The scripted host checks in every test that each tool call is answered in one message of results
alone, and refuses what it did not declare.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import anyio
import pytest
from mcp_types import AudioContent, ImageContent, SamplingMessage, TextContent
from pydantic import BaseModel

from inverted import Limits, Run, SamplingTool
from inverted.testing import ScriptedHost, VirtualClock, final, text, tool_calls
from tests.agents.small import error, run, serve

PIXEL = "iVBORw0KGgo="


class Plan(BaseModel):
    steps: list[str]


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Wide(BaseModel):
    value: int
    other: str


def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def broken(number: int) -> int:
    """Never works."""
    raise OSError(f"the disk ate {number}")


def results(params: dict[str, Any]) -> list[tuple[str, bool]]:
    """The tool results that a sampling request ends with: text and whether it is an error."""
    blocks = params["messages"][-1]["content"]
    return [(block["content"][0]["text"], block.get("isError", False)) for block in blocks]


async def test_text_comes_back_with_model_stop_reason_and_estimated_usage() -> None:
    async def ask(run: Run) -> dict[str, Any]:
        answer = await run.sample("12345678", system_prompt="Be kind.", max_tokens=7)
        assert answer.result == answer.text
        return {
            "text": answer.text,
            "model": answer.model,
            "stop": answer.stop_reason,
            "calls": answer.usage.model_calls,
            "estimated": answer.usage.estimated,
            "in": answer.usage.input_tokens > 0,
            "out": answer.usage.output_tokens > 0,
            "history": [message.role for message in answer.history],
        }

    outcome = await run(ask, model=[text("hello you", stop_reason="maxTokens")])
    assert outcome.result == {
        "text": "hello you",
        "model": "scripted",
        "stop": "maxTokens",
        "calls": 1,
        "estimated": True,
        "in": True,
        "out": True,
        "history": ["user", "assistant"],
    }
    params = outcome.questions[0].params
    assert params["maxTokens"] == 7
    assert params["systemPrompt"] == "Be kind."
    assert "tools" not in params


async def test_all_settings_travel_to_the_model() -> None:
    async def ask(run: Run) -> None:
        await run.sample(
            ["one", "two"],
            temperature=0.5,
            model_preferences=["small", "large"],
            stop_sequences=["END"],
            metadata={"seed": 7},
            tools=[double],
            tool_choice="auto",
        )

    outcome = await run(ask, model=["fine"])
    params = outcome.questions[0].params
    assert params["temperature"] == 0.5
    assert params["modelPreferences"] == {"hints": [{"name": "small"}, {"name": "large"}]}
    assert params["stopSequences"] == ["END"]
    assert params["metadata"] == {"seed": 7}
    assert params["toolChoice"] == {"mode": "auto"}
    assert [message["content"]["text"] for message in params["messages"]] == ["one", "two"]
    tool = params["tools"][0]
    assert (tool["name"], tool["description"]) == ("double", "Double a number.")
    assert tool["inputSchema"]["required"] == ["number"]


async def test_what_goes_wrong_with_a_tool_goes_back_to_the_model() -> None:
    async def ask(run: Run) -> str | None:
        return (await run.sample("go", tools=[double, broken])).text

    outcome = await run(
        ask,
        model=[
            tool_calls(
                ("double", {"number": 4}),
                ("broken", {"number": 5}),
                ("halve", {}),
                ("double", {"number": "many"}),
                ("double", {}),
            ),
            "done",
        ],
    )
    assert outcome.result == "done"
    told = results(outcome.questions[1].params)
    assert told[0] == ("8", False)
    assert told[1] == ("Tool broken failed: the disk ate 5", True)
    assert told[2] == ("There is no tool named 'halve'. Tools: double, broken.", True)
    assert told[3][1]
    assert "number" in told[3][0]
    assert told[4][1]
    assert "number" in told[4][0]


async def test_a_tool_may_keep_the_reason_of_its_failure_to_itself() -> None:
    async def ask(run: Run) -> None:
        await run.sample("go", tools=[broken], mask_error_details=True)

    outcome = await run(ask, model=[tool_calls(("broken", {"number": 5})), "done"])
    assert results(outcome.questions[1].params) == [("Tool broken failed.", True)]


async def test_the_calls_of_one_turn_run_at_the_same_time() -> None:
    met = anyio.Event()

    async def wait() -> str:
        with anyio.fail_after(5):
            await met.wait()
        return "met"

    async def come() -> str:
        met.set()
        return "came"

    async def ask(run: Run) -> None:
        await run.sample("go", tools=[wait, come])

    outcome = await run(ask, model=[tool_calls(("wait", {}), ("come", {})), "done"])
    assert results(outcome.questions[1].params) == [("met", False), ("came", False)]


class Crowd:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    async def enter(self, number: int) -> int:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await anyio.lowlevel.checkpoint()
        self.inside -= 1
        return number


@pytest.mark.parametrize(("concurrency", "most"), [(0, 5), (2, 2), (None, 1)])
async def test_the_number_of_calls_at_once_can_be_limited(
    concurrency: int | None, most: int
) -> None:
    crowd = Crowd()

    async def ask(run: Run) -> None:
        await run.sample("go", tools=[crowd.enter], tool_concurrency=concurrency)

    calls = tool_calls(*(("enter", {"number": number}) for number in range(5)))
    outcome = await run(ask, model=[calls, "done"])
    assert crowd.most == most
    assert results(outcome.questions[1].params) == [(str(each), False) for each in range(5)]


async def test_a_sequential_tool_makes_its_turn_sequential() -> None:
    crowd = Crowd()

    async def ask(run: Run) -> None:
        tool = SamplingTool.from_function(crowd.enter, sequential=True)
        await run.sample("go", tools=[tool])

    calls = tool_calls(("enter", {"number": 1}), ("enter", {"number": 2}))
    await run(ask, model=[calls, "done"])
    assert crowd.most == 1


async def test_the_last_turn_is_asked_without_tools_and_runs_none() -> None:
    ran: list[int] = []

    def count(number: int) -> int:
        ran.append(number)
        return number

    async def ask(run: Run) -> None:
        await run.sample("go", tools=[count], max_turns=3)

    outcome = await run(
        ask, model=[tool_calls(("count", {"number": number})) for number in range(3)]
    )
    assert "max_turns=3" in error(outcome)
    modes = [each.params.get("toolChoice", {}).get("mode") for each in outcome.questions]
    assert modes == [None, None, "none"]
    assert ran == [0, 1]


async def test_a_structured_result_is_a_call_of_final_response() -> None:
    async def ask(run: Run) -> list[str]:
        answer = await run.sample("go", tools=[double], result_type=Plan)
        assert answer.text is not None
        assert json.loads(answer.text) == {"steps": ["a", "b"]}
        return answer.result.steps

    outcome = await run(
        ask, model=[tool_calls(("double", {"number": 1})), final({"steps": ["a", "b"]})]
    )
    assert outcome.result == ["a", "b"]
    names = [tool["name"] for tool in outcome.questions[0].params["tools"]]
    assert names == ["double", "final_response"]
    assert outcome.questions[0].params["toolChoice"] == {"mode": "required"}


@pytest.mark.parametrize(
    "said", ['{"steps": ["a"]}', '```json\n{"steps": ["a"]}\n```', ' \n{"steps": ["a"]} ']
)
async def test_json_text_that_validates_is_a_structured_result_too(said: str) -> None:
    async def ask(run: Run) -> list[str]:
        return (await run.sample("go", result_type=Plan)).result.steps

    assert (await run(ask, model=[said])).result == ["a"]


async def test_an_object_with_a_field_named_value_is_not_taken_for_a_wrapped_one() -> None:
    async def ask(run: Run) -> Wide:
        return (await run.sample("go", result_type=Wide)).result

    outcome = await run(ask, model=[{"value": 1, "other": "x"}])
    assert outcome.result == {"value": 1, "other": "x"}


async def test_a_type_that_is_no_object_is_wrapped_for_the_model() -> None:
    async def ask(run: Run) -> list[int]:
        level = (await run.sample("how bad?", result_type=Level)).result
        assert level is Level.HIGH
        return (await run.sample("numbers", result_type=list[int])).result

    outcome = await run(ask, model=[final("high"), final([1, 2])])
    assert outcome.result == [1, 2]
    schema = outcome.questions[1].params["tools"][0]["inputSchema"]
    assert schema["properties"]["value"]["type"] == "array"


async def test_an_invalid_structured_result_is_asked_again_with_the_reason() -> None:
    async def ask(run: Run) -> list[str]:
        return (await run.sample("go", result_type=Plan)).result.steps

    outcome = await run(ask, model=[final({"steps": 3}), "no json", {"steps": ["ok"]}])
    assert outcome.result == ["ok"]
    told, is_error = results(outcome.questions[1].params)[0]
    assert is_error
    assert "steps" in told
    assert "final_response" in told
    again = outcome.questions[2].params["messages"][-1]["content"]["text"]
    assert "not JSON" in again


async def test_the_attempts_at_a_structured_result_are_bounded() -> None:
    async def ask(run: Run) -> None:
        await run.sample("go", result_type=Plan, attempts=2)

    outcome = await run(ask, model=[final({}), final({"steps": None})])
    assert "did not validate" in error(outcome)
    assert "steps" in error(outcome)


async def test_other_calls_beside_the_final_one_are_not_run() -> None:
    async def ask(run: Run) -> list[str]:
        answer = await run.sample("go", tools=[broken], result_type=Plan)
        more = await run.sample([*answer.history, "and now?"])
        return [*answer.result.steps, str(more.text)]

    both = tool_calls(("broken", {"number": 1}), ("final_response", {"steps": ["a"]}))
    outcome = await run(ask, model=[both, "go on"])
    assert outcome.result == ["a", "go on"]
    # The strict host has checked that the history which went on is balanced.
    assert len(outcome.questions[1].params["messages"]) == 4


async def test_a_client_without_tools_gives_a_structured_result_as_text() -> None:
    async def ask(run: Run) -> list[str]:
        return (await run.sample("go", system_prompt="Be brief.", result_type=Plan)).result.steps

    outcome = await run(
        ask, model=['{"steps": 1}', '{"steps": ["a"]}'], capabilities={"sampling": {}}
    )
    assert outcome.result == ["a"]
    params = outcome.questions[0].params
    assert "tools" not in params
    assert params["systemPrompt"].startswith("Be brief.")
    assert '"steps"' in params["systemPrompt"]
    assert "corrected JSON" in outcome.questions[1].params["messages"][-1]["content"]["text"]


async def test_a_client_without_tools_cannot_serve_an_agents_tools() -> None:
    async def ask(run: Run) -> None:
        await run.sample("go", tools=[double])

    outcome = await run(ask, model=[], capabilities={"sampling": {}})
    assert "sampling.tools" in error(outcome)
    assert "settings" in error(outcome)
    assert outcome.questions == []


async def test_images_and_sound_travel_both_ways() -> None:
    def camera() -> ImageContent:
        return ImageContent(type="image", data=PIXEL, mime_type="image/png")

    async def ask(run: Run) -> dict[str, Any]:
        image = ImageContent(type="image", data=PIXEL, mime_type="image/png")
        sound = AudioContent(type="audio", data=PIXEL, mime_type="audio/wav")
        words = SamplingMessage(role="user", content=TextContent(type="text", text="see"))
        answer = await run.sample([image, sound, words], tools=[camera])
        last = answer.history[-1].content_as_list[0]
        return {"text": answer.text, "kind": last.type}

    outcome = await run(
        ask,
        model=[
            tool_calls(("camera", {})),
            {"content": {"type": "image", "data": PIXEL, "mimeType": "image/png"}},
        ],
    )
    assert outcome.result == {"text": None, "kind": "image"}
    sent = [each["content"]["type"] for each in outcome.questions[0].params["messages"]]
    assert sent == ["image", "audio", "text"]
    seen = outcome.questions[1].params["messages"][-1]["content"][0]["content"]
    assert seen == [{"type": "image", "data": PIXEL, "mimeType": "image/png"}]


async def test_sample_step_leaves_the_loop_to_the_author() -> None:
    async def ask(run: Run) -> list[str]:
        seen: list[str] = []
        messages: Any = "go"
        while True:
            step = await run.sample_step(messages, tools=[double])
            messages = step.history
            if not step.is_tool_use:
                return [*seen, str(step.text)]
            seen.extend(call.name for call in step.tool_calls)

    outcome = await run(
        ask, model=[tool_calls(("double", {"number": 1}), ("double", {"number": 2})), "done"]
    )
    assert outcome.result == ["double", "double", "done"]
    assert results(outcome.questions[1].params) == [("2", False), ("4", False)]


async def test_sample_step_can_leave_the_tools_to_the_author_too() -> None:
    async def ask(run: Run) -> dict[str, Any]:
        step = await run.sample_step("go", tools=[broken], execute_tools=False)
        return {"input": step.tool_calls[0].input, "messages": len(step.history)}

    outcome = await run(ask, model=[tool_calls(("broken", {"number": 9}))])
    assert outcome.result == {"input": {"number": 9}, "messages": 2}


async def test_a_tool_that_takes_the_run_may_ask_the_person_itself() -> None:
    async def confirm(what: str, run: Run) -> str:
        answer = await run.elicit(f"Really {what}?", bool)
        if answer.action != "accept":
            raise LookupError("nobody agreed")
        return str(await run.step(double, 21))

    async def ask(run: Run) -> str | None:
        return (await run.sample("go", tools=[confirm])).text

    outcome = await run(
        ask,
        model=[tool_calls(("confirm", {"what": "this"}), ("confirm", {"what": "that"})), "done"],
        person=lambda params: "decline" if "that" in params["message"] else True,
    )
    assert outcome.result == "done"
    assert "run" not in outcome.questions[0].params["tools"][0]["inputSchema"]["properties"]
    assert results(outcome.questions[-1].params) == [
        ("42", False),
        ("Tool confirm failed: nobody agreed", True),
    ]


async def test_two_tools_of_one_name_are_refused_with_the_name() -> None:
    async def ask(run: Run) -> None:
        await run.sample("go", tools=[double, SamplingTool.from_function(broken, name="double")])

    assert "double" in error(await run(ask, model=[]))


async def test_a_run_stops_at_its_limit_of_model_calls() -> None:
    async def ask(run: Run) -> None:
        for number in range(5):
            await run.sample(str(number))

    outcome = await run(ask, model=lambda _: "more", limits=Limits(model_calls=3))
    assert "model_calls=3" in error(outcome)
    assert "Limits(model_calls=" in error(outcome)
    assert len(outcome.questions) == 3


async def test_a_run_stops_at_its_limit_of_tokens() -> None:
    async def ask(run: Run) -> None:
        for _ in range(5):
            await run.sample("x" * 400)

    outcome = await run(ask, model=lambda _: "y" * 400, limits=Limits(tokens=450))
    assert "tokens=450" in error(outcome)
    assert len(outcome.questions) == 2


async def test_a_run_stops_at_its_limit_of_stored_bytes() -> None:
    async def ask(run: Run) -> None:
        for number in range(10, 60):
            await run.sample(str(number) * 500)

    outcome = await run(ask, model=lambda _: "more", limits=Limits(journal_bytes=5000))
    assert "journal_bytes=5000" in error(outcome)
    assert 3 <= len(outcome.questions) <= 5


async def test_a_run_stops_at_its_limit_of_time() -> None:
    async def ask(run: Run) -> None:
        for _ in range(5):
            await run.sleep(100)
            await run.sample("still there?")

    server = serve(ask, limits=Limits(seconds=250), clock=VirtualClock())
    outcome = await ScriptedHost(model=lambda _: "yes").run(server, "ask")
    assert "seconds=250" in error(outcome)
    assert len(outcome.questions) == 2


async def test_the_limit_of_turns_is_the_default_of_max_turns() -> None:
    async def ask(run: Run) -> None:
        await run.sample("go", tools=[double])

    outcome = await run(
        ask, model=lambda _: tool_calls(("double", {"number": 1})), limits=Limits(turns=4)
    )
    assert "max_turns=4" in error(outcome)
    assert len(outcome.questions) == 4
