"""A server that cancels: what it asked itself, and what never was."""

from __future__ import annotations

from typing import Any, Final

import anyio

from inverted_conformance.client_mode.asks import sample, say, tool
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.cancelling import CANCELLED
from inverted_conformance.client_mode.scenarios.handshake import LEGACY
from inverted_conformance.client_mode.scenarios.rounds import expected, question
from inverted_conformance.client_mode.stage import MOMENT, Stage

THINKS: Final = 1.5
SOON: Final = 0.3
"""Seconds after which the question has certainly come, and the model still thinks."""


@CLIENT.scenario("cancellation", checks=("cancellation.no-response",), wires=LEGACY)
async def question_withdrawn(stage: Stage) -> None:
    """A question is cancelled while the model still thinks: no answer comes."""
    await stage.open(tool("ask"))
    stage.needs("sampling")
    call = await stage.called("ask")
    id = stage.server.ask(call.exchange, sample(say("too late", think=THINKS)))
    await anyio.sleep(SOON)
    early = id in stage.server.answers
    call.notify(CANCELLED, {"requestId": id, "reason": "The suite changed its mind."})
    answer = await stage.maybe(lambda: stage.server.answers.get(id), THINKS + MOMENT)
    if early:
        stage.fault(f"The model was to think for {THINKS:g} seconds; the answer came before.")
    else:
        stage.check(
            "cancellation.no-response",
            answer is None,
            f"After the cancellation came {answer or 'no response'}.",
            "none",
        )
    call.finish()


@CLIENT.scenario("cancellation", checks=("cancellation.races",), wires=LEGACY)
async def question_answered_meanwhile(stage: Stage) -> None:
    """A cancellation crosses the answer; the next question is answered as ever."""
    await stage.open(tool("ask"))
    stage.needs("sampling")
    call = await stage.called("ask")
    id = stage.server.ask(call.exchange, sample(say("at once")))
    call.notify(CANCELLED, {"requestId": id})
    stage.blame = ("cancellation.races",)
    answer = await call.ask(sample(say("still here")))
    stage.check(
        "cancellation.races",
        answer.text == "still here",
        f"A cancellation crossed an answer; the next question got {answer}.",
        "its own answer",
    )
    call.finish()


@CLIENT.scenario(
    "cancellation",
    checks=("cancellation.unknown-id", "cancellation.completed-id", "cancellation.malformed"),
    seconds=25,
)
async def invalid_cancellations(stage: Stage) -> None:
    """Cancellations of nothing, of what is over, and without an id: no reply, and no harm."""
    kinds = ("unknown-id", "completed-id", "malformed")
    await stage.open(tool("before"), *(tool(kind) for kind in kinds))
    before = await stage.called("before")
    done: Any = before.exchange.id
    if not stage.modern:
        asked = question(stage)
        await before.ask(asked)
        done = next(iter(stage.server.asked))
    before.finish()
    sent = {
        "unknown-id": [{"requestId": "never"}, {"requestId": 424242}],
        "completed-id": [{"requestId": done}],
        "malformed": [{}, {"requestId": None}, {"requestId": {"a": 1}}, {"reason": "none"}],
    }
    for kind in kinds:
        call = await stage.called(kind)
        for params in sent[kind]:
            call.notify(CANCELLED, params)
        asked = question(stage)
        stage.blame = (f"cancellation.{kind}",)
        answer = await call.ask(asked)
        stage.check(
            f"cancellation.{kind}",
            expected(asked, answer.result),
            f"After the cancellations {sent[kind]} a question got {answer}.",
            "its answer, as if nothing had been",
        )
        call.finish()
