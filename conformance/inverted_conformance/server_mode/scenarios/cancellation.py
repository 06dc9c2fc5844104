"""Cancellation of the client's requests: what stops, what stays silent, what is ignored."""

from __future__ import annotations

from secrets import token_hex
from typing import Any, Final

import anyio

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.conversation import still_asks
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Answer, Question
from inverted_conformance.server_mode.scenarios.progress import LATE, reported
from inverted_conformance.server_mode.scripted import says
from inverted_conformance.wire.channel import PeerError

SLOW: Final = "test_slow_work"
AT_ONCE, REPORTED, ASKED, ANSWERED = range(4)
"""When a call is cancelled: at once, at its last report, when it asks, or as it is answered."""


async def begun(lab: Lab, client: Client) -> tuple[int, str]:
    """Begin slow work and wait until it has reported that it works.

    Args:
        lab: The scenario's.
        client: The connection.

    Returns:
        The id of the call, which is its progress token too, and the name of the work.
    """
    # A server over HTTP lives longer than a run of the suite, and knows the names of all of them.
    name = f"work-{token_hex(8)}"
    params = {"name": SLOW, "arguments": {"name": name}}
    call = await client.begin("tools/call", params, meta={"progressToken": name})
    if not await client.until(lambda: bool(reported(client, name)) or client.answered(call)):
        lab.wrong(f"{SLOW} should report progress as soon as it works, but nothing came.")
    if client.answered(call):
        lab.wrong(f"{SLOW} should work for 20 s, but {(await client.reply(call)).told}.")
    return call, name


async def _stopped(lab: Lab, key: str) -> tuple[Client, int, str]:
    client = await lab.client()
    call, name = await begun(lab, client)
    await client.cancel(call)
    state = await client.call("test_work_state", {"name": name})
    lab.check(key, state.text == "stopped", f"The cancelled work was then {state.text!r}.")
    return client, call, name


@scenario("cancellation", checks=("cancellation.stops",), needs=(SLOW, "test_work_state"))
async def work_stops(lab: Lab) -> None:
    """A call that is cancelled at work does not go on."""
    await _stopped(lab, "cancellation.stops")


@scenario(
    "cancellation",
    checks=("cancellation.disconnect",),
    wires=("2026-07-28",),
    needs=(SLOW, "test_work_state"),
)
async def closed_stream(lab: Lab) -> None:
    """Over HTTP, work stops when the client closes the stream of its call."""
    if lab.host is None:
        raise NotOffered("HTTP (--url)")
    await _stopped(lab, "cancellation.disconnect")


@scenario(
    "cancellation",
    checks=("cancellation.no-response", "progress.in-progress"),
    needs=(SLOW, "test_work_state"),
)
async def silence(lab: Lab) -> None:
    """Over pipes, a cancelled call gets no response and reports no more progress."""
    if lab.host is not None:
        # On 2026-07-28 the stream is gone. On 2025-11-25 the page on transports asks servers not
        # to close a stream before its response, so that either way one SHOULD is not followed.
        raise NotOffered("pipes")
    client = await lab.client()
    call, name = await begun(lab, client)
    await client.cancel(call)
    await client.call("test_work_state", {"name": name})
    before = len(reported(client, name))
    await client.until(lambda: client.answered(call) or len(reported(client, name)) > before, LATE)
    came = (await client.reply(call)).told if client.answered(call) else "no response came"
    lab.check(
        "cancellation.no-response", not client.answered(call), f"After the cancellation {came}."
    )
    late = len(reported(client, name)) - before
    lab.check("progress.in-progress", not late, f"{late} report(s) came after the work had ended.")


