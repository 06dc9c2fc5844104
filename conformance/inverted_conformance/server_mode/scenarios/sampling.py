"""Sampling: the server asks the client's model."""

from __future__ import annotations

from typing import Any, Final

from inverted_conformance.server_mode.conversation import messages, sampled
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Question, Reply
from inverted_conformance.server_mode.scripted import Script, says
from inverted_conformance.wire.transcript import Message


@scenario(
    "sampling",
    checks=("sampling.message-shape", "sampling.include-context-avoided"),
    needs=("test_sampling",),
)
async def one_question(lab: Lab) -> None:
    """A tool asks the model once, with a proper message and without context of other servers."""
    client = await lab.client()
    reply = await client.call("test_sampling", {"prompt": "Hello"}, answers=Script(["Good day."]))
    question = _only(lab, reply)
    shapes = [(message.get("role"), "content" in message) for message in messages(question)]
    lab.check(
        "sampling.message-shape",
        shapes and all(role in ("user", "assistant") and content for role, content in shapes),
        f"The messages have these roles and content: {shapes}.",
    )
    context = question.params.get("includeContext", "none")
    lab.check(
        "sampling.include-context-avoided", context == "none", f"includeContext was {context!r}."
    )
    if reply.failed or "Good day." not in reply.text:
        lab.wrong(f"test_sampling should return what the model says, but {reply.told}.")


@scenario(
    "capabilities", checks=("capabilities.sampling-context-undeclared",), needs=("test_sampling",)
)
async def sampling_context(lab: Lab) -> None:
    """A client without `sampling.context` is asked without context of other servers."""
    client = await lab.client({"sampling": {}})
    reply = await client.call("test_sampling", {"prompt": "Hello"}, answers=Script(["Good day."]))
    context = _only(lab, reply).params.get("includeContext", "none")
    lab.check(
        "capabilities.sampling-context-undeclared",
        context == "none",
        f"includeContext was {context!r}.",
    )


@scenario(
    "sampling",
    checks=("sampling.not-retained",),
    wires=("2026-07-28",),
    needs=("test_sampling",),
)
async def separate_questions(lab: Lab) -> None:
    """A question to the model carries nothing of an earlier call, its prompt or its answer."""
    client = await lab.client()
    secrets = ("the amber word", "the answer to amber")
    await client.call("test_sampling", {"prompt": secrets[0]}, answers=Script([secrets[1]]))
    reply = await client.call("test_sampling", {"prompt": "Hello"}, answers=Script(["Good day."]))
    sent = str(messages(_only(lab, reply)))
    left = [secret for secret in secrets if secret in sent]
    lab.check(
        "sampling.not-retained",
        not left,
        f"The second request has {len(messages(_only(lab, reply)))} message(s), which repeat "
        f"{left} of the first.",
    )


def _without(name: str) -> Message:
    return {key: value for key, value in says("Hello.").items() if key != name}


MALFORMED: Final[dict[str, Any]] = {
    "no content": _without("content"),
    "no role": _without("role"),
    "a role that does not exist": says("Hello.", role="narrator"),
    "content that is a bare string": says("Hello.", content="Hello."),
    "a text block without text": says("Hello.", content={"type": "text"}),
    "a block of an unknown type": says("Hello.", content={"type": "hologram", "text": "Hello."}),
    "an image without data": says("Hello.", content={"type": "image", "mimeType": "image/png"}),
    "nothing at all": {},
}


@scenario("sampling", checks=("sampling.content-validated",), needs=("test_sampling",))
async def malformed_answers(lab: Lab) -> None:
    """Answers of the model that break the schema fail the call, and only that call."""
    client = await lab.client()
    for what, answer in MALFORMED.items():
        reply = await client.call("test_sampling", answers=Script([answer]))
        _only(lab, reply)
        lab.check(
            "sampling.content-validated",
            _refuses(reply),
            f"With {what} in the answer, {reply.told}.",
        )
    after = await client.call("test_sampling", answers=Script(["Good day."]))
    lab.check(
        "sampling.content-validated",
        not after.failed and "Good day." in after.text,
        f"With a proper answer after those, {after.told}.",
    )


def _refuses(reply: Reply) -> bool:
    # On 2026-07-28 a server may ask again: an answer that cannot be read is no answer.
    return reply.failed or reply.kind == "input_required"


def _only(lab: Lab, reply: Reply) -> Question:
    asked = sampled(reply)
    if not asked:
        lab.wrong(f"test_sampling should ask the model, but {reply.told}.")
    return asked[0]
