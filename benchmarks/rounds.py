"""2026-07-28: an agent of nine sampling rounds against the same written by hand as a guard tool."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from fastmcp import Client, Context, FastMCP
from mcp.server.request_state import RequestStateSecurity
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    InputRequiredResult,
    SamplingMessage,
    TextContent,
)

from benchmarks.load import (
    KEY,
    LONG,
    ROUNDS,
    bytes_of_call,
    expected,
    model,
    question,
    summary,
    timed_call,
)
from benchmarks.measure import Effort, Side, in_turns
from benchmarks.rows import Goal, Row
from inverted import AgentServer, Run, SQLiteStore
from inverted.stores import Store


def agent_server(store: Store | str) -> AgentServer:
    """Ours: straight-line code."""
    server = AgentServer("ours", store=store, keys=[KEY])

    @server.agent
    async def digest(run: Run, topic: str) -> str:
        return summary(
            [(await run.sample(question(topic, number))).text or "" for number in range(ROUNDS)]
        )

    return server


def guard_server() -> FastMCP[Any]:
    """Theirs: a tool that is called again every round, with the answers in its sealed state."""
    server: FastMCP[Any] = FastMCP(
        "theirs", request_state_security=RequestStateSecurity(keys=[KEY])
    )

    @server.tool
    async def digest(topic: str, ctx: Context) -> str | InputRequiredResult:
        state, responses = ctx.request_state, ctx.input_responses
        answers: list[str] = json.loads(state) if state else []
        if responses:
            reply = responses["answer"]
            if not isinstance(reply, CreateMessageResult) or not isinstance(
                reply.content, TextContent
            ):
                raise TypeError("the client must answer with text")
            answers.append(reply.content.text)
        if len(answers) == ROUNDS:
            return summary(answers)
        text = TextContent(type="text", text=question(topic, len(answers)))
        return InputRequiredResult(
            input_requests={
                "answer": CreateMessageRequest(
                    params=CreateMessageRequestParams(
                        messages=[SamplingMessage(role="user", content=text)], max_tokens=4096
                    )
                )
            },
            request_state=json.dumps(answers),
        )

    return server


def rows(effort: Effort) -> list[Row]:
    """Time and bytes of the whole call."""
    return asyncio.run(_measure(effort))


async def _measure(effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        servers: dict[str, FastMCP[Any]] = {
            "ours": agent_server(":memory:"),
            "theirs": guard_server(),
            "sqlite": agent_server(SQLiteStore(Path(directory) / "runs.sqlite")),
        }
        wanted = expected("benchmarks", LONG)
        async with AsyncExitStack() as stack:
            sides: dict[str, Side] = {}
            for name, server in servers.items():
                client = Client(server, sampling_handler=model(LONG), mode="auto")
                await stack.enter_async_context(client)
                sides[name] = partial(timed_call, client, "digest", wanted)
            times = await in_turns(sides, effort)
        wire = {
            name: await bytes_of_call(server, "digest", LONG) for name, server in servers.items()
        }
    milliseconds = {name: times.median(name) * 1000 for name in servers}
    return [
        Row(
            "9 rounds of 20 KB, time",
            "ms",
            milliseconds["ours"],
            milliseconds["theirs"],
            Goal("ratio", at_most=0.9),
            times.spread("ours", "theirs"),
            {
                "by processor time, ratio": times.processor_ratio("ours", "theirs"),
                "on SQLite, synchronous=full (ms)": milliseconds["sqlite"],
                "on SQLite, ratio": milliseconds["sqlite"] / milliseconds["theirs"],
            },
        ),
        Row(
            "9 rounds of 20 KB, bytes on the wire",
            "bytes",
            wire["ours"],
            wire["theirs"],
            Goal("ratio", at_most=0.2),
        ),
    ]
