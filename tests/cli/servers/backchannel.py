"""A server for 2025-11-25: its tools send their questions while the call is open."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from fastmcp import Context, FastMCP
from fastmcp.server.elicitation import AcceptedElicitation
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    SamplingMessage,
    TextContent,
)

mcp = FastMCP("backchannel", version="0.3")


async def sample(ctx: Context, text: str) -> str:
    context: Any = ctx.request_context
    session = context._srctx.session  # noqa: SLF001 - the only way to it
    result: Any = await session.send_request(
        CreateMessageRequest(
            params=CreateMessageRequestParams(
                messages=[
                    SamplingMessage(role="user", content=TextContent(type="text", text=text))
                ],
                max_tokens=100,
            )
        ),
        CreateMessageResult,
        metadata=ServerMessageMetadata(related_request_id=ctx.request_id),
    )
    block = result.content  # one block, as no tools were offered
    return f"{result.model}: {block.text}"


@mcp.tool
async def research(ctx: Context, topic: str) -> dict[str, Any]:
    """Ask the model twice at once, then the person."""
    notes = await asyncio.gather(
        sample(ctx, f"First half of {topic}"), sample(ctx, f"Second half of {topic}")
    )
    await ctx.report_progress(1, 2, "asked the model")
    await ctx.warning("the person comes next")
    answer = await ctx.elicit("Keep the notes?", response_type=bool)
    kept = isinstance(answer, AcceptedElicitation) and answer.data
    return {"notes": notes, "kept": kept}


@mcp.tool
async def wait_for_ever(ctx: Context, note: str) -> str:
    """Report this process, never end, and write into a file when the call is cancelled."""
    await ctx.report_progress(1, 10, f"process {os.getpid()} waits")
    try:
        await asyncio.Event().wait()
    finally:
        Path(note).write_text("cancelled")  # noqa: ASYNC240 - nothing else runs any more
    return "never"


@mcp.tool
async def die(ctx: Context) -> str:
    """Take the whole server down in the middle of a call."""
    await ctx.report_progress(1, 2, "about to die")
    os.write(2, b"out of memory\n")
    os._exit(9)


@mcp.tool
async def fail() -> str:
    """Fail as tools do."""
    raise ValueError("the disk is full")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        mcp.run("http", port=int(sys.argv[1]), show_banner=False)
    else:
        mcp.run()
