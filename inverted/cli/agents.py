"""The agents of a connected server: listing them, choosing one, reading its arguments.

An agent is a tool; every tool of any server will do. Called by `run`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, Final

from mcp import Client, MCPError
from mcp_types import ListToolsResult, Tool
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.cli.arguments import build_arguments
from inverted.cli.diagnosis import Evidence, call_failed
from inverted.cli.errors import ConnectionProblem, UsageProblem
from inverted.cli.options import RunOptions
from inverted.cli.text import clean, first_line
from inverted.cli.usage import listing, usage
from inverted.server.relay.reply import CONTINUE

_MOST_PAGES: Final = 250
_WIDEST: Final = 100  # lines longer than this are hard to read, on any screen


async def list_agents(client: Client, evidence: Evidence) -> list[Tool]:
    """Every tool of the server that a person may call. See `list_tools`."""
    tools = await list_tools(client, evidence)
    return [each for each in tools if CONTINUE not in (each.meta or {})]


async def list_tools(client: Client, evidence: Evidence) -> list[Tool]:
    """Every tool of the server, over all pages.

    Args:
        client: A connected client.
        evidence: What is known about the connection, for a clear message.

    Raises:
        ConnectionProblem: The server went away, or does not list tools as the protocol says.
    """
    tools: list[Tool] = []
    cursor: str | None = None
    try:
        for _ in range(_MOST_PAGES):
            page: ListToolsResult = await client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
    except (MCPError, RuntimeError, ValueError) as error:
        raise call_failed(error, evidence) or ConnectionProblem(
            f"{evidence.name} lists no tools: {first_line(str(error))}"
        ) from None
    return tools


def choose_agent(tools: Sequence[Tool], name: str | None) -> Tool:
    """The tool that is meant.

    Args:
        tools: The tools of the server.
        name: AGENT as written; None means the only one.

    Raises:
        UsageProblem: There is none of that name, or no only one.
    """
    names = ", ".join(clean(tool.name) for tool in tools) or "none"
    if name is None:
        if len(tools) != 1:
            raise UsageProblem(f"which agent? Name one after TARGET. This server has: {names}.")
        return tools[0]
    for tool in tools:
        if tool.name == name:
            return tool
    raise UsageProblem(f"this server has no agent {name!r}. It has: {names}.")


def call_arguments(tool: Tool, options: RunOptions, width: int) -> dict[str, Any]:
    """The arguments that were written for a tool.

    Args:
        tool: The tool.
        options: The command line.
        width: Of the screen, for the usage.

    Raises:
        UsageProblem: They do not fit; the usage is in the details.
    """
    try:
        return build_arguments(tool.input_schema, options.arguments, options.base_arguments)
    except UsageProblem as problem:
        raise UsageProblem(problem.message, agent_help(tool, options, width)) from None


def as_task(client: Client, tool: Tool, options: RunOptions) -> bool:
    """Whether this host asks for a task of the call: only 2025-11-25 leaves that to the client.

    Args:
        client: A connected client.
        tool: The tool.
        options: The command line.

    Raises:
        UsageProblem: A task is wanted, and this tool cannot be one on the negotiated revision.
    """
    version = client.protocol_version
    if version in MODERN_PROTOCOL_VERSIONS:
        return False
    declared = client.server_capabilities.tasks
    offered = declared is not None and declared.requests is not None
    support = tool.execution.task_support if tool.execution and offered else None
    if options.task and support not in ("optional", "required"):
        raise UsageProblem(
            f"{clean(tool.name)} cannot be a task on {version}: "
            + ("the agent says so" if offered else "the server has none")
            + ". Leave out --task and --detach, or try --era 2026-07-28."
        )
    return bool(options.task) or (support == "required" and options.task is None)


def agent_help(tool: Tool, options: RunOptions, width: int) -> list[str]:
    """How to call one agent of this target."""
    target = shlex.quote(options.target) if options.target else "…"
    return usage(tool, target, min(width, _WIDEST))


def server_help(heading: str, tools: Sequence[Tool], width: int) -> list[str]:
    """Every agent of a server with its arguments, under a heading."""
    return [heading, "", *(listing(tools, min(width, _WIDEST)) or ["(no agents)"])]


def listing_json(server: str, era: str, tools: Sequence[Tool]) -> dict[str, Any]:
    """The same for programs: the tools as the server described them."""
    rows = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
    return {"server": server, "era": era, "agents": rows}
