"""2025-11-25: an agent of nine samples against a tool that sends the requests itself."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from fastmcp import Client, Context, FastMCP
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    SamplingMessage,
    TextContent,
)

from benchmarks.load import LONG, ROUNDS, expected, model, question, summary, timed_call
from benchmarks.measure import Effort, in_turns
from benchmarks.rounds import agent_server
from benchmarks.rows import Goal, Row

SHORT = 500
"""Characters of a short answer, where every cost that does not grow with the answer shows."""


def direct_server() -> FastMCP[Any]:
    """Theirs: a FastMCP tool that talks to the session."""
    server: FastMCP[Any] = FastMCP("theirs")

    @server.tool
    async def digest(topic: str, ctx: Context) -> str:
        request = ctx.request_context
        assert request is not None  # noqa: S101 # a tool call is a request
        session = request._srctx.session  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # FastMCP 4 has no other way to it
        metadata = ServerMessageMetadata(related_request_id=request._srctx.request_id)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        answers: list[str] = []
        for number in range(ROUNDS):
            text = TextContent(type="text", text=question(topic, number))
            result = await session.send_request(
                CreateMessageRequest(
                    params=CreateMessageRequestParams(
                        messages=[SamplingMessage(role="user", content=text)], max_tokens=4096
                    )
                ),
                CreateMessageResult,
                metadata=metadata,
            )
            if not isinstance(result.content, TextContent):
                raise TypeError("the client must answer with text")
            answers.append(result.content.text)
        return summary(answers)

    return server


def rows(effort: Effort) -> list[Row]:
    """Time of the whole call."""
    return asyncio.run(_measure(effort))


async def _measure(effort: Effort) -> list[Row]:
    async with AsyncExitStack() as stack:
        sides: dict[str, Any] = {}
        for length in (LONG, SHORT):
            servers = {"ours": agent_server(":memory:"), "theirs": direct_server()}
            for name, server in servers.items():
                client = Client(server, sampling_handler=model(length), mode="legacy")
                await stack.enter_async_context(client)
                wanted = expected("benchmarks", length)
                sides[f"{name} {length}"] = partial(timed_call, client, "digest", wanted)
        times = await in_turns(sides, effort)
    short = times.median(f"ours {SHORT}"), times.median(f"theirs {SHORT}")
    return [
        Row(
            "9 samples of 20 KB on the back-channel",
            "ms",
            times.median(f"ours {LONG}") * 1000,
            times.median(f"theirs {LONG}") * 1000,
            Goal("ratio", at_most=1.05),
            times.spread(f"ours {LONG}", f"theirs {LONG}"),
            {
                f"answers of {SHORT} characters (ms)": short[0] * 1000,
                f"answers of {SHORT} characters, theirs (ms)": short[1] * 1000,
                f"answers of {SHORT} characters, ratio": short[0] / short[1],
            },
        )
    ]
