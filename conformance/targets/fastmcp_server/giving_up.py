"""Tools that watch their own requests to the client, or give up on them (2025-11-25)."""

from __future__ import annotations

import asyncio
from typing import Any

import mcp_types as types
from fastmcp import Context
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata

from targets.fastmcp_server.app import mcp
from targets.fastmcp_server.asking import question, texts

PATIENCE = 0.3


@mcp.tool
async def test_impatient_sampling(ctx: Context) -> str:
    """Ask the client's model, but give up after 0.3 seconds."""
    try:
        return await _asked(ctx, "Take your time", PATIENCE)
    except MCPError as error:
        if error.error.code != types.REQUEST_TIMEOUT:
            raise
        return "Gave up"


@mcp.tool
async def test_watched_sampling(ctx: Context) -> str:
    """Ask the client's model two things at once, each with a progress token."""

    async def progress(*_: Any) -> None:
        pass

    both = (_asked(ctx, prompt, None, progress) for prompt in ("One", "Two"))
    return "\n".join(await asyncio.gather(*both))


async def _asked(
    ctx: Context, prompt: str, patience: float | None, progress: Any | None = None
) -> str:
    answer = await ctx.session.send_request(
        question(prompt),
        types.CreateMessageResult,
        patience,
        ServerMessageMetadata(related_request_id=ctx.request_id),
        progress,
    )
    return texts(answer)
