"""How an agent's function becomes the tool that clients see."""

from __future__ import annotations

import inspect
from typing import Any, Final, Literal

from fastmcp.tools.base import Tool
from fastmcp.tools.function_tool import FunctionTool
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ToolExecution

from inverted.core.effects import Json
from inverted.run.run import Run
from inverted.run.signature import Signature, description_of, name_of
from inverted.runtime.ports import Agent, Limits, RunInfo
from inverted.runtime.tasks import Tasks
from inverted.server.outcome import ProtocolError
from inverted.server.tasks.foresight import may_sample
from inverted.server.tool import AgentTool, Served

TaskMode = Literal["auto", "always", "never"]
"""When the runs of an agent are tasks."""

_SUPPORT: Final[dict[str, Literal["optional", "required"]]] = {
    "auto": "optional",
    "always": "required",
}


def agent_tool(
    tasks: Tasks,
    signature: Signature,
    limits: Limits,
    about: dict[str, Any],
    *,
    mask: bool,
    task: TaskMode,
) -> AgentTool:
    """The tool of an agent.

    Args:
        tasks: What drives its runs.
        signature: The agent's function.
        limits: Limits of its runs.
        about: What clients see, as `FunctionTool.from_function` takes it.
        mask: Keep the details of unexpected errors from clients.
        task: When its runs are tasks.
    """
    seen = FunctionTool.from_function(_without_run(signature), **about)
    fields = {
        name: getattr(seen, name) for name in Tool.model_fields if name in seen.model_fields_set
    }
    if task != "never":
        fields["execution"] = ToolExecution(task_support=_SUPPORT[task])
    tool = AgentTool(**fields)

    def body(info: RunInfo, arguments: dict[str, Json], restored: Json) -> Any:
        given = signature.bind(arguments)
        return signature.fn(**given, **{str(signature.hidden): Run(info, restored)})

    def encode(value: Any) -> Json:
        result = tool.convert_result(value).to_mcp_result()
        if isinstance(result, list):
            result = CallToolResult(content=result)
        elif isinstance(result, tuple):
            result = CallToolResult(content=result[0], structured_content=result[1])
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    agent = Agent(tool.name, body, encode, limits, mask, _translated)
    tasks.agents[agent.name] = agent
    tool.served = Served(agent, signature, tasks.runtime, tasks, may_sample(signature.fn))
    return tool


def _translated(error: BaseException) -> BaseException:
    """An `MCPError` as the journal can keep it, with its code."""
    return ProtocolError.of(error) if isinstance(error, MCPError) else error


def _without_run(signature: Signature) -> Any:
    """The agent's function as FastMCP shall see it: without the parameter that we fill."""

    def shown() -> None: ...

    plain = inspect.signature(signature.fn)
    # FastMCP knows the annotation None, not the type that it is resolved to.
    returns = None if signature.returns is type(None) else signature.returns
    parameters = [each for each in plain.parameters.values() if each.name != signature.hidden]
    shown.__name__ = shown.__qualname__ = name_of(signature.fn)
    shown.__doc__ = description_of(signature.fn)
    shown.__annotations__ = {
        name: kind for name, kind in signature.hints.items() if name != signature.hidden
    }
    shown.__signature__ = plain.replace(  # read by FastMCP
        parameters=[
            each.replace(annotation=signature.hints.get(each.name, each.annotation))
            for each in parameters
        ],
        return_annotation=returns,
    )
    return shown
