"""The Python clients of this environment: FastMCP's, and the SDK's two."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import AsyncGenerator
from importlib.metadata import version
from typing import Any

import fastmcp
import mcp
import mcp_types as types
from fastmcp.client.elicitation import ElicitResult as FastMCPElicitResult
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import ProgressFnT

from tests.real_clients.client import Called, Connected, Era, Hands, OnProgress, RealClient
from tests.real_clients.people import model, person

_Said = types.CreateMessageResult | types.CreateMessageResultWithTools


def _sampled(params: types.CreateMessageRequestParams) -> _Said:
    said = model(_wire(params))
    kind = types.CreateMessageResultWithTools if params.tools else types.CreateMessageResult
    return kind.model_validate(said, by_name=False)


def _wire(params: Any) -> dict[str, Any]:
    return params.model_dump(mode="json", by_alias=True, exclude_none=True)


def _samples(hands: Hands) -> types.SamplingCapability | None:
    tools = types.SamplingToolsCapability() if hands.model == "tools" else None
    return None if hands.model == "none" else types.SamplingCapability(tools=tools)


def _each(beat: OnProgress | None) -> ProgressFnT | None:
    """The handler for notifications that calls back for each."""
    if beat is None:
        return None

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        await beat()

    return on_progress


def _said(content: list[Any]) -> str:
    return "\n".join(each.text for each in content if each.type == "text")


# -- FastMCP ----------------------------------------------------------------------------------


@dataclasses.dataclass
class _FastMCP:
    client: fastmcp.Client[Any]
    version: str | None

    async def tools(self) -> list[dict[str, Any]]:
        return [_wire(each) for each in await self.client.list_tools()]

    async def call(
        self, tool: str, arguments: dict[str, Any], progress: OnProgress | None = None
    ) -> Called:

        try:
            result = await self.client.call_tool(tool, arguments, progress_handler=_each(progress))
        except ToolError as error:
            return Called(str(error), is_error=True)
        return Called(_said(result.content), result.structured_content, result.data)


@contextlib.asynccontextmanager
async def _open_fastmcp(
    era: Era, where: list[str] | str, hands: Hands
) -> AsyncGenerator[Connected]:
    async def sample(
        messages: list[types.SamplingMessage],
        params: types.CreateMessageRequestParams,
        context: Any,
    ) -> _Said:
        return _sampled(params)

    async def elicit(
        message: str, response_type: Any, params: Any, context: Any
    ) -> FastMCPElicitResult[Any]:
        answer = person(_wire(params))
        return FastMCPElicitResult(action=answer["action"], content=answer["content"])

    transport = (
        StreamableHttpTransport(where)
        if isinstance(where, str)
        else StdioTransport(where[0], where[1:], env=dict(os.environ), keep_alive=False)
    )
    # Without tools its sampling is declared as it comes.
    tools = _samples(hands) if hands.model == "tools" else None
    client = fastmcp.Client(
        transport,
        mode="legacy" if era == "2025-11-25" else "auto",
        sampling_handler=None if hands.model == "none" else sample,
        sampling_capabilities=tools,
        elicitation_handler=elicit if hands.person else None,
    )
    async with client:
        yield _FastMCP(client, client.session.protocol_version)


# -- the SDK ----------------------------------------------------------------------------------


@dataclasses.dataclass
class _SDK:
    client: mcp.Client | mcp.ClientSession
    version: str | None

    async def tools(self) -> list[dict[str, Any]]:
        return [_wire(each) for each in (await self.client.list_tools()).tools]

    async def call(
        self, tool: str, arguments: dict[str, Any], progress: OnProgress | None = None
    ) -> Called:

        result = await self.client.call_tool(tool, arguments, progress_callback=_each(progress))
        assert isinstance(result, types.CallToolResult)
        is_error = bool(result.is_error)
        return Called(_said(result.content), result.structured_content, is_error=is_error)


async def _sample(
    context: Any, params: types.CreateMessageRequestParams
) -> _Said | types.ErrorData:
    return _sampled(params)


async def _elicit(
    context: Any, params: types.ElicitRequestParams
) -> types.ElicitResult | types.ErrorData:
    return types.ElicitResult.model_validate(person(_wire(params)), by_name=False)


def _transport(where: list[str] | str) -> Any:
    if isinstance(where, str):
        return streamable_http_client(where)
    command, *arguments = where
    return mcp.stdio_client(
        mcp.StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    )


@contextlib.asynccontextmanager
async def _open_client(era: Era, where: list[str] | str, hands: Hands) -> AsyncGenerator[Connected]:
    client = mcp.Client(
        _transport(where),
        mode="legacy" if era == "2025-11-25" else "auto",
        sampling_callback=None if hands.model == "none" else _sample,
        sampling_capabilities=_samples(hands),
        elicitation_callback=_elicit if hands.person else None,
    )
    async with client:
        yield _SDK(client, client.protocol_version)


@contextlib.asynccontextmanager
async def _open_session(
    era: Era, where: list[str] | str, hands: Hands
) -> AsyncGenerator[Connected]:
    assert era == "2025-11-25"  # on 2026-07-28 the rounds are left to the caller
    async with (
        _transport(where) as (read, write),
        mcp.ClientSession(
            read,
            write,
            sampling_callback=None if hands.model == "none" else _sample,
            sampling_capabilities=_samples(hands),
            elicitation_callback=_elicit if hands.person else None,
        ) as session,
    ):
        initialized = await session.initialize()
        yield _SDK(session, initialized.protocol_version)


FASTMCP = RealClient(f"FastMCP {version('fastmcp')} Client", _open_fastmcp)
CLIENT = RealClient(f"mcp {version('mcp')} Client", _open_client)
SESSION = RealClient(f"mcp {version('mcp')} ClientSession", _open_session, eras=("2025-11-25",))
