"""Calling a tool as a task, where the client decides that: 2025-11-25 (SEP-1686)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mcp import ClientSession
from mcp_types import (
    CallToolRequest,
    CallToolRequestParams,
    RequestParamsMeta,
    TaskMetadata,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from inverted.client.errors import TaskError, TasksUnsupported
from inverted.client.exchange import OnStatus
from inverted.client.handle import TaskHandle
from inverted.client.wire import LEGACY, Raw, read_task


async def call_tool_as_task(
    session: ClientSession,
    name: str,
    arguments: dict[str, Any] | None = None,
    *,
    ttl: float | None = None,
    meta: RequestParamsMeta | None = None,
    on_status: OnStatus | None = None,
    request_timeout: float | None = None,
) -> TaskHandle:
    """Call a tool and get the task that the call became, on 2025-11-25.

    The progress of a task arrives as `notifications/progress` under the token that `meta` gives
    (`{"progressToken": …}`), for as long as the task runs. The SDK ends a `progress_callback` with
    the request, so there is none here: read them in the client's `message_handler`.

    Args:
        session: A connected session (`client.session`).
        name: The tool. It must say `execution.taskSupport` "optional" or "required".
        arguments: Its arguments.
        ttl: Seconds for which the server shall keep the task; it may decide otherwise.
        meta: `_meta` of the request.
        on_status: Told of every change of the task's status or message; may be async.
        request_timeout: Seconds for one request to the server; the session's if not given.

    Returns:
        The task.

    Raises:
        TasksUnsupported: The server does not take calls as tasks, or another revision was
            negotiated. On 2026-07-28 the server decides: use `TasksExtension(detach=True)`.
        TaskError: The server's answer is no task.
        MCPError: The server refused the call (-32601: this tool cannot be a task).

    Source: 2025-11-25 basic/utilities/tasks, creating tasks.
    """
    _check(session)
    params = CallToolRequestParams(
        name=name,
        arguments=arguments,
        task=TaskMetadata(ttl=None if ttl is None else round(ttl * 1000)),
        _meta=meta,
    )
    try:
        found = await session.send_request(
            CallToolRequest(params=params), Raw, request_read_timeout_seconds=request_timeout
        )
    except ValidationError as error:
        # The SDK knows the type of this result, but `send_request` accepts none for tools/call but
        # CallToolResult. What it refused is in its error. Goes when it lets CreateTaskResult pass.
        raw = _refused(error)
    else:
        raise TaskError(
            f"The server ran {name} at once instead of making a task of it, although it says that "
            f"it can. It answered: {str(found.fields())[:200]}",
            "",
        )
    task = read_task(cast("Mapping[str, Any]", raw.get("task") or {}), "")
    return TaskHandle(session, task.id, on_status=on_status, request_timeout=request_timeout)


def _check(session: ClientSession) -> None:
    version = session.protocol_version
    if version in MODERN_PROTOCOL_VERSIONS:
        raise TasksUnsupported(
            f"On {version} the server decides which calls become tasks. Pass "
            "extensions=[TasksExtension(detach=True)] to the client and call the tool as always.",
            "",
        )
    tasks = session.server_capabilities.tasks if session.server_capabilities else None
    tools = tasks.requests.tools if tasks and tasks.requests else None
    if version != LEGACY or tools is None or tools.call is None:
        raise TasksUnsupported(
            f"This server takes no calls as tasks (it negotiated {version}, and tasks are in "
            f"{LEGACY} alone, where the server declares them). Call the tool without one.",
            "",
        )


def _refused(error: ValidationError) -> dict[str, Any]:
    for each in error.errors():
        found: Any = each["input"]
        if isinstance(found, dict) and "task" in found:
            return cast("dict[str, Any]", found)
    raise TaskError(
        "The server's answer to a call as a task is neither a task nor a result: "
        f"{error.errors()[0]['msg']}.",
        "",
    ) from None
