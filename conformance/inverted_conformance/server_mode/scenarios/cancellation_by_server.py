"""Cancellation that the server sends: of its own requests, or of a subscription."""

from __future__ import annotations

from typing import Final

import anyio

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.conversation import still_asks
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Answer, Question
from inverted_conformance.server_mode.scenarios.cancellation import SLOW, begun
from inverted_conformance.server_mode.scenarios.progress import same
from inverted_conformance.server_mode.scripted import Script, says
from inverted_conformance.wire.transcript import Message

METHOD_NOT_FOUND: Final = -32601


def cancelled(client: Client) -> list[Message]:
    """The parameters of the cancellations that came.

    Args:
        client: Where they came.
    """
    return [
        message.get("params", {})
        for message in client.notifications
        if message["method"] == "notifications/cancelled"
    ]


@scenario(
    "cancellation",
    checks=(
        "cancellation.issued",
        "cancellation.in-progress",
        "cancellation.late-response",
    ),
    wires=("2025-11-25",),
    needs=("test_impatient_sampling", "test_sampling"),
)
async def impatience(lab: Lab) -> None:
    """A server that gives up on the model cancels its request; the late answer changes nothing."""
    client = await lab.client()
    given_up = anyio.Event()
    sent = anyio.Event()

    async def model(question: Question) -> Answer:
        del question
        with anyio.move_on_after(6):
            await given_up.wait()
        sent.set()
        return says("The late answer.")

    client.answers = model
    params: Message = {"name": "test_impatient_sampling", "arguments": {}}
    call = await client.begin("tools/call", params)
    reply = await client.reply(call)
    if not client.requests:
        lab.wrong(f"test_impatient_sampling should ask the model, but {reply.told}.")
    asked = [request["id"] for request in client.requests]
    # Over HTTP the cancellation may come on another stream than the response.
    await client.until(lambda: bool(cancelled(client)), 1)
    named = [params.get("requestId") for params in cancelled(client)]
    unanswered = not sent.is_set()
    if not named:
        lab.wrong(f"test_impatient_sampling should cancel its request, but {reply.told}.")
    lab.check(
        "cancellation.issued",
        all(any(same(one, id) for id in asked) for one in named),
        f"The server had asked as {asked}, and cancelled {named}.",
    )
    lab.check(
        "cancellation.in-progress",
        unanswered,
        f"When the server cancelled, its request was {'open' if unanswered else 'answered'}.",
    )
    given_up.set()
    with anyio.move_on_after(1):
        await sent.wait()
    wrong = await still_asks(client)
    lab.check(
        "cancellation.late-response",
        wrong is None,
        f"After an answer that came too late, {wrong or 'the next call succeeded'}.",
    )


@scenario(
    "cancellation",
    checks=("cancellation.in-progress",),
    wires=("2025-11-25",),
    needs=("test_sampling",),
)
async def patience(lab: Lab) -> None:
    """A server whose question was answered does not cancel it afterwards."""
    client = await lab.client()
    reply = await client.call("test_sampling", answers=Script(["Good day."]))
    if not client.requests:
        lab.wrong(f"test_sampling should ask the model, but {reply.told}.")
    await client.request("tools/list")
    lab.check(
        "cancellation.in-progress",
        not cancelled(client),
        f"After the answer the server cancelled {cancelled(client)}.",
    )


@scenario(
    "cancellation",
    checks=(
        "cancellation.listen-torn-down",
        "cancellation.server-names-listen",
        "cancellation.issued",
        "cancellation.in-progress",
    ),
    wires=("2026-07-28",),
    needs=("test_end_subscriptions",),
)
async def ended_subscription(lab: Lab) -> None:
    """A server that ends a subscription cancels the request that began it."""
    client = await lab.client()
    listens = await _listen(lab, client)
    await client.call("test_end_subscriptions")
    await client.until(lambda: client.answered(listens))
    answered = client.answered(listens)
    named = [params.get("requestId") for params in cancelled(client)]
    lab.check(
        "cancellation.listen-torn-down",
        any(same(one, listens) for one in named),
        f"The server ended subscription {listens} and cancelled {named}.",
    )
    if not named:
        return
    sent = [line.said for line in lab.result.lines if line.direction == "sent"]
    methods = {said.get("id"): said.get("method") for said in sent if isinstance(said, dict)}
    lab.check(
        "cancellation.issued",
        all(any(same(one, id) for id in methods) for one in named),
        f"The server cancelled {named}; the client had sent {list(methods)}.",
    )
    lab.check(
        "cancellation.server-names-listen",
        all(methods.get(one) == "subscriptions/listen" for one in named),
        f"The cancelled requests were {[methods.get(one) for one in named]}.",
    )
    lab.check(
        "cancellation.in-progress",
        _before_its_response(lab, listens),
        f"The cancellation of {listens} came, and a response {'came' if answered else 'did not'}.",
    )


def _before_its_response(lab: Lab, listens: int) -> bool:
    for line in lab.result.lines:
        if line.direction == "received" and isinstance(line.said, dict):
            if line.said.get("method") == "notifications/cancelled":
                return True
            if line.said.get("id") == listens and "method" not in line.said:
                return False
    return True


@scenario(
    "cancellation",
    checks=("cancellation.server-purpose",),
    wires=("2026-07-28",),
    needs=(SLOW, "test_work_state", "test_sampling"),
)
async def no_other_purpose(lab: Lab) -> None:
    """Cancelled and failed calls and rounds without an answer make the server cancel nothing."""
    client = await lab.client()
    call, name = await begun(lab, client)
    await client.cancel(call)
    await client.call("test_work_state", {"name": name})
    await client.request("tools/call", {"name": "test_sampling", "arguments": {}})
    await client.request("tools/call", {"name": "there is no such tool", "arguments": {}})
    await client.request("tools/list")
    named = [params.get("requestId") for params in cancelled(client)]
    lab.check("cancellation.server-purpose", not named, f"The server cancelled {named}.")


async def _listen(lab: Lab, client: Client) -> int:
    params = {"notifications": {"toolsListChanged": True}}
    id = await client.begin("subscriptions/listen", params)

    def acknowledged() -> bool:
        methods = [message["method"] for message in client.notifications]
        return "notifications/subscriptions/acknowledged" in methods

    await client.until(lambda: acknowledged() or client.answered(id))
    if client.answered(id):
        reply = await client.reply(id)
        if reply.code == METHOD_NOT_FOUND:
            raise NotOffered("subscriptions/listen")
        lab.wrong(f"subscriptions/listen should be acknowledged, but {reply.told}.")
    return id
