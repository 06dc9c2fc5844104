"""URL mode: what the requests say, and when they may be made."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from inverted_conformance.server_mode.errands import (
    REQUIRED,
    TOOL,
    connected,
    new_account,
    probe,
    send,
    visit,
)
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import ELICIT, Question, Reply
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.wire.transcript import Message

NEEDED: Final = -32042
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
PERSON: Final = "Ada Lovelace"


@scenario(
    "url",
    checks=(
        "url.secrets",
        "url.mode",
        "url.message",
        "url.url",
        "url.valid",
        "url.https",
        "url.elicitation-id",
        "url.no-user-data",
    ),
    needs=(TOOL,),
)
async def requests(lab: Lab) -> None:
    """What needs a secret sends the person to a page, by a URL that says nothing of them."""
    client = await lab.client()
    ids: list[Any] = []
    for _ in range(2):
        account = new_account()
        arguments = {"account": account, "user": PERSON}
        reply = await client.call(TOOL, arguments, answers=Script(person=["cancel"]), rounds=3)
        params = _only(lab, reply).params
        ids.append(params.get("elicitationId"))
        _judge(lab, params, account)
    lab.check(
        "url.elicitation-id",
        all(isinstance(id, str) and id for id in ids) and len(set(ids)) == len(ids),
        f"The ids of two elicitations are {ids}.",
    )


def _judge(lab: Lab, params: Message, account: str) -> None:
    mode, message, url = (params.get(name) for name in ("mode", "message", "url"))
    lab.check("url.secrets", "requestedSchema" not in params, f"The request has {sorted(params)}.")
    lab.check("url.mode", mode == "url", f"The mode is {mode!r}.")
    lab.check(
        "url.message", isinstance(message, str) and message.strip(), f"The message is {message!r}."
    )
    lab.check("url.url", isinstance(url, str) and url, f"The URL is {url!r}.")
    address = str(url)
    lab.check("url.valid", valid(address), f"The URL is {url!r}.")
    parts = urlsplit(address)
    lab.check(
        "url.https",
        parts.scheme == "https" or parts.hostname in LOOPBACK,
        f"The URL is {url!r}.",
    )
    told = [word for word in (account, PERSON, *_credentials(lab)) if says(address, word)]
    lab.check("url.no-user-data", not told, f"The URL {url!r} says {told or 'nothing'}.")


@scenario(
    "url",
    checks=("elicitation.no-secrets-in-forms", "url.secrets"),
    needs=(TOOL,),
)
async def clients_with_forms_only(lab: Lab) -> None:
    """A secret is not asked for by a form, not even where the client has nothing else."""
    client = await lab.client({"elicitation": {"form": {}}})
    reply = await client.call(TOOL, {"account": new_account()}, answers=Script(person=["cancel"]))
    asked = [question for question in reply.questions if question.method == ELICIT]
    used = [question.params.get("mode", "form") for question in asked]
    lab.check("url.secrets", "form" not in used, f"The modes asked in are {used or 'none'}.")
    lab.check(
        "elicitation.no-secrets-in-forms",
        "form" not in used,
        f"The modes asked in are {used or 'none'}.",
    )


@scenario(
    "url",
    checks=(
        "url.required-error",
        "url.required-list",
        "url.required-url-mode",
        "url.required-id",
        "url.required-only-then",
    ),
    wires=("2025-11-25",),
    needs=(REQUIRED, TOOL),
)
async def required(lab: Lab) -> None:
    """A call that cannot go on before a page was visited fails with -32042; no other does."""
    client = await lab.client()
    account = new_account()
    reply = await client.request("tools/call", _call(account))
    listed = _listed(reply)
    lab.check("url.required-error", reply.code == NEEDED, f"Without the secret, {reply.told}.")
    lab.check("url.required-list", listed, f"The error has these elicitations: {listed}.")
    modes = [one.get("mode") for one in listed]
    lab.check(
        "url.required-url-mode",
        modes and all(mode == "url" for mode in modes) and all(valid(_url(one)) for one in listed),
        f"Their modes are {modes}, their URLs {[_url(one) for one in listed]}.",
    )
    ids = [one.get("elicitationId") for one in listed]
    lab.check(
        "url.required-id",
        ids and all(isinstance(id, str) and id for id in ids),
        f"Their ids are {ids}.",
    )
    other = await client.request("tools/call", {"name": "no_such_tool"})
    lab.check("url.required-only-then", other.code != NEEDED, f"For an unknown tool, {other.told}.")
    declined = await probe(client, account)
    lab.check(
        "url.required-only-then", declined.code != NEEDED, f"After a cancel, {declined.told}."
    )


@scenario(
    "url",
    checks=("url.required-only-then",),
    wires=("2025-11-25",),
    needs=(REQUIRED, TOOL),
)
async def required_no_longer(lab: Lab) -> None:
    """Once the page was visited, the call that failed with -32042 succeeds."""
    lab.headers()
    client = await lab.client()
    errand = await send(client)
    before = await client.request("tools/call", _call(errand.account))
    if before.code != NEEDED:
        lab.wrong(f"{REQUIRED} should fail with {NEEDED} without the secret, but {before.told}.")
    if not await visit(lab, errand, "first"):
        lab.wrong(f"The page should take the secret of the person it was made for: {errand.url}")
    reply = await errand.finish()
    after = await client.request("tools/call", _call(errand.account))
    lab.check(
        "url.required-only-then",
        connected(reply) and connected(after),
        f"Once the page was given the secret, {after.told}.",
    )


def valid(url: str) -> bool:
    """Whether a string is a URL that a person can be sent to.

    Args:
        url: The string.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if re.search(r"[\s<>\"{}|\\^`\x00-\x1f\x7f]", url) or not re.match(r"[A-Za-z][\w+.-]*:", url):
        return False
    return bool(parts.hostname) if parts.scheme in ("http", "https") else bool(parts.path)


def says(url: str, word: str) -> bool:
    """Whether a URL holds a word, plain or encoded.

    Args:
        url: The URL.
        word: The word.
    """
    plain = unquote(url.replace("+", " "))
    shown = [url, plain, *map(_decoded, re.findall(r"[A-Za-z0-9_-]{8,}", unquote(url)))]
    return any(word.lower() in text.lower() for text in shown)


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _credentials(lab: Lab) -> list[str]:
    return [value.rpartition(" ")[2] for value in lab.credentials.values()]


def _call(account: str) -> Message:
    return {"name": REQUIRED, "arguments": {"account": account}}


def _listed(reply: Reply) -> list[Message]:
    data: Any = (reply.error or {}).get("data")
    listed: Any = cast("Message", data).get("elicitations") if isinstance(data, dict) else None
    return cast("list[Message]", listed) if isinstance(listed, list) else []


def _url(one: Message) -> str:
    return str(one.get("url", ""))


def _only(lab: Lab, reply: Reply) -> Question:
    asked = [question for question in reply.questions if question.method == ELICIT]
    if not asked:
        lab.wrong(f"{TOOL} should ask the person, but {reply.told}.")
    return asked[0]
