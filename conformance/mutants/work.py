"""Servers that report progress in a wrong way."""

from __future__ import annotations

from typing import Any

import anyio

from inverted_conformance.fixture import work
from inverted_conformance.fixture.asking import Call
from inverted_conformance.fixture.tools import Function, Returned
from mutants import patches, sdk
from mutants.mutant import mutant


def token(call: Call) -> Any:
    """The progress token of a call.

    Args:
        call: The call.
    """
    return (call.context.meta or {}).get("progress_token")


async def report(call: Call, under: Any, progress: float, message: str | None = None) -> None:
    """Report progress under any token, also where the SDK would not.

    Args:
        call: The call on whose stream it goes.
        under: The token.
        progress: How far the work is.
        message: What goes with it.
    """
    if under is not None:
        params: dict[str, Any] = {"progressToken": under, "progress": progress}
        if message is not None:
            params["message"] = message
        await sdk.tell(call.context, "notifications/progress", params)


@mutant("progress/three-reports", "progress.increases")
def reports_steps_instead_of_progress() -> None:
    """Reports how much each step did, which is the same every time."""

    @patches.tool("test_tool_with_progress")
    async def wrong(call: Call) -> str:
        for _ in range(3):
            await report(call, token(call), 50, "Completed a step")
        return "Done"


@mutant("progress/three-reports", "progress.message")
def reports_with_empty_messages() -> None:
    """Sends a message with each report, and there is nothing in it."""

    @patches.tool("test_tool_with_progress")
    async def wrong(call: Call) -> str:
        for done in (1, 2, 3):
            await report(call, token(call), done, " \n")
        return "Done"


@mutant("progress/three-reports", "progress.known-token")
def reports_under_the_request_id() -> None:
    """Takes the id of the request for the progress token."""

    @patches.tool("test_tool_with_progress")
    async def wrong(call: Call) -> str:
        for done in (1, 2, 3):
            await report(call, call.context.request_id, done)
        return "Done"


@mutant("progress/calls-at-once", "progress.tracked")
def reports_under_the_newest_token() -> None:
    """Keeps one token for the whole server: that of the call which came last."""
    newest: list[Any] = [None]

    @patches.tool("test_tool_with_progress")
    async def wrong(call: Call) -> str:
        newest[0] = token(call) or newest[0]
        for done in (1, 2, 3):
            await anyio.sleep(work.STEP)
            await report(call, newest[0], done)
        return "Done"


@mutant("progress/calls-at-once", "progress.known-token")
def reports_under_tokens_made_text() -> None:
    """Makes a text of every token, also of numbers."""

    @patches.tool("test_tool_with_progress")
    async def wrong(call: Call) -> str:
        for done in (1, 2, 3):
            await report(call, None if token(call) is None else str(token(call)), done)
        return "Done"


@mutant(
    "progress/silence-afterwards", "progress.stops", "progress.in-progress", wires=("2025-11-25",)
)
def reports_on() -> None:
    """Reports from a timer that nobody stops when the call is over."""
    _never_stop("test_slow_work", work.test_slow_work)


@mutant("cancellation/silence", "progress.in-progress")
def reports_on_after_cancellation() -> None:
    """Reports from a timer that a cancellation does not stop."""
    _never_stop("test_slow_work", work.test_slow_work)


def _never_stop(name: str, right: Function) -> None:
    @patches.tool(name)
    async def wrong(call: Call) -> Returned:
        params = {"progressToken": token(call), "progress": 9}
        sdk.keep_telling(call.context, "notifications/progress", params)
        return await right(call)


@mutant("progress/busy-work", "progress.rate")
def reports_everything() -> None:
    """Reports each of a thousand steps at once."""
    work.SPACING = 0.0


@mutant("progress/tokens-of-the-server", "progress.token-unique", wires=("2025-11-25",))
def watches_everything_under_one_token() -> None:
    """Gives every request that it sends the same progress token."""
    sdk.requests(lambda message: _watch(message, "progress"))


@mutant("progress/tokens-of-the-server", "progress.token-type", wires=("2025-11-25",))
def watches_under_fractions() -> None:
    """Makes progress tokens of the time, as numbers with a fraction."""
    sdk.requests(lambda message: _watch(message, message["id"] + 0.5))


def _watch(message: dict[str, Any], under: Any) -> None:
    meta = message["params"].get("_meta", {})
    if "progressToken" in meta:
        meta["progressToken"] = under


@mutant("progress/strange-tokens", "progress.tracked", wires=("2025-11-25",))
def stumbles_over_strange_tokens() -> None:
    """Looks the token of any progress up in a table, and ends where it is not there."""
    sdk.notifications("notifications/progress", lambda _: sdk.crash())
