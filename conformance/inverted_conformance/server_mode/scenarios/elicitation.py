"""Elicitation: the server asks the person through forms."""

from __future__ import annotations

from typing import Any, Final

import anyio

from inverted_conformance.server_mode import forms
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import ELICIT, Answer, Question, Reply
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.wire.http import SESSION, HttpChannel
from inverted_conformance.wire.transcript import Message

FORM: Final = "test_elicitation"
FORMS: Final = (FORM, "test_elicitation_sep1034_defaults", "test_elicitation_sep1330_enums")
ADA: Final = {"username": "Ada", "email": "ada@example.com"}
INTERNAL: Final = -32603
EVE: Final = {"username": "Eve", "email": "eve@example.com"}


@scenario(
    "elicitation",
    checks=(
        "elicitation.message",
        "elicitation.form-mode",
        "elicitation.requested-schema",
        "elicitation.no-urls-in-forms",
        "elicitation.no-secrets-in-forms",
    ),
    needs=FORMS,
)
async def forms_asked(lab: Lab) -> None:
    """Every form has a message and a flat schema, and asks neither for secrets nor for clicks."""
    client = await lab.client()
    for tool in FORMS:
        reply = await client.call(tool, answers=Script(person=["accept"]))
        params = _asked(lab, tool, reply).params
        message = params.get("message")
        lab.check(
            "elicitation.message",
            isinstance(message, str) and message.strip(),
            f"The message of {tool} is {message!r}.",
        )
        mode = params.get("mode", "form")
        lab.check("elicitation.form-mode", mode == "form", f"The mode of {tool} is {mode!r}.")
        unfit = forms.unfit(params.get("requestedSchema"))
        lab.check(
            "elicitation.requested-schema",
            not unfit,
            f"In the schema of {tool} these are not flat and primitive: {unfit or 'none'}.",
        )
        addresses = forms.addresses(params)
        lab.check(
            "elicitation.no-urls-in-forms",
            not addresses,
            f"In {tool} these texts have URLs: {addresses or 'none'}.",
        )
        wanted = forms.secrets(params)
        lab.check(
            "elicitation.no-secrets-in-forms",
            not wanted,
            f"In {tool} these texts ask for secrets: {wanted or 'none'}.",
        )
        if reply.failed or "action=accept" not in reply.text:
            lab.wrong(f"{tool} should tell that the form was accepted, but {reply.told}.")


@scenario("elicitation", checks=("elicitation.content-validated",), needs=FORMS)
async def unfit_content(lab: Lab) -> None:
    """Content that does not fit the form does not make the call succeed."""
    client = await lab.client()
    for tool, what, content in UNFIT:
        reply = await client.call(tool, answers=Script(person=[content, "cancel"]))
        if forms.fits(content, _asked(lab, tool, reply).params.get("requestedSchema", {})):
            lab.wrong(f"{tool} should ask for other fields than it does: {what} fits its form.")
        lab.check(
            "elicitation.content-validated",
            not _succeeded(reply),
            f"With {what} in the content for {tool}, {reply.told}.",
        )
    after = await client.call(FORM, answers=Script(person=[ADA]))
    lab.check(
        "elicitation.content-validated",
        _succeeded(after),
        f"With proper content after those, {after.told}.",
    )


UNFIT: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    (FORM, "nothing", {}),
    (FORM, "one of two required fields", {"username": "Ada"}),
    (FORM, "a number for a string", {**ADA, "username": 7}),
    (FORMS[1], "a fraction for an integer", {"age": 30.5}),
    (FORMS[1], "a string for a boolean", {"verified": "yes"}),
    (FORMS[1], "no choice of those offered", {"status": "asleep"}),
    (FORMS[2], "no choice of those offered", {"titledSingle": "First Option"}),
    (FORMS[2], "one string for an array", {"untitledMulti": "option1"}),
    (FORMS[2], "a choice too many", {"untitledMulti": ["option1", "option4"]}),
    (FORMS[2], "fewer choices than one", {"titledMulti": []}),
)


