"""Progress and log messages on their way to the client of one request."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import anyio
from mcp.shared.exceptions import MCPError

from inverted.core.effects import Json
from inverted.runtime.ports import Clock
from inverted.runtime.tasks import Tasks

if TYPE_CHECKING:
    from fastmcp.server.context import Context


GONE: Final = (MCPError, anyio.BrokenResourceError, anyio.ClosedResourceError)
BURST: Final = 50
PER_SECOND: Final = 20
"""Progress that a request may report: so many at once, and then at this rate."""
TINY: Final = 1e-6
"""Progress has to grow with every notification, and a sign of life means none."""


@asynccontextmanager
async def forwarding(
    tasks: Tasks, run_id: str, notify: Callable[[dict[str, Json]], Awaitable[None]]
) -> AsyncGenerator[set[str]]:
    """Send what a run says while it is driven apart. Yields the runs that are heard."""
    runs = {run_id}
    said: asyncio.Queue[dict[str, Json] | None] = asyncio.Queue()

    def hear(run_id: str, payload: dict[str, Json]) -> None:
        if run_id in runs:
            said.put_nowait(payload)

    async def send() -> None:
        while (payload := await said.get()) is not None:
            await notify(payload)

    unsubscribe = tasks.subscribe(hear)
    sending = asyncio.get_running_loop().create_task(send())
    try:
        yield runs
        said.put_nowait(None)
        await sending
    finally:
        unsubscribe()
        sending.cancel()


class Notifier:
    """Sends progress and log messages for one request.

    Args:
        context: The request.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._progress = 0.0
        self._total: float | None = None
        self._signs = 0
        self._due = -math.inf

    async def __call__(self, payload: dict[str, Json]) -> None:
        """Send one; nothing happens for a client that is gone."""
        context = self._context
        try:
            if payload["type"] == "progress":
                if not self._in_time(payload["progress"], payload["total"]):
                    return
                self._progress = self._raised(payload["progress"])
                self._total = payload["total"]
                await context.report_progress(self._progress, self._total, payload["message"])
            else:
                await context.log(
                    payload["message"],
                    level=payload["level"],
                    logger_name=payload["logger"],
                    extra=payload["extra"],
                )
        except GONE:
            return  # a client that is gone misses its notifications, and nothing else

    async def alive(self) -> None:
        """Say that the run goes on. Hosts give a call up when nothing is heard of it."""
        self._signs += 1
        self._progress += TINY
        with contextlib.suppress(*GONE):
            await self._context.report_progress(self._progress, self._total, None)

    def _in_time(self, progress: float, total: float | None) -> bool:
        """Whether a report may be sent now. One that is left out is followed by a newer one.

        The last one always is: progress, Behavior Requirements: rate limiting against floods.
        """
        now = anyio.current_time()
        self._due = max(self._due, now)
        if self._due - now > BURST / PER_SECOND and (total is None or progress < total):
            return False
        self._due += 1 / PER_SECOND
        return True

    def _raised(self, progress: float) -> float:
        """What the author said; a bit more where signs of life have been there before it."""
        if self._signs and progress <= self._progress:
            return self._progress + TINY
        return progress


@contextmanager
def keeping_alive(notifier: Notifier, clock: Clock, seconds: float) -> Generator[None]:
    """Send a sign of life at a steady pace, as long as this lasts.

    Source: specification 2025-11-25 and 2026-07-28, basic/utilities (patterns) progress and
    lifecycle, Timeouts: clients may reset their clock when progress arrives.

    Args:
        notifier: Where it is sent.
        clock: Time.
        seconds: Between two signs.
    """
    sending: set[asyncio.Task[None]] = set()
    request = contextvars.copy_context()  # FastMCP finds the progress token there

    def sign() -> None:
        nonlocal call_off
        task = asyncio.get_running_loop().create_task(notifier.alive(), context=request)
        sending.add(task)
        task.add_done_callback(sending.discard)
        call_off = clock.call_later(seconds, sign)

    call_off = clock.call_later(seconds, sign)
    try:
        yield
    finally:
        call_off()
        for task in sending:
            task.cancel()
