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
from benchmarks.measure import Effort, Side, in_turns
from benchmarks.rounds import agent_server
from benchmarks.rows import Goal, Row, Value

LENGTHS = {"2,000": 2000, "500": 500, "20,480": LONG}
"""Characters of an answer; the first is the row, the others are printed beside."""


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
        sides: dict[str, Side] = {}
        for name, length in LENGTHS.items():
            wanted = expected("benchmarks", length)
            servers = {"ours": agent_server(":memory:"), "theirs": direct_server()}
            for side, server in servers.items():
                client = Client(server, sampling_handler=model(length), mode="legacy")
                await stack.enter_async_context(client)
                sides[f"{side} {name}"] = partial(timed_call, client, "digest", wanted)
        times = await in_turns(sides, effort)
    first, *others = LENGTHS
    beside: dict[str, Value] = {
        "by processor time, ratio": times.processor_ratio(f"ours {first}", f"theirs {first}")
    }
    for name in others:
        ours, theirs = times.median(f"ours {name}"), times.median(f"theirs {name}")
        beside |= {
            f"answers of {name} characters (ms)": ours * 1000,
            f"answers of {name} characters, theirs (ms)": theirs * 1000,
            f"answers of {name} characters, ratio": ours / theirs,
        }
    return [
        Row(
            "9 samples on the back-channel",
            "ms",
            times.median(f"ours {first}") * 1000,
            times.median(f"theirs {first}") * 1000,
            Goal("ratio", at_most=1.05),
            times.spread(f"ours {first}", f"theirs {first}"),
            beside,
        )
    ]
