"""Streamable HTTP by hand: one loopback port for a whole run, one path for each scenario."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol

import anyio
import uvicorn

from inverted_conformance.client_mode.exchange import Exchange

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]

LARGEST: Final = 4_000_000
"""Bytes of one message of the client; what is longer is refused."""

HOST: Final = "127.0.0.1"


class Room(Protocol):
    """What answers under one path."""

    def posted(self, body: bytes, headers: dict[str, str]) -> Exchange | int:
        """Take a POST. Returns the request in it, or the HTTP status if there is none."""
        ...

    def opened(self) -> Exchange | None:
        """Take a GET: the stream beside the requests. `None` if there is none."""
        ...

    def visited(self, path: str) -> None:
        """Note that somebody looked at a page."""
        ...


class Site:
    """The rooms of a run. It is an ASGI application.

    Attributes:
        rooms: What answers under which first part of the path.
        port: Where.
    """

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.port = 0

    def url(self, name: str, path: str = "mcp") -> str:
        """The address of something in a room.

        Args:
            name: The room.
            path: What.
        """
        return f"http://{HOST}:{self.port}/{name}/{path}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        name, _, path = str(scope["path"]).lstrip("/").partition("/")
        room = self.rooms.get(name)
        if room is None:
            await _plain(send, 404)
        elif path != "mcp":
            room.visited(path)
            await _plain(send, 200)
        elif scope["method"] == "POST":
            await self._post(room, scope, receive, send)
        elif scope["method"] == "GET":
            await self._get(room, receive, send)
        else:
            await _plain(send, 204 if scope["method"] == "DELETE" else 405)

    async def _post(self, room: Room, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        headers = {
            name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        found = 413 if body is None else room.posted(body, headers)
        if isinstance(found, int):
            await _plain(send, found)
        elif found.streamed:
            await _stream(found, receive, send)
        else:
            await _document(found, receive, send)

    async def _get(self, room: Room, receive: Receive, send: Send) -> None:
        found = room.opened()
        if found is None:
            await _plain(send, 405)
        else:
            await _stream(found, receive, send)


async def _body(receive: Receive) -> bytes | None:
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if len(body) > LARGEST or part["type"] == "http.disconnect":
            return None
        if not part.get("more_body"):
            return body


async def _plain(send: Send, status: int) -> None:
    length = [(b"content-length", b"0")] if status != 204 else []  # noqa: PLR2004 - No Content
    await send({"type": "http.response.start", "status": status, "headers": length})
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, kind: bytes) -> None:
    headers = [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"mcp-session-id", b"conformance"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _document(exchange: Exchange, receive: Receive, send: Send) -> None:
    async with _until_left(exchange, receive):
        async for text in exchange.outgoing():
            await _start(send, exchange.status, b"application/json")
            await send({"type": "http.response.body", "body": text.encode()})
            break


async def _stream(exchange: Exchange, receive: Receive, send: Send) -> None:
    await _start(send, 200, b"text/event-stream")
    async with _until_left(exchange, receive):
        async for text in exchange.outgoing():
            event = "".join(f"data: {line}\n" for line in text.split("\n"))
            body = f"event: message\n{event}\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def _until_left(exchange: Exchange, receive: Receive) -> AsyncGenerator[None]:
    """Run the body until it is done or the client closes the connection."""
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            if not exchange.done:
                exchange.left.set()
            group.cancel_scope.cancel()

        group.start_soon(watch)
        yield
        group.cancel_scope.cancel()


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the program that runs the suite."""
        yield


@asynccontextmanager
async def serving(site: Site) -> AsyncGenerator[None]:
    """Serve a site on a free loopback port while the body runs.

    Args:
        site: It is told its port.
    """
    config = uvicorn.Config(
        site,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    with socket.create_server((HOST, 0)) as listening:
        site.port = listening.getsockname()[1]
        server = _Quiet(config)
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listening])
            try:
                yield
            finally:
                server.should_exit = True
