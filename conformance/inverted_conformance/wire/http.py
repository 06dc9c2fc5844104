"""A peer behind a URL: Streamable HTTP as each revision has it, without repairing anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import anyio
import httpx2 as httpx
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from inverted_conformance.scenario import Wire
from inverted_conformance.wire.channel import LARGEST, MOST, Arrived, read
from inverted_conformance.wire.transcript import Message

SESSION: Final = "mcp-session-id"
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"

NAMED_BY: Final = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
"""The parameter that the header `Mcp-Name` repeats, by method."""


class HttpChannel:
    """A connection over HTTP: one exchange for each message, and one stream that stays open."""

    def __init__(
        self, url: str, wire: Wire, tasks: TaskGroup, headers: Mapping[str, str] | None = None
    ) -> None:
        self._url: Final = url
        self._wire: Final = wire
        self._tasks: Final = tasks
        self._own: Final = dict(headers or {})
        self._client: Final = httpx.AsyncClient(timeout=httpx.Timeout(None, connect=10))
        self._streams: Final[dict[int | str, anyio.CancelScope]] = {}
        self._all: Final = anyio.CancelScope()
        self.session: str | None = None
        """The session's name, if the server gave one (2025-11-25)."""

        made = anyio.create_memory_object_stream[Arrived](MOST)
        self._in: Final[MemoryObjectSendStream[Arrived]] = made[0]
        self._out: Final[MemoryObjectReceiveStream[Arrived]] = made[1]

    async def send(self, message: Message, headers: Mapping[str, str] | None = None) -> None:
        """Post a message; what comes back arrives like everything else."""
        self._tasks.start_soon(self._post, message, headers or {})

    async def receive(self) -> Arrived:
        """Wait for what comes on any stream."""
        try:
            return await self._out.receive()
        except anyio.ClosedResourceError:
            raise anyio.EndOfStream from None

    def listen(self) -> None:
        """Open the stream for what belongs to no request (2025-11-25)."""
        self._tasks.start_soon(self._listen)

    def abandon(self, id: int | str) -> bool:
        """Close the stream of a request."""
        scope = self._streams.get(id)
        if scope is not None:
            scope.cancel()
        return True

    async def aclose(self) -> None:
        """End every stream, and the session if there is one."""
        for scope in [*self._streams.values(), self._all]:
            scope.cancel()
        with anyio.move_on_after(2, shield=True):
            if self.session is not None:
                with suppress(httpx.HTTPError):  # the server may be gone, or keep its sessions
                    await self._client.delete(self._url, headers=self._headers(None, {}))
            await self._client.aclose()
        self._in.close()
        self._out.close()

    def _headers(self, message: Message | None, more: Mapping[str, str]) -> dict[str, str]:
        headers = {"accept": f"{JSON}, {EVENTS}", **self._own}
        method = str((message or {}).get("method", ""))
        if message is not None:
            headers["content-type"] = JSON
        if self._wire == "2026-07-28":
            headers["mcp-protocol-version"] = self._wire
            if method:
                headers["mcp-method"] = method
            name = (message or {}).get("params", {}).get(NAMED_BY.get(method, ""))
            if isinstance(name, str):
                headers["mcp-name"] = name
        elif method != "initialize":
            headers["mcp-protocol-version"] = self._wire
            if self.session is not None:
                headers[SESSION] = self.session
        headers.update({name.lower(): value for name, value in more.items()})
        return {name: value for name, value in headers.items() if value}

    async def _post(self, message: Message, more: Mapping[str, str]) -> None:
        id = message.get("id") if "method" in message else None
        with anyio.CancelScope() as scope:
            if id is not None:
                self._streams[id] = scope
            await self._exchange("POST", id, message, more)
        if id is not None and self._streams.get(id) is scope:
            del self._streams[id]

    async def _listen(self) -> None:
        with self._all:
            await self._exchange("GET", None, None, {})

    async def _exchange(
        self, verb: str, id: int | str | None, message: Message | None, more: Mapping[str, str]
    ) -> None:
        headers = self._headers(message, more)
        body = None if message is None else json.dumps(message).encode()
        try:
            async with self._client.stream(
                verb, self._url, headers=headers, content=body
            ) as response:
                self.session = response.headers.get(SESSION, self.session)
                async for arrived in _read(response, id):
                    if verb == "GET" and arrived.fault is not None:
                        continue  # a server need not have this stream, and may end it
                    self._in.send_nowait(arrived)
        except httpx.HTTPError as error:
            fault = f"broke the exchange: {type(error).__name__} {error}".rstrip()
            if verb == "POST":
                self._give(Arrived(None, id, fault=fault))
        except anyio.WouldBlock:
            self._give(Arrived(None, id, fault=f"sent more than {MOST} messages"))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass  # the connection was ended meanwhile

    def _give(self, arrived: Arrived) -> None:
        try:
            self._in.send_nowait(arrived)
        except (anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._in.close()


async def _read(response: httpx.Response, id: int | str | None) -> AsyncIterator[Arrived]:
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == EVENTS and response.is_success:
        async for data in _events(response):
            arrived = data if isinstance(data, Arrived) else read(data, of=id, status=status)
            yield replace(arrived, streamed=True)
        if id is not None:
            yield Arrived(None, id, status, "ended the stream")
        return
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST:
            yield Arrived(None, id, status, f"sent a message of more than {LARGEST} bytes")
            return
    if kind == JSON and body.strip():
        yield read(bytes(body), of=id, status=status)
    elif id is not None or status >= HTTPStatus.BAD_REQUEST:
        shown = bytes(body[:200]).decode("utf-8", "replace")
        yield Arrived(
            None,
            id,
            status,
            f"answered with HTTP {status} and no message ({kind or 'no type'}): {shown!r}",
        )


async def _events(response: httpx.Response) -> AsyncIterator[bytes | Arrived]:
    rest = bytearray()
    data: list[bytes] = []
    async for chunk in response.aiter_bytes():
        rest += chunk
        *lines, last = bytes(rest).split(b"\n")
        rest = bytearray(last)
        for line in lines:
            text = line.rstrip(b"\r")
            if text.startswith(b"data:"):
                data.append(text[5:].removeprefix(b" "))
            elif not text and data:
                if any(data):  # an event without data only primes the stream
                    yield b"\n".join(data)
                data = []
        if len(rest) + sum(map(len, data)) > LARGEST:
            yield Arrived(None, None, None, f"sent a message of more than {LARGEST} bytes")
            return
