"""Tools that run as tasks: `fastmcp[tasks]` serves them on 2026-07-28."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Final

import mcp_types as types
from fastmcp import Context
from fastmcp.exceptions import ToolError
from fastmcp.utilities.tasks import TaskConfig
from mcp.shared.exceptions import MCPError

from targets.fastmcp_server.app import mcp
from targets.fastmcp_server.asking import asked, form, question, texts
from targets.fastmcp_server.rounds import Round, asks, field, fields

SOON: Final = timedelta(milliseconds=50)
ALWAYS: Final = TaskConfig(mode="required", poll_interval=SOON)
MAYBE: Final = TaskConfig(mode="optional", poll_interval=SOON)

finished_labels: Final[list[str]] = []


@mcp.tool
async def greet(name: str) -> str:
    """Say hello at once; never as a task."""
    return f"Hello, {name}!"


@mcp.tool(task=MAYBE)
async def slow_compute(ctx: Context, seconds: float, label: str = "") -> str:
    """Wait, then answer."""
    for step in (1, 2):
        await asyncio.sleep(seconds / 2)
        await ctx.report_progress(step, 2)
    finished_labels.append(label)
    return f"Computed {label}"


@mcp.tool
async def finished_jobs() -> str:
    """Tell which jobs ran to their end."""
    return "\n".join(finished_labels)


@mcp.tool(task=ALWAYS)
async def failing_job() -> str:
    """Fail as a tool fails."""
    raise ToolError("This job fails")


@mcp.tool(task=ALWAYS)
async def protocol_error_job() -> str:
    """Fail with an error of the protocol."""
    raise MCPError(types.INTERNAL_ERROR, "This job breaks", {"job": 1})


@mcp.tool(task=ALWAYS)
async def confirm_delete(ctx: Context, filename: str) -> Round:
    """Ask the person inside the task."""
    got = await asked(ctx, person=form(f"Delete {filename}?", fields(confirm="boolean")))
    if asks(got):
        return got
    answer: types.ElicitResult = got["person"]
    return f"action={answer.action}, content={answer.content}"


@mcp.tool(task=ALWAYS)
async def multi_round_job(ctx: Context) -> Round:
    """Ask two things at once, then a third."""
    names: list[str] = json.loads(ctx.request_state or "[]")
    if not names:
        part = fields(name="string", confirm="boolean")
        got = await asked(ctx, first=form("First?", part), second=form("Second?", part))
        if asks(got):
            return got
        names = [field(got[key], "name") for key in ("first", "second")]
    got = await asked(ctx, state=json.dumps(names), model=question("Third?"))
    return got if asks(got) else "\n".join([*names, texts(got["model"])])


@mcp.tool(task=MAYBE)
async def test_tool_with_task(ctx: Context) -> Round:
    """Ask for a name, then work; FastMCP makes the whole call a task."""
    got = await asked(ctx, user_name=form("What is your name?", fields(name="string")))
    if asks(got):
        return got
    await asyncio.sleep(0.05)
    return f"Done for {field(got['user_name'], 'name')}"
