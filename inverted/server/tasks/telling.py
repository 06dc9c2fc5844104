"""What the creator of a SEP-1686 task hears without asking: status, progress, log messages.

They go out on the connection that created the task, outside of any request, as long as it is
there and this process drives the run. The progress token of the call stays in use until the task
ends. Nothing depends on them, and a parked task costs nothing.

Source: 2025-11-25 basic/utilities/tasks, Task Notifications; Task Progress Notifications; Related
Task Metadata. 2025-11-25 basic/utilities/progress.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, get_args

from fastmcp import FastMCP
from mcp.server.connection import Connection
from mcp_types import LoggingLevel

from inverted.core.effects import Json
from inverted.core.lifecycle import Status
from inverted.errors import InvertedError
from inverted.runtime.tasks import Tasks
from inverted.server.tasks.access import shown
from inverted.server.tasks.rules import LEGACY
from inverted.server.tasks.wire import related
from inverted.stores.base import RunRecord

LEVELS: Final[tuple[str, ...]] = get_args(LoggingLevel)
"""From the least to the most severe."""


class Teller:
    """Tells clients of the tasks that they created.

    Args:
        server: The server that they are connected to.
    """

    def __init__(self, server: FastMCP[Any]) -> None:
        self._server = server
        self._told: dict[str, Told] = {}
        self._connections: dict[Connection, set[str]] = {}
        self._heard: dict[int, Tasks] = {}
        self._stop: list[Callable[[], None]] = []

    def tell(
        self,
        connection: Connection,
        tasks: Tasks,
        run_id: str,
        *,
        principal: str | None,
        token: str | int | None,
    ) -> Callable[[], None]:
        """Tell this connection of a run, from now until it ends or the connection closes.

        Args:
            connection: Where its creator is.
            tasks: What serves it.
            run_id: The run; it need not be there yet.
            principal: Whose it is.
            token: The progress token of the call.

        Returns:
            How to stop before that.
        """
        self._hear(tasks)
        levels = self._server._client_log_levels  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # what logging/setLevel has set
        key = connection.session_id or "__no_session__"

        def wanted() -> str | None:
            return levels.get(key, self._server.client_log_level)

        self._told[run_id] = told = Told(
            connection, tasks, run_id, principal=principal, token=token, wanted=wanted
        )

        if connection not in self._connections:
            connection.exit_stack.callback(self._closed, connection)
        self._connections.setdefault(connection, set()).add(run_id)

        def gone() -> None:
            if self._told.get(run_id) is told:
                del self._told[run_id]
            self._connections.get(connection, set()).discard(run_id)

        told.over = gone
        return gone

    def close(self) -> None:
        """Stop telling; for the end of the server."""
        self._told.clear()
        self._heard.clear()
        while self._stop:
            self._stop.pop()()

    def _closed(self, connection: Connection) -> None:
        for run_id in self._connections.pop(connection, ()):
            self._told.pop(run_id, None)

    def _hear(self, tasks: Tasks) -> None:
        if id(tasks) in self._heard:
            return
        self._heard[id(tasks)] = tasks
        watchers = tasks.runtime.watchers
        watchers.append(self._committed)
        self._stop += [tasks.subscribe(self._noticed), lambda: watchers.remove(self._committed)]

    def _committed(self, record: RunRecord) -> None:
        told = self._told.get(record.id)
        if told is not None:
            told.committed(record)

    def _noticed(self, run_id: str, payload: dict[str, Json]) -> None:
        told = self._told.get(run_id)
        if told is not None:
            told.noticed(payload)


class Told:
    """One task whose creator is told of it.

    Args:
        connection: Where the creator is.
        tasks: What serves the task.
        run_id: The task.
        principal: Whose it is.
        token: The progress token of the call that created it.
        wanted: The least severe level of log messages that the client wants.
    """

    def __init__(
        self,
        connection: Connection,
        tasks: Tasks,
        run_id: str,
        *,
        principal: str | None,
        token: str | int | None,
        wanted: Callable[[], str | None],
    ) -> None:
        self._connection = connection
        self._tasks = tasks
        self._run_id, self._principal, self._token = run_id, principal, token
        self._wanted = wanted
        self._status = Status.WORKING
        self._progress = float("-inf")
        # Sent one after the other, in the order in which they happened. None: look, and say so.
        self._messages: deque[tuple[str, dict[str, Json]] | None] = deque()
        self._sending: asyncio.Task[None] | None = None
        self.over: Callable[[], None] = _nothing

    def committed(self, record: RunRecord) -> None:
        """The run was written."""
        status = Status.CANCELLED if record.stop is not None else record.status
        if status is not self._status:
            self._status = status
            self._put(None)

    def noticed(self, payload: dict[str, Json]) -> None:
        """The run said something."""
        progressed = payload["type"] == "progress"
        params = self._progressed(payload) if progressed else self._logged(payload)
        if params is not None:
            params["_meta"] = related(self._run_id)
            self._put(("notifications/progress" if progressed else "notifications/message", params))

    def _put(self, message: tuple[str, dict[str, Json]] | None) -> None:
        self._messages.append(message)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._messages:
            message = self._messages.popleft() or await self._status_now()
            if message is not None:
                await self._connection.notify(*message)
        self._sending = None
        if self._status.terminal:
            self.over()

    async def _status_now(self) -> tuple[str, dict[str, Json]] | None:
        try:
            view = await self._tasks.look(self._run_id, principal=self._principal)
        except InvertedError:
            return None
        return LEGACY.notification, shown(LEGACY, self._tasks, view).task()

    def _progressed(self, payload: dict[str, Json]) -> dict[str, Json] | None:
        progress: float = payload["progress"]
        if self._token is None or progress <= self._progress or self._status.terminal:
            return None  # it must increase, and there is none after the end
        self._progress = progress
        wanted = ("progress", "total", "message")
        said = {name: payload[name] for name in wanted if payload[name] is not None}
        return {"progressToken": self._token, **said}

    def _logged(self, payload: dict[str, Json]) -> dict[str, Json] | None:
        wanted = self._wanted()
        if wanted is not None and LEVELS.index(payload["level"]) < LEVELS.index(wanted):
            return None
        params: dict[str, Json] = {
            "level": payload["level"],
            "data": {"msg": payload["message"], "extra": payload["extra"]},
        }
        return params if payload["logger"] is None else {**params, "logger": payload["logger"]}


def _nothing() -> None:
    """Nobody keeps it."""
