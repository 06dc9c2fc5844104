"""One connection of a scripted host, and one request at a time over it.

`ScriptedHost.run` loops over it; a test that wants to send a request twice, late or with other
answers uses it directly:

    async with host.connect(server) as connection:
        asked = await connection.send(Call("triage", {"report": "boom"}))
        retry = await connection.answered(call, asked)
        await connection.send(retry)
        await connection.send(retry)    # a duplicate
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from mcp import ClientSession, MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CallToolResult,
    ErrorData,
    InputRequest,
    InputRequiredResult,
    InputResponse,
    InputResponses,
    RequestParamsMeta,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.client import attach, call_tool_as_task
from inverted.server.relay.reply import QUESTIONS
from inverted.server.tool import RUN_KEY

Reply = CallToolResult | InputRequiredResult
Progress = tuple[float, float | None, str | None]
Log = tuple[str, str]
Tasks = bool | Literal["offered"]
"""Whether calls are taken as tasks: never, always, or where the tool offers it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One `tools/call` request.

    Attributes:
        agent: Name of the agent.
        arguments: Its arguments.
        run_key: The client's name for the run.
        answers: Answers to the questions of the last reply, by key (2026-07-28).
        state: The `requestState` of the last reply (2026-07-28).
    """

    agent: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    run_key: str | None = None
    answers: InputResponses | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a server said besides its replies.

    Attributes:
        progress: Progress notifications: progress, total, message.
        logs: Log messages: level, text.
    """

    progress: list[Progress] = field(default_factory=list[Progress])
    logs: list[Log] = field(default_factory=list[Log])


class Connection:
    """A connection. Made by `ScriptedHost.connect`.

    Attributes:
        session: The SDK's client session, for everything that is no agent call.
        heard: Notifications so far.
    """

    def __init__(self, session: ClientSession, heard: Heard, *, tasks: Tasks = False) -> None:
        self.session = session
        self.heard = heard
        self._tasks = tasks

    async def send(self, call: Call) -> Reply:
        """Send one request. A call that becomes a task is driven to its end.

        Returns:
            The result, or on 2026-07-28 the questions of the next round.

        Raises:
            MCPError: The server answered with a JSON-RPC error, or is gone.
            TaskError: The task failed or was cancelled.
        """
        meta: RequestParamsMeta = {QUESTIONS: True}
        if call.run_key is not None:
            meta[RUN_KEY] = call.run_key
        if await self._is_task(call.agent):
            handle = await call_tool_as_task(self.session, call.agent, call.arguments, meta=meta)
            return await handle.result()
        reply = await self.session.call_tool(
            call.agent,
            call.arguments,
            progress_callback=self._on_progress,
            input_responses=call.answers,
            request_state=call.state,
            meta=meta,
            allow_input_required=True,
            allow_claimed=True,
        )
        if isinstance(reply, CallToolResult | InputRequiredResult):
            return reply
        return await attach(self.session, cast("Any", reply).task_id).result()

    async def answered(self, call: Call, reply: InputRequiredResult) -> Call:
        """The request of the next round, with the script's answers.

        Args:
            call: The request that was sent.
            reply: Its reply.

        Raises:
            MCPError: The script refused a question. The protocol has no way to tell the server.
        """
        requests = (reply.input_requests or {}).items()
        answers = {key: await self.answer(key, request) for key, request in requests}
        return replace(call, answers=answers, state=reply.request_state)

    async def answer(self, key: str, request: InputRequest) -> InputResponse:
        """The script's answer to one question of a round.

        Raises:
            MCPError: The script refused it.
        """
        context = ClientRequestContext(session=self.session, request_id=key)
        found = await self.session.dispatch_input_request(context, request)
        if isinstance(found, ErrorData):
            raise MCPError.from_error_data(found)
        return found

    async def _is_task(self, agent: str) -> bool:
        """Whether to ask for a task. On 2026-07-28 that is the server's to decide."""
        if self.session.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return False
        if isinstance(self._tasks, bool):
            return self._tasks
        tools = (await self.session.list_tools()).tools
        offered = (tool.execution for tool in tools if tool.name == agent)
        return any(each and each.task_support in ("optional", "required") for each in offered)

    async def _on_progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.heard.progress.append((progress, total, message))
