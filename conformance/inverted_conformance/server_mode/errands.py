"""URL mode as a person lives through it: sent to a page, opening it, coming back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import httpx2 as httpx

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.said import ELICIT, Question, Refusal, Reply
from inverted_conformance.server_mode.scripted import Reaction, Script
from inverted_conformance.server_mode.target import Principal
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message

TOOL: Final = "test_url_elicitation"
REQUIRED: Final = "test_url_elicitation_required"
SECRET: Final = "s3cr3t-0f-4d4"  # noqa: S105

PATIENCE: Final = 7.0
"""Seconds until a call comes back that waits for the page; the fixture contract says five."""


@dataclass(slots=True)
class Errand:
    """A call that sent its person to a page."""

    client: Client
    account: str
    params: Message
    question: Question
    call: int
    """The request; on 2026-07-28 the one that came back with the question."""

    reply: Reply | None = None
    """What came back on 2026-07-28."""

    @property
    def url(self) -> str:
        """Where the person is sent."""
        return str(self.question.params.get("url", ""))

    async def finish(self) -> Reply:
        """Accept, if that has not happened yet, and wait for the end of the call.

        Raises:
            PeerError: It does not end.
        """
        if self.reply is None:
            return await self.client.reply(self.call, PATIENCE)
        given = await self.client.give(self.reply)
        if isinstance(given, Refusal):
            raise PeerError("The scripted person does not refuse URLs.")
        return await self.client.request("tools/call", {**self.params, **given})

    async def abandon(self) -> None:
        """Give the call up."""
        if self.reply is None and not self.client.answered(self.call):
            await self.client.cancel(self.call)


def new_account() -> str:
    """The name of an account that no server has heard of: it looks like an address of mail."""
    return f"ada.{secrets.token_hex(4)}@example.com"


async def send(
    client: Client, account: str | None = None, *, person: Reaction = "accept"
) -> Errand:
    """Call the tool for an account whose secret it does not have, until it asks.

    Args:
        client: The connection.
        account: The account; a new one by default.
        person: What the person does; on 2025-11-25 at once, on 2026-07-28 in `Errand.finish`.

    Raises:
        PeerError: It does not ask for a URL.
    """
    client.answers = Script(person=[person])
    name = account or new_account()
    params: Message = {"name": TOOL, "arguments": {"account": name}}
    before = len(client.questions)
    id = await client.begin("tools/call", params)
    await client.until(lambda: client.answered(id) or len(client.questions) > before)
    if len(client.questions) > before:
        await client.request("ping")  # the answer is on its way before anything else is sent
        return Errand(client, name, params, client.questions[before], id)
    reply = await client.reply(id)
    asked: dict[str, Message] = {} if reply.refused else reply.result.get("inputRequests", {})
    for key, request in asked.items():
        if request.get("method") == ELICIT:
            question = Question(ELICIT, request.get("params", {}), key, 1)
            return Errand(client, name, params, question, id, reply)
    raise PeerError(f"{TOOL} should send the person to a page, but {reply.told}.")


async def probe(client: Client, account: str, user: str = "") -> Reply:
    """Call the tool with a person who gives nothing, which shows whether it has the secret.

    Args:
        client: The connection.
        account: The account.
        user: Whom the caller claims to be.
    """
    arguments = {"account": account, "user": user}
    return await client.call(TOOL, arguments, answers=Script(person=["cancel"]), rounds=3)


def connected(reply: Reply) -> bool:
    """Whether a call had the secret.

    Args:
        reply: What came back.
    """
    return not reply.failed and reply.text.endswith(": connected")


async def visit(lab: Lab, errand: Errand, principal: Principal, url: str | None = None) -> bool:
    """Open a page as a person's browser would, and give it the secret.

    Args:
        lab: The scenario.
        errand: What the page is for.
        principal: Who opens it.
        url: Where, if not where the errand leads.

    Returns:
        Whether the page took it.

    Raises:
        PeerError: It leads away from the server, to which alone the suite gives credentials.
        NotOffered: The server has no pages, or cannot be visited like that.
    """
    address = errand.url if url is None else url
    headers = lab.headers(principal)
    if urlsplit(address).hostname != lab.host:
        lab.wrong(f"The URL of {TOOL} should lead to a page of the server itself: {address!r}.")
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as browser:
            answer = await browser.post(address, headers=headers, data={"secret": SECRET})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = type(error).__name__
        taken = False
    else:
        said = f"HTTP {answer.status_code}"
        taken = answer.is_success
    whose = {"first": "the first person", "other": "another person", "nobody": "nobody known"}
    errand.client.transcript.add("note", f"{whose[principal]} posts to {address}: {said}")
    return taken


def mixed(mine: str, theirs: str) -> list[str]:
    """URLs that somebody makes of their own and another's, to complete what is not theirs.

    Args:
        mine: Their own.
        theirs: The other's.
    """
    found = dict.fromkeys([theirs, *_swapped(urlsplit(mine), urlsplit(theirs))])
    found.pop(mine, None)
    return list(found)


def _swapped(mine: SplitResult, theirs: SplitResult) -> Iterator[str]:
    path, other = mine.path.split("/"), theirs.path.split("/")
    for at, (own, wanted) in enumerate(zip(path, other, strict=False)):
        for part in _between(own, wanted):
            yield mine._replace(path="/".join([*path[:at], part, *path[at + 1 :]])).geturl()
    pairs, others = parse_qsl(mine.query), parse_qsl(theirs.query)
    yield mine._replace(query=urlencode([*pairs, *others])).geturl()
    yield mine._replace(query=urlencode([*others, *pairs])).geturl()
    for at, ((name, own), (_, wanted)) in enumerate(zip(pairs, others, strict=False)):
        for part in _between(own, wanted):
            query = urlencode([*pairs[:at], (name, part), *pairs[at + 1 :]])
            yield mine._replace(query=query).geturl()


def _between(own: str, wanted: str) -> Iterator[str]:
    if own == wanted:
        return
    yield wanted
    half = len(own) // 2
    yield own[:half] + wanted[half:]
    yield wanted[:half] + own[half:]
    signed, other = re.split(r"([.~:])", own), re.split(r"([.~:])", wanted)
    if len(signed) == len(other) > 1:
        for at, part in enumerate(other):
            yield "".join([*signed[:at], part, *signed[at + 1 :]])
