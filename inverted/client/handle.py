"""One task of a server, as a client holds it. The form follows from the negotiated revision."""

from __future__ import annotations

from mcp import ClientSession, MCPError
from mcp_types import INVALID_PARAMS, CallToolResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.client.errors import TasksUnsupported
from inverted.client.exchange import Exchange, OnStatus
from inverted.client.polling import Polling
from inverted.client.waiting import wait
from inverted.client.wire import LEGACY, CancelTask, Task


def attach(
    session: ClientSession,
    task_id: str,
    *,
    on_status: OnStatus | None = None,
    request_timeout: float | None = None,
) -> TaskHandle:
    """Come back to a task, for example one that an earlier process of this client began.

    Args:
        session: A connected session (`client.session`).
        task_id: The task.
        on_status: Told of every change of its status or message; may be async.
        request_timeout: Seconds for one request to the server; the session's if not given.

    Returns:
        The task. Nothing is sent yet.

    Raises:
        TasksUnsupported: The negotiated revision has no tasks.
    """
    return TaskHandle(session, task_id, on_status=on_status, request_timeout=request_timeout)


class TaskHandle:
    """A task, and the session over which it is driven. Made by `attach` and `call_tool_as_task`.

    Attributes:
        id: The task's id. Keep it to come back later.
        modern: Whether it is a task of 2026-07-28 (SEP-2663) rather than of 2025-11-25 (SEP-1686).
    """

    def __init__(
        self,
        session: ClientSession,
        task_id: str,
        *,
        on_status: OnStatus | None = None,
        request_timeout: float | None = None,
    ) -> None:
        version = session.protocol_version
        self.modern = version in MODERN_PROTOCOL_VERSIONS
        if not self.modern and version != LEGACY:
            raise TasksUnsupported(
                f"There are no tasks in protocol revision {version}. They need 2026-07-28 or "
                f"{LEGACY}.",
                task_id,
            )
        self.id = task_id
        self._exchange = Exchange(session, task_id, on_status, request_timeout)

    async def get(self) -> Task:
        """Where the task stands. Also tells `on_status`.

        Raises:
            TaskNotFound: The server knows no such task for this caller.
            TaskError: The server has no tasks, or its answer is none.
            MCPError: Any other error of the request.
        """
        return await self._exchange.get()

    async def cancel(self) -> Task:
        """Ask the server to cancel the task. One that has ended stays as it is.

        Returns:
            The task afterwards. On 2026-07-28 a server may need a while until it shows as
            cancelled.

        Raises:
            TaskNotFound: The server knows no such task for this caller.
            TaskError: The server has no tasks, or its answer is none.
            MCPError: Any other error of the request.
        """
        exchange = self._exchange
        try:
            await exchange.send(CancelTask(params=exchange.params))
        except MCPError as error:
            # 2025-11-25 refuses to cancel what has ended, with the code of an unknown task.
            if error.code != INVALID_PARAMS:
                raise exchange.explained(error) from error
        return await exchange.get()

    async def result(self) -> CallToolResult:
        """Drive the task to its end, and answer its questions with the client's callbacks.

        Cancelling whoever awaits this leaves the task alone.

        Returns:
            The result of the call; it may be a tool error (`is_error`).

        Raises:
            TaskFailed: It ended with a JSON-RPC error.
            TaskCancelled: It was cancelled.
            TaskNotFound: The server knows no such task for this caller.
            QuestionRefused: A callback of this client answered with an error (2026-07-28).
            TaskError: The server has no tasks, or breaks the protocol.
            MCPError: Any other error of a request; a lost connection too. The task is not lost.
        """
        return await (Polling(self._exchange).run() if self.modern else wait(self._exchange))
