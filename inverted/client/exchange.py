"""Requests about one task, and what their answers mean.

Used by `handle`, and by the two ways to a task's end: `polling` and `waiting`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from mcp import ClientSession, MCPError
from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
)
from pydantic import ValidationError

from inverted.client.errors import (
    TaskCancelled,
    TaskError,
    TaskFailed,
    TaskNotFound,
    TasksUnsupported,
)
from inverted.client.wire import GetTask, Raw, Task, TaskParams, read_task

OnStatus = Callable[[Task], Awaitable[None] | None]
"""Is told of a task when its status or its message has changed."""

FIRST_PAUSE: Final = 0.02
"""Seconds between the first two polls; the pauses double from there."""

DEFAULT_INTERVAL: Final = 1.0
"""Seconds between two polls when the server names none."""


class Exchange:
    """One task, seen from one session.

    Args:
        session: A connected session.
        task_id: The task.
        on_status: Told of changes.
        timeout: Seconds for one request; the session's if None.
    """

    def __init__(
        self,
        session: ClientSession,
        task_id: str,
        on_status: OnStatus | None,
        timeout: float | None,
    ) -> None:
        self.session = session
        self.id = task_id
        self.on_status = on_status
        self._timeout = timeout
        self._told: tuple[str, str | None] | None = None

    @property
    def params(self) -> TaskParams:
        """Names the task in a request."""
        return TaskParams(task_id=self.id)

    async def send(self, request: Any) -> dict[str, Any]:
        """Send a request. Returns the result in wire form; raises `MCPError`."""
        found = await self.session.send_request(
            request, Raw, request_read_timeout_seconds=self._timeout
        )
        return found.fields()

    async def get(self) -> Task:
        """See `TaskHandle.get`."""
        try:
            raw = await self.send(GetTask(params=self.params))
        except MCPError as error:
            raise self.explained(error) from error
        task = read_task(raw, self.id)
        await self._tell(task)
        return task

    async def _tell(self, task: Task) -> None:
        seen = (task.status, task.message)
        if self.on_status is None or seen == self._told:
            return
        self._told = seen
        told = self.on_status(task)
        if inspect.isawaitable(told):
            await told

    def explained(self, error: MCPError) -> TaskError | MCPError:
        """The error of a request about the task, in the words of tasks."""
        if error.code == INVALID_PARAMS:
            return TaskNotFound(
                f"The server knows no task {self.id} for this caller ({error.message}). It has "
                "expired, or belongs to somebody else. Call the tool again to start a new one.",
                self.id,
            )
        if error.code == MISSING_REQUIRED_CLIENT_CAPABILITY:
            return TasksUnsupported(
                "The server wants clients to declare the tasks extension, and this one does not. "
                "Pass extensions=[TasksExtension()] to the client.",
                self.id,
            )
        if error.code == METHOD_NOT_FOUND:
            return TasksUnsupported(
                f"This server has no tasks on {self.session.protocol_version} "
                f"({error.message}). A task is found with the revision that it was created with.",
                self.id,
            )
        return error

    def completed(self, raw: object) -> CallToolResult:
        """The result of the call from the wire. Raises `TaskError` when it is none."""
        try:
            return CallToolResult.model_validate(raw, by_name=False)
        except ValidationError as error:
            raise TaskError(
                f"The result of task {self.id} is no result of a tool: {error.errors()[0]['msg']}.",
                self.id,
            ) from None

    def cancelled(self, task: Task) -> TaskCancelled:
        """What to raise for a task that was cancelled."""
        why = f": {task.message}" if task.message else ""
        return TaskCancelled(f"Task {self.id} was cancelled{why}.", self.id)

    def failed(self, message: str, code: int, data: Any) -> TaskFailed:
        """What to raise for a task that ended with a JSON-RPC error."""
        return TaskFailed(message, self.id, code, data)
