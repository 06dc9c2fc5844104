"""Servers that give tasks to the wrong clients, or ask clients for tasks in a wrong way."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

import anyio
import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture import tasks_extension, tasks_hosted, tasks_legacy
from inverted_conformance.fixture.asking import Call
from inverted_conformance.fixture.tasks_legacy import RELATED
from mutants import patches
from mutants.mutant import mutant
from mutants.tasks import LEGACY, MODERN

Message = dict[str, Any]


def _before(change: Any) -> None:
    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        change(ctx)
        return await call_next(ctx)

    patches.servers(lambda server: server.middleware.insert(0, wrong))


@mutant("capabilities/tasks-declared", "capabilities.tasks-declared", wires=LEGACY)
def declares_no_tasks() -> None:
    """Runs tasks and does not declare them."""
    tasks_legacy.declared = lambda _, result: result


@mutant("capabilities/tasks-undeclared", "capabilities.tasks-undeclared-ignored", wires=LEGACY)
def refuses_tasks_elsewhere() -> None:
    """Refuses a request with a `task` that cannot be one."""

    def refuse(ctx: ServerRequestContext[Any, Any]) -> None:
        if ctx.method != "tools/call" and "task" in (ctx.params or {}):
            raise MCPError(types.INVALID_PARAMS, f"{ctx.method} does not run as a task")

    _before(refuse)


# -- who gets tasks on 2026-07-28 ------------------------------------------------------------------


@mutant("capabilities/tasks-for-whom", "capabilities.tasks-not-to-undeclared", wires=MODERN)
def remembers_who_declared() -> None:
    """Makes tasks for whoever has declared the extension once."""
    right = tasks_extension.declares
    seen: list[bool] = []

    def declares(ctx: Any) -> bool:
        seen.append(right(ctx))
        return any(seen)

    tasks_extension.declares = declares


@mutant("capabilities/tasks-for-whom", "capabilities.tasks-legacy-not-enough", wires=MODERN)
def takes_the_old_capability() -> None:
    """Makes tasks for clients that declare those of 2025-11-25."""
    right = tasks_extension.declares

    def declares(ctx: Any) -> bool:
        return right(ctx) or ctx.session.client_capabilities.tasks is not None

    tasks_extension.declares = declares


@mutant("capabilities/tasks-for-whom", "tasks.task-field-ignored", wires=MODERN)
def takes_the_old_field() -> None:
    """Makes a task of a call that has the field `task`."""
    right = tasks_extension.declares
    tasks_extension.declares = lambda ctx: right(ctx) or "task" in (ctx.params or {})


@mutant("capabilities/tasks-for-whom", "tasks.result-type-reserved", wires=MODERN)
def calls_everything_a_task() -> None:
    """Gives the list of tools the resultType `task`."""
    patches.results("tools/list", lambda result: {**result, "resultType": "task"})


@mutant("capabilities/tasks-required", "capabilities.tasks-required-error", wires=MODERN)
def refuses_without_a_reason() -> None:
    """Does not say which capability is missing."""
    _refuses_with(types.MISSING_REQUIRED_CLIENT_CAPABILITY)


def _refuses_with(code: int) -> None:
    def missing(path: tuple[str, ...]) -> MCPError:
        del path
        return MCPError(code, "This tool needs tasks")

    tasks_extension.missing = missing


@mutant("capabilities/tasks-required", "capabilities.tasks-required-error", wires=MODERN)
def refuses_as_before() -> None:
    """Refuses with the code that 2025-11-25 had for it."""
    _refuses_with(types.METHOD_NOT_FOUND)


@mutant("capabilities/tasks-required", "tasks.error-messages", wires=MODERN)
def refuses_with_a_code_only() -> None:
    """Refuses with an empty message."""
    right = tasks_extension.missing

    def missing(path: tuple[str, ...]) -> MCPError:
        return MCPError(right(path).code, "", right(path).data)

    tasks_extension.missing = missing


def _lets_everybody() -> None:
    tasks_extension._must_declare = lambda _: None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("capabilities/tasks-methods", "capabilities.tasks-methods-undeclared", wires=MODERN)
def serves_tasks_to_everybody() -> None:
    """Answers tasks/get for clients that do not declare the extension."""
    _lets_everybody()


@mutant("capabilities/tasks-methods", "tasks.result-removed", wires=MODERN)
def still_has_results() -> None:
    """Still answers tasks/result."""

    async def still(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        return {"resultType": "complete"} if ctx.method == "tasks/result" else await call_next(ctx)

    patches.servers(lambda server: server.middleware.insert(0, still))


@mutant("capabilities/tasks-listen", "capabilities.tasks-listen-undeclared", wires=MODERN)
def tells_everybody() -> None:
    """Lets clients listen for tasks that do not declare the extension."""
    _lets_everybody()


@mutant(
    "capabilities/tasks-in-both-revisions",
    "capabilities.tasks-extension-in-2025-11-25",
    wires=MODERN,
)
def extends_the_old_revision() -> None:
    """Makes tasks on 2025-11-25 for clients that declare the extension."""
    right = tasks_legacy.negotiate

    async def negotiate(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        params = ctx.params
        old = ctx.method == "tools/call" and ctx.protocol_version == tasks_legacy.WIRE
        if old and params is not None and tasks_extension.declares(ctx):
            ctx.params = {**params, "task": {}}
        return await right(ctx, call_next)

    tasks_legacy.negotiate = negotiate


@mutant("capabilities/tasks-in-both-revisions", "capabilities.tasks-migrated", wires=MODERN)
def declares_the_old_way_only() -> None:
    """Declares tasks on 2025-11-25 only, though it has them here too."""
    tasks_extension.EXTENSION = "com.example/tasks"


@mutant(
    "capabilities/tasks-declared-now",
    "capabilities.tasks-legacy-not-advertised",
    wires=MODERN,
)
def declares_both_ways() -> None:
    """Declares the old capability beside the extension."""

    def change(said: Message) -> Message:
        tasks: Message = {"cancel": {}, "requests": {"tools": {"call": {}}}}
        return {**said, "capabilities": {**said["capabilities"], "tasks": tasks}}

    patches.results("server/discover", change)


@mutant("tasks/old-tasks", "tasks.legacy-tasks-served", wires=MODERN)
def forgets_the_old_clients() -> None:
    """Refuses clients of before that come for the tasks which they began."""
    tasks_extension._old_only = lambda _: False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/listens", "tasks.no-progress-on-listen", wires=MODERN)
def tells_of_progress() -> None:
    """Sends log messages to who listens for a task."""
    right = tasks_extension.notification

    def notification(method: str, params: Message) -> Any:
        if method == "notifications/tasks":
            said = {"level": "info", "data": "something changed", "_meta": params["_meta"]}
            return right("notifications/message", said)
        return right(method, params)

    tasks_extension.notification = notification


@mutant("tasks/listens", "tasks.subscription-id", wires=MODERN)
def does_not_say_who_listens() -> None:
    """Leaves the subscription out of notifications about tasks."""
    right = tasks_extension.notification

    def notification(method: str, params: Message) -> Any:
        kept: Message = params if method != "notifications/tasks" else {**params, "_meta": {}}
        return right(method, kept)

    tasks_extension.notification = notification


# -- tasks of the client ---------------------------------------------------------------------------


@mutant("tasks/server-polls", "tasks.poll-interval", wires=LEGACY)
def polls_without_a_pause() -> None:
    """Polls a task of the client as fast as it can."""
    _polls(0)


def _polls(pause: float) -> None:
    async def polled(call: Call, task: Message) -> Message:
        await anyio.sleep(pause)
        here = {"taskId": task["taskId"]}
        return await tasks_hosted.send(call.context, {"method": "tasks/get", "params": here})

    tasks_hosted._polled = polled  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/server-polls", "tasks.poll-until-terminal", wires=LEGACY)
def looks_once() -> None:
    """Looks once at a task of the client, and takes what is there for its end."""

    async def fetched(call: Call, task: Message) -> Message:
        here = {"method": "tasks/get", "params": {"taskId": task["taskId"]}}
        status = (await tasks_hosted.send(call.context, here))["status"]
        return {"content": {"type": "text", "text": f"It is {status}"}}

    tasks_hosted.fetched = fetched


@mutant("tasks/server-polls", "tasks.notification-not-needed", wires=LEGACY)
def waits_to_be_told() -> None:
    """Waits for a notification that the client's task has ended."""
    _waits(0)


