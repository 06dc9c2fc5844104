"""A client on stock FastMCP 4 and `fastmcp[tasks]`, as CLIENT_CONTRACT.md wants it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from contextlib import suppress
from typing import Any, Final

import fastmcp_tasks  # pyright: ignore[reportMissingImports]
import mcp_types as types
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture.client_script import MOST, REJECTED, Refusal, Script

VERSION: Final = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "2026-07-28")
WITHOUT: Final[list[str]] = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")).get(
    "without", []
)
PATIENCE: Final = 30.0
SHORT: Final = 1.0


def declared() -> dict[str, Any]:
    """What the client has, and so declares."""
    found: dict[str, Any] = {"sampling": {"tools": {}}, "elicitation": {"form": {}, "url": {}}}
    for path in WITHOUT:
        *outer, last = path.split(".")
        inside = found
        for name in outer:
            inside = inside.get(name, {})
        inside.pop(last, None)
    return found


class Plain(Script):
    """The model and the person, who leave it to FastMCP to refuse what the protocol forbids."""

    def _check(self, params: dict[str, Any]) -> None:
        self._asked += "tools" in params
        if self._asked > MOST:
            raise Refusal(REJECTED, "These are too many questions.")


SCRIPT: Final = Plain(declared())
TASKS: Final[Any] = fastmcp_tasks
"""To import it is enough: clients have tasks then."""


async def sample(
    messages: list[types.SamplingMessage], params: types.CreateMessageRequestParams, context: Any
) -> types.CreateMessageResult | types.CreateMessageResultWithTools:
    """Ask the model."""
    del messages, context
    try:
        found = await SCRIPT.message(_json(params))
    except Refusal as refusal:
        raise MCPError(refusal.code, refusal.message) from refusal
    kind = types.CreateMessageResultWithTools if params.tools else types.CreateMessageResult
    return kind.model_validate(found, by_name=False)


async def elicit(message: str, shape: Any, params: Any, context: Any) -> ElicitResult[Any]:
    """Ask the person."""
    del message, shape, context
    try:
        found = await SCRIPT.form(_json(params))
    except Refusal as refusal:
        raise MCPError(refusal.code, refusal.message) from refusal
    return ElicitResult(action=found["action"], content=found.get("content"))


def _json(params: Any) -> dict[str, Any]:
    return params.model_dump(by_alias=True, mode="json", exclude_none=True)


async def call(client: Client[Any], name: str) -> None:
    """Call one tool. Whatever comes of it, the next one is called."""
    SCRIPT.begin()
    given_up = asyncio.Event()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        del progress, total, message
        if name.startswith("cancel_"):
            given_up.set()

    limit = SHORT if name.startswith("timeout_") else PATIENCE
    calling = asyncio.ensure_future(
        client.call_tool(name, {}, progress_handler=told, timeout=limit)
    )
    giving_up = asyncio.ensure_future(given_up.wait())
    await asyncio.wait((calling, giving_up), return_when=asyncio.FIRST_COMPLETED)
    giving_up.cancel()
    if not calling.done():
        calling.cancel()
    with suppress(asyncio.CancelledError, ToolError, MCPError):
        try:
            await calling
        except (RuntimeError, ValueError) as error:
            sys.stderr.write(f"{name}: {error}\n")


async def main(url: str) -> None:
    """Connect, and call what the server lists."""
    has = declared()
    tools = types.SamplingToolsCapability() if has.get("sampling", {}).get("tools") == {} else None
    client: Client[Any] = Client(
        url,
        mode="legacy" if VERSION == "2025-11-25" else "auto",
        sampling_handler=sample if "sampling" in has else None,
        sampling_capabilities=types.SamplingCapability(tools=tools),
        elicitation_handler=elicit if "elicitation" in has else None,
        roots=None if "roots" in WITHOUT else ["file:///w"],
    )
    async with client:
        if (
            client.initialize_result is not None
            and client.initialize_result.capabilities.tools is None
        ):
            return
        names = [tool.name for tool in await client.list_tools()]
        for together, some in itertools.groupby(names, lambda name: name.startswith("together_")):
            if together:
                await asyncio.gather(*(call(client, name) for name in some))
            else:
                for name in some:
                    await call(client, name)


asyncio.run(main(sys.argv[-1]))
