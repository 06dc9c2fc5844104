"""Capabilities: the handshake of 2025-11-25, in which both sides say what they can do."""

from __future__ import annotations

from typing import Final

from inverted_conformance.server_mode.client import FULL, Client
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.rounds import ELICITING, ROOTED, SAMPLING, SEVERAL, TWICE
from inverted_conformance.server_mode.said import SAMPLE, Answer, Question, Refusal, Reply
from inverted_conformance.wire.transcript import Message

IMPATIENT: Final = "test_impatient_sampling"

_LITTLE: Final = 0.3
"""Seconds in which a server would have asked: it has nothing else to do meanwhile."""


@scenario(
    "capabilities",
    checks=("capabilities.initialize-first",),
    wires=("2025-11-25",),
    needs=(SAMPLING,),
)
async def before_initialize(lab: Lab) -> None:
    """Before `initialize` a server starts nothing, also if somebody calls a tool that would ask."""
    client = await lab.client(opened=False)
    await client.begin("tools/call", {"name": SAMPLING, "arguments": {}})
    await client.until(lambda: bool(client.requests), _LITTLE)
    started = [message["method"] for message in (*client.requests, *client.notifications)]
    lab.check("capabilities.initialize-first", not started, f"Before initialize it sent {started}.")
    opened = await _initialize(client)
    if opened.refused:
        lab.wrong(f"initialize should be answered after that, but {opened.told}.")


@scenario("capabilities", checks=("capabilities.initialize-answer",), wires=("2025-11-25",))
async def initialize_answer(lab: Lab) -> None:
    """The answer to `initialize` says what the server is and what it can do."""
    said = (await lab.client()).opening
    info, offers = said.get("serverInfo"), said.get("capabilities")
    named = isinstance(info, dict) and {"name", "version"} <= set(info)  # pyright: ignore[reportUnknownArgumentType]
    lab.check(
        "capabilities.initialize-answer",
        named and isinstance(offers, dict),
        f"serverInfo was {info!r} and capabilities {offers!r}.",
    )
    lab.check(
        "capabilities.initialize-answer",
        not lab.tools or (isinstance(offers, dict) and "tools" in offers),
        f"It has {len(lab.tools)} tools; capabilities were {offers!r}.",
    )


@scenario(
    "capabilities",
    checks=("capabilities.before-initialized",),
    wires=("2025-11-25",),
    needs=(SAMPLING,),
)
async def before_initialized(lab: Lab) -> None:
    """Until the client says that it is ready, a server asks it for nothing but pings."""
    client = await lab.client(opened=False)
    opened = await _initialize(client)
    if opened.refused:
        lab.wrong(f"initialize should be answered, but {opened.told}.")
    id = await client.begin("tools/call", {"name": SAMPLING, "arguments": {}})
    await client.until(lambda: bool(client.questions) or client.answered(id), _LITTLE)
    asked = [question.method for question in client.questions]
    lab.check(
        "capabilities.before-initialized", not asked, f"Before initialized it asked for {asked}."
    )
    await client.notify("notifications/initialized")
    await client.reply(id)


@scenario(
    "capabilities",
    checks=("capabilities.negotiated-version",),
    wires=("2025-11-25",),
    needs=(SAMPLING, ELICITING, ROOTED, SEVERAL, TWICE),
)
async def no_other_revision(lab: Lab) -> None:
    """On 2025-11-25 a server asks by requests of its own, and no result asks for input."""
    client = await lab.client()
    for tool in (SAMPLING, ELICITING, ROOTED, SEVERAL, TWICE):
        reply = await client.call(tool)
        asked = [question.method for question in reply.questions if not question.round]
        lab.check(
            "capabilities.negotiated-version",
            asked and not reply.states and "inputRequests" not in reply.result,
            f"{tool} asked for {asked} by requests, and in {len(reply.states)} rounds.",
        )


async def _initialize(client: Client) -> Reply:
    params: Message = {
        "protocolVersion": client.wire,
        "capabilities": FULL,
        "clientInfo": {"name": "inverted-conformance", "version": "0.1.0"},
    }
    return await client.request("initialize", params)


@scenario(
    "cancellation",
    checks=("cancellation.on-timeout",),
    wires=("2025-11-25",),
    needs=(IMPATIENT,),
)
async def server_gives_up(lab: Lab) -> None:
    """A server that waits no longer for its client cancels what it asked, and ends the call."""
    client = await lab.client()

    def cancelled() -> list[Message]:
        method = "notifications/cancelled"
        return [message for message in client.notifications if message["method"] == method]

    async def too_late(question: Question) -> Answer:
        await client.until(lambda: bool(cancelled()), 3)
        return Refusal(-32603, f"Nobody waits for {question.method} any more")

    reply = await client.call(IMPATIENT, answers=too_late)
    # Over HTTP the cancellation may come on another stream than the response, and after it.
    await client.until(lambda: bool(cancelled()), 1)
    named = [message["params"].get("requestId") for message in cancelled()]
    asked = [request["id"] for request in client.requests if request["method"] == SAMPLE]
    lab.check(
        "cancellation.on-timeout",
        asked and named == asked,
        f"It asked with the ids {asked} and cancelled {named}.",
    )
    lab.check(
        "cancellation.on-timeout", "Gave up" in reply.text, f"The call after that: {reply.told}."
    )
