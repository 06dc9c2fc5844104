"""Tools in sampling: the server lets the client's model use tools, and answers each use."""

from __future__ import annotations

from typing import Final, cast

import anyio

from inverted_conformance.server_mode.conversation import (
    blocks,
    ids,
    messages,
    mixed,
    sampled,
    unbalanced,
)
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Answer, Question, Refusal, Reply
from inverted_conformance.server_mode.scripted import Script, Turn, says, tool_use, uses
from inverted_conformance.wire.transcript import Message

TOOL: Final = "test_sampling_tools"
PAIRED: Final = (
    "sampling-tools.balance",
    "sampling-tools.results-only",
    "sampling-tools.reply-to-tool-use",
)
MOST_TURNS: Final = 40
"""Turns after which a loop has no limit. Hosts that loop by themselves stop long before."""


@scenario("capabilities", checks=("capabilities.sampling-tools-undeclared",), needs=(TOOL,))
async def sampling_tools(lab: Lab) -> None:
    """A client without `sampling.tools` gets no sampling request with tools."""
    client = await lab.client({"sampling": {}})
    reply = await client.call(TOOL, answers=Script(["Good day."]))
    with_tools = [q for q in sampled(reply) if "tools" in q.params or "toolChoice" in q.params]
    lab.check(
        "capabilities.sampling-tools-undeclared",
        not with_tools,
        f"{len(with_tools)} of {len(sampled(reply))} requests had tools, and {reply.told}.",
    )


@scenario("sampling-tools", checks=PAIRED, needs=(TOOL,))
async def one_use(lab: Lab) -> None:
    """The model uses one tool, and the next request carries its result and nothing else."""
    await _loop(lab, [uses(tool_use("get_weather", {"city": "Paris"})), "It is sunny."], "sunny")


@scenario("sampling-tools", checks=PAIRED, needs=(TOOL,))
async def bare_block(lab: Lab) -> None:
    """The content of an answer with one use is the block itself instead of a list."""
    use = tool_use("get_weather", {"city": "Paris"})
    answer = says("", content=use, stopReason="toolUse")
    await _loop(lab, [answer, "It is sunny."], "sunny")


@scenario("sampling-tools", checks=PAIRED, needs=(TOOL,))
async def parallel_uses(lab: Lab) -> None:
    """The model says something and uses three tools at once, one of them twice."""
    calls = (
        tool_use("get_weather", {"city": "Paris"}),
        tool_use("get_time"),
        tool_use("get_weather", {"city": "London"}),
    )
    asked = await _loop(lab, [uses(*calls, text="Let me look."), "Sunny, at noon."], "noon")
    said = {str(block.get("toolUseId")): str(block) for block in blocks(messages(asked[1])[-1])}
    lab.check(
        "sampling-tools.balance",
        all(
            word in said.get(call["id"], "")
            for call, word in zip(calls, ("Paris", "12:00", "London"), strict=True)
        ),
        f"The results, by the use that they name, are {said}.",
    )


@scenario("sampling-tools", checks=PAIRED, needs=(TOOL,))
async def failing_uses(lab: Lab) -> None:
    """Uses that cannot succeed have results too: no such tool, wrong arguments, a failing tool."""
    calls = (
        tool_use("get_moon"),
        tool_use("get_weather", {"city": 7}),
        tool_use("get_weather", {"town": "Paris"}),
        tool_use("get_weather", {"city": "Atlantis"}),
        tool_use("get_time"),
    )
    await _loop(lab, [uses(*calls), "That did not work."], "did not work")


@scenario("sampling-tools", checks=PAIRED, needs=(TOOL,))
async def several_turns(lab: Lab) -> None:
    """Three turns with tools: each request still has the results of all turns before."""
    turns: list[Turn] = [
        uses(tool_use("get_time")),
        uses(tool_use("get_weather", {"city": "Paris"}), tool_use("get_time"), text="And now?"),
        uses(tool_use("get_weather", {"city": "London"})),
        "Enough.",
    ]
    await _loop(lab, turns, "Enough.")


