"""A task of 2025-11-25 to its end: waits for its result.

`tasks/result` is sent at once and blocks until the end. The task's questions come as requests to
the client's own callbacks, as in any call. `tasks/get` is polled only for `on_status`.

Source: 2025-11-25 basic/utilities/tasks, result retrieval and input required status.
"""

from __future__ import annotations

from typing import Any

import anyio
from mcp import MCPError
from mcp_types import REQUEST_TIMEOUT, CallToolResult

from inverted.client.exchange import DEFAULT_INTERVAL, FIRST_PAUSE, Exchange
from inverted.client.wire import GetResult


async def wait(exchange: Exchange) -> CallToolResult:
    """See `TaskHandle.result`."""
    found: dict[str, Any] | MCPError | None = None
    problem: Exception | None = None

    async def report() -> None:
        nonlocal problem
        try:
            await _report(exchange)
        except Exception as error:  # noqa: BLE001 - raised below, outside of the group
            problem = error
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        if exchange.on_status is not None:
            tasks.start_soon(report)
        found = await _result(exchange)
        tasks.cancel_scope.cancel()
    if problem is not None:
        raise problem
    assert found is not None  # noqa: S101 - the group ended without a problem
    return await _outcome(exchange, found)


async def _outcome(exchange: Exchange, found: dict[str, Any] | MCPError) -> CallToolResult:
    """What an answer to `tasks/result` means; the status tells a cancelled task from a failed."""
    if isinstance(found, dict):
        result = exchange.completed(found)
        if not result.is_error and exchange.on_status is None:
            return result
        task = await exchange.get()
        if task.status == "cancelled":
            raise exchange.cancelled(task)
        return result
    task = await exchange.get()
    if task.status == "cancelled":
        raise exchange.cancelled(task)
    if task.status == "failed":
        raise exchange.failed(found.message, found.code, found.error.data) from found
    raise exchange.explained(found) from found


async def _result(exchange: Exchange) -> dict[str, Any] | MCPError:
    """What `tasks/result` answers. A time limit on single requests does not end a task."""
    while True:
        try:
            return await exchange.send(GetResult(params=exchange.params))
        except MCPError as error:
            if error.code != REQUEST_TIMEOUT:
                return error


async def _report(exchange: Exchange) -> None:
    pause = FIRST_PAUSE
    while True:
        task = await exchange.get()
        if task.ended:
            return
        await anyio.sleep(pause)
        pause = min(pause * 2, task.poll_interval or DEFAULT_INTERVAL)
