"""URL mode: who can do what at the page, and who learns of it."""

from __future__ import annotations

from typing import Final

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.errands import (
    SECRET,
    TOOL,
    Errand,
    connected,
    mixed,
    probe,
    send,
    visit,
)
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Reply
from inverted_conformance.server_mode.target import Principal
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.http import SESSION, HttpChannel
from inverted_conformance.wire.transcript import Message

COMPLETE: Final = "notifications/elicitation/complete"
SILENCE: Final = 0.3
"""Seconds in which a notification that must not come has not come."""


@scenario(
    "url",
    checks=("url.authorized-directly", "url.credentials-not-through-client"),
    needs=(TOOL,),
)
async def accept_alone(lab: Lab) -> None:
    """The client's accept does not stand for the visit, and no secret is taken from the client."""
    client = await lab.client()
    for key, person in (
        ("url.authorized-directly", "accept"),
        ("url.credentials-not-through-client", {"secret": SECRET}),
    ):
        errand = await send(client, person=person)
        if errand.reply is not None:
            reply = await errand.finish()
            lab.check(key, not connected(reply), f"After {person!r} alone, {reply.told}.")
        after = await probe(client, errand.account)
        lab.check(
            key, not connected(after), f"In the next call after {person!r} alone, {after.told}."
        )
        await errand.abandon()


@scenario("url", checks=("url.credentials-kept", "url.authorized-directly"), needs=(TOOL,))
async def visit_completes(lab: Lab) -> None:
    """The visit completes what was asked, and the secret never comes to the client."""
    lab.headers()
    client = await lab.client()
    errand = await send(client)
    await _complete(lab, errand)
    again = await probe(client, errand.account)
    lab.check("url.authorized-directly", connected(again), f"After the visit, {again.told}.")
    shown = [line.text for line in lab.result.lines if line.direction == "received"]
    told = [text for text in shown if SECRET in text]
    lab.check(
        "url.credentials-kept",
        not told,
        f"Of {len(shown)} messages to the client these have the secret: {told or 'none'}.",
    )


@scenario(
    "url",
    checks=("url.complete-id", "url.complete-to-initiator"),
    wires=("2025-11-25",),
    needs=(TOOL,),
)
async def completion(lab: Lab) -> None:
    """Of the completed visit only the client is told that was asked, with the elicitation's id."""
    lab.headers()
    client = await lab.client()
    second = await lab.client(fresh=True, who="second")
    await second.request("ping")
    errand = await send(client)
    await _complete(lab, errand)
    if not await client.until(lambda: bool(_completions(client)), 1):
        raise NotOffered(f"{COMPLETE}, which a server may leave out")
    wanted = errand.question.params.get("elicitationId")
    ids = [said.get("params", {}).get("elicitationId") for said in _completions(client)]
    lab.check(
        "url.complete-id",
        ids == [wanted],
        f"The elicitation was {wanted!r}; told was the completion of {ids}.",
    )
    await second.until(lambda: bool(_completions(second)), SILENCE)
    told = _completions(second)
    lab.check(
        "url.complete-to-initiator",
        not told,
        f"Another client of the same person was told of {len(told)} completions.",
    )


@scenario("url", checks=("url.same-person",), needs=(TOOL,))
async def opened_by_others(lab: Lab) -> None:
    """Another person who has the URL can give the page nothing; the one who was asked can."""
    await _opened(lab, "other", "url.same-person")


@scenario("url", checks=("url.opener-verified", "url.not-pre-authenticated"), needs=(TOOL,))
async def opened_without_credentials(lab: Lab) -> None:
    """Whoever has the URL and does not say who they are can give the page nothing."""
    await _opened(lab, "nobody", "url.opener-verified", "url.not-pre-authenticated")


async def _opened(lab: Lab, principal: Principal, *keys: str) -> None:
    lab.headers(principal)
    client = await lab.client()
    errand = await send(client)
    taken = await visit(lab, errand, principal)
    seen = await probe(client, errand.account)
    for key in keys:
        lab.check(
            key,
            not connected(seen),
            f"After a visit of {principal}, which the page {_took(taken=taken)}, {seen.told}.",
        )
    await _complete(lab, errand)


