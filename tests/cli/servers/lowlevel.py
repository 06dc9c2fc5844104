"""A server of the SDK's lowest level, with one tool."""

from __future__ import annotations

from typing import Any

from mcp.server.lowlevel import Server
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool


async def list_tools(context: Any, params: Any) -> ListToolsResult:
    return ListToolsResult(
        tools=[Tool(name="echo", description="Say it again.", input_schema={"type": "object"})]
    )


async def call_tool(context: Any, params: Any) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=str(params.arguments))])


server = Server("lowest", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
