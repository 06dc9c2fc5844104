"""The extension that serves tasks: it decides which calls become tasks, and serves `tasks/*`.

It holds no tasks. It finds them where they are: in the server that it is registered on and in
every `AgentServer` that is mounted there, so that agents under a plain FastMCP root are tasks too.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from fastmcp import FastMCP
from fastmcp.exceptions import NotFoundError, ToolError
from fastmcp.exceptions import ValidationError as ArgumentError
from fastmcp.server.dependencies import (
    _is_client_tool_call,  # pyright: ignore[reportPrivateUsage] # only it tells a call of the client from one of a tool
    extract_version_spec,
)
from fastmcp.server.extensions import MethodBinding, ServerExtension
from fastmcp.tools.base import Tool
from fastmcp.utilities.versions import VersionSpec
from mcp.server.request_state import authenticated_principal
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, CallToolResult, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.carriers.client import Client
from inverted.core.effects import Json
from inverted.core.lifecycle import Status
from inverted.errors import RunNotFound
from inverted.runtime.ports import Sealer
from inverted.runtime.tasks import TaskInfo, Tasks, TaskSettings, View
from inverted.server.outcome import Refused, RequestError
from inverted.server.tasks.access import (
    Context,
    declared,
    find,
    form_of,
    shown,
    speaks_protocol,
    task_id_of,
    tasks_of,
    undeclared,
)
from inverted.server.tasks.asking import Asker
from inverted.server.tasks.call import CALL, Plan
from inverted.server.tasks.limits import Cursors, Polls, granted_ttl
from inverted.server.tasks.middleware import identified, install
from inverted.server.tasks.rules import EXTENSION, LEGACY, MODERN, Form
from inverted.server.tasks.telling import Teller
from inverted.server.tasks.wire import refused

if TYPE_CHECKING:
    from fastmcp.server.context import Context as ToolContext
    from fastmcp.server.extensions import ToolCallContinuation, ToolCallOutcome
    from mcp_types import CallToolRequestParams

PAGE = 50
"""Tasks in one answer to `tasks/list`."""


class TaskParams(RequestParams):
    """Params that name a task. What is missing or wrong is said by us, in words that help."""

    task_id: Any = None


class UpdateParams(TaskParams):
    """The params of `tasks/update`."""

    input_responses: Any = None


class ListParams(RequestParams):
    """The params of `tasks/list`."""

    cursor: Any = None


class TasksExtension(ServerExtension):
    """Serves tasks in both forms. `AgentServer` registers it.

    Args:
        settings: How tasks are served.
        sealer: Makes list cursors opaque.
    """

    identifier = EXTENSION
    auto_register = True

    def __init__(self, settings: TaskSettings, sealer: Sealer) -> None:
        self._settings = settings
        self._sealer = sealer
        self._cursors = Cursors(sealer)
        self._polls = Polls(settings.polls)
        self._asker = Asker()
        self._teller: Teller | None = None

    def clone(self) -> TasksExtension:
        """See `ServerExtension.clone`: for the server that this one is mounted in."""
        return TasksExtension(self._settings, self._sealer)

    def _bind(self, server: FastMCP[Any]) -> None:
        super()._bind(server)
        install(server)
        self._teller = Teller(server)

    def methods(self) -> Sequence[MethodBinding]:
        """See `ServerExtension.methods`."""
        legacy, modern = frozenset({LEGACY.revision}), frozenset(MODERN_PROTOCOL_VERSIONS)
        return (
            MethodBinding("tasks/get", TaskParams, self._get, legacy | modern),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, legacy | modern),
            MethodBinding("tasks/update", UpdateParams, self._update, modern),
            MethodBinding("tasks/result", TaskParams, self._result, legacy),
            MethodBinding("tasks/list", ListParams, self._list, legacy),
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """See `ServerExtension.lifespan`: tasks that nobody drives are taken up from the start."""
        for tasks in tasks_of(self.server):
            await tasks.start()
        try:
            yield
        finally:
            self._asker.close()
            if self._teller is not None:
                self._teller.close()
            for tasks in tasks_of(self.server):
                await tasks.stop()

    # -- calls ------------------------------------------------------------------------------

    async def intercept_tool_call(
        self,
        params: CallToolRequestParams,
        context: ToolContext,
        call_next: ToolCallContinuation,
    ) -> ToolCallOutcome:
        """See `ServerExtension.intercept_tool_call`: decide whether this call becomes a task.

        Raises:
            MCPError: The agent is served only as a task, or only without, or the `ttl` is none.
        """
        call, request = CALL.get(), context.request_context
        # A tool that calls an agent runs it inline: the client called the tool.
        if call is None or request is None or not _is_client_tool_call():
            return await call_next()
        wire: Context = request._srctx  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the raw params are only there
        support = await _support(context, params)
        call.plan = None if support is None else self._plan(wire, params.name, support)
        if call.plan is None:
            return await call_next()
        legacy = call.plan.form is LEGACY
        try:
            result = await call_next()
        except (ToolError, ArgumentError) as error:
            if not legacy or isinstance(error, RequestError | Refused):
                raise
            # The client waits for a task, so there is no tool result to say it with.
            raise refused(INVALID_PARAMS, str(error), type(error).__name__) from error
        # What goes out is the reply; a result of FastMCP's own would get into its caches.
        return result if call.reply is None else CallToolResult(content=[])

    def _plan(self, wire: Context, name: str, support: str) -> Plan | None:
        form = form_of(wire.protocol_version)
        if form is None or (support == "forbidden" and form is MODERN):
            return None
        raw: Mapping[str, Json] = wire.params or {}
        task: Json = raw.get("task")
        asked = declared(wire) if form is MODERN else isinstance(task, dict)
        if asked and support == "forbidden":
            raise refused(
                METHOD_NOT_FOUND,
                f"{name} is not served as a task. Call it without params.task.",
                "TaskForbidden",
            )
        if not asked and support == "required":
            if form is MODERN:
                raise undeclared(f"Calling {name}")
            raise refused(
                form.needed,
                f"{name} is served only as a task. Call it with params.task, which may be empty.",
                "TaskRequired",
            )
        if not asked:
            return None
        return Plan(
            form,
            self._info(wire, form),
            patient=form is MODERN and support == "optional",
            told=partial(self._told, wire),
            created=lambda tasks, view: shown(form, tasks, view).created(),
        )

    def _info(self, wire: Context, form: Form) -> TaskInfo:
        raw: Mapping[str, Json] = wire.params or {}
        wish = raw["task"].get("ttl") if form.requestor_ttl else None
        ttl = granted_ttl(wish, self._settings.default_ttl, self._settings.max_ttl)
        reachable = form is MODERN or wire.session.can_send_request
        client = Client.of(wire.protocol_version, wire.session.client_capabilities)
        features = sorted(client.features) if reachable else []
        meta: Mapping[str, Json] = raw.get("_meta") or {}
        token = meta.get("progressToken") if form.progress else None
        return TaskInfo(form.revision, wire.protocol_version, features, ttl, token)

    # -- methods ----------------------------------------------------------------------------

    @speaks_protocol
    async def _get(self, context: Context, params: TaskParams) -> dict[str, Json]:
        run_id = task_id_of(context, params.task_id)
        tasks, view = await find(self.server, context, run_id)
        clock = tasks.runtime.clock
        delay = self._polls.delay(run_id, clock.now())
        if delay:
            await clock.sleep(delay)
            tasks, view = await find(self.server, context, run_id)
        form = _form(context)
        if form is LEGACY:
            self._asker.polled(context, tasks, view)
        return shown(form, tasks, view).reply()

    @speaks_protocol
    async def _cancel(self, context: Context, params: TaskParams) -> dict[str, Json]:
        run_id, form = task_id_of(context, params.task_id), _form(context)
        tasks, _ = await find(self.server, context, run_id)
        principal = authenticated_principal(context)
        view, live = await tasks.cancel(run_id, "the client asked for it", principal=principal)
        if not live and not form.cancel_ended:
            raise refused(
                INVALID_PARAMS,
                f"Task {run_id} cannot be cancelled: it is {shown(form, tasks, view).status} "
                "already, and that does not change any more.",
                "Ended",
            )
        return shown(form, tasks, view).task() if form.cancel_shows else {}

    @speaks_protocol
    async def _update(self, context: Context, params: UpdateParams) -> dict[str, Json]:
        run_id = task_id_of(context, params.task_id)
        answers = cast("dict[str, Json]", params.input_responses)
        if not isinstance(params.input_responses, dict):
            raise refused(
                INVALID_PARAMS,
                "tasks/update needs params.inputResponses, an object with an answer for each key "
                "of inputRequests.",
                "BadParams",
            )
        tasks, _ = await find(self.server, context, run_id)
        await tasks.answer(run_id, answers, principal=authenticated_principal(context))
        return {}

    @speaks_protocol
    async def _result(self, context: Context, params: TaskParams) -> dict[str, Json]:
        run_id = task_id_of(context, params.task_id)
        tasks, view = await find(self.server, context, run_id)
        view = await self._asker.result(context, tasks, view)
        return shown(LEGACY, tasks, view).result()

    @speaks_protocol
    async def _list(self, context: Context, params: ListParams) -> dict[str, Json]:
        if not identified(context):
            raise refused(
                METHOD_NOT_FOUND,
                "tasks/list is not served here: this server cannot tell its callers apart, and "
                "would show everybody's tasks to everybody. Configure authentication.",
                "NoPrincipal",
            )
        principal = authenticated_principal(context)
        first, before = 0, None
        if params.cursor is not None:
            first, before = self._cursors.read(params.cursor, principal)
        page: list[dict[str, Json]] = []
        everybody = list(tasks_of(self.server))
        for number, tasks in enumerate(everybody):
            if number < first:
                continue
            found = await tasks.list(principal=principal, limit=PAGE, before=before)
            for view in found:
                if _owner(everybody, view.record.agent) in (tasks, None):
                    page += await _listed(tasks, view)
            if len(found) == PAGE:
                cursor = self._cursors.write(principal, number, found[-1].record.id)
                return {"tasks": page, "nextCursor": cursor}
            before = None
        return {"tasks": page}

    def _told(self, wire: Context, tasks: Tasks, run_id: str) -> Callable[[], None]:
        """Tell the creator of a run, where the form has that."""
        if self._teller is None or _form(wire) is not LEGACY:
            return lambda: None
        connection = wire.session._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the only way to speak outside of a request
        meta: Mapping[str, Json] = (wire.params or {}).get("_meta") or {}
        token = meta.get("progressToken")
        return self._teller.tell(
            connection, tasks, run_id, principal=authenticated_principal(wire), token=token
        )


async def _support(context: ToolContext, params: CallToolRequestParams) -> str | None:
    """What the tool says of tasks; None for a tool that is not there."""
    meta: Any = params.meta
    version = extract_version_spec(meta)
    # An agent of this very server is found at once. FastMCP's search takes longer than the rest of
    # a short task; it is needed for what is mounted, renamed or has versions.
    agents: Mapping[str, Tool] = getattr(context.fastmcp, "agent_tools", {})
    tool = agents.get(params.name) if version is None else None
    if tool is None:
        with contextlib.suppress(NotFoundError):
            tool = await context.fastmcp.get_tool(
                params.name, None if version is None else VersionSpec(eq=version)
            )
    if tool is None:
        return None
    return (None if tool.execution is None else tool.execution.task_support) or "forbidden"


def _owner(everybody: list[Tasks], agent: str) -> Tasks | None:
    """Who shows the tasks of an agent, if anybody has it: several servers may share a store."""
    return next((each for each in everybody if agent in each.agents), None)


async def _listed(tasks: Tasks, view: View) -> list[dict[str, Json]]:
    """One entry of a list, as `tasks/get` would show it; none for a task that is gone."""
    if view.record.status is not Status.WORKING:
        try:
            view = await tasks.look(view.record.id, principal=view.record.principal)
        except RunNotFound:
            return []
    return [shown(LEGACY, tasks, view).task()]


def _form(context: Context) -> Form:
    form = form_of(context.protocol_version)
    assert form is not None  # noqa: S101 - the methods are bound to revisions that have one
    return form
