"""A client that gives up what it asked for."""

from __future__ import annotations

from typing import Final

from inverted_conformance.client_mode.asks import sample, say, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.handshake import LEGACY
from inverted_conformance.client_mode.scenarios.progress import PROGRESS, TOKEN
from inverted_conformance.client_mode.stage import MOMENT, NotOffered, Over, Stage
from inverted_conformance.wire.transcript import Message

CANCELLED: Final = "notifications/cancelled"


def cancellations(stage: Stage) -> list[Message]:
    """The parameters of the cancellations that the client has sent.

    Args:
        stage: The scenario.
    """
    sent = [each for _, each in stage.server.notifications if each["method"] == CANCELLED]
    return [each.get("params", {}) for each in sent]


def given_up(stage: Stage, call: Call) -> bool:
    """Whether the client has cancelled a call, in the way of its transport.

    Args:
        stage: The scenario.
        call: The call.
    """
    if stage.modern and not stage.server.stdio and call.exchange.left.is_set():
        return True
    return any(each.get("requestId") == call.exchange.id for each in cancellations(stage))


async def provoked(stage: Stage, name: str) -> Call:
    """Wait for a call whose name tells the client to cancel it, and send it what it waits for.

    Args:
        stage: The scenario.
        name: The tool; its name begins with `cancel_`.

    Raises:
        NotOffered: The client asks for no progress, so it has no moment to cancel.
    """
    call = await stage.called(name)
    token = call.exchange.meta.get(TOKEN)
    if token is None:
        call.finish()
        raise NotOffered("The client asks for no progress, after which it would cancel.")
    call.notify(PROGRESS, {TOKEN: token, "progress": 1})
    return call


@CLIENT.scenario(
    "cancellation",
    checks=("cancellation.signalled", "cancellation.issued", "cancellation.in-progress"),
)
async def gives_up(stage: Stage) -> None:
    """The client cancels a running call, and says so in the way of its transport."""
    await stage.open(tool("cancel_me"), tool("after"))
    call = await provoked(stage, "cancel_me")
    await stage.maybe(lambda: given_up(stage, call) or stage.server.calls, MOMENT * 3)
    told = await stage.maybe(lambda: given_up(stage, call))
    named = [each.get("requestId") for each in cancellations(stage)]
    # Who calls the next tool while this one runs has given it up, with or without a word.
    if not told and not named and not (stage.modern and stage.server.calls):
        raise NotOffered("The client cancels no call.")
    stage.check(
        "cancellation.signalled",
        bool(told),
        f"The client {'gave up the call' if told else 'said nothing that names the call'}.",
        "a closed stream",
    )
    names_that_call(stage, call)
    call.finish()
    (await stage.called("after")).finish()


def names_that_call(stage: Stage, call: Call) -> None:
    """Check that the cancellations are of the only call that is unanswered.

    Args:
        stage: The scenario.
        call: The call.
    """
    named = [each.get("requestId") for each in cancellations(stage)]
    known = [each.id for each in stage.server.requests]
    stage.check(
        "cancellation.issued",
        all(each in known for each in named),
        f"Requests that the client made: {known}; cancelled: {named or 'by closing the stream'}.",
        "an id of its own",
    )
    stage.check(
        "cancellation.in-progress",
        all(each == call.exchange.id for each in named),
        f"Only {call.exchange.id!r} was unanswered; cancelled: {named or 'it, by closing'}.",
        "the call that runs",
    )


@CLIENT.scenario("cancellation", checks=("cancellation.late-response", "cancellation.races"))
async def crossing(stage: Stage) -> None:
    """A response, and a question, cross the client's cancellation on the way."""
    await stage.open(tool("cancel_response"), tool("cancel_question"), tool("after"))
    call = await provoked(stage, "cancel_response")
    call.finish()
    call = await provoked(stage, "cancel_question")
    _question(stage, call)
    await stage.maybe(lambda: given_up(stage, call), MOMENT)
    call.finish()
    try:
        (await stage.called("after")).finish()
        await stage.last()
    except Over as over:
        for key in ("cancellation.late-response", "cancellation.races"):
            stage.broke(key, f"After messages that crossed its cancellation: {over}", "a next call")
        return
    for key in ("cancellation.late-response", "cancellation.races"):
        stage.met(key, "After messages that crossed its cancellation the client went on.")


def _question(stage: Stage, call: Call) -> None:
    """Ask something during a call that is being cancelled, without waiting for it."""
    if stage.modern:
        asked = {"who": sample(say("hello"))}
        call.exchange.result({"resultType": "input_required", "inputRequests": asked})
    elif stage.declares("sampling"):
        stage.server.ask(call.exchange, sample(say("hello")))


@CLIENT.scenario("cancellation", checks=("cancellation.on-timeout",))
async def times_out(stage: Stage) -> None:
    """A call is never answered: the client cancels it after its time, and goes on."""
    await stage.open(tool("timeout_me"), tool("after"))
    call = await stage.called("timeout_me")
    after = await stage.maybe(lambda: stage.take("after"), 5)
    if after is None:
        raise NotOffered("The client does not give up a call that takes long.")
    await stage.maybe(lambda: given_up(stage, call), MOMENT)
    stage.check(
        "cancellation.on-timeout",
        given_up(stage, call),
        f"The client went on; it {'cancelled' if given_up(stage, call) else 'did not cancel'} "
        "the call that it had given up.",
        "a cancellation",
    )
    Call(stage, after).finish()
    call.finish()


@CLIENT.scenario("cancellation", checks=("cancellation.initialize",), wires=LEGACY)
async def slow_handshake(stage: Stage) -> None:
    """Initialize is answered late, and is not cancelled."""
    held: list[Exchange] = []
    stage.server.routes["initialize"] = held.append
    await stage.start(tool("ask"))
    first = await stage.until(lambda: held[0] if held else None, "to send initialize")
    await stage.maybe(lambda: cancellations(stage), 2)
    named = [each.get("requestId") for each in cancellations(stage)]
    stage.check(
        "cancellation.initialize",
        first.id not in named,
        f"While initialize took two seconds the client cancelled {named or 'nothing'}.",
        "nothing",
    )
    stage.server.routine["initialize"](first)
    await stage.connected()
