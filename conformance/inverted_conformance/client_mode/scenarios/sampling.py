"""Sampling without tools: the model is asked, and answers, or the person does not let it."""

from __future__ import annotations

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.asks import (
    REJECT,
    assistant,
    directive,
    sample,
    say,
    tool,
    user,
)
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.stage import Stage
from inverted_conformance.scenario import Wire
from inverted_conformance.wire import shapes

INVALID_PARAMS = -32602
REJECTED = -1

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="


def misshapen(answer: Answer) -> str | None:
    """What is wrong with a message of the model, if anything.

    Args:
        answer: The client's answer.
    """
    if answer.refused:
        return f"it is {answer}"
    # Both revisions have the same shape; the SDK knows it under the older one.
    wire: Wire = "2025-11-25"
    wrong = shapes.result("client", wire, "sampling/createMessage", answer.result)
    if wrong is None and answer.result.get("role") not in {"user", "assistant"}:
        return f"its role is {answer.result.get('role')!r}"
    return wrong


def well_formed(stage: Stage, answer: Answer) -> bool:
    """Check the shape of a message of the model.

    Args:
        stage: The scenario.
        answer: The client's answer.
    """
    wrong = misshapen(answer)
    if wrong is not None and stage.modern:
        return stage.broke("sampling.message-shape", f"The answer is no message: {wrong}.")
    if wrong is not None:
        stage.fault(f"The answer to sampling/createMessage is no message: {wrong}.")
        return False
    return stage.met("sampling.message-shape", "The answer is a message of the schema.")


@CLIENT.scenario("sampling", checks=("capabilities.sampling-declared", "sampling.message-shape"))
async def plain_answer(stage: Stage) -> None:
    """A question to the model is answered with a message that the schema allows."""
    await stage.open(tool("ask"))
    stage.needs("sampling")
    call = await stage.called("ask")
    answer = await call.ask(sample(say("hello there")))
    if well_formed(stage, answer):
        stage.met("capabilities.sampling-declared", "The client declared sampling, and answered.")
        if answer.text.strip() != "hello there":
            stage.fault(f"The model said {answer.text!r}; its directive was to say 'hello there'.")
    call.finish()


@CLIENT.scenario("sampling", checks=("capabilities.sampling-declared",))
async def undeclared(stage: Stage) -> None:
    """A client that was told not to declare sampling does not answer sampling requests."""
    await stage.open(tool("ask"), without=["sampling"])
    call = await stage.called("ask")
    answer = await call.ask(sample(say("hello")))
    stage.check(
        "capabilities.sampling-declared",
        answer.refused,
        f"Without the capability the client gave {answer}.",
        "an error, or no retry: a client that answers declares sampling",
    )
    call.finish()


@CLIENT.scenario("sampling", checks=("sampling.message-shape", "sampling.content-validated"))
async def images_and_sound(stage: Stage) -> None:
    """Images and sound among the messages do not break the client."""
    await stage.open(tool("ask"))
    stage.needs("sampling")
    call = await stage.called("ask")
    messages = [
        user({"type": "image", "data": PIXEL, "mimeType": "image/png"}),
        assistant("I see a pixel."),
        user({"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}),
        user(directive(say("seen and heard"))),
    ]
    answer = await call.ask(sample(messages=messages))
    well_formed(stage, answer)
    stage.check(
        "sampling.content-validated",
        not answer.refused,
        f"Well-formed messages with an image and with audio got {answer}.",
        "an answer",
    )
    call.finish()


@CLIENT.scenario("sampling", checks=("sampling.content-validated",))
async def malformed_messages(stage: Stage) -> None:
    """Messages that are not well formed are not answered as if they were."""
    broken = {
        "no_role": [{"content": {"type": "text", "text": directive(say("hello"))}}],
        "odd_role": [{"role": "system", "content": {"type": "text", "text": directive(say("a"))}}],
        "no_text": [{"role": "user", "content": {"type": "text"}}],
        "odd_block": [user({"type": "smell", "data": "roses"}), user(directive(say("hello")))],
    }
    await stage.open(*(tool(name) for name in broken))
    stage.needs("sampling")
    for name, messages in broken.items():
        call = await stage.called(name)
        answer = await call.ask(sample(messages=messages))
        stage.check(
            "sampling.content-validated",
            answer.refused,
            f"Malformed messages ({name.replace('_', ' ')}) got {answer}.",
            "an error, or no retry",
        )
        call.finish()


@CLIENT.scenario("sampling", checks=("sampling.rejected",), wires=("2025-11-25",))
async def rejected(stage: Stage) -> None:
    """The person rejects the request: the error is -1."""
    await stage.open(tool("ask"))
    stage.needs("sampling")
    call = await stage.called("ask")
    answer = await call.ask(sample(REJECT))
    stage.check(
        "sampling.rejected",
        answer.error.get("code") == REJECTED,
        f"The person rejected the request; the server got {answer}.",
        "the error -1",
    )
    call.finish()


@CLIENT.scenario("sampling", checks=("sampling.max-tokens",), wires=("2026-07-28",))
async def token_limit(stage: Stage) -> None:
    """A long answer is cut where maxTokens ends it; the scripted model counts words."""
    await stage.open(tool("ask"))
    stage.needs("sampling")
    call = await stage.called("ask")
    words = " ".join(f"word{number}" for number in range(50))
    answer = await call.ask(sample(say(words), maxTokens=5))
    said = len(answer.text.split())
    stage.check(
        "sampling.max-tokens",
        not answer.refused and said <= 5,  # noqa: PLR2004 - as asked
        f"With maxTokens 5 the model said {said} words.",
        "at most 5",
    )
    call.finish()


@CLIENT.scenario("sampling", checks=("sampling.not-retained",), wires=("2026-07-28",))
async def nothing_retained(stage: Stage) -> None:
    """The model is given the messages of the request at hand, and none of an earlier one."""
    await stage.open(tool("first"), tool("second"))
    stage.needs("sampling")
    call = await stage.called("first")
    await call.ask(sample(messages=[user("one"), assistant("two"), user(directive(say("three")))]))
    call.finish()
    call = await stage.called("second")
    answer = await call.ask(sample({"count": True}))
    stage.check(
        "sampling.not-retained",
        answer.text.strip() == "1",
        f"A request with one message, after one with three: the model counted {answer.text!r}.",
        "1",
    )
    call.finish()
