"""`run.sample`: what is asked of the model, and what comes of its answer."""

import asyncio
from typing import Any

import pytest
from mcp_types import (
    AudioContent,
    ImageContent,
    ModelHint,
    ModelPreferences,
    SamplingMessage,
    TextContent,
)

from inverted import CapabilityError, ClientError, LimitExceeded, Limits, Run, Usage
from inverted.core.journal import Failure
from inverted.run.sampling import Message
from inverted.testing import text

from .fakes import NOTHING, Host, fail, play


def user(said: str) -> dict[str, Any]:
    return {"role": "user", "content": {"type": "text", "text": said}}


async def test_a_text_is_a_user_message_and_its_answer_a_text() -> None:
    async def body(run: Run) -> Any:
        return await run.sample("What is 2 + 2?")

    host = Host("4")
    answer = await play(body, host)
    assert host.samples == [{"messages": [user("What is 2 + 2?")], "maxTokens": 4096}]
    assert answer.text == answer.result == "4"
    assert (answer.model, answer.stop_reason) == ("scripted", "endTurn")


async def test_every_parameter_is_passed_on_and_those_left_out_are_not() -> None:
    async def body(run: Run) -> Any:
        return await run.sample(
            "hi",
            system_prompt="Be short.",
            temperature=0.0,
            max_tokens=10,
            model_preferences=["small", "any"],
            stop_sequences=["END"],
            metadata={"seed": 1},
        )

    host = Host("hello")
    await play(body, host)
    assert host.samples == [
        {
            "messages": [user("hi")],
            "maxTokens": 10,
            "systemPrompt": "Be short.",
            "temperature": 0.0,
            "modelPreferences": {"hints": [{"name": "small"}, {"name": "any"}]},
            "stopSequences": ["END"],
            "metadata": {"seed": 1},
        }
    ]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("small", {"hints": [{"name": "small"}]}),
        (
            ModelPreferences(hints=[ModelHint(name="x")], cost_priority=0.5),
            {"hints": [{"name": "x"}], "costPriority": 0.5},
        ),
    ],
)
async def test_model_preferences_are_names_or_the_protocols_own(
    given: str | ModelPreferences, sent: dict[str, Any]
) -> None:
    async def body(run: Run) -> Any:
        return await run.sample("hi", model_preferences=given)

    host = Host("hello")
    await play(body, host)
    assert host.samples[0]["modelPreferences"] == sent


IMAGE = ImageContent(type="image", data="aGk=", mime_type="image/png")
AUDIO = AudioContent(type="audio", data="aGk=", mime_type="audio/wav")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("hi", [user("hi")]),
        (["hi", "there"], [user("hi"), user("there")]),
        (("hi",), [user("hi")]),
        (TextContent(type="text", text="hi"), [user("hi")]),
        (
            IMAGE,
            [
                {
                    "role": "user",
                    "content": {"type": "image", "data": "aGk=", "mimeType": "image/png"},
                }
            ],
        ),
        (
            ["Describe:", AUDIO],
            [
                user("Describe:"),
                {
                    "role": "user",
                    "content": {"type": "audio", "data": "aGk=", "mimeType": "audio/wav"},
                },
            ],
        ),
        (SamplingMessage(role="user", content=TextContent(type="text", text="hi")), [user("hi")]),
        (
            [
                SamplingMessage(
                    role="assistant", content=[TextContent(type="text", text="hi"), IMAGE]
                ),
                user("go on"),
            ],
            [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "hi"},
                        {"type": "image", "data": "aGk=", "mimeType": "image/png"},
                    ],
                },
                user("go on"),
            ],
        ),
        (user("hi"), [user("hi")]),
    ],
)
async def test_messages_may_be_texts_blocks_messages_and_dicts(
    given: Message, sent: list[Any]
) -> None:
    async def body(run: Run) -> Any:
        return await run.sample(given)

    host = Host("hello")
    await play(body, host)
    assert host.samples[0]["messages"] == sent


async def test_there_must_be_a_message() -> None:
    async def body(run: Run) -> Any:
        return await run.sample([])

    assert (await fail(body, Host())).message == "run.sample() needs at least one message."


async def test_a_dict_that_is_no_message_is_refused() -> None:
    async def body(run: Run) -> Any:
        return await run.sample({"role": "system", "content": "x"})

    assert (await fail(body, Host())).type == "ValidationError"


async def test_the_history_continues_the_conversation() -> None:
    async def body(run: Run) -> Any:
        first = await run.sample("one")
        return await run.sample([*first.history, "two"])

    host = Host("1", "2")
    answer = await play(body, host)
    said = {"role": "assistant", "content": {"type": "text", "text": "1"}}
    assert host.samples[1]["messages"] == [user("one"), said, user("two")]
    assert [message.role for message in answer.history] == ["user", "assistant"] * 2


async def test_usage_is_estimated_over_all_turns_and_says_so() -> None:
    async def body(run: Run) -> Any:
        return (await run.sample("x" * 400)).usage

    assert await play(body, Host("y" * 40)) == Usage(101, 11, 1, estimated=True)


async def test_several_blocks_of_text_are_joined_and_no_text_is_none() -> None:
    async def body(run: Run) -> Any:
        first = await run.sample("x")
        second = await run.sample("y")
        return [first.text, first.result, second.text, second.result, second.stop_reason]

    blocks = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    picture = {"type": "image", "data": "aGk=", "mimeType": "image/png"}
    host = Host({"content": blocks}, {"content": picture})
    assert await play(body, host) == ["one\ntwo", "one\ntwo", None, "", None]


async def test_the_models_reason_to_stop_is_passed_on() -> None:
    async def body(run: Run) -> Any:
        return (await run.sample("x")).stop_reason

    assert await play(body, Host(text("cut", stop_reason="maxTokens"))) == "maxTokens"


async def test_a_client_without_sampling_is_not_asked() -> None:
    async def body(run: Run) -> Any:
        try:
            await run.sample("x")
        except CapabilityError as error:
            return str(error)

    host = Host(capabilities=NOTHING)
    assert "did not declare the capability sampling" in await play(body, host)
    assert host.samples == []


async def test_a_refusal_is_an_error_in_the_body() -> None:
    async def body(run: Run) -> Any:
        try:
            await run.sample("x")
        except ClientError as error:
            return [str(error), error.data]

    host = Host(Failure("ClientError", "refused by the person", {"code": -1}))
    assert await play(body, host) == ["refused by the person", {"code": -1}]


async def test_samples_side_by_side_are_asked_together() -> None:
    async def body(run: Run) -> Any:
        return [each.text for each in await run.gather(*(run.sample(name) for name in "abc"))]

    together = asyncio.Barrier(3)

    class Together(Host):
        async def ask(self, question: Any) -> Any:
            await asyncio.wait_for(together.wait(), 5)
            return await super().ask(question)

    assert sorted(await play(body, Together("1", "2", "3"))) == ["1", "2", "3"]


@pytest.mark.parametrize("turns", [0, -1])
async def test_there_must_be_a_turn(turns: int) -> None:
    async def body(run: Run) -> Any:
        return await run.sample("x", max_turns=turns)

    assert (await fail(body, Host())).message == f"max_turns must be at least 1, not {turns}."


async def test_a_limit_of_the_run_is_an_error_in_the_body() -> None:
    async def body(run: Run) -> Any:
        await run.sample("x")
        try:
            await run.sample("y")
        except LimitExceeded as error:
            return str(error)

    answer = await play(body, Host("1"), Limits(model_calls=1))
    assert answer.startswith("The run used up its limit model_calls=1 (it is at 2).")
