"""Servers that cancel, or are cancelled, in a wrong way."""

# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher

from inverted_conformance.fixture import giving_up
from inverted_conformance.fixture.asking import Call
from inverted_conformance.fixture.tools import TOOLS, Returned
from mutants import patches, sdk
from mutants.mutant import mutant

CANCELLED = "notifications/cancelled"


def _around(wrong: ServerMiddleware[Any]) -> None:
    patches.servers(lambda server: server.middleware.insert(0, wrong))


@mutant("cancellation/work-stops", "cancellation.stops")
def works_to_the_end() -> None:
    """Drops the response of a cancelled call, but lets its work run to the end."""
    right = TOOLS["test_slow_work"].run

    @patches.tool("test_slow_work")
    async def wrong(call: Call) -> Returned:
        with anyio.CancelScope(shield=True):
            return await right(call)
        raise RuntimeError("Nothing comes through the shield")


@mutant("cancellation/closed-stream", "cancellation.disconnect", wires=("2026-07-28",))
def does_not_watch_the_stream() -> None:
    """Learns only when it wants to respond that nobody reads any more."""

    async def shielded(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        with anyio.CancelScope(shield=True):
            return await call_next(ctx)

    _around(shielded)


@mutant("cancellation/silence", "cancellation.no-response")
def responds_that_it_is_cancelled() -> None:
    """Answers a cancelled request with an error that says so."""
    error = types.ErrorData(code=-32800, message="Request cancelled")

    async def settle(self: JSONRPCDispatcher[Any], dctx: Any) -> None:
        await self._write_error(dctx.request_id, error)

    sdk.put(JSONRPCDispatcher, "_settle_unanswered", settle)


@mutant("cancellation/crossing", "cancellation.races")
def is_not_cancelled_in_the_middle() -> None:
    """Does not expect to be cancelled while it reports, and ends."""
    right = TOOLS["test_tool_with_progress"].run

    @patches.tool("test_tool_with_progress")
    async def wrong(call: Call) -> Returned:
        try:
            return await right(call)
        except anyio.get_cancelled_exc_class():
            sdk.crash()
            raise


@mutant("cancellation/unknown-request", "cancellation.unknown-id")
def looks_every_request_up() -> None:
    """Looks a cancelled request up among all that ever came, and ends where it is not."""
    known = _known()
    sdk.notifications(
        CANCELLED, lambda params: None if params.get("requestId") in known else sdk.crash()
    )


@mutant("cancellation/completed-request", "cancellation.completed-id")
def cancels_what_is_done() -> None:
    """Looks a cancelled request up among those at work, and ends where it is done already."""
    known, working = _known(), _working()

    def look(params: sdk.Params) -> None:
        if params.get("requestId") in known and params["requestId"] not in working:
            sdk.crash()

    sdk.notifications(CANCELLED, look)


@mutant("cancellation/malformed", "cancellation.malformed")
def cancels_everything() -> None:
    """Takes a cancellation that names no request as one of all requests."""
    working = _working()

    def all_of_them(params: sdk.Params) -> None:
        if not isinstance(params.get("requestId"), str | int):
            for scope in working.values():
                scope.cancel()

    sdk.notifications(CANCELLED, all_of_them)


def _known() -> set[Any]:
    """The ids of all requests that ever came."""
    known: set[Any] = set()

    async def note(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        known.add(ctx.request_id)
        return await call_next(ctx)

    _around(note)
    return known


def _working() -> dict[Any, anyio.CancelScope]:
    """The requests at work, each with what cancels it."""
    working: dict[Any, anyio.CancelScope] = {}

    async def note(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        with anyio.CancelScope() as scope:
            working[ctx.request_id] = scope
            try:
                return await call_next(ctx)
            finally:
                del working[ctx.request_id]
        raise RuntimeError("The call was cancelled")

    _around(note)
    return working


@mutant("cancellation/impatience", "cancellation.issued", wires=("2025-11-25",))
def cancels_the_call_instead() -> None:
    """Cancels the client's call when it gives up on its own request."""
    right = JSONRPCDispatcher._cancel_outbound

    async def cancel(
        self: JSONRPCDispatcher[Any], request_id: Any, reason: str, related_request_id: Any
    ) -> None:
        del request_id
        await right(self, f"call-{related_request_id}", reason, related_request_id)

    sdk.put(JSONRPCDispatcher, "_cancel_outbound", cancel)


@mutant("cancellation/impatience", "cancellation.late-response", wires=("2025-11-25",))
def keeps_late_answers() -> None:
    """Keeps an answer that nobody waits for and gives it to the next who asks."""
    kept: list[Any] = []
    resolve, send = JSONRPCDispatcher._resolve_pending, JSONRPCDispatcher.send_raw_request

    def late(self: JSONRPCDispatcher[Any], request_id: Any, outcome: Any) -> None:
        if request_id not in self._pending:
            kept.append(outcome)
        resolve(self, request_id, outcome)

    async def ask(self: JSONRPCDispatcher[Any], *args: Any, **more: Any) -> dict[str, Any]:
        answer = await send(self, *args, **more)
        return kept.pop() if kept else answer

    sdk.put(JSONRPCDispatcher, "_resolve_pending", late)
    sdk.put(JSONRPCDispatcher, "send_raw_request", ask)


@mutant("cancellation/patience", "cancellation.in-progress", wires=("2025-11-25",))
def cancels_after_the_answer() -> None:
    """Cleans up behind every request by cancelling it, also when it was answered."""
    right = JSONRPCDispatcher.send_raw_request

    async def ask(
        self: JSONRPCDispatcher[Any], *args: Any, _related_request_id: Any = None
    ) -> dict[str, Any]:
        answer = await right(self, *args, _related_request_id=_related_request_id)
        await self._cancel_outbound(self._next_id, "Done", _related_request_id)
        return answer

    sdk.put(JSONRPCDispatcher, "send_raw_request", ask)


@mutant("cancellation/ended-subscription", "cancellation.listen-torn-down", wires=("2026-07-28",))
def ends_subscriptions_in_silence() -> None:
    """Ends a subscription with its result alone."""
    giving_up.install = lambda _: None


@mutant(
    "cancellation/ended-subscription",
    "cancellation.issued",
    "cancellation.listen-torn-down",
    wires=("2026-07-28",),
)
def invents_ids_for_subscriptions() -> None:
    """Cancels a subscription by a name that it gave to it itself."""
    _cancels_instead(lambda ctx: f"subscription-{ctx.request_id}")


@mutant(
    "cancellation/ended-subscription", "cancellation.server-names-listen", wires=("2026-07-28",)
)
def cancels_the_call_that_ended_it() -> None:
    """Cancels the newest request, which is no subscription."""
    newest: list[Any] = [None]

    async def note(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        newest[0] = ctx.request_id
        return await call_next(ctx)

    _around(note)
    _cancels_instead(lambda _: newest[0])


def _cancels_instead(id: Callable[[sdk.Context], Any]) -> None:
    async def announce(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method == "subscriptions/listen":
            await sdk.tell(ctx, CANCELLED, {"requestId": id(ctx)})
        return result

    giving_up.announce_end = announce


@mutant("cancellation/no-other-purpose", "cancellation.server-purpose", wires=("2026-07-28",))
def cancels_what_fails() -> None:
    """Cancels a call that fails, besides answering it with the error."""

    async def cancel(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        try:
            return await call_next(ctx)
        except Exception:
            await sdk.tell(ctx, CANCELLED, {"requestId": ctx.request_id, "reason": "It failed"})
            raise

    _around(cancel)