@scenario(
    "elicitation",
    checks=(
        "elicitation.decline-handled",
        "elicitation.cancel-handled",
        "elicitation.success-not-assumed",
    ),
    wires=("2026-07-28",),
    needs=FORMS,
)
async def declined_and_cancelled(lab: Lab) -> None:
    """A person who declines or cancels ends the call in order, and nothing is made up for them."""
    client = await lab.client()
    for tool in FORMS:
        for action in ("decline", "cancel"):
            reply = await client.call(tool, answers=Script(person=[action]), rounds=3)
            _asked(lab, tool, reply)
            lab.check(
                f"elicitation.{action}-handled",
                _in_order(reply),
                f"After {action} of {tool}, {reply.told}.",
            )
            lab.check(
                "elicitation.success-not-assumed",
                not _succeeded(reply),
                f"After {action} of {tool}, {reply.told}.",
            )


@scenario(
    "elicitation",
    checks=("elicitation.client-failure-handled", "elicitation.success-not-assumed"),
    wires=("2026-07-28",),
    needs=(FORM,),
)
async def failing_client(lab: Lab) -> None:
    """A client that never answers, or answers nonsense, does no harm to itself or to others."""
    client = await lab.client()
    asked = await client.call(FORM, rounds=0)
    for what, nonsense in NONSENSE.items():
        key, _ = _round(lab, asked)
        given = {**_state(asked), "inputResponses": {key: nonsense}}
        reply = await client.request("tools/call", {"name": FORM, "arguments": {}, **given})
        lab.check(
            "elicitation.client-failure-handled",
            _in_order(reply),
            f"When the answer is {what}, {reply.told}.",
        )
        lab.check(
            "elicitation.success-not-assumed",
            not _succeeded(reply),
            f"When the answer is {what}, {reply.told}.",
        )
        asked = await client.call(FORM, rounds=0)
        lab.check(
            "elicitation.client-failure-handled",
            not asked.refused and asked.kind == "input_required",
            f"After an answer that is {what}, the next call should ask, and {asked.told}.",
        )
    for _ in range(3):
        await client.call(FORM, rounds=0)
    after = await client.call(FORM, answers=Script(person=[ADA]))
    lab.check(
        "elicitation.client-failure-handled",
        _succeeded(after) and "Ada" in after.text,
        f"When more calls were abandoned and the next is answered, {after.told}.",
    )


NONSENSE: Final[dict[str, Any]] = {
    "an unknown action": {"action": "shrug", "content": ADA},
    "content without an action": {"content": ADA},
    "accepted without content": {"action": "accept"},
    "accepted with a text for content": {"action": "accept", "content": "Ada"},
    "an empty object": {},
    "an error": {"code": -32603, "message": "The client failed"},
}


@scenario("elicitation", checks=("elicitation.bound",), needs=(FORM,))
async def somebody_else_answers(lab: Lab) -> None:
    """Only the client and the person that were asked can answer."""
    await (_bound_in_rounds if lab.modern else _bound_in_sessions)(lab)


async def _bound_in_rounds(lab: Lab) -> None:
    other = await lab.client(principal="other", who="other")
    client = await lab.client()
    asked = await client.call(FORM, rounds=0)
    key, _ = _round(lab, asked)
    params: Message = {"name": FORM, "arguments": {}, **_state(asked)}
    answer = {key: {"action": "accept", "content": EVE}}
    reply = await other.request("tools/call", {**params, "inputResponses": answer})
    lab.check(
        "elicitation.bound",
        not _succeeded(reply),
        f"When another person answers with the state of the first, {reply.told}.",
    )
    answer = {key: {"action": "accept", "content": ADA}}
    reply = await client.request("tools/call", {**params, "inputResponses": answer})
    lab.check(
        "elicitation.bound",
        _succeeded(reply) and "Ada" in reply.text,
        f"When the person who was asked answers, {reply.told}.",
    )