@scenario("sampling-tools", checks=(*PAIRED, "sampling-tools.loop-limit"), needs=(TOOL,))
async def endless_uses(lab: Lab) -> None:
    """A model that uses tools in every turn does not keep the call going without end."""
    client = await lab.client()
    asked: list[Question] = []
    answers: list[Message] = []

    def model(question: Question) -> Answer:
        asked.append(question)
        if len(asked) > MOST_TURNS:
            return Refusal(-1, "Enough")
        answers.append(uses(tool_use("get_time")))
        return answers[-1]

    reply = await client.call(TOOL, answers=Script([model]), rounds=MOST_TURNS)
    if len(asked) < 2:  # noqa: PLR2004 # a loop that did not begin proves nothing
        lab.wrong(f"{TOOL} should run tools for the model, but {reply.told}.")
    lab.check(
        "sampling-tools.loop-limit",
        len(asked) < MOST_TURNS,
        f"The model was asked {len(asked)} times although it always wants tools.",
    )
    for answer, question in zip(answers, asked[1:], strict=False):
        _replied(lab, answer, question)


@scenario("sampling-tools", checks=PAIRED, needs=(TOOL,))
async def loops_at_once(lab: Lab) -> None:
    """Two loops at once, with the same ids of uses: no result strays into the other."""
    client = await lab.client()
    cities = ("Paris", "London")
    answers = {city: uses(tool_use("get_weather", {"city": city}, id="same")) for city in cities}
    replies: dict[str, Reply] = {}
    asked: dict[str, list[Question]] = {city: [] for city in cities}
    both = anyio.Event()

    async def model(question: Question) -> Answer:
        city = next((city for city in cities if city in str(messages(question)[0])), "")
        if not city:
            return Refusal(-32602, "The first message is not the prompt")
        asked[city].append(question)
        if all(asked.values()):
            both.set()
        with anyio.move_on_after(1):  # a server may serve one call after the other
            await both.wait()
        return answers[city] if len(asked[city]) == 1 else says(f"It is fine in {city}.")

    client.answers = model

    async def call(city: str) -> None:
        replies[city] = await client.call(TOOL, {"prompt": f"How is {city}?"})

    async with anyio.create_task_group() as tasks:
        for city in cities:
            tasks.start_soon(call, city)
    for city, reply in replies.items():
        if reply.failed or city not in reply.text:
            lab.wrong(f"The loop about {city} should end with the model's text, but {reply.told}.")
        last = messages(asked[city][-1])
        strays = [other for other in cities if other != city and other in str(last)]
        lab.check(
            "sampling-tools.balance",
            not strays,
            f"The conversation about {city} speaks of {strays} besides.",
        )
        _replied(lab, answers[city], asked[city][-1])


async def _loop(lab: Lab, turns: list[Turn], end: str) -> list[Question]:
    """Run the loop once.

    Args:
        lab: The scenario's.
        turns: What the model says: whole answers that use tools, and a text.
        end: What the tool returns.

    Returns:
        What the model was asked.
    """
    client = await lab.client()
    reply = await client.call(TOOL, answers=Script(turns))
    asked = sampled(reply)
    for answer, question in zip(turns, asked[1:], strict=False):
        if not isinstance(answer, str):
            _replied(lab, cast("Message", answer), question)
    if len(asked) != len(turns):
        lab.wrong(f"{TOOL} asked {len(asked)} times instead of {len(turns)}, and {reply.told}.")
    if reply.failed or end not in reply.text:
        lab.wrong(f"{TOOL} should return the model's last text, but {reply.told}.")
    return asked


def _replied(lab: Lab, answer: Message, question: Question) -> None:
    """Check the request that follows an answer with uses of tools."""
    conversation = messages(question)
    wrong = unbalanced(conversation)
    lab.check("sampling-tools.balance", wrong is None, f"The messages: {wrong or 'balanced'}.")
    wrong = mixed(conversation)
    lab.check("sampling-tools.results-only", wrong is None, f"Results: {wrong or 'stand alone'}.")
    used = ids(answer, "tool_use", "id")
    last = conversation[-1] if conversation else None
    given = ids(last, "tool_result", "toolUseId")
    lab.check(
        "sampling-tools.reply-to-tool-use",
        given == used and mixed(conversation[-1:]) is None,
        f"The model used {sorted(used)}, and the next message has results for {sorted(given)}.",
    )
