"""Plain tools with which any host starts an agent and comes back for its result.

For hosts that have tasks in neither form, and that give up on calls that stay open. The same runs,
driven by the same `Tasks`. What the host's model sends as an answer counts as the answer of a
model: it may fill in forms, and it cannot approve (`carrier`).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NoReturn, TypeVar, cast

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_context
from mcp.server.request_state import authenticated_principal
from mcp_types import ToolAnnotations
from pydantic import Field, ValidationError

from inverted.core.effects import Json, Kind
from inverted.core.lifecycle import Status
from inverted.errors import InvertedError, RunNotFound
from inverted.run.tools import explain
from inverted.runtime.ports import Question
from inverted.runtime.tasks import TaskInfo, Tasks, View
from inverted.server.outcome import protocol_error
from inverted.server.tasks.access import as_protocol, shown
from inverted.server.tasks.carrier import TOOLS
from inverted.server.tasks.rules import MODERN

T = TypeVar("T")

FEATURES: Final = ["elicitation.form", "sampling", "sampling.tools"]
"""What a model can answer through a tool."""
LONGEST_WAIT: Final = 50.0
"""Seconds; many hosts give a tool up after a minute."""
HOW: Final[dict[Kind, str]] = {
    Kind.SAMPLE: "Answer the last message yourself, with a text. To call tools from `tools`, "
    'answer with {"tool_calls": [{"name": ..., "input": {...}}]}.',
    Kind.ELICIT: "Ask the user, and answer with the fields of `requestedSchema` as an object, or "
    'with {"action": "decline"} if the user does not want to.',
    Kind.ROOTS: "",
}

AgentName = Annotated[str, Field(description="Name of the agent: a tool of this server.")]
Arguments = Annotated[dict[str, Any], Field(description="Arguments as that tool takes them.")]
TaskId = Annotated[str, Field(description="The `task` that start_agent returned.")]
Wait = Annotated[
    float,
    Field(ge=0, le=LONGEST_WAIT, description="Seconds to wait for something new at most."),
]
Answers = Annotated[
    dict[str, Any],
    Field(description="Answers by the `key` of their questions; may be some of them."),
]


def add_task_tools(server: FastMCP[Any], tasks: Tasks) -> None:
    """Add `start_agent`, `agent_status`, `answer_agent` and `cancel_agent` to a server.

    Args:
        server: The server.
        tasks: Its tasks.
    """
    front = ToolFront(tasks)
    once, reads = ToolAnnotations(), ToolAnnotations(read_only_hint=True, idempotent_hint=True)
    server.tool(front.start_agent, annotations=once)
    server.tool(front.agent_status, annotations=reads)
    server.tool(front.answer_agent, annotations=ToolAnnotations(idempotent_hint=True))
    server.tool(front.cancel_agent, annotations=ToolAnnotations(idempotent_hint=True))


class ToolFront:
    """The four tools.

    Args:
        tasks: What serves the runs.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def start_agent(
        self, agent: AgentName, arguments: Arguments | None = None, wait: Wait = 5.0
    ) -> dict[str, Any]:
        """Start an agent in the background. Use it for agents that may take long."""
        startable = {
            each.name for each in await get_context().fastmcp.list_tools() if each.execution
        }
        if agent not in startable & self._tasks.agents.keys():
            known = ", ".join(sorted(startable)) or "none"
            raise ToolError(f"There is no agent {agent!r} to start. The agents are: {known}.")
        revision, principal = _caller()
        info = TaskInfo(TOOLS, revision, FEATURES, self._tasks.settings.default_ttl)
        served = self._tasks.agents[agent]
        try:
            view = await self._tasks.create(served, arguments or {}, info, principal=principal)
        except ValidationError as error:
            raise ToolError(f"Invalid arguments for {agent}: {explain(error)}") from error
        except InvertedError as error:
            _refuse(error)
        return await self._later(view, wait)

    async def agent_status(self, task: TaskId, wait: Wait = 20.0) -> dict[str, Any]:
        """See how an agent stands: its questions, or its result."""
        _, principal = _caller()
        try:
            view = await self._tasks.look(task, principal=principal)
        except InvertedError as error:
            _refuse(error)
        return await self._later(view, wait)

    async def answer_agent(
        self, task: TaskId, answers: Answers, wait: Wait = 20.0
    ) -> dict[str, Any]:
        """Answer questions of an agent."""
        _, principal = _caller()
        try:
            view = await self._tasks.look(task, principal=principal)
            given = {
                each.id: _wire(each, answers[each.id])
                for each in view.questions
                if each.id in answers
            }
            view = await self._tasks.answer(task, given, principal=principal)
        except InvertedError as error:
            _refuse(error)
        return await self._later(view, wait)

    async def cancel_agent(self, task: TaskId) -> dict[str, Any]:
        """Stop an agent. What it has done already stays done."""
        _, principal = _caller()
        try:
            view, _ = await self._tasks.cancel(task, "the model asked for it", principal=principal)
        except InvertedError as error:
            _refuse(error)
        return self._shown(view)

    async def _later(self, view: View, wait: float) -> dict[str, Any]:
        try:
            return self._shown(await self._tasks.settled(view, wait))
        except InvertedError as error:
            _refuse(error)

    def _shown(self, view: View) -> dict[str, Any]:
        task = shown(MODERN, self._tasks, view)
        status = task.status
        said: dict[str, Any] = {"task": view.record.id, "status": str(status)}
        if task.message is not None:
            said["message"] = task.message
        if status is Status.WORKING:
            said["next"] = "Call agent_status with this task again."
        elif status is Status.INPUT_REQUIRED:
            said["questions"] = [_question(each) for each in view.questions]
            said["next"] = "Call answer_agent with this task and answers by key."
        elif view.ended is not None and protocol_error(view.ended) is None:
            detailed: dict[str, Json] = task.detailed()
            said.update(_result(detailed.get("result") or {}))
        return said


