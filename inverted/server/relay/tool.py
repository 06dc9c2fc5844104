"""`continue_run`: the tool with which a host goes on with a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_context
from fastmcp.tools.base import Tool, ToolResult
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from inverted.core.effects import Json
from inverted.errors import InvertedError, RunNotFound
from inverted.runtime.ports import Ended
from inverted.server.means import called_directly, client_name
from inverted.server.relay.answers import read_answers
from inverted.server.relay.reply import CONTINUE, TOOL
from inverted.server.serving import Serving

if TYPE_CHECKING:
    from inverted.server.tool import AgentTool

_DESCRIPTION: Final = (
    "Go on with a tool of this server that is not finished. Call it as the last result says."
)
_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "handle": {"type": "string", "description": "From the last result."},
        "answers": {
            "type": "array",
            "description": "One for each question of the last result; none when it has none.",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "description": "Of the question."},
                    "text": {"type": "string", "description": "Your answer."},
                    "calls": {
                        "type": "array",
                        "description": "In place of text: tools of the question to run.",
                        "items": {
                            "type": "object",
                            "properties": {
                                "name": {"type": "string"},
                                "arguments": {"type": "object"},
                            },
                            "required": ["name"],
                        },
                    },
                    "content": {"type": "object", "description": "What the user said."},
                    "action": {"type": "string", "enum": ["accept", "decline", "cancel"]},
                },
                "required": ["id"],
            },
        },
    },
    "required": ["handle"],
}


class ContinueTool(Tool):
    """The tool. Made by `continue_tool`."""

    agents: Annotated[SkipJsonSchema[Any], Field(exclude=True)] = None

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Serve one `tools/call`.

        Raises:
            ToolError: No such run for this caller, it failed, or it cannot be served now. The words
                are for the host's model.
        """
        context = get_context()
        handle = arguments.get("handle")
        if not isinstance(handle, str) or not handle:
            raise ToolError(f"{self.name} needs the handle that the last result named.")
        try:
            tool = await self._tool_of(handle)
            direct = await called_directly(context, self.name)
            serving = Serving(context, tool.by, structured=False, direct=direct)
            asked = await serving.relayed(handle)
            read = read_answers(
                asked, cast("Json", arguments.get("answers")), client_name(serving.wire) or "host"
            )
            # A model that was misunderstood is told so at once.
            wait = bool(read.given) or not read.notes
            outcome = await serving.go_on(handle, read.given, wait=wait)
            if isinstance(outcome, Ended):
                return tool.ended(outcome, modern=serving.modern)
            return serving.reply(outcome, read.notes)
        except InvertedError as error:
            raise ToolError(_said(error)) from error

    async def _tool_of(self, handle: str) -> AgentTool:
        """The agent whose run it is. Whether it is the caller's is seen when it is driven."""
        agents: Mapping[str, AgentTool] = self.agents
        if not agents:
            raise RunNotFound(handle)
        store = next(iter(agents.values())).by.runtime.store  # all agents of a server share it
        record = await store.get(handle)
        if record is None or record.task is not None or record.agent not in agents:
            raise RunNotFound(handle)
        return agents[record.agent]


def continue_tool(agents: Mapping[str, AgentTool]) -> ContinueTool:
    """The tool that goes on with the runs of these agents."""
    tool = ContinueTool(
        name=TOOL, description=_DESCRIPTION, parameters=_PARAMETERS, meta={CONTINUE: True}
    )
    tool.agents = agents
    return tool


def _said(error: InvertedError) -> str:
    if isinstance(error, RunNotFound):
        return (
            "There is no unfinished run of that handle: it has expired, or the handle is another. "
            "Copy it from the last result, or call the first tool again."
        )
    return str(error)
