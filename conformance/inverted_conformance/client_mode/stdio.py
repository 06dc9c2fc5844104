"""stdio: the client starts a program as its server, and that leads its pipes to the suite.

`pipe` is that program; it comes over a loopback port of the scenario's own. Both ways carry one
message a line (2026-07-28, basic/transports/stdio).
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream

from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.server import FLOOD, Server
from inverted_conformance.client_mode.site import HOST, LARGEST

PIPE: Final = Path(__file__).with_name("pipe.py")
GREETING: Final = 5.0
"""Seconds that whoever connects has to say the word."""

GONE: Final = (
    OSError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    anyio.IncompleteRead,
)
"""How a connection ends."""


async def listen(server: Server, tasks: TaskGroup) -> list[str]:
    """Let a client start a server that leads to the suite.

    Args:
        server: What answers.
        tasks: Where that happens; the port is closed with it.

    Returns:
        The command line of the server that the client shall start.
    """
    server.stdio = True
    token = secrets.token_hex(16)
    listener = await anyio.create_tcp_listener(local_host=HOST)
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no query of Django

    async def joined(stream: SocketStream) -> None:
        async with stream:
            with suppress(*GONE, TimeoutError, anyio.DelimiterNotFound):
                await _converse(server, stream, token)

    async def serve() -> None:
        async with listener:
            await listener.serve(joined)

    tasks.start_soon(serve)
    # Without site and environment: it starts fast, and a client may give its servers neither.
    return [sys.executable, "-I", "-S", str(PIPE), f"{HOST}:{port}", token]


async def _converse(server: Server, stream: SocketStream, token: str) -> None:
    lines = BufferedByteReceiveStream(stream)
    with anyio.fail_after(GREETING):
        said = await lines.receive_until(b"\n", len(token) + 1)
    if not secrets.compare_digest(said, token.encode()):
        return
    server.joined()
    sending = anyio.Lock()
    taken: list[Exchange] = []

    async def answer(exchange: Exchange) -> None:
        with suppress(*GONE):
            async for text in exchange.outgoing():
                async with sending:
                    await stream.send(text.encode() + b"\n")

    async with anyio.create_task_group() as tasks:
        with suppress(*GONE):
            async for exchange in _requests(server, lines):
                taken.append(exchange)
                tasks.start_soon(answer, exchange)
        for exchange in taken:
            if not exchange.done:
                exchange.left.set()
        server.tell()
        tasks.cancel_scope.cancel()


async def _requests(server: Server, lines: BufferedByteReceiveStream) -> AsyncGenerator[Exchange]:
    """What the client asks for, until it sends more than anybody should."""
    try:
        while (found := _posted(server, await lines.receive_until(b"\n", LARGEST))) != FLOOD:
            if isinstance(found, Exchange):
                yield found
    except anyio.DelimiterNotFound:
        server.fault(f"The client sent {LARGEST} bytes without the end of a line.")


def _posted(server: Server, line: bytes) -> Exchange | int:
    try:
        return server.posted(line, {})
    except Exception as error:  # noqa: BLE001 - what a stranger sends must not end the run
        server.fault(f"The suite could not take a message: {type(error).__name__}: {error}")
        return 500