@scenario(
    "cancellation",
    checks=("cancellation.races",),
    needs=("test_tool_with_progress", "test_sampling"),
)
async def crossing(lab: Lab) -> None:
    """Cancellations that cross a response, a question or an answer do no harm to other calls."""
    client = await lab.client()
    try:
        for stage in (AT_ONCE, REPORTED, ASKED, ANSWERED):
            await _cross(client, stage)
        wrong = await still_asks(client)
    except PeerError as error:
        wrong = str(error)
    lab.check("cancellation.races", wrong is None, f"Then {wrong or 'the next call succeeded'}.")


async def _cross(client: Client, stage: int) -> None:
    """Cancel a call at one of the stages of its life."""
    if stage in (AT_ONCE, REPORTED):
        params: dict[str, Any] = {"name": "test_tool_with_progress", "arguments": {}}
        token = f"crossing-{stage}"
        call = await client.begin("tools/call", params, meta={"progressToken": token})
        if stage == REPORTED:
            await client.until(lambda: len(reported(client, token)) == 3 or client.answered(call))  # noqa: PLR2004
        await client.cancel(call)
        return

    answer = anyio.Event()

    async def model(question: Question) -> Answer:
        del question
        with anyio.move_on_after(2):
            await answer.wait()
        return says("Too late.")

    client.answers = model
    before = len(client.questions)
    call = await client.begin("tools/call", {"name": "test_sampling", "arguments": {}})
    if stage == ANSWERED:
        answer.set()
    await client.until(lambda: len(client.questions) > before or client.answered(call))
    await client.cancel(call)
    answer.set()


async def _works(client: Client) -> str | None:
    """What is wrong with a connection on which nothing should be wrong."""
    try:
        reply = await client.request("tools/list")
    except PeerError as error:
        return str(error)
    return reply.told if reply.refused else None


async def _ignored(lab: Lab, client: Client, key: str, params: Any, what: str) -> None:
    before = len(client.transcript.lines)
    if params is None:
        await client.notify("notifications/cancelled")
    else:
        await client.notify("notifications/cancelled", params)
    wrong = await _works(client)
    # Over HTTP a server may refuse a notification; what counts is what it does about requests.
    lines = client.transcript.lines[before:] if lab.host is None else []
    came = [line.text for line in lines if line.direction == "received"]
    errors = [text for text in came if '"error"' in text]
    lab.check(
        key,
        wrong is None and not errors,
        f"After a cancellation of {what}, {wrong or 'the connection works'}; errors: {errors}.",
    )


@scenario("cancellation", checks=("cancellation.unknown-id",))
async def unknown_request(lab: Lab) -> None:
    """A cancellation of a request that never was is ignored."""
    client = await lab.client()
    for id in ("nobody", 987654321):
        await _ignored(lab, client, "cancellation.unknown-id", {"requestId": id}, f"request {id!r}")


@scenario("cancellation", checks=("cancellation.completed-id",), needs=("test_tool_with_progress",))
async def completed_request(lab: Lab) -> None:
    """A cancellation of a request that is answered already is ignored."""
    client = await lab.client()
    reply = await client.call("test_tool_with_progress")
    for _ in range(2):
        params = {"requestId": reply.id, "reason": "Too slow"}
        await _ignored(lab, client, "cancellation.completed-id", params, "an answered request")


@scenario("cancellation", checks=("cancellation.malformed",), needs=(SLOW, "test_work_state"))
async def malformed(lab: Lab) -> None:
    """Cancellations without a usable id are ignored, and cancel nothing that is under way."""
    client = await lab.client()
    call, name = await begun(lab, client)
    wrong: list[Any] = [None, {}, {"requestId": None}, {"requestId": True}, {"requestId": [call]}]
    for params in wrong:
        await _ignored(lab, client, "cancellation.malformed", params, f"{params}")
    before = len(reported(client, name))
    goes_on = await client.until(lambda: len(reported(client, name)) > before, 2)
    lab.check(
        "cancellation.malformed",
        goes_on,
        f"The work under way {'went on' if goes_on else 'stopped'} after malformed cancellations.",
    )
    await client.cancel(call)