def _caller() -> tuple[str, str | None]:
    request = get_context().request_context
    assert request is not None  # noqa: S101 - these are tools, which requests call
    wire = request._srctx  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # who called is only there
    return wire.protocol_version, authenticated_principal(wire)


def _refuse(error: InvertedError) -> NoReturn:
    text = as_protocol(error).error.message if isinstance(error, RunNotFound) else str(error)
    raise ToolError(text) from error


def _question(question: Question) -> dict[str, Any]:
    return {
        "key": question.id,
        "kind": str(question.kind),
        "how": HOW[question.kind],
        **question.params,
    }


def _result(result: dict[str, Json]) -> dict[str, Any]:
    texts = [each["text"] for each in result.get("content", ()) if each.get("type") == "text"]
    said: dict[str, Any] = {"text": "\n".join(texts)}
    structured = result.get("structuredContent")
    if structured is not None:
        said["result"] = structured
    if result.get("isError"):
        said["error"] = True
    return said


def _wire(question: Question, answer: Json) -> Json:
    """The answer of a model in the shape of the protocol; what is in that shape stays."""
    if question.kind is Kind.ELICIT:
        return _filled(question, answer)
    if isinstance(answer, str):
        return _said({"type": "text", "text": answer}, "endTurn")
    given: dict[str, Json] = cast("dict[str, Json]", answer) if isinstance(answer, dict) else {}
    calls: Any = given.get("tool_calls")
    if not isinstance(calls, list):
        return cast("Json", answer)
    blocks = [
        {"type": "tool_use", "id": f"{question.id}-{number}", **call}
        for number, call in enumerate(cast("list[dict[str, Json]]", calls))
    ]
    return _said(blocks, "toolUse")


def _said(content: Json, reason: str) -> Json:
    return {"role": "assistant", "model": "host", "content": content, "stopReason": reason}


def _filled(question: Question, answer: Json) -> Json:
    if isinstance(answer, dict):
        given = cast("dict[str, Json]", answer)
        return given if "action" in given else {"action": "accept", "content": given}
    fields = list(question.params.get("requestedSchema", {}).get("properties", ()))
    return {"action": "accept", "content": {fields[0]: answer}} if len(fields) == 1 else answer
