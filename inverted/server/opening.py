"""How a client may open a connection over stdio: it may look before it decides.

The SDK decides the era of a connection by its first request, also when that is `server/discover`.
Some clients probe with it and then initialize with an older revision all the same, as GitHub
Copilot CLI does (https://github.com/github/copilot-cli/issues/4888). The specification has it that
`initialize` selects the older semantics, and that both eras may be served by one process. So a
connection on which nothing but discovery has happened may still be initialized.

Goes when the SDK's `serve_dual_era_loop` lets `initialize` follow `server/discover`.

Source: specification 2026-07-28, basic/versioning, "Compatibility Matrix"; the SDK's decision is
https://github.com/modelcontextprotocol/python-sdk/pull/3152.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Final

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from fastmcp import FastMCP
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest

DISCOVER: Final = "server/discover"
INITIALIZE: Final = "initialize"

Item = SessionMessage | Exception
Serve = Callable[..., Coroutine[Any, Any, None]]


@contextlib.contextmanager
def discovery_decides_nothing(server: FastMCP[Any]) -> Generator[None]:
    """While this lasts, connections of the server may be initialized after a discovery.

    Args:
        server: The server, whose connections come one by one over a pair of streams.
    """
    low: Any = server._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # there is no public way below FastMCP
    low.run = partial(_run, low.run)
    try:
        yield
    finally:
        del low.run  # that of the class is there again


async def _run(serve: Serve, read: Any, write: Any, *args: Any, **settings: Any) -> None:
    """Serve a connection: `Server.run`, and once more for what follows a late `initialize`."""
    async with write, anyio.create_task_group() as serving, contextlib.AsyncExitStack() as opened:

        def begin() -> MemoryObjectSendStream[Item]:
            sender, receiver = anyio.create_memory_object_stream[Item]()
            opened.enter_context(sender)
            serving.start_soon(partial(serve, receiver, write.clone(), *args, **settings))
            return sender

        current = begin()
        asked: set[str] = set()
        async for item in read:
            method = _method(item)
            if method == INITIALIZE and asked == {DISCOVER}:
                # The first one has no more to read, and may still have to tell what it found.
                current = begin()
            if method is not None:
                asked.add(method)
            await current.send(item)


def _method(item: Item) -> str | None:
    """The method of a request; None for everything else."""
    if isinstance(item, SessionMessage) and isinstance(item.message, JSONRPCRequest):
        return item.message.method
    return None
