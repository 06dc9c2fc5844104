"""What a client is told of a run that has ended: a result, or an error of the protocol.

The same for an open call, for rounds and for tasks, so that a task gives exactly what the call
would have given.
"""

from __future__ import annotations

from typing import Any, Final

from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from inverted.core.effects import Json
from inverted.core.lifecycle import Status
from inverted.errors import AGENT_ERRORS, AgentError, CapabilityError, InvertedError
from inverted.runtime.ports import Agent, Ended

PROTOCOL_ERROR: Final = "ProtocolError"


class RequestError(ToolError):
    """The request itself is wrong. `tool.ProtocolErrors` makes it a JSON-RPC error."""

    def __init__(self, error: InvertedError, code: int = INVALID_PARAMS) -> None:
        super().__init__(str(error))
        self.error = MCPError(code, str(error), {"reason": type(error).__name__})


class Refused(ToolError):
    """An agent raised `MCPError`. `tool.ProtocolErrors` raises it again, past FastMCP."""

    def __init__(self, error: MCPError) -> None:
        super().__init__(str(error))
        self.error = error


class ProtocolError(AgentError):
    """An agent raised `MCPError`: its call ends with that JSON-RPC error, and not with a result.

    This is how the journal keeps it.
    """

    @classmethod
    def of(cls, error: MCPError) -> ProtocolError:
        """Keep code, message and data."""
        about = error.error
        return cls(about.message, {"code": about.code, "data": about.data})


def protocol_error(ended: Ended) -> MCPError | None:
    """The JSON-RPC error that a run ended with, if it did."""
    failure = ended.failure
    if failure is None or failure.type != PROTOCOL_ERROR:
        return None
    about = failure.data or {}
    return MCPError(about["code"], failure.message, about["data"])


def missing_capability(ended: Ended) -> MCPError | None:
    """The error for a client that did not declare what its run needed, if that ended the run.

    2026-07-28 basic/index (`_meta`): such a request must be answered with -32021. Before, the call
    was a failed one like any other.
    """
    failure = ended.failure
    if failure is None or failure.type != CapabilityError.__name__:
        return None
    feature = (failure.data or {}).get("capability")
    if feature is None:
        return None
    required: dict[str, Json] = {}
    for name in reversed(str(feature).split(".")):
        required = {name: required}
    about: dict[str, Json] = {"requiredCapabilities": required}
    return MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, failure.message, about)


def failure_text(agent: Agent, ended: Ended) -> str:
    """Why there is no result."""
    failure = ended.failure
    if failure is None:
        return f"The run of {agent.name} was cancelled."
    known = failure.type in AGENT_ERRORS or failure.type in ("ToolError", PROTOCOL_ERROR)
    if known:
        return failure.message
    if agent.mask_error_details:
        return f"Agent {agent.name} failed."
    return f"Agent {agent.name} failed: {failure.type}: {failure.message}"


def tool_result(agent: Agent, ended: Ended) -> dict[str, Json]:
    """The `CallToolResult` of a run that did not end with an error of the protocol."""
    if ended.status is Status.COMPLETED:
        result: dict[str, Any] = ended.result
        return result
    return {
        "content": [{"type": "text", "text": failure_text(agent, ended)}],
        "isError": True,
    }