def _waits(looks: int) -> None:
    async def fetched(call: Call, task: Message) -> Message:
        for _ in range(looks):
            await tasks_hosted._polled(call, task)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        await anyio.sleep_forever()
        return task

    tasks_hosted.fetched = fetched


@mutant("tasks/server-polls", "tasks.no-related-task-in-requests", wires=LEGACY)
def names_tasks_of_the_client() -> None:
    """Puts related-task into its own tasks/get."""
    right = tasks_hosted.send

    async def send(ctx: Any, request: Message) -> Message:
        params = request["params"]
        named = {RELATED: {"taskId": params.get("taskId", "")}}
        more = {"_meta": named} if request["method"] == "tasks/get" else {}
        return await right(ctx, {**request, "params": {**params, **more}})

    tasks_hosted.send = send


@mutant("tasks/server-fetches-early", "tasks.result-at-input-required", wires=LEGACY)
def waits_for_the_end() -> None:
    """Polls on when a task of the client is input_required."""

    async def fetched(call: Call, task: Message) -> Message:
        while task["status"] in {"working", "input_required"}:
            task = await tasks_hosted._polled(call, task)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        here = {"method": "tasks/result", "params": {"taskId": task["taskId"]}}
        return await tasks_hosted.send(call.context, here)

    tasks_hosted.fetched = fetched


