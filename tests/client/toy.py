"""A toy server with tasks of both forms, written without inverted: what any server may do.

Its one tool, `work`, follows a script that the test gives: an async function that asks, reports and
returns. Everything that the client sent about tasks is in `requests`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import anyio
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_context
from fastmcp.server.extensions import MethodBinding, ServerExtension, read_client_extension_settings
from fastmcp.tools.base import InputRequiredToolResult, Tool, ToolResult
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ElicitRequest,
    InputRequiredResult,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

EXTENSION = "io.modelcontextprotocol/tasks"
RELATED = "io.modelcontextprotocol/related-task"
LEGACY = "2025-11-25"
BOTH = frozenset({LEGACY, *MODERN_PROTOCOL_VERSIONS})

Wire = dict[str, Any]
Script = Callable[["ToyTask"], Awaitable[Wire]]

FORM = {
    "mode": "form",
    "message": "Who?",
    "requestedSchema": {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    },
}
PROMPT = {
    "messages": [{"role": "user", "content": {"type": "text", "text": "Think"}}],
    "maxTokens": 10,
}


def text(said: str, *, failed: bool = False) -> Wire:
    return {"content": [{"type": "text", "text": said}], "isError": failed}


class ToyTask:
    """A task. A script asks, says and raises through it."""

    def __init__(self, interval: int | None) -> None:
        self.id = secrets.token_urlsafe(16)
        self.status = "working"
        self.message: str | None = None
        self.questions: dict[str, tuple[str, Wire, asyncio.Future[Wire]]] = {}
        self.result: Wire | None = None
        self.error: Wire | None = None
        self.interval = interval
        self.changed = asyncio.Event()
        self.keys = 0

    def becomes(self, status: str, message: str | None = None) -> None:
        if self.status in ("completed", "failed", "cancelled"):
            return
        self.status, self.message = status, message
        self.changed.set()
        self.changed = asyncio.Event()

    def says(self, message: str) -> None:
        self.becomes("working", message)

    def asks(self, method: str, params: Mapping[str, Any]) -> str:
        """Put a question, and go on. Returns its key."""
        self.keys += 1
        key = f"q{self.keys}"
        future: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()
        self.questions[key] = (method, dict(params), future)
        self.becomes("input_required")
        return key

    async def ask(self, method: str, params: Mapping[str, Any]) -> Wire:
        """Put a question, and wait for its answer."""
        key = self.asks(method, params)
        return await self.questions[key][2]

    def withdraws(self, key: str) -> None:
        del self.questions[key]
        if not self.questions:
            self.becomes("working")

    def answered(self, key: str, answer: Wire) -> None:
        if key in self.questions:
            self.questions.pop(key)[2].set_result(answer)
            if not self.questions:
                self.becomes("working")
            self.changed.set()
            self.changed = asyncio.Event()

    async def follow(self, script: Script) -> None:
        try:
            self.result = await script(self)
        except MCPError as error:
            self.error = {"code": error.code, "message": error.message, "data": error.error.data}
            self.becomes("failed", error.message)
        else:
            self.becomes("completed")

    def wire(self, *, modern: bool) -> Wire:
        now = datetime.now(UTC).isoformat()
        ttl, poll = ("ttlMs", "pollIntervalMs") if modern else ("ttl", "pollInterval")
        failed = not modern and self.status == "completed" and (self.result or {}).get("isError")
        found: Wire = {
            "taskId": self.id,
            "status": "failed" if failed else self.status,
            "createdAt": now,
            "lastUpdatedAt": now,
            ttl: None,
        }
        if self.interval is not None:
            found[poll] = self.interval
        if self.message is not None:
            found["statusMessage"] = self.message
        return found

    def detailed(self) -> Wire:
        found = self.wire(modern=True)
        if self.status == "input_required":
            found["inputRequests"] = {
                key: {"method": method, "params": params}
                for key, (method, params, _) in self.questions.items()
            }
        if self.status == "completed":
            found["result"] = self.result
        if self.status == "failed":
            found["error"] = self.error
        return found


class TaskParams(RequestParams):
    task_id: str


class UpdateParams(TaskParams):
    input_responses: dict[str, Any]


SLOT: ContextVar[Wire | None] = ContextVar("slot", default=None)


class Toy(ServerExtension):
    """The tasks of one server.

    Args:
        script: What a task does.
        interval: Milliseconds between polls that clients are told; None tells nothing.
        first: Ask this once on the call itself before it becomes a task (2026-07-28).
    """

    identifier = EXTENSION

    def __init__(
        self, script: Script, *, interval: int | None = 20, first: Wire | None = None
    ) -> None:
        self.script = script
        self.interval = interval
        self.first = first
        self.tasks: dict[str, ToyTask] = {}
        self.requests: list[tuple[str, Wire, str | None]] = []
        """Method, params and Mcp-Name of every request about tasks."""
        self.called = asyncio.Event()
        self.running: set[asyncio.Future[None]] = set()
        self.mcp = FastMCP[Any]("toy")
        self.mcp.add_extension(self)
        schema: Wire = {"type": "object", "properties": {}}
        self.mcp.add_tool(Work(name="work", description="", parameters=schema, toy=self))
        low = self.mcp._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        low.middleware.append(self._as_task)
        self.told: dict[str, Wire] = {}
        """Results that replace those of a method."""

    def create(self) -> ToyTask:
        task = ToyTask(self.interval)
        self.tasks[task.id] = task
        self.running.add(asyncio.ensure_future(task.follow(self.script)))
        return task

    def methods(self) -> Sequence[MethodBinding]:
        modern = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [
            MethodBinding("tasks/get", TaskParams, self.get, BOTH),
            MethodBinding("tasks/cancel", TaskParams, self.cancel, BOTH),
            MethodBinding("tasks/update", UpdateParams, self.update, modern),
            MethodBinding("tasks/result", TaskParams, self.wait, frozenset({LEGACY})),
        ]

    def names(self, method: str) -> list[Wire]:
        """The params of every request of a method."""
        return [params for name, params, _ in self.requests if name == method]

    async def heard(self, method: str, times: int) -> None:
        """Wait until a method was called so often."""
        while len(self.names(method)) < times:
            self.called = asyncio.Event()
            await self.called.wait()

    def _found(self, method: str, context: Any, params: TaskParams) -> ToyTask:
        request = context.request
        name = None if request is None else request.headers.get("mcp-name")
        given = params.model_dump(by_alias=True, exclude_none=True, exclude={"meta"})
        self.requests.append((method, given, name))
        self.called.set()
        modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        if modern and read_client_extension_settings(context, EXTENSION) is None:
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "declare it", {})
        if params.task_id not in self.tasks:
            raise MCPError(INVALID_PARAMS, "no such task")
        return self.tasks[params.task_id]

    async def get(self, context: Any, params: TaskParams) -> Wire:
        task = self._found("tasks/get", context, params)
        modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        return self.told.get("tasks/get") or (
            task.detailed() if modern else task.wire(modern=False)
        )

    async def update(self, context: Any, params: UpdateParams) -> Wire:
        task = self._found("tasks/update", context, params)
        if "refuse" in self.told:
            raise MCPError(INVALID_PARAMS, "wrong shape")
        for key, answer in params.input_responses.items():
            task.answered(key, answer)
        return {}

    async def cancel(self, context: Any, params: TaskParams) -> Wire:
        task = self._found("tasks/cancel", context, params)
        modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        if task.status in ("completed", "failed", "cancelled") and not modern:
            raise MCPError(INVALID_PARAMS, f"already {task.status}")
        task.becomes("cancelled", "by the client")
        return {} if modern else task.wire(modern=False)

    async def wait(self, context: Any, params: TaskParams) -> Wire:
        task = self._found("tasks/result", context, params)
        sent: set[str] = set()

        async def put(key: str, method: str, question: Wire) -> None:
            try:
                found = await context.session.send_request(
                    _Raw(method, {**question, "_meta": {RELATED: {"taskId": task.id}}}),
                    _Any,
                    metadata=ServerMessageMetadata(related_request_id=context.request_id),
                )
            except MCPError as error:
                task.questions.pop(key)[2].set_exception(error)
            else:
                task.answered(key, found)

        async with anyio.create_task_group() as tasks:
            while task.status not in ("completed", "failed", "cancelled"):
                changed = task.changed
                for key, (method, question, _) in list(task.questions.items()):
                    if key not in sent:
                        sent.add(key)
                        tasks.start_soon(put, key, method, question)
                await changed.wait()
            tasks.cancel_scope.cancel()
        if task.error is not None:
            raise MCPError(task.error["code"], task.error["message"], task.error["data"])
        found = task.result or text("cancelled", failed=True)
        return {**found, "_meta": {RELATED: {"taskId": task.id}}}

    async def _as_task(self, ctx: Any, call_next: Any) -> Any:
        version = ctx.protocol_version
        if ctx.method == "tools/call" and ctx.request_id is not None:
            slot: Wire = {}
            token = SLOT.set(slot)
            try:
                result = await call_next(ctx)
            finally:
                SLOT.reset(token)
            return self.told.get("tools/call") or slot.get("result", result)
        result = await call_next(ctx)
        if ctx.method == "initialize" and result["protocolVersion"] == LEGACY:
            tasks: Wire = {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
            return {**result, "capabilities": {**result["capabilities"], "tasks": tasks}}
        if ctx.method == "tools/list" and version == LEGACY:
            execution = {"execution": {"taskSupport": "optional"}}
            return {**result, "tools": [{**tool, **execution} for tool in result["tools"]]}
        return result


class Work(Tool):
    """The tool: a task, if the client can have one."""

    toy: Any = None

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        request: Any = get_context().request_context
        wire: Any = request._srctx  # noqa: SLF001
        modern = wire.protocol_version in MODERN_PROTOCOL_VERSIONS
        params: Wire = wire.params or {}
        toy: Toy = self.toy
        if modern and toy.first is not None and "inputResponses" not in params:
            question = ElicitRequest.model_validate(
                {"method": "elicitation/create", "params": toy.first}
            )
            asks = InputRequiredResult(input_requests={"first": question}, request_state="x")
            return InputRequiredToolResult(asks)
        declared = modern and read_client_extension_settings(wire, EXTENSION) is not None
        slot = SLOT.get()
        if slot is None or not (declared or isinstance(params.get("task"), dict)):
            return ToolResult(content="ran at once")
        task = toy.create()
        slot["result"] = (
            {"resultType": "task", **task.wire(modern=True)}
            if modern
            else {"task": task.wire(modern=False)}
        )
        return ToolResult(content=[])


class _Raw:
    def __init__(self, method: str, params: Wire) -> None:
        self.method, self.params = method, params

    def model_dump(self, **_: object) -> Wire:
        return {"method": self.method, "params": self.params}


class _Any:
    @staticmethod
    def model_validate(raw: Wire, **_: object) -> Wire:
        return raw
