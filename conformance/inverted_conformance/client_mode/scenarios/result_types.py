"""The types of results of 2026-07-28: unknown, absent, not declared."""

from __future__ import annotations

from inverted_conformance.client_mode.asks import text, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.rounds import MODERN, question
from inverted_conformance.client_mode.server import META
from inverted_conformance.client_mode.stage import MOMENT, Stage


@CLIENT.scenario("rounds", checks=("rounds.result-type-unknown",), wires=MODERN)
async def unknown_type(stage: Stage) -> None:
    """A result of an unknown type is no reason to retry, poll, or stop."""
    await stage.open(tool("odd"), tool("after"))
    call = await stage.called("odd")
    asked = {"inputRequests": {"who": question(stage)}, "requestState": "s"}
    call.exchange.result({"resultType": "inverted", "content": [], "taskId": "t", **asked})
    await _goes_on(stage, "rounds.result-type-unknown", "a result of the type 'inverted'")


async def _goes_on(stage: Stage, key: str, what: str) -> None:
    """The client takes the call for over, and calls the next tool."""
    seen = len(stage.server.requests)
    after = await stage.maybe(lambda: stage.take("after"), MOMENT * 4)
    since = [request.method for request in stage.server.requests[seen:]]
    stage.check(
        key,
        after is not None and since[:1] == ["tools/call"],
        f"After {what} the client sent {since or 'nothing'}.",
        "the call of the next tool",
    )
    if after is not None:
        Call(stage, after).finish()


@CLIENT.scenario("rounds", checks=("rounds.result-type-absent",), wires=MODERN)
async def absent_type(stage: Stage) -> None:
    """A result without a type is complete, even if it looks as if it asked something."""
    await stage.open(tool("bare"), tool("after"))
    call = await stage.called("bare")
    asked = {"inputRequests": {"who": question(stage)}, "requestState": "s"}
    call.exchange.result({"content": [text("Done.")], **asked})
    await _goes_on(stage, "rounds.result-type-absent", "a result without a type")


@CLIENT.scenario("rounds", checks=("rounds.result-type-known",), wires=MODERN)
async def undeclared_type(stage: Stage) -> None:
    """A client that does not declare tasks does not take a task for a result."""
    await stage.open(tool("odd"), tool("after"), without=[f"extensions.{META}tasks"])
    call = await stage.called("odd")
    now = "2026-07-28T00:00:00Z"
    task = {"taskId": "t-1", "status": "working", "createdAt": now, "lastUpdatedAt": now}
    call.exchange.result({"resultType": "task", "ttlMs": None, "pollIntervalMs": 50, **task})
    await _goes_on(stage, "rounds.result-type-known", "a task, without having declared tasks")
