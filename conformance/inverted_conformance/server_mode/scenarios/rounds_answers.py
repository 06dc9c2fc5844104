"""Rounds: answers that are missing, too many, or no answers at all."""

from __future__ import annotations

from typing import Any, Final

from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.rounds import (
    ELICITING,
    SEVERAL,
    STATEFUL,
    accepted,
    call,
    done,
)
from inverted_conformance.wire.transcript import Message

_FITTING: Final = (-32602, -32600)
"""Invalid parameters, or an invalid request."""

_NO_ANSWERS: Final[tuple[Any, ...]] = ("accept", ["accept"], 7)
"""What is no map of answers."""

_NO_ANSWER: Final[tuple[Any, ...]] = (
    7,
    "accept",
    None,
    [],
    {"action": "perhaps"},
    {"action": "accept", "content": "yes"},
    {"content": {"ok": True}},
)
"""What is no result of an elicitation."""


@scenario("rounds", checks=("rounds.missing-asked-again",), wires=("2026-07-28",), needs=(SEVERAL,))
async def missing_answers(lab: Lab) -> None:
    """Answers that are missing are asked for again, and then the call ends well."""
    waiting = await call(lab, await lab.client(), SEVERAL)
    answers = await waiting.answers()
    missing = next(key for key, asked in waiting.asked.items() if asked["method"] == "roots/list")
    left = {key: answer for key, answer in answers.items() if key != missing}
    reply = await waiting.retry(left)
    again: dict[str, Message] = {}
    if not reply.refused:
        again = reply.result.get("inputRequests", {})
    asked = lab.check(
        "rounds.missing-asked-again",
        "roots/list" in [request["method"] for request in again.values()],
        f"Without the answer to {missing}: {reply.told}, asking for {list(again)}.",
    )
    if asked:
        waiting = type(waiting)(lab, waiting.client, waiting.method, waiting.params, reply)
        reply = await waiting.retry(await waiting.answers())
        lab.check("rounds.missing-asked-again", done(reply), f"With that answer: {reply.told}.")


@scenario(
    "rounds", checks=("rounds.missing-asked-again",), wires=("2026-07-28",), needs=(STATEFUL,)
)
async def no_answers(lab: Lab) -> None:
    """A retry without any answer, or only with one for another key, is asked again."""
    waiting = await call(lab, await lab.client(), STATEFUL)
    for answers in (None, {}, {"other": accepted(ok=True)}):
        reply = await waiting.retry(answers)
        lab.check(
            "rounds.missing-asked-again",
            not reply.refused and reply.kind == "input_required",
            f"With {answers} instead of the answer: {reply.told}.",
        )


@scenario(
    "rounds", checks=("rounds.extra-ignored",), wires=("2026-07-28",), needs=(ELICITING, SEVERAL)
)
async def extra_answers(lab: Lab) -> None:
    """Answers that nobody asked for, and fields that nobody knows, are ignored."""
    client = await lab.client()
    for tool in (ELICITING, SEVERAL):
        waiting = await call(lab, client, tool)
        answers = await waiting.answers()
        key = next(iter(answers))
        reply = await waiting.retry(
            {
                **answers,
                key: {**answers[key], "com.example/other": 7},
                "com.example/nobody-asked": {"action": "decline"},
                "com.example/other-call": accepted(color="blue"),
            }
        )
        lab.check(
            "rounds.extra-ignored",
            done(reply),
            f"With more answers than {tool} wants: {reply.told}.",
        )


@scenario(
    "rounds",
    checks=("rounds.answers-validated", "rounds.protocol-error"),
    wires=("2026-07-28",),
    needs=(STATEFUL,),
)
async def malformed_answers(lab: Lab) -> None:
    """Answers that are not well formed are no answers; what is no map of them is an error."""
    client = await lab.client()
    waiting = await call(lab, client, STATEFUL)
    for answers in _NO_ANSWERS:
        reply = await waiting.retry(answers)
        lab.check(
            "rounds.protocol-error",
            reply.code in _FITTING,
            f"With {answers!r} for inputResponses: {reply.told}.",
        )
    for answer in _NO_ANSWER:
        reply = await waiting.retry(dict.fromkeys(waiting.asked, answer))
        lab.check(
            "rounds.answers-validated",
            not done(reply),
            f"With {answer!r} for an answer: {reply.told}.",
        )
    reply = await waiting.retry(waiting.accept(ok=True))
    if not done(reply):
        lab.wrong(f"With the right answer {STATEFUL} should succeed, but {reply.told}.")
