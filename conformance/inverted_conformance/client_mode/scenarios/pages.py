"""Elicitation by URL: the person visits a page, or does not; the client itself never does."""

from __future__ import annotations

from typing import Final

import anyio

from inverted_conformance.client_mode.asks import CANCEL, DECLINE, page, text, tool
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.elicitation import well_formed
from inverted_conformance.client_mode.scenarios.handshake import LEGACY
from inverted_conformance.client_mode.stage import MOMENT, Over, Stage
from inverted_conformance.wire.transcript import Message

ACCEPT: Final[Message] = {"action": "accept"}
COMPLETE: Final = "notifications/elicitation/complete"
REQUIRED: Final = -32042
THINKS: Final = 0.7


@CLIENT.scenario("url", checks=("url.no-prefetch", "capabilities.elicitation-one-mode"))
async def visited_by_the_person(stage: Stage) -> None:
    """The person thinks, then agrees; until then nobody has looked at the page."""
    await stage.open(tool("ask"))
    stage.needs("elicitation.url")
    call = await stage.called("ask")
    agreed = anyio.current_time() + THINKS
    request = page({**ACCEPT, "think": THINKS}, stage.url("visit"), _id(stage, "e-1"))
    answer = await call.ask(request)
    early = [path for at, path in stage.server.visits if at < agreed]
    stage.check(
        "url.no-prefetch",
        not early,
        f"Before the person had agreed the client looked at {early or 'nothing'}.",
        "nothing",
    )
    if well_formed(stage, answer):
        said = answer.result.get("action")
        stage.check(
            "capabilities.elicitation-one-mode",
            said == "accept",
            f"The person agreed to visit the page; the server got {answer}.",
            "the action 'accept'",
        )
    call.finish()


def _id(stage: Stage, id: str) -> str | None:
    return None if stage.modern else id


@CLIENT.scenario(
    "url",
    checks=("url.opened-with-consent", "url.no-prefetch", "elicitation.decline-cancel"),
)
async def not_visited(stage: Stage) -> None:
    """The person declines one page and cancels another: neither is looked at."""
    await stage.open(tool("decline"), tool("cancel"))
    stage.needs("elicitation.url")
    for act in (DECLINE, CANCEL):
        call = await stage.called(act["action"])
        name = act["action"]
        answer = await call.ask(page(act, stage.url(name), _id(stage, name)))
        if well_formed(stage, answer):
            stage.check(
                "elicitation.decline-cancel",
                answer.result.get("action") == act["action"],
                f"The person chose {act['action']}; the server got {answer}.",
                f"the action {act['action']!r}",
            )
        call.finish()
    await stage.last()
    await stage.maybe(lambda: stage.server.visits, MOMENT)
    visits = [path for _, path in stage.server.visits]
    seen = f"The person agreed to no page; the client looked at {visits or 'none'}."
    stage.check("url.opened-with-consent", not visits, seen, "none")
    stage.check("url.no-prefetch", not visits, seen, "none")


@CLIENT.scenario(
    "url", checks=("url.complete-unknown-ignored", "url.complete-again-ignored"), wires=LEGACY
)
async def stray_completions(stage: Stage) -> None:
    """Completions of what never was, and of what is complete already, change nothing."""
    await stage.open(tool("ask"), tool("after"))
    stage.needs("elicitation.url")
    call = await stage.called("ask")
    call.notify(COMPLETE, {"elicitationId": "never"})
    answer = await call.ask(page(ACCEPT, stage.url("visit"), "e-1"))
    seen = f"After the completion of something unknown a page got {answer}."
    stage.check(
        "url.complete-unknown-ignored", answer.result.get("action") == "accept", seen, "'accept'"
    )
    for _ in range(3):
        call.notify(COMPLETE, {"elicitationId": "e-1"})
    answer = await call.ask(page(ACCEPT, stage.url("visit"), "e-2"))
    seen = f"After three completions of the same elicitation another page got {answer}."
    stage.check(
        "url.complete-again-ignored", answer.result.get("action") == "accept", seen, "'accept'"
    )
    call.finish()
    (await stage.called("after")).finish()


@CLIENT.scenario("url", checks=("url.no-prefetch",), wires=LEGACY)
async def required_by_an_error(stage: Stage) -> None:
    """A call fails with -32042: the client asks the person, or goes on; it fetches nothing."""
    await stage.open(tool("ask"), tool("after"))
    stage.needs("elicitation.url")
    call = await stage.called("ask")
    asked = page(DECLINE, stage.url("visit"), "e-1")["params"]
    call.exchange.error(REQUIRED, "Visit the page first.", {"elicitations": [asked]})

    def further() -> bool:
        for again in [each for each in stage.server.calls if each.params.get("name") == "ask"]:
            stage.server.calls.remove(again)
            again.result(stage.server.complete({"content": [text("Done.")]}))
        return any(each.params.get("name") == "after" for each in stage.server.calls)

    if not await stage.maybe(further, MOMENT * 6):
        raise Over("After the error -32042 the client did not go on to its next call.")
    (await stage.called("after")).finish()
    visits = stage.server.visits
    stage.check(
        "url.no-prefetch", not visits, f"Of its own the client looked at {visits or 'nothing'}."
    )
