"""How a scripted host reaches a server: the transports, also for a server in this process.

- a `FastMCP` is served here: over memory, over the lines of stdio, or over HTTP on a free port;
- a command or a Python file is started as a process and spoken to over its stdin and stdout;
- a URL is Streamable HTTP.

Everything that speaks is the SDK's; only the plumbing is here. Called by `host`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Unpack, cast

import anyio
import anyio.abc
import uvicorn
from anyio.streams.buffered import BufferedByteReceiveStream
from fastmcp import FastMCP
from fastmcp.client.transports import (
    ClientTransport,
    FastMCPTransport,
    StdioTransport,
    StreamableHttpTransport,
)
from fastmcp.client.transports.base import SessionKwargs, TransportOptions
from mcp import ClientSession
from mcp.server.stdio import stdio_server
from starlette.applications import Starlette

Transport = Literal["memory", "stdio", "http"]
Target = FastMCP[Any] | str | Path | Sequence[str]
"""A server object, a URL, the path of a Python file, or a command."""

LONGEST_LINE: Final = 64 * 1024 * 1024


@contextlib.asynccontextmanager
async def reach(
    target: Target, transport: Transport, headers: dict[str, str] | None = None
) -> AsyncGenerator[ClientTransport]:
    """A way to the server, which is served meanwhile if it is an object.

    Args:
        target: The server.
        transport: How to reach a server object; a URL or a command say it themselves.
        headers: HTTP headers of every request.

    Raises:
        ValueError: Headers for a server that is not reached over HTTP.
    """
    if isinstance(target, FastMCP) and transport == "http":
        async with serve_http(target) as url:
            yield StreamableHttpTransport(url, headers=headers)
        return
    if isinstance(target, str) and target.startswith(("http://", "https://")):
        yield StreamableHttpTransport(target, headers=headers)
        return
    if headers:
        raise ValueError("headers are for HTTP; use transport='http' or a URL")
    if isinstance(target, FastMCP):
        yield FastMCPTransport(target) if transport == "memory" else LineTransport(target)
        return
    command = [sys.executable, str(target)] if isinstance(target, str | Path) else list(target)
    # The whole environment: a server under test finds what the test finds.
    yield StdioTransport(command[0], command[1:], env=dict(os.environ), keep_alive=False)


@contextlib.asynccontextmanager
async def serve_http(server: FastMCP[Any], **settings: Any) -> AsyncGenerator[str]:
    """Serve a server object over Streamable HTTP on a free port of this machine.

    Args:
        server: The server.
        settings: Anything that `FastMCP.http_app` takes.

    Yields:
        Its URL.
    """
    async with serve_app(server.http_app(**settings)) as url:
        yield f"{url}/mcp"


@contextlib.asynccontextmanager
async def serve_app(app: Starlette) -> AsyncGenerator[str]:
    """Serve a web application on a free port of this machine.

    Args:
        app: The application.

    Yields:
        Its origin.
    """
    # asyncio switches Nagle's delay off only for a socket that says that it is TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(
            app, log_level="critical", lifespan="on", timeout_graceful_shutdown=1
        )
        http = _Uvicorn(config)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(http.serve, [listener])
            try:
                await http.up.wait()
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                # Also when the test is cancelled: what the server runs must not outlive it.
                with anyio.CancelScope(shield=True):
                    http.stop.set()
                    await http.down.wait()


class _Uvicorn(uvicorn.Server):
    """Says when it is up, stops when told, and leaves the signals to the test runner."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = anyio.Event()
        self.stop = anyio.Event()
        self.down = anyio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await super().serve(sockets)
        finally:
            self.down.set()

    async def main_loop(self) -> None:
        self.up.set()
        await self.stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class LineTransport(ClientTransport):
    """The stdio transport for a server object: the same lines, through a socket pair."""

    def __init__(self, server: FastMCP[Any]) -> None:
        self._server = server

    @contextlib.asynccontextmanager
    async def connect_session(
        self,
        *,
        transport_options: TransportOptions | None = None,
        **session_kwargs: Unpack[SessionKwargs],
    ) -> AsyncGenerator[ClientSession]:
        """See `ClientTransport.connect_session`."""
        session_class = (transport_options or TransportOptions()).session_class
        # FastMCP has no public way to serve given streams; its own transports use the same two.
        served = self._server._mcp_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        lifespan = self._server._lifespan_manager()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        async with _Lines.pair() as (ours, theirs), lifespan, anyio.create_task_group() as tasks:

            async def serve() -> None:
                async with stdio_server(theirs.file, theirs.file) as (read, write):
                    await served.run(read, write, served.create_initialization_options())

            tasks.start_soon(serve)
            # The framing is the same in both directions, so one function serves both ends.
            async with (
                stdio_server(ours.file, ours.file) as (read, write),
                session_class(read, write, **session_kwargs) as session,
            ):
                yield session
                tasks.cancel_scope.cancel()


class _Lines:
    """One end of a socket, with the few methods of a text file that the SDK's stdio uses."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream
        self._reader = BufferedByteReceiveStream(stream)

    @property
    def file(self) -> anyio.AsyncFile[str]:
        return cast("anyio.AsyncFile[str]", self)

    @classmethod
    @contextlib.asynccontextmanager
    async def pair(cls) -> AsyncGenerator[tuple[_Lines, _Lines]]:
        left, right = socket.socketpair()
        async with (
            await anyio.abc.SocketStream.from_socket(left) as one,
            await anyio.abc.SocketStream.from_socket(right) as other,
        ):
            yield cls(one), cls(other)

    async def __aiter__(self) -> AsyncIterator[str]:
        with contextlib.suppress(anyio.EndOfStream, anyio.IncompleteRead):
            while True:
                line = await self._reader.receive_until(b"\n", LONGEST_LINE)
                yield line.decode()

    async def write(self, text: str) -> None:
        await self._stream.send(text.encode())

    async def flush(self) -> None:
        pass
