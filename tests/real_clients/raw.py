"""A client of plain JSON-RPC that greets a server as GitHub Copilot CLI does.

It sends `server/discover` for 2026-07-28, and then initializes with 2025-11-25 on the same
connection: https://github.com/github/copilot-cli/issues/4888.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
from collections.abc import AsyncGenerator
from typing import Any, Protocol

import httpx2

from tests.real_clients.bridge import LONGEST_LINE, called, ended
from tests.real_clients.client import Called, Connected, Era, Hands, RealClient
from tests.real_clients.people import answer

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
ENVELOPE = "io.modelcontextprotocol/"
INFO = {"name": "copilot-cli", "version": "1.0.85"}
HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
}

Message = dict[str, Any]


class _Pipe(Protocol):
    """Sends a message, and gives what the server says to it."""

    def send(self, message: Message) -> AsyncGenerator[Message]: ...


class _Lines:
    """Over stdio."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def send(self, message: Message) -> AsyncGenerator[Message]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()
        while "id" in message and "method" in message:
            line = await self._process.stdout.readline()
            if not line:
                raise ConnectionError("the server ended")
            yield json.loads(line)


class _Posts:
    """Over Streamable HTTP: an answer is JSON, or a stream of events."""

    def __init__(self, http: httpx2.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url
        self._session: dict[str, str] = {}

    async def send(self, message: Message) -> AsyncGenerator[Message]:
        headers = {**HEADERS, **self._session}
        if message.get("method") == "server/discover":
            headers |= {"mcp-protocol-version": MODERN, "mcp-method": "server/discover"}
        async with self._http.stream("POST", self._url, json=message, headers=headers) as reply:
            if "mcp-session-id" in reply.headers:
                self._session = {
                    "mcp-session-id": reply.headers["mcp-session-id"],
                    "mcp-protocol-version": LEGACY,
                }
            if reply.headers.get("content-type", "").startswith("text/event-stream"):
                async for line in reply.aiter_lines():
                    if line.startswith("data: {"):
                        yield json.loads(line.removeprefix("data: "))
            elif body := await reply.aread():
                yield json.loads(body)


class _Raw:
    """One connection. Implements `Connected`."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe
        self._ids = itertools.count(1)
        self.version: str | None = None

    async def greet(self, hands: Hands) -> None:
        """Discover, and initialize all the same."""
        about = {"protocolVersion": MODERN, "clientInfo": INFO, "clientCapabilities": {}}
        meta = {f"{ENVELOPE}{name}": value for name, value in about.items()}
        found = await self._request("server/discover", {"_meta": meta})
        assert MODERN in found["supportedVersions"], found
        capabilities: dict[str, Any] = {}
        if hands.model != "none":
            capabilities["sampling"] = {"tools": {}} if hands.model == "tools" else {}
        if hands.person:
            capabilities["elicitation"] = {"form": {}}
        params = {"protocolVersion": LEGACY, "clientInfo": INFO, "capabilities": capabilities}
        self.version = (await self._request("initialize", params))["protocolVersion"]
        await self._tell({"method": "notifications/initialized"})

    async def tools(self) -> list[dict[str, Any]]:
        return (await self._request("tools/list", {}))["tools"]

    async def call(self, tool: str, arguments: dict[str, Any], progress: object = None) -> Called:
        return called(await self._request("tools/call", {"name": tool, "arguments": arguments}))

    async def _request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        id = next(self._ids)
        request = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        async with contextlib.aclosing(self._pipe.send(request)) as replies:
            async for message in replies:
                if "id" in message and "method" in message:
                    said = answer(message["method"], message["params"])
                    await self._tell({"id": message["id"], "result": said})
                elif message.get("id") == id and "error" in message:
                    raise ConnectionError(f"{method}: {message['error']['message']}")
                elif message.get("id") == id:
                    return message["result"]
        raise ConnectionError(f"{method} was not answered")

    async def _tell(self, message: Message) -> None:
        async for _ in self._pipe.send({"jsonrpc": "2.0", **message}):
            pass


@contextlib.asynccontextmanager
async def _open(era: Era, where: list[str] | str, hands: Hands) -> AsyncGenerator[Connected]:
    async with contextlib.AsyncExitStack() as stack:
        if isinstance(where, str):
            http = await stack.enter_async_context(httpx2.AsyncClient(timeout=30))
            raw = _Raw(_Posts(http, where))
        else:
            process = await asyncio.create_subprocess_exec(
                *where,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                limit=LONGEST_LINE,
            )
            stack.push_async_callback(ended, process)
            raw = _Raw(_Lines(process))
        await raw.greet(hands)
        yield raw


RAW = RealClient(
    "JSON-RPC as Copilot CLI begins",
    _open,
    eras=("2025-11-25",),
    lacks={"progress": "one request at a time"},
)
