"""`subscriptions/listen` with task ids (2026-07-28): what a client hears without polling.

A notification is the whole task, as `tasks/get` shows it at that moment. The first one comes at
once, so that nothing is missed between the call and the subscription. The stream ends when every
task on it has ended. Ids that are not the caller's are left out of the acknowledgement.

Source: SEP-2663, Task Status Notifications. 2026-07-28 basic/patterns/subscriptions.
"""

from __future__ import annotations

from typing import Any, Final, cast

import anyio
from fastmcp import FastMCP
from mcp_types import INVALID_PARAMS, RequestParams

from inverted.core.effects import Json
from inverted.errors import InvertedError, RunNotFound
from inverted.runtime.tasks import Tasks, View
from inverted.server.tasks.access import (
    Context,
    declared,
    find,
    shown,
    speaks_protocol,
    undeclared,
)
from inverted.server.tasks.rules import MODERN
from inverted.server.tasks.wire import refused

LISTEN: Final = "subscriptions/listen"
SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"
MOST: Final = 1000
"""Task ids of one stream."""
LONG: Final = 3600.0
"""Seconds between two looks at a task that does not change."""


class ListenParams(RequestParams):
    """The params of `subscriptions/listen`."""

    notifications: dict[str, Any]


class Listener:
    """Serves `subscriptions/listen` of one server.

    Args:
        server: The server.
    """

    def __init__(self, server: FastMCP[Any]) -> None:
        self._server = server

    @speaks_protocol
    async def __call__(self, context: Context, params: ListenParams) -> dict[str, Json]:
        """Serve one request until its tasks have ended or the client leaves.

        Raises:
            MCPError: The ids are no list of strings, or the extension was not declared.
        """
        wanted = _task_ids(params.notifications)
        if wanted is not None and not declared(context):
            raise undeclared("Listening to tasks")
        found: list[tuple[Tasks, View]] = []
        for run_id in dict.fromkeys(wanted or ()):
            try:
                found.append(await find(self._server, context, run_id))
            except RunNotFound:
                continue
        accepted = [view.record.id for _, view in found]
        about = {"notifications": {} if wanted is None else {"taskIds": accepted}}
        await _notify(context, "notifications/subscriptions/acknowledged", about)
        if wanted is None:
            await anyio.sleep_forever()  # nothing that was asked for is ever sent here
        async with anyio.create_task_group() as group:
            for tasks, view in found:
                group.start_soon(_follow, context, tasks, view)
        return {"resultType": "complete", "_meta": {SUBSCRIPTION: context.request_id}}


async def _follow(context: Context, tasks: Tasks, view: View) -> None:
    while True:
        await _notify(context, MODERN.notification, shown(MODERN, tasks, view).detailed())
        if view.status.terminal:
            return
        seen = view
        try:
            while not view.differs(seen):
                view = await tasks.changed(view, LONG)
        except InvertedError:
            return  # it is gone, or the store is: tasks/get says it


async def _notify(context: Context, method: str, params: dict[str, Json]) -> None:
    meta = {"_meta": {SUBSCRIPTION: context.request_id}}
    message = cast("Any", _Notification(method, {**params, **meta}))
    await context.session.send_notification(message, related_request_id=context.request_id)


def _task_ids(notifications: dict[str, Any]) -> list[str] | None:
    ids = notifications.get("taskIds")
    if ids is None:
        return None
    given = cast("list[object]", ids) if isinstance(ids, list) else [None]
    if len(given) > MOST or not all(isinstance(each, str) for each in given):
        raise refused(
            INVALID_PARAMS,
            f"notifications.taskIds must be a list of at most {MOST} task ids, which are strings.",
            "BadParams",
        )
    return cast("list[str]", given)


class _Notification:
    """A notification in wire form; the SDK only dumps it."""

    def __init__(self, method: str, params: dict[str, Json]) -> None:
        self.method = method
        self._params = params

    def model_dump(self, **_: object) -> dict[str, Json]:
        return {"method": self.method, "params": self._params}