async def _bound_in_sessions(lab: Lab) -> None:
    other = await lab.client(principal="other", who="other")
    client = await lab.client()
    second = await lab.client(fresh=True, who="second")
    over = anyio.Event()

    async def answers(_: Question) -> Answer:
        await over.wait()
        return {"action": "accept", "content": ADA}

    client.answers = answers
    call = await client.begin("tools/call", {"name": FORM, "arguments": {}})
    if not await client.until(lambda: bool(client.requests)):
        lab.wrong(f"{FORM} asks nothing.")
    id = client.requests[-1]["id"]
    session = client.channel.session if isinstance(client.channel, HttpChannel) else None
    forged: Message = {"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": EVE}}
    for who, attempt, headers in (
        ("another person", other, {}),
        ("another client of the person", second, {}),
        ("another person with the session id", other, {SESSION: session or ""}),
    ):
        await attempt.send(forged, headers)
        await attempt.request("ping")
        # Nothing answers an answer, so only waiting shows that it did not count.
        counted = await client.until(lambda: client.answered(call), 0.15)
        lab.check(
            "elicitation.bound",
            not counted,
            f"An answer from {who} counts: {['no', 'yes'][counted]}.",
        )
    over.set()
    reply = await client.reply(call)
    lab.check(
        "elicitation.bound",
        _succeeded(reply) and "Ada" in reply.text and "Eve" not in reply.text,
        f"When the person who was asked answers, {reply.told}.",
    )


@scenario("capabilities", checks=("capabilities.elicitation-mode-undeclared",), needs=(FORM,))
async def elicitation_modes(lab: Lab) -> None:
    """A client is asked in the modes that it declared, and in no other."""
    page = "test_url_elicitation"
    arguments: dict[str, Message] = {page: {"account": "modes"}}
    tools = [tool for tool in (FORM, page) if tool in lab.tools]
    for modes in ({"form"}, set[str](), {"url"}):
        declared: Message = {mode: {} for mode in modes}
        client = await lab.client({"elicitation": declared})
        for tool in tools:
            reply = await client.call(
                tool, arguments.get(tool), answers=Script(person=["cancel"]), rounds=3
            )
            used = [question.params.get("mode", "form") for question in reply.questions]
            lab.check(
                "capabilities.elicitation-mode-undeclared",
                (modes or {"form"}).issuperset(used),
                f"A client with elicitation {declared} was asked by {tool} in these modes: "
                f"{used or 'none'}.",
            )
            if "url" not in modes and tool == FORM and not used:
                lab.wrong(f"{tool} should ask a client with elicitation {declared}.")


def _asked(lab: Lab, tool: str, reply: Reply) -> Question:
    asked = [question for question in reply.questions if question.method == ELICIT]
    if not asked:
        lab.wrong(f"{tool} should ask the person, but {reply.told}.")
    return asked[0]


def _round(lab: Lab, reply: Reply) -> tuple[str, Message]:
    if reply.refused or reply.kind != "input_required":
        lab.wrong(f"{FORM} should ask the person, but {reply.told}.")
    requests: dict[str, Message] = reply.result.get("inputRequests", {})
    if len(requests) != 1:
        lab.wrong(f"{FORM} should ask one question, but it asks {sorted(requests)}.")
    return next(iter(requests.items()))


def _state(reply: Reply) -> Message:
    state = reply.result.get("requestState")
    return {} if state is None else {"requestState": state}


def _succeeded(reply: Reply) -> bool:
    return not reply.failed and reply.kind == "complete" and "action=accept" in reply.text


def _in_order(reply: Reply) -> bool:
    """Whether a call ended as a server means it to: an internal error is what nobody handled."""
    if reply.message is None or reply.code == INTERNAL:
        return False
    return reply.refused or reply.kind in ("complete", "input_required")