@scenario("url", checks=("url.tamper-proof",), needs=(TOOL,))
async def changed_urls(lab: Lab) -> None:
    """No mixture of one person's URL and another's lets one complete what the other was asked."""
    lab.headers("other")
    other = await lab.client(principal="other", who="other")
    client = await lab.client()
    theirs = await send(client)
    mine = await send(other, theirs.account)
    taken = [
        url for url in mixed(mine.url, theirs.url) if await visit(lab, theirs, "other", url=url)
    ]
    seen = await probe(client, theirs.account)
    lab.check(
        "url.tamper-proof",
        not connected(seen),
        f"After another person posted to changed URLs (taken: {taken or 'none'}), {seen.told}.",
    )
    await mine.abandon()
    await _complete(lab, theirs)


@scenario("url", checks=("url.no-own-authorization",), needs=(TOOL,))
async def without_credentials(lab: Lab) -> None:
    """A client without credentials does not get any by having its URL opened by somebody."""
    lab.headers("nobody")
    try:
        client = await lab.client(principal="nobody", who="nobody")
        errand = await send(client)
    except PeerError as error:
        lab.check("url.no-own-authorization", ok=True, detail=f"Without credentials: {error}")
        return
    taken = await visit(lab, errand, "first")
    seen = await probe(client, errand.account)
    lab.check(
        "url.no-own-authorization",
        not connected(seen),
        f"After a visit of somebody known, which the page {_took(taken=taken)}, {seen.told}.",
    )
    await errand.abandon()


@scenario(
    "url",
    checks=(
        "elicitation.state-by-user",
        "elicitation.state-not-by-session",
        "elicitation.user-from-credentials",
        "elicitation.user-verified",
    ),
    needs=(TOOL,),
)
async def whose_secret(lab: Lab) -> None:
    """What one person gave serves them on every connection, and nobody else on any."""
    lab.headers("other")
    other = await lab.client(principal="other", who="other")
    client = await lab.client()
    second = await lab.client(fresh=True, who="second")
    errand = await send(client)
    account = errand.account
    name = (await _complete(lab, errand)).text.rpartition(": ")[0]
    seen = await probe(other, account)
    lab.check("elicitation.state-by-user", not connected(seen), f"Another person: {seen.told}.")
    seen = await probe(other, account, user=name)
    lab.check(
        "elicitation.user-verified",
        not connected(seen),
        f"Another person who claims to be {name!r}: {seen.told}.",
    )
    seen = await probe(second, account)
    for key in ("elicitation.user-from-credentials", "elicitation.state-not-by-session"):
        lab.check(key, connected(seen), f"The same person on a new connection: {seen.told}.")
    if not lab.modern:
        await _steal(lab, client, other, account)


async def _steal(lab: Lab, client: Client, other: Client, account: str) -> None:
    session = client.channel.session if isinstance(client.channel, HttpChannel) else None
    if session is None:
        return  # without sessions nothing can hang on one
    before = len(other.questions)
    call: Message = {"name": TOOL, "arguments": {"account": account}}
    id = await other.begin("tools/call", call, headers={SESSION: session})
    await other.until(lambda: other.answered(id) or len(other.questions) > before)
    told = "it is asked" if not other.answered(id) else (await other.reply(id)).told
    lab.check(
        "elicitation.state-not-by-session",
        not other.answered(id) or not connected(await other.reply(id)),
        f"Another person with the session id of the first: {told}.",
    )


async def _complete(lab: Lab, errand: Errand) -> Reply:
    if not await visit(lab, errand, "first"):
        lab.wrong(f"The page should take the secret of the person who was asked: {errand.url}")
    reply = await errand.finish()
    if not connected(reply):
        lab.wrong(f"After the visit {TOOL} should be connected, but {reply.told}.")
    return reply


def _completions(client: Client) -> list[Message]:
    return [said for said in client.notifications if said["method"] == COMPLETE]


def _took(*, taken: bool) -> str:
    return "took" if taken else "refused"
