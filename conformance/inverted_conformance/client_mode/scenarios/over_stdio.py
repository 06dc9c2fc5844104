"""A client that gives up what it asked for over stdio, where no stream can be closed."""

from __future__ import annotations

from inverted_conformance.client_mode.asks import sample, say, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.cancelling import (
    cancellations,
    given_up,
    names_that_call,
    provoked,
)
from inverted_conformance.client_mode.scenarios.rounds import MODERN
from inverted_conformance.client_mode.stage import END, MOMENT, NotOffered, Over, Stage


@CLIENT.scenario(
    "cancellation",
    checks=(
        "cancellation.stdio",
        "cancellation.signalled",
        "cancellation.issued",
        "cancellation.in-progress",
    ),
    wires=MODERN,
)
async def gives_up_on_stdio(stage: Stage) -> None:
    """The client cancels a running call over stdio, and says so with the call's id."""
    await stage.open(tool("cancel_me"), tool("after"), stdio=True)
    call = await provoked(stage, "cancel_me")
    if not await _gave_up(stage, call):
        raise NotOffered("The client cancels no call.")
    named = [each.get("requestId") for each in cancellations(stage)]
    for key in ("cancellation.stdio", "cancellation.signalled"):
        stage.check(
            key,
            given_up(stage, call),
            f"The client gave up the call {call.exchange.id!r}; cancelled: {named or 'nothing'}.",
            "notifications/cancelled with its id",
        )
    names_that_call(stage, call)
    (await stage.called("after")).finish()


@CLIENT.scenario(
    "cancellation", checks=("cancellation.late-response", "cancellation.races"), wires=MODERN
)
async def late_on_stdio(stage: Stage) -> None:
    """A result and a question for cancelled calls come on the pipe that all share."""
    asked = {"who": sample(say("hello"))}
    late = {
        "cancel_result": stage.server.complete({"content": []}),
        "cancel_question": {"resultType": "input_required", "inputRequests": asked},
    }
    await stage.open(*(tool(name) for name in late), tool("after"), stdio=True)
    for name, result in late.items():
        call = await provoked(stage, name)
        if not await _gave_up(stage, call):
            raise NotOffered("The client cancels no call.")
        call.exchange.result(result)
    harm, calls = "", stage.server.calls
    try:
        (await stage.called("after")).finish()
        end = await stage.called(END)
        if await stage.maybe(lambda: any(each.params.get("name") in late for each in calls)):
            harm = "The client retried a call that it had cancelled."
        end.finish()
    except Over as over:
        harm = str(over)
    for key in ("cancellation.late-response", "cancellation.races"):
        stage.check(
            key,
            not harm,
            f"After responses to cancelled calls: {harm or 'the client went on.'}",
            "a next call, and no retry",
        )


@CLIENT.scenario("cancellation", checks=("cancellation.on-timeout",), wires=MODERN)
async def times_out_on_stdio(stage: Stage) -> None:
    """A call over stdio is never answered: the client cancels it by its id, and goes on."""
    await stage.open(tool("timeout_me"), tool("after"), stdio=True)
    call = await stage.called("timeout_me")
    after = await stage.maybe(lambda: stage.take("after"), 5)
    if after is None:
        raise NotOffered("The client does not give up a call that takes long.")
    told = await stage.maybe(lambda: given_up(stage, call))
    stage.check(
        "cancellation.on-timeout",
        bool(told),
        f"The client went on; it {'cancelled' if told else 'did not cancel'} the call that it "
        "had given up.",
        "notifications/cancelled with its id",
    )
    Call(stage, after).finish()


async def _gave_up(stage: Stage, call: Call) -> bool:
    """Wait until the client gives a call up, with or without a word, and note if it does not."""
    # Who cancels something or calls the next tool while this one runs has given it up.
    await stage.maybe(lambda: bool(cancellations(stage) or stage.server.calls), MOMENT * 3)
    await stage.maybe(lambda: given_up(stage, call))
    gone = bool(cancellations(stage) or stage.server.calls)
    if not gone:
        call.finish()
    return gone
