"""Which task a request means, and whether it may: the checks that all methods share.

The order is: shape of the params (-32602), declared capability (-32021), routing header (-32020),
and then the task itself (-32602). An unknown task, one that has expired and one of somebody else
are told by the same words.

Source: 2025-11-25 basic/utilities/tasks, Protocol Errors; Task Isolation and Access Control.
SEP-2663, Protocol Errors; Streamable HTTP: Routing Headers. 2026-07-28 basic/transports/
streamable-http, Server Validation.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, ParamSpec, TypeVar, cast

from fastmcp import FastMCP
from fastmcp.server.extensions import read_client_extension_settings
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import authenticated_principal
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.errors import AnswerError, InvertedError, LimitExceeded, RunError, RunNotFound
from inverted.runtime.ports import Agent
from inverted.runtime.tasks import Tasks, View
from inverted.server.tasks.rules import EXTENSION, LEGACY, MODERN, Form
from inverted.server.tasks.wire import Shown, refused

OF_OLD_TASKS: Final = ("tasks/get", "tasks/cancel")
"""What a client without the extension may do with tasks of 2025-11-25."""

Context = ServerRequestContext[Any, Any]
P = ParamSpec("P")
R = TypeVar("R")


def form_of(revision: str) -> Form | None:
    """The form of tasks that a protocol revision has."""
    if revision in MODERN_PROTOCOL_VERSIONS:
        return MODERN
    return LEGACY if revision == LEGACY.revision else None


def declared(context: Context) -> bool:
    """Whether the client declared the extension on this request."""
    return read_client_extension_settings(context, EXTENSION) is not None


def undeclared(what: str) -> MCPError:
    """The refusal of a request without the declaration that it needs."""
    return MCPError(
        MISSING_REQUIRED_CLIENT_CAPABILITY,
        f"{what} needs the extension {EXTENSION}, and this request does not declare it. Send it in "
        "the client capabilities of every request, or use a client that has tasks.",
        {"requiredCapabilities": {"extensions": {EXTENSION: {}}}},
    )


def _is_old(context: Context) -> bool:
    """Whether a client that has only the tasks of 2025-11-25 looks at one, or cancels it.

    With those of that time it may (SEP-2663, Backward Compatibility).
    """
    capabilities = context.session.client_capabilities
    has_old = capabilities is not None and capabilities.tasks is not None
    return has_old and context.method in OF_OLD_TASKS


def task_id_of(context: Context, task_id: object) -> str:
    """The id of the task that a request names, after every check that needs no store.

    Raises:
        MCPError: -32602, -32021 or -32020.
    """
    if not isinstance(task_id, str):
        raise refused(
            INVALID_PARAMS, f"{context.method} needs params.taskId, a string.", "BadParams"
        )
    form = form_of(context.protocol_version)
    if form is not None and form.each_request and not declared(context) and not _is_old(context):
        raise undeclared(context.method)
    request = context.request
    if form is not None and form.routed and request is not None:
        header: str | None = request.headers.get(MCP_NAME_HEADER)
        # Clients must send it, and the one of FastMCP 4.1 does not. It is for routing only, so a
        # missing one does no harm; the transport lists it as required for other methods.
        if header is not None and decode_header_value(header) != task_id:
            raise MCPError(
                HEADER_MISMATCH,
                f"The header {MCP_NAME_HEADER} is {header!r}, and params.taskId is {task_id!r}. "
                "Send the task's id in both.",
            )
    return task_id


def tasks_of(server: FastMCP[Any]) -> Iterator[Tasks]:
    """The tasks of a server and of everything that is mounted in it, each once."""
    seen: set[int] = set()
    waiting: list[Any] = [server]
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        tasks = getattr(each, "tasks", None)
        if isinstance(tasks, Tasks):
            yield tasks
        # Mounted servers stand in providers, which may be wrapped and combined.
        waiting += getattr(each, "providers", ())
        waiting += [
            inner
            for name in ("server", "_inner")
            if (inner := getattr(each, name, None)) is not None
        ]


async def find(server: FastMCP[Any], context: Context, run_id: str) -> tuple[Tasks, View]:
    """A task of the caller, and what serves it.

    Raises:
        RunNotFound: There is none of that id for this caller.
        MCPError: -32021: it is of the extension, which this client does not have.
    """
    principal = authenticated_principal(context)
    found: tuple[Tasks, View] | None = None
    for tasks in tasks_of(server):
        try:
            view = await tasks.look(run_id, principal=principal)
        except RunNotFound:
            continue
        _admitted(context, view)
        found = found or (tasks, view)
        if view.record.agent in tasks.agents:  # several servers may share a store
            return tasks, view
    if found is None:
        raise RunNotFound(run_id)
    return found


def _admitted(context: Context, view: View) -> None:
    form = form_of(context.protocol_version)
    new = view.info.form != LEGACY.revision
    if new and form is MODERN and context.method in OF_OLD_TASKS and not declared(context):
        raise undeclared(context.method)


def shown(form: Form, tasks: Tasks, view: View) -> Shown:
    """A task as a form shows it."""
    name = view.record.agent
    agent = tasks.agents.get(name) or Agent(name, _gone, _gone, mask_error_details=True)
    return Shown(form, view, agent, tasks.settings.poll_interval)


def _gone(*_: object) -> Any:
    """An agent that this server does not have any more runs nothing."""


def speaks_protocol(method: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Let a method end with the protocol's errors instead of ours."""

    @functools.wraps(method)
    async def speaking(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await method(*args, **kwargs)
        except InvertedError as error:
            raise as_protocol(error) from error

    return cast("Callable[P, Awaitable[R]]", speaking)


def as_protocol(error: InvertedError) -> MCPError:
    """The JSON-RPC error for one of ours."""
    reason = type(error).__name__
    if isinstance(error, RunNotFound):
        return refused(
            INVALID_PARAMS,
            "There is no such task for this caller: the id is unknown, the task has expired, or it "
            "belongs to somebody else. Call the tool again to start a new one.",
            reason,
        )
    if isinstance(error, AnswerError | RunError):
        return refused(INVALID_PARAMS, str(error), reason)
    if isinstance(error, LimitExceeded):
        return refused(INTERNAL_ERROR, error.message, reason)
    return refused(INTERNAL_ERROR, f"{error} Nothing was lost; send the request again.", reason)
