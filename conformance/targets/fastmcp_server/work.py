"""Tools that take a while: progress, and what a cancellation leaves behind."""

# ruff: noqa: PT028 - these are tools, and no tests
from __future__ import annotations

import asyncio
import time
from typing import Final

import anyio
from fastmcp import Context

from targets.fastmcp_server.app import mcp

STEP: Final = 0.05
SPACING: Final = 0.02

STATES: Final[dict[str, str]] = {}
CHANGED: Final[dict[str, asyncio.Event]] = {}


@mcp.tool
async def test_tool_with_progress(ctx: Context) -> str:
    """Report progress three times, and tell the token."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
        await asyncio.sleep(STEP)
    meta = ctx.request_context.meta if ctx.request_context else None
    return str((meta or {}).get("progress_token"))


@mcp.tool
async def test_slow_work(ctx: Context, name: str, seconds: float = 20) -> str:
    """Work for some seconds, and report progress."""
    STATES[name], CHANGED[name] = "working", asyncio.Event()
    try:
        for step in range(1, int(seconds / STEP) + 1):
            await ctx.report_progress(step)
            await asyncio.sleep(STEP)
        STATES[name] = "done"
    except BaseException:
        STATES[name] = "stopped"
        raise
    finally:
        CHANGED[name].set()
    return f"Done: {name}"


@mcp.tool
async def test_work_state(name: str) -> str:
    """Tell what became of `test_slow_work`."""
    with anyio.move_on_after(1):
        if STATES.get(name) == "working":
            await CHANGED[name].wait()
    return STATES.get(name, "unknown")


@mcp.tool
async def test_busy_work(ctx: Context, steps: int = 1000) -> str:
    """Do many tiny steps, and report not too many."""
    last = 0.0
    for step in range(1, steps + 1):
        if time.monotonic() - last >= SPACING:
            last = time.monotonic()
            await ctx.report_progress(step, steps)
        await asyncio.sleep(0)
    return "Done"
