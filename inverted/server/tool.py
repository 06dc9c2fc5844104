"""An agent as a FastMCP tool, which speaks the protocol's errors."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastmcp.exceptions import NotFoundError, ToolError
from fastmcp.exceptions import ValidationError as ArgumentError
from fastmcp.server.dependencies import get_context
from fastmcp.server.middleware.middleware import Middleware
from fastmcp.tools.base import Tool, ToolResult
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult
from pydantic import Field, ValidationError
from pydantic.json_schema import SkipJsonSchema

from inverted.core.lifecycle import Status
from inverted.errors import AnswerError, InvertedError, RunError
from inverted.run.tools import explain
from inverted.runtime.ports import Ended
from inverted.runtime.tasks import View
from inverted.server.means import called_directly
from inverted.server.outcome import (
    Refused,
    RequestError,
    failure_text,
    missing_capability,
    protocol_error,
)
from inverted.server.serving import RUN_KEY, Served, Serving
from inverted.server.tasks.call import CALL

__all__ = ["RUN_KEY", "AgentTool", "ProtocolErrors"]


class ProtocolErrors(Middleware):
    """Answers a wrong request with a JSON-RPC error.

    FastMCP turns every error under a tool into a result with `isError`, which is right for a failed
    run and wrong for an unknown tool (server/tools, error handling) or an answer of the wrong shape
    (2026-07-28 basic/patterns/mrtr, error handling).
    """

    async def on_call_tool(self, context: Any, call_next: Any) -> Any:
        """See `Middleware.on_call_tool`."""
        try:
            return await call_next(context)
        except (RequestError, Refused) as error:
            raise error.error from error
        except NotFoundError as error:
            raise MCPError(
                INVALID_PARAMS,
                f"{error}. Ask tools/list what this server has.",
                {"reason": "NotFound"},
            ) from error


class AgentTool(Tool):
    """The tool that runs an agent. Made by `agent_tool`."""

    served: Annotated[SkipJsonSchema[Any], Field(exclude=True)] = None

    @property
    def by(self) -> Served:
        """What serves its calls."""
        return cast("Served", self.served)

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Serve one `tools/call`.

        Raises:
            ArgumentError: The arguments do not fit the agent's signature.
            RequestError: Unknown run, or an answer of the wrong shape.
            ToolError: The run failed, was cancelled, or cannot be served now.
        """
        context = get_context()
        request = context.request_context
        if request is None:
            raise ToolError(
                f"Agent {self.name} was called outside of an MCP request. Call it through a "
                "client, or with "
                "inverted.testing."
            )
        call = CALL.get()
        plan = None if call is None else call.take()
        direct = await called_directly(context, self.name)
        structured = self.output_schema is not None
        serving = Serving(context, self.by, structured=structured, direct=direct)
        try:
            outcome = await serving.call(arguments, plan)
        except ValidationError as error:  # from binding the arguments, before anything is written
            raise ArgumentError(f"Invalid arguments for {self.name}: {explain(error)}") from error
        except (AnswerError, RunError) as error:
            raise RequestError(error) from error
        except InvertedError as error:
            if plan is None or plan.patient:
                raise ToolError(str(error)) from error
            raise RequestError(error, INTERNAL_ERROR) from error  # there is no task to tell it with
        if isinstance(outcome, View):
            assert call is not None  # noqa: S101 - there was a plan
            assert plan is not None  # noqa: S101 - the same
            call.reply = plan.created(self.by.tasks, outcome)
            return ToolResult(content=[])
        if isinstance(outcome, Ended):
            return self.ended(outcome, modern=serving.modern)
        return serving.reply(outcome)

    def ended(self, ended: Ended, *, modern: bool) -> ToolResult:
        """What a client is told of the end of a run.

        Args:
            ended: The end.
            modern: Whether the client speaks 2026-07-28 or newer.

        Raises:
            Refused: It ended with an error of the protocol.
            ToolError: It failed or was cancelled.
        """
        error = protocol_error(ended) or (missing_capability(ended) if modern else None)
        if error is not None:
            raise Refused(error)
        if ended.status is not Status.COMPLETED:
            raise ToolError(failure_text(self.by.agent, ended))
        return ToolResult.from_mcp_result(
            CallToolResult.model_validate(ended.result, by_name=False)
        )
