"""What tasks need below FastMCP: shapes and capabilities that the SDK's models do not let through.

- the answer to a call that became a task, which is no tool result;
- `capabilities.tasks`, which only 2025-11-25 has;
- `Tool.execution`, which one model of the SDK would show to older revisions as well;
- `subscriptions/listen`, without claiming that anything else is published on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastmcp import FastMCP
from mcp.server.context import CallNext
from mcp.server.request_state import authenticated_principal
from mcp_types import SERVER_INFO_META_KEY, ServerCapabilities
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.core.effects import Json
from inverted.server.tasks.access import Context
from inverted.server.tasks.call import CALL, Call
from inverted.server.tasks.listening import LISTEN, Listener, ListenParams
from inverted.server.tasks.rules import LEGACY

CAPABILITY: Final[dict[str, Json]] = {"cancel": {}, "requests": {"tools": {"call": {}}}}


def install(server: FastMCP[Any]) -> None:
    """Add to a server what tasks need; once, however often it is called."""
    low: Any = server._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # there is no public way below FastMCP
    if any(isinstance(each, WireMiddleware) for each in low.middleware):
        return
    low.middleware.append(WireMiddleware(low))
    if low.get_request_handler(LISTEN) is not None:
        return
    low.add_request_handler(LISTEN, ListenParams, Listener(server))
    declare = low.get_capabilities

    def get_capabilities(*args: Any, protocol_version: str | None = None, **kwargs: Any) -> Any:
        declared: ServerCapabilities = declare(*args, protocol_version=protocol_version, **kwargs)
        if protocol_version in MODERN_PROTOCOL_VERSIONS:
            for part in (declared.tools, declared.prompts, declared.resources):
                if part is not None:
                    part.list_changed = False
            if declared.resources is not None:
                declared.resources.subscribe = False
        return declared

    low.get_capabilities = get_capabilities


def identified(context: Context) -> bool:
    """Whether callers can be told apart: they have signed in, or there is only one.

    Source: 2025-11-25 basic/utilities/tasks, Task Isolation and Access Control.
    """
    return context.request is None or authenticated_principal(context) is not None


class WireMiddleware:
    """The innermost middleware of the SDK's server: what it returns goes out as it is."""

    def __init__(self, low: Any) -> None:
        self._low = low

    async def __call__(self, context: Context, call_next: CallNext) -> Any:
        """See `mcp.server.context.ServerMiddleware`."""
        if context.method == "tools/call":
            return await self._call(context, call_next)
        result = await call_next(context)
        if not isinstance(result, dict):
            return result
        shown: dict[str, Json] = result
        if context.method == "initialize" and shown["protocolVersion"] == LEGACY.revision:
            tasks: Json = {"list": {}, **CAPABILITY} if identified(context) else CAPABILITY
            return {**shown, "capabilities": {**shown["capabilities"], "tasks": tasks}}
        if context.method == "tools/list" and context.protocol_version != LEGACY.revision:
            return {**shown, "tools": [_without_execution(each) for each in shown["tools"]]}
        return shown

    async def _call(self, context: Context, call_next: CallNext) -> Any:
        call = Call()
        token = CALL.set(call)
        try:
            result = await call_next(context)
        finally:
            CALL.reset(token)
        if call.reply is None:
            return result
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return call.reply
        meta: Mapping[str, Json] = call.reply.get("_meta") or {}
        stamp = {SERVER_INFO_META_KEY: self._low.server_info_stamp}
        return {**call.reply, "_meta": {**meta, **stamp}}


def _without_execution(tool: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in tool.items() if key != "execution"}
