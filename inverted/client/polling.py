"""A task of 2026-07-28 to its end: polls it and answers its questions.

The pauses between polls double from 20 ms up to what the server wants, and begin anew when
something happens. A question is put to the client's own callback when it is first seen, and its
answer is sent as soon as it is there, beside others. A question that is not outstanding any more is
taken back from the callback.

Source: SEP-2663, task polling and task update requests.
"""

from __future__ import annotations

from typing import Any

import anyio
import anyio.abc
from mcp import MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import INVALID_PARAMS, CallToolResult, ErrorData, InputRequest

from inverted.client.errors import QuestionRefused, TaskError
from inverted.client.exchange import DEFAULT_INTERVAL, FIRST_PAUSE, Exchange
from inverted.client.wire import Task, UpdateParams, UpdateTask, read_question


class Polling:
    """One way of a task to its end.

    Args:
        exchange: The task.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._seen: set[str] = set()
        self._open: dict[str, anyio.CancelScope] = {}
        self._problem: Exception | None = None
        self._answered = anyio.Event()

    async def run(self) -> CallToolResult:
        """See `TaskHandle.result`."""
        task = await self._exchange.get()
        if not task.ended:
            task = await self._follow(task)
        if task.status == "completed":
            return self._exchange.completed(task.result)
        if task.status == "cancelled":
            raise self._exchange.cancelled(task)
        error = task.error or {}
        message = str(error.get("message") or task.message or "the server gave no reason")
        code = error.get("code")
        raise self._exchange.failed(
            message, code if isinstance(code, int) else 0, error.get("data")
        )

    async def _follow(self, task: Task) -> Task:
        """Poll and answer until the task has ended."""
        last: Task | None = None
        async with anyio.create_task_group() as tasks:
            try:
                last = await self._poll(task, tasks)
            except Exception as error:  # noqa: BLE001 - raised below, outside of the group
                self._problem = self._problem or error
            tasks.cancel_scope.cancel()
        if self._problem is not None:
            raise self._problem
        assert last is not None  # noqa: S101 - the poll ends with a task or a problem
        return last

    async def _poll(self, task: Task, tasks: anyio.abc.TaskGroup) -> Task | None:
        pause, status = FIRST_PAUSE, ""
        while self._problem is None:
            if task.ended:
                return task
            if task.status != status:
                pause, status = FIRST_PAUSE, task.status
            for key in self._open.keys() - task.questions.keys():
                self._open[key].cancel()
            for key, raw in task.questions.items():
                if key not in self._seen:
                    self._seen.add(key)
                    tasks.start_soon(self._answer, key, read_question(raw, key, task.id))
            # An answer that was just sent may be all that the task waits for.
            with anyio.move_on_after(pause) as quiet:
                await self._answered.wait()
            self._answered = anyio.Event()
            longest = task.poll_interval or DEFAULT_INTERVAL
            pause = min(pause * 2, longest) if quiet.cancelled_caught else FIRST_PAUSE
            task = await self._exchange.get()
        return None

    async def _answer(self, key: str, request: InputRequest) -> None:
        with anyio.CancelScope() as scope:
            self._open[key] = scope
            try:
                await self._answer_one(key, request)
            except Exception as error:  # noqa: BLE001 - raised by `run`, outside of the group
                self._problem = self._problem or error
            finally:
                del self._open[key]
        self._answered.set()

    async def _answer_one(self, key: str, request: InputRequest) -> None:
        exchange, session = self._exchange, self._exchange.session
        meta = request.params.meta if request.params else None
        context = ClientRequestContext(session=session, request_id=key, meta=meta)
        found = await session.dispatch_input_request(context, request)
        if isinstance(found, ErrorData):
            raise QuestionRefused(
                f"This client did not answer {request.method} of task {exchange.id}: "
                f"{found.message}. The task still waits; attach to it to answer, or cancel it.",
                exchange.id,
                key,
                found.code,
            )
        answer: dict[str, Any] = found.model_dump(by_alias=True, mode="json", exclude_none=True)
        update = UpdateParams(task_id=exchange.id, input_responses={key: answer})
        try:
            await exchange.send(UpdateTask(params=update))
        except MCPError as error:
            if error.code != INVALID_PARAMS:
                raise exchange.explained(error) from error
            raise TaskError(
                f"The server did not take the answer to {key!r} of task {exchange.id}: "
                f"{error.message} ({error.code}).",
                exchange.id,
            ) from error
