"""Progress and log messages on their way to the client of one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from mcp.shared.exceptions import MCPError

from inverted.core.effects import Json
from inverted.runtime.tasks import Tasks

if TYPE_CHECKING:
    from fastmcp.server.context import Context


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
    """Sends progress and log messages for one request."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, payload: dict[str, Json]) -> None:
        """Send one; nothing happens for a client that is gone."""
        context = self._context
        try:
            if payload["type"] == "progress":
                await context.report_progress(
                    payload["progress"], payload["total"], payload["message"]
                )
            else:
                await context.log(
                    payload["message"],
                    level=payload["level"],
                    logger_name=payload["logger"],
                    extra=payload["extra"],
                )
        except (MCPError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # a client that is gone misses its notifications, and nothing else
