"""Ways to break what the SDK does for the fixture server, for mutants."""

# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

import mcp.server._streamable_http_modern as modern
from mcp.server.context import ServerRequestContext
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import MessageMetadata
from mcp_types import JSONRPCMessage, JSONRPCRequest

Context = ServerRequestContext[Any, Any]
Params = dict[str, Any]

_background: Final[set[asyncio.Task[None]]] = set()


def put(owner: object, name: str, function: Callable[..., Any]) -> None:
    """Put a function in the place of another one.

    Args:
        owner: The class or module that has it.
        name: Its name.
        function: What stands for it.
    """
    setattr(owner, name, function)


def crash() -> None:
    """End the server, as an error does that nobody catches."""
    os._exit(1)


async def tell(ctx: Context, method: str, params: Params) -> None:
    """Send a notification on the stream of a request, whatever it says.

    Args:
        ctx: The request.
        method: The notification's method.
        params: Its parameters.
    """
    await ctx.session._request_outbound.notify(method, params)


def keep_telling(ctx: Context, method: str, params: Params) -> None:
    """Send a notification every 50 ms for two seconds, on the stream that belongs to no request.

    Args:
        ctx: The request that begins it.
        method: The notification's method.
        params: Its parameters.
    """
    outbound = ctx.session._connection.outbound

    async def go_on() -> None:
        for _ in range(40):
            await asyncio.sleep(0.05)
            await outbound.notify(method, params)

    task = asyncio.get_running_loop().create_task(go_on())
    _background.add(task)
    task.add_done_callback(_background.discard)


def requests(change: Callable[[Params], None]) -> None:
    """Change every request that the server sends.

    Args:
        change: Changes the request, with `id`, `method` and `params`, in place.
    """
    right = JSONRPCDispatcher._write

    async def write(
        self: JSONRPCDispatcher[Any], message: JSONRPCMessage, metadata: MessageMetadata = None
    ) -> None:
        if isinstance(message, JSONRPCRequest):
            changed = message.model_dump()
            change(changed)
            message = JSONRPCRequest.model_validate(changed)
        await right(self, message, metadata)

    put(JSONRPCDispatcher, "_write", write)


def notifications(method: str, react: Callable[[Params], None]) -> None:
    """Do something besides what the SDK does for a notification of the client.

    Args:
        method: The notification's method.
        react: What to do with its parameters.
    """
    right = JSONRPCDispatcher._dispatch_notification
    right_too = modern._acknowledge_notification

    def dispatch(self: JSONRPCDispatcher[Any], msg: Any, *rest: Any) -> None:
        if msg.method == method:
            react(msg.params or {})
        right(self, msg, *rest)

    async def acknowledge(decoded: Params, *rest: Any) -> None:
        if decoded.get("method") == method:
            react(decoded.get("params") or {})
        await right_too(decoded, *rest)

    put(JSONRPCDispatcher, "_dispatch_notification", dispatch)
    put(modern, "_acknowledge_notification", acknowledge)
