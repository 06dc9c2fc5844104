"""How an agent's function becomes the tool that clients see."""

from __future__ import annotations

import inspect
from typing import Any, Final, Literal, NamedTuple

from fastmcp.tools.base import Tool
from fastmcp.tools.function_tool import FunctionTool
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ToolExecution

from inverted.core.effects import Json
from inverted.run.run import Run
from inverted.run.signature import Signature, description_of, name_of
from inverted.runtime.ladders import Ladders
from inverted.runtime.ports import Agent, Limits, RunInfo
from inverted.runtime.tasks import Tasks
from inverted.server.means import Surroundings
from inverted.server.outcome import ProtocolError
from inverted.server.serving import Served
from inverted.server.tasks.foresight import may_elicit, may_sample
from inverted.server.tool import AgentTool

TaskMode = Literal["auto", "always", "never"]
"""When the runs of an agent are tasks."""

_SUPPORT: Final[dict[str, Literal["optional", "required"]]] = {
    "auto": "optional",
    "always": "required",
}


class AgentSettings(NamedTuple):
    """How an agent runs.

    Attributes:
        limits: Limits of its runs.
        mask: Keep the details of unexpected errors from clients.
        task: When its runs are tasks.
        ladders: How its questions are asked.
    """

    limits: Limits
    mask: bool
    task: TaskMode
    ladders: Ladders


def agent_tool(
    tasks: Tasks,
    signature: Signature,
    about: dict[str, Any],
    settings: AgentSettings,
    surroundings: Surroundings,
) -> AgentTool:
    """The tool of an agent.

    Args:
        tasks: What drives its runs.
        signature: The agent's function.
        about: What clients see, as `FunctionTool.from_function` takes it.
        settings: How it runs.
        surroundings: What there is besides the client.
    """
    seen = FunctionTool.from_function(_without_run(signature), **about)
    fields = {
        name: getattr(seen, name) for name in Tool.model_fields if name in seen.model_fields_set
    }
    if settings.task != "never":
        fields["execution"] = ToolExecution(task_support=_SUPPORT[settings.task])
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

    agent = Agent(
        tool.name, body, encode, settings.limits, settings.mask, _translated, settings.ladders
    )
    tasks.agents[agent.name] = agent
    asks = {"samples": may_sample(signature.fn), "elicits": may_elicit(signature.fn)}
    tool.served = Served(agent, signature, tasks.runtime, tasks, surroundings, **asks)
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
