"""A connection over stdio on which a client looks before it decides."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import UNSUPPORTED_PROTOCOL_VERSION, JSONRPCError, JSONRPCRequest, JSONRPCResponse

from inverted import AgentServer, MemoryStore, Run
from inverted.server.opening import discovery_decides_nothing

KEYS = ["a key for tests, long enough to be one"]
ENVELOPE = "io.modelcontextprotocol/"
CLIENT = {"name": "copilot-cli", "version": "1"}
MODERN: dict[str, Any] = {
    "_meta": {
        f"{ENVELOPE}protocolVersion": "2026-07-28",
        f"{ENVELOPE}clientInfo": CLIENT,
        f"{ENVELOPE}clientCapabilities": {},
    }
}
LEGACY: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": CLIENT,
}
CALL: dict[str, Any] = {"name": "greet", "arguments": {}}


class Line:
    """Requests and replies as they travel, one after the other."""

    def __init__(
        self,
        out: MemoryObjectSendStream[SessionMessage | Exception],
        back: MemoryObjectReceiveStream[SessionMessage],
    ) -> None:
        self._out = out
        self._back = back
        self._id = 0

    async def send(self, method: str, params: dict[str, Any]) -> Any:
        """The result, or the code of the error."""
        self._id += 1
        request = JSONRPCRequest(jsonrpc="2.0", id=self._id, method=method, params=params)
        await self._out.send(SessionMessage(request))
        with anyio.fail_after(10):
            reply = (await self._back.receive()).message
        assert isinstance(reply, JSONRPCResponse | JSONRPCError)
        assert reply.id == self._id
        return reply.error.code if isinstance(reply, JSONRPCError) else reply.result


@asynccontextmanager
async def line() -> AsyncGenerator[Line]:
    """A connection to a server of one agent."""
    server = AgentServer("opening", store=MemoryStore(), keys=KEYS)

    @server.agent
    async def greet(run: Run) -> str:
        """Greet."""
        return "hello"

    low = server._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    out, read = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    write, back = anyio.create_memory_object_stream[SessionMessage](1)
    with discovery_decides_nothing(server):
        async with anyio.create_task_group() as tasks, read, back:
            tasks.start_soon(low.run, read, write, low.create_initialization_options())
            yield Line(out, back)
            out.close()
            # The server closes its end when it has nothing more to say.
            with anyio.fail_after(10):
                assert [each async for each in back] == []


async def test_a_client_may_initialize_after_it_discovered() -> None:
    async with line() as client:
        assert "2026-07-28" in (await client.send("server/discover", MODERN))["supportedVersions"]
        initialized = await client.send("initialize", LEGACY)
        assert initialized["protocolVersion"] == "2025-11-25"
        called = await client.send("tools/call", CALL)
    assert called["structuredContent"] == {"result": "hello"}


async def test_a_client_may_go_on_as_it_discovered() -> None:
    async with line() as client:
        await client.send("server/discover", MODERN)
        called = await client.send("tools/call", {**CALL, **MODERN})
        assert called["resultType"] == "complete"
        # It has used the connection: another era is too late.
        assert await client.send("initialize", LEGACY) == UNSUPPORTED_PROTOCOL_VERSION


async def test_a_client_may_initialize_at_once() -> None:
    async with line() as client:
        assert (await client.send("initialize", LEGACY))["protocolVersion"] == "2025-11-25"
        called = await client.send("tools/call", CALL)
    assert called["structuredContent"] == {"result": "hello"}


async def test_afterwards_the_server_runs_as_it_did() -> None:
    server = AgentServer("opening", store=MemoryStore(), keys=KEYS)
    low: Any = server._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    before = low.run
    with discovery_decides_nothing(server):
        assert low.run != before
    assert low.run == before