@mutant("tasks/server-fetches-early", "tasks.poll-beside-result", wires=LEGACY)
def gives_up_fetching() -> None:
    """Takes a tasks/result that was broken off for the end of the task."""

    async def fetched(call: Call, task: Message) -> Message:
        while task["status"] == "working":
            task = await tasks_hosted._polled(call, task)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        here = {"method": "tasks/result", "params": {"taskId": task["taskId"]}}
        return await tasks_hosted.send(call.context, here)

    tasks_hosted.fetched = fetched


@mutant("tasks/server-polls-beside-notifications", "tasks.poll-beside-notifications", wires=LEGACY)
def trusts_notifications() -> None:
    """Once told of a task's status waits to be told again."""
    _waits(1)


@mutant("tasks/server-lists", "tasks.list-cursor-opaque", wires=LEGACY)
def encodes_cursors() -> None:
    """Encodes a cursor of the client before it sends it back."""
    right = tasks_hosted.send

    async def send(ctx: Any, request: Message) -> Message:
        params = cast("Message", request["params"])
        changed = {k: quote(v) if k == "cursor" else v for k, v in params.items()}
        return await right(ctx, {**request, "params": changed})

    tasks_hosted.send = send


@mutant("tasks/server-cancels", "tasks.cancel-by-request", wires=LEGACY)
def cancels_by_notification() -> None:
    """Cancels a task of the client as one cancels a request."""

    async def cancelled(call: Call, task: Message) -> Message:
        params = types.CancelledNotificationParams(request_id=1, reason="no longer needed")
        await call.context.session.send_notification(
            types.CancelledNotification(params=params), related_request_id=call.context.request_id
        )
        return {**task, "status": "cancelled"}

    tasks_hosted.cancelled = cancelled


@mutant(
    "capabilities/tasks-of-the-client",
    "capabilities.tasks-none",
    "capabilities.tasks-augment-declared",
    wires=LEGACY,
)
def asks_everybody_for_tasks() -> None:
    """Asks every client to sample as a task."""
    tasks_hosted.possible = lambda call: call.context.protocol_version == tasks_legacy.WIRE
