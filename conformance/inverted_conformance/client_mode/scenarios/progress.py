"""Progress: the client's tokens, what it does with reports, and what it reports itself."""

from __future__ import annotations

import functools
import itertools
from typing import Any, Final

from inverted_conformance.client_mode.asks import sample, say, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.handshake import LEGACY
from inverted_conformance.client_mode.stage import MOMENT, NotOffered, Over, Stage
from inverted_conformance.wire.transcript import Message

PROGRESS: Final = "notifications/progress"
TOKEN: Final = "progressToken"  # noqa: S105 - the name of a field
TOGETHER: Final = ("together_a", "together_b", "together_c")


@CLIENT.scenario("progress", checks=("progress.token-type", "progress.token-unique"))
async def tokens(stage: Stage) -> None:
    """The tokens of three calls that run at once, and of one after them."""
    await stage.open(*(tool(name) for name in TOGETHER), tool("after"))
    calls = [await stage.called(TOGETHER[0])]
    for name in TOGETHER[1:]:
        found = await stage.maybe(functools.partial(stage.take, name), MOMENT)
        if found is None:
            break
        calls.append(Call(stage, found))
    at_once = [call.exchange for call in calls]
    for call in calls:
        call.finish()
    for name in TOGETHER[len(calls) :]:
        (await stage.called(name)).finish()
    after = await stage.called("after")
    after.finish()
    found = [each.meta[TOKEN] for each in [*at_once, after.exchange] if TOKEN in each.meta]
    if not found:
        raise NotOffered("The client asks for no progress: its calls have no progressToken.")
    stage.check(
        "progress.token-type",
        all(isinstance(each, str | int) and not isinstance(each, bool) for each in found),
        f"The tokens are {found}.",
        "strings or integers",
    )
    shared = [each.meta[TOKEN] for each in at_once if TOKEN in each.meta]
    if len(shared) > 1:  # a client that calls one tool at a time shows nothing of this
        stage.check(
            "progress.token-unique",
            len({repr(each) for each in shared}) == len(shared),
            f"Calls that ran at once had the tokens {shared}.",
            "different ones",
        )


@CLIENT.scenario("progress", checks=("progress.tracked",))
async def stray_reports(stage: Stage) -> None:
    """Progress for a token that never was, and for a call that is over, harms nothing."""
    await stage.open(tool("first"), tool("second"), tool("third"))
    first = await stage.called("first")
    old = first.exchange.meta.get(TOKEN, 0)
    first.finish()
    second = await stage.called("second")
    for token in ("never given", 987654, old):
        second.notify(PROGRESS, {TOKEN: token, "progress": 1, "total": 2})
    if TOKEN in second.exchange.meta:
        second.notify(PROGRESS, {TOKEN: second.exchange.meta[TOKEN], "progress": 0.5})
    second.finish()
    try:
        (await stage.called("third")).finish()
    except Over as over:
        stage.broke("progress.tracked", f"After stray progress: {over}", "the next call")
    else:
        stage.met("progress.tracked", "After stray progress the client went on to its next call.")


@CLIENT.scenario(
    "progress",
    checks=(
        "progress.increases",
        "progress.message",
        "progress.known-token",
        "progress.in-progress",
        "progress.stops",
    ),
    wires=LEGACY,
)
async def own_reports(stage: Stage) -> None:
    """The model thinks for a while: what the client reports of it comes under the token given."""
    await stage.open(tool("silent"), tool("ask"))
    stage.needs("sampling")
    call = await stage.called("silent")
    await call.ask(sample(say("no token, no progress", think=0.3)))
    call.finish()
    call = await stage.called("ask")
    await call.ask(sample(say("hello", think=0.6), _meta={TOKEN: "of the suite"}))
    answered = _line(stage)
    await stage.maybe(lambda: None, MOMENT)
    call.finish()
    await stage.last()
    found = [each for _, each in stage.server.notifications if each["method"] == PROGRESS]
    if not found:
        raise NotOffered("The client reports no progress of sampling.")
    judge(stage, [each["params"] for each in found], "of the suite")
    late = _line(stage, answered)
    for key in ("progress.in-progress", "progress.stops"):
        stage.check(key, not late, f"After the answer came {late} reports.", "none")


def judge(stage: Stage, reports: list[Message], token: str) -> None:
    """Check reports that the client sent.

    Args:
        stage: The scenario.
        reports: Their parameters, in order.
        token: The only token that the suite gave.
    """
    others = [each.get(TOKEN) for each in reports if each.get(TOKEN) != token]
    stage.check("progress.known-token", not others, f"Unknown tokens: {others or 'none'}.", "none")
    mine: list[Any] = [each.get("progress") for each in reports if each.get(TOKEN) == token]
    values = [each if isinstance(each, int | float) else float("nan") for each in mine]
    stage.check(
        "progress.increases",
        all(one < two for one, two in itertools.pairwise(values)),
        f"The progress was {values}.",
        "each larger than the one before",
    )
    said = [each["message"] for each in reports if "message" in each]
    stage.check(
        "progress.message",
        all(isinstance(each, str) and each.strip() for each in said),
        f"The messages were {said}.",
        "text, or no message",
    )


def _line(stage: Stage, since: int = 0) -> int:
    """How many reports the client has sent, without the first ones."""
    sent = [each for _, each in stage.server.notifications if each["method"] == PROGRESS]
    return len(sent) - since
