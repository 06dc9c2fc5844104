"""Progress: what the server tells about work under way, and under which token."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import anyio

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.conversation import still_asks
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import SAMPLE, Answer, Question
from inverted_conformance.server_mode.scripted import Script, says
from inverted_conformance.wire.transcript import Message

STEPS: Final = 1000
LATE: Final = 0.3
"""Seconds to look for what must not come. A report that comes later is not noticed."""


def reported(client: Client, token: object = None) -> list[Message]:
    """The parameters of the progress that came.

    Args:
        client: Where it came.
        token: The token that it must have; any by default.
    """
    return [
        message.get("params", {})
        for message in client.notifications
        if message["method"] == "notifications/progress"
        and (token is None or same(message.get("params", {}).get("progressToken"), token))
    ]


def same(one: object, other: object) -> bool:
    """Whether two ids or tokens are the same; `7` and `"7"` are not.

    Args:
        one: The one.
        other: The other.
    """
    return type(one) is type(other) and one == other


@scenario(
    "progress",
    checks=("progress.increases", "progress.message", "progress.known-token"),
    needs=("test_tool_with_progress",),
)
async def three_reports(lab: Lab) -> None:
    """Progress comes under the call's token, grows with each report, and its texts are readable."""
    client = await lab.client()
    await client.call("test_tool_with_progress", meta={"progressToken": "the-token"})
    told = reported(client, "the-token")
    others = [params for params in reported(client) if params not in told]
    lab.check(
        "progress.known-token",
        told and not others,
        f"{len(told)} report(s) came under the call's token, {others} under others.",
    )
    if not told:
        lab.wrong("test_tool_with_progress should report progress, but none came.")
    values = [params["progress"] for params in told]
    lab.check(
        "progress.increases",
        all(before < after for before, after in pairwise(values)),
        f"The reports were {values}.",
    )
    texts = [params.get("message") for params in told]
    lab.check(
        "progress.message",
        all(isinstance(text, str) and _readable(text) for text in texts),
        f"The messages were {texts}.",
    )


def _readable(text: str) -> bool:
    return any(letter.isalpha() for letter in text) and text.isprintable()


@scenario(
    "progress",
    checks=("progress.tracked", "progress.known-token"),
    needs=("test_tool_with_progress",),
)
async def calls_at_once(lab: Lab) -> None:
    """Three calls at once with a text, a number and no token: each gets its own reports."""
    client = await lab.client()
    params: Message = {"name": "test_tool_with_progress", "arguments": {}}
    tokens: list[Any] = ["seven", 7]
    ids = [
        await client.begin("tools/call", params, meta=meta)
        for meta in (*({"progressToken": token} for token in tokens), {})
    ]
    for id in ids:
        reply = await client.reply(id)
        if reply.failed:
            lab.wrong(f"test_tool_with_progress should succeed, but {reply.told}.")
    values = {repr(token): [p["progress"] for p in reported(client, token)] for token in tokens}
    lab.check(
        "progress.tracked",
        all(len(one) == len(set(one)) > 0 for one in values.values()),
        f"By token, the reports were {values}.",
    )
    seen = [params.get("progressToken") for params in reported(client)]
    strange = [token for token in seen if not any(same(token, one) for one in tokens)]
    lab.check("progress.known-token", not strange, f"Tokens that no call has: {strange}.")


@scenario(
    "progress",
    checks=("progress.stops", "progress.in-progress"),
    needs=("test_tool_with_progress", "test_slow_work"),
)
async def silence_afterwards(lab: Lab) -> None:
    """Once a call is answered there is no more progress for it."""
    client = await lab.client()
    calls: list[tuple[str, Message]] = [
        ("test_tool_with_progress", {}),
        ("test_slow_work", {"name": "short", "seconds": 0.1}),
    ]
    for number, (tool, arguments) in enumerate(calls):
        reply = await client.call(tool, arguments, meta={"progressToken": f"ended-{number}"})
        if reply.failed:
            lab.wrong(f"{tool} should succeed, but {reply.told}.")
    # A report may have been overtaken by the response on another stream; not by this one as well.
    await client.request("tools/list")
    before = len(reported(client))
    if not before:
        lab.wrong("The calls should have reported progress, but none came.")
    await client.until(lambda: len(reported(client)) > before, LATE)
    late = reported(client)[before:]
    detail = f"After the responses came {len(late)} of {len(reported(client))} reports: {late[:3]}."
    lab.check("progress.stops", not late, detail)
    lab.check("progress.in-progress", not late, detail)


@scenario("progress", checks=("progress.rate",), needs=("test_busy_work",))
async def busy_work(lab: Lab) -> None:
    """Work of a thousand tiny steps does not report every one of them at once."""
    client = await lab.client()
    began = anyio.current_time()
    reply = await client.call("test_busy_work", {"steps": STEPS}, meta={"progressToken": "busy"})
    seconds = anyio.current_time() - began
    if reply.failed:
        lab.wrong(f"test_busy_work should succeed, but {reply.told}.")
    told = len(reported(client, "busy"))
    # Nobody says what a flood is. That all came at 200 a second or faster means that nothing holds
    # reports back; slower is a limit, however it is done.
    lab.check(
        "progress.rate",
        0 < told < STEPS or seconds > STEPS / 200,
        f"Of {STEPS} steps {told} were reported.",
    )


@scenario(
    "progress",
    checks=("progress.token-type", "progress.token-unique"),
    wires=("2025-11-25",),
    needs=("test_watched_sampling",),
)
async def tokens_of_the_server(lab: Lab) -> None:
    """A server that asks two things at once watches each under a token of its own."""
    client = await lab.client()
    asked: list[Question] = []
    both = anyio.Event()

    async def model(question: Question) -> Answer:
        asked.append(question)
        if len(asked) > 1:
            both.set()
        token = _token(question)
        for progress in (1, 2):
            params = {"progressToken": token, "progress": progress}
            await client.notify("notifications/progress", params)
        with anyio.move_on_after(1):  # a server may ask one thing after the other
            await both.wait()
        return says("Done.")

    reply = await client.call("test_watched_sampling", answers=model)
    tokens = [_token(question) for question in asked if question.method == SAMPLE]
    if len(tokens) != 2 or reply.failed:  # noqa: PLR2004 # that many does it ask
        lab.wrong(f"test_watched_sampling should ask two things, but {reply.told}.")
    lab.check(
        "progress.token-type",
        all(isinstance(token, int | str) and not isinstance(token, bool) for token in tokens),
        f"The tokens were {tokens!r}.",
    )
    lab.check(
        "progress.token-unique",
        not same(tokens[0], tokens[1]),
        f"The tokens of two requests at once were {tokens!r}.",
    )


def _token(question: Question) -> Any:
    return question.params.get("_meta", {}).get("progressToken")


@scenario(
    "progress",
    checks=("progress.tracked",),
    wires=("2025-11-25",),
    needs=("test_sampling",),
)
async def strange_tokens(lab: Lab) -> None:
    """Progress under tokens that the server never gave, or that are over, does no harm."""
    client = await lab.client()
    await client.call("test_sampling", answers=Script(["Hello."]))
    for token in ("nobody", 0, client.requests[-1]["id"] if client.requests else 1):
        await client.notify("notifications/progress", {"progressToken": token, "progress": 1})
    wrong = await still_asks(client)
    lab.check(
        "progress.tracked",
        wrong is None,
        f"After progress under strange tokens, {wrong or 'the next call succeeded'}.",
    )
