"""The tasks extension for clients of the MCP SDK and of FastMCP (2026-07-28, SEP-2663)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp_types import CallToolResult

from inverted.client.errors import TaskDetached
from inverted.client.exchange import OnStatus
from inverted.client.handle import TaskHandle
from inverted.client.wire import EXTENSION, Created


class TasksExtension(ClientExtension):
    """Lets a server make tasks of calls, and drives them.

        Client(url, extensions=[TasksExtension()], elicitation_callback=..., sampling_callback=...)

    `call_tool` then returns the result of a task like any other. Questions inside the task go to
    the client's own callbacks: elicitation, sampling, roots. There is no limit of rounds. What
    `call_tool` may raise beside the usual: the errors of `TaskHandle.result`.

    Args:
        on_status: Told of every change of a task's status or message; may be async.
        detach: Do not drive tasks: `call_tool` raises `TaskDetached`, whose `handle` is the task.
            (It cannot be returned: the SDK checks what `call_tool` returns against the tool's
            output schema.)

    Source: SEP-2663; SEP-2133 for extensions of clients.
    """

    identifier = EXTENSION

    def __init__(self, *, on_status: OnStatus | None = None, detach: bool = False) -> None:
        self._on_status = on_status
        self._detach = detach

    def claims(self) -> Sequence[ResultClaim[Any]]:
        """See `ClientExtension.claims`."""
        return [ResultClaim(result_type="task", model=Created, resolve=self._resolve)]

    async def _resolve(self, created: Created, context: ClaimContext) -> CallToolResult:
        handle = TaskHandle(
            context.session,
            created.task_id,
            on_status=self._on_status,
            request_timeout=context.read_timeout_seconds,
        )
        if self._detach:
            raise TaskDetached(handle)
        return await handle.result()
