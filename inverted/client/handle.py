"""One task of a server, driven by its client.

The form follows from the negotiated revision:

- 2026-07-28 (SEP-2663): `tasks/get` is polled, with pauses from 20 ms on that double up to what the
  server wants. A question is put to the client's own callback when it is first seen, and its answer
  sent as soon as it is there, beside others. A question that is not outstanding any more is taken
  back from the callback.
- 2025-11-25 (SEP-1686): `tasks/result` is sent at once and blocks until the end; the questions come
  as requests to the client's own callbacks, as in any call. `tasks/get` is polled only for
  `on_status`.

Cancelling whoever awaits `result` leaves the task alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import anyio
import anyio.abc
from mcp import ClientSession, MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, REQUEST_TIMEOUT, CallToolResult, ErrorData
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY as MISSING_CAPABILITY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from inverted.client.errors import (
    QuestionRefused,
    TaskCancelled,
    TaskError,
    TaskFailed,
    TaskNotFound,
    TasksUnsupported,
)
from inverted.client.wire import (
    LEGACY,
    CancelTask,
    GetResult,
    GetTask,
    Raw,
    Task,
    TaskParams,
    UpdateParams,
    UpdateTask,
    read_question,
    read_task,
)

OnStatus = Callable[[Task], Awaitable[None] | None]
"""Is told of a task when its status or its message has changed."""

FIRST_PAUSE: Final = 0.02
DEFAULT_INTERVAL: Final = 1.0
"""Seconds between two polls when the server names none."""


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
        self._session = session
        self._on_status = on_status
        self._timeout = request_timeout
        self._told: tuple[str, str | None] | None = None

    async def get(self) -> Task:
        """Where the task stands. Also tells `on_status`.

        Raises:
            TaskNotFound: The server knows no such task for this caller.
            TaskError: The server has no tasks, or its answer is none.
            MCPError: Any other error of the request.
        """
        try:
            raw = await self._send(GetTask(params=self._params))
        except MCPError as error:
            raise self._explained(error) from error
        task = read_task(raw, self.id)
        await self._tell(task)
        return task

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
        try:
            await self._send(CancelTask(params=self._params))
        except MCPError as error:
            # 2025-11-25 refuses to cancel what has ended, with the code of an unknown task.
            if error.code != INVALID_PARAMS:
                raise self._explained(error) from error
        return await self.get()

    async def result(self) -> CallToolResult:
        """Drive the task to its end, and answer its questions with the client's callbacks.

        Returns:
            The result of the call; it may be a tool error (`is_error`).

        Raises:
            TaskFailed: It ended with a JSON-RPC error.
            TaskCancelled: It was cancelled.
            TaskNotFound: The server knows no such task for this caller.
            QuestionRefused: A callback of this client answered with an error.
            TaskError: The server has no tasks, or breaks the protocol.
            MCPError: Any other error of a request; a lost connection too. The task is not lost.
        """
        return await (_Driver(self).run() if self.modern else self._wait())

    # -- both forms -------------------------------------------------------------------------

    @property
    def _params(self) -> TaskParams:
        return TaskParams(task_id=self.id)

    async def _send(self, request: Any) -> dict[str, Any]:
        found = await self._session.send_request(
            request, Raw, request_read_timeout_seconds=self._timeout
        )
        return found.fields()

    async def _tell(self, task: Task) -> None:
        seen = (task.status, task.message)
        if self._on_status is None or seen == self._told:
            return
        self._told = seen
        told = self._on_status(task)
        if inspect.isawaitable(told):
            await told

    def _explained(self, error: MCPError) -> TaskError | MCPError:
        if error.code == INVALID_PARAMS:
            return TaskNotFound(
                f"The server knows no task {self.id} for this caller ({error.message}). It has "
                "expired, or belongs to somebody else. Call the tool again to start a new one.",
                self.id,
            )
        if error.code == MISSING_CAPABILITY:
            return TasksUnsupported(
                "The server wants clients to declare the tasks extension, and this one does not. "
                "Pass extensions=[TasksExtension()] to the client.",
                self.id,
            )
        if error.code == METHOD_NOT_FOUND:
            return TasksUnsupported(
                f"This server has no tasks on {self._session.protocol_version} "
                f"({error.message}). A task is found with the revision that it was created with.",
                self.id,
            )
        return error

    def _completed(self, raw: object) -> CallToolResult:
        try:
            return CallToolResult.model_validate(raw, by_name=False)
        except ValidationError as error:
            raise TaskError(
                f"The result of task {self.id} is no result of a tool: {error.errors()[0]['msg']}.",
                self.id,
            ) from None

    def _cancelled(self, task: Task) -> TaskCancelled:
        why = f": {task.message}" if task.message else ""
        return TaskCancelled(f"Task {self.id} was cancelled{why}.", self.id)

    # -- 2025-11-25 -------------------------------------------------------------------------

    async def _wait(self) -> CallToolResult:
        raw: dict[str, Any] | MCPError | None = None
        problem: Exception | None = None

        async def report() -> None:
            nonlocal problem
            try:
                await self._report()
            except Exception as error:  # noqa: BLE001 - raised below, outside of the group
                problem = error
                tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            if self._on_status is not None:
                tasks.start_soon(report)
            raw = await self._blocking_result()
            tasks.cancel_scope.cancel()
        if problem is not None:
            raise problem
        if isinstance(raw, dict):
            found = self._completed(raw)
            task = await self.get() if found.is_error or self._on_status is not None else None
            if task is not None and task.status == "cancelled":
                raise self._cancelled(task)
            return found
        assert raw is not None  # noqa: S101 - the group ended without a problem
        task = await self.get()
        if task.status == "cancelled":
            raise self._cancelled(task)
        if task.status == "failed":
            raise TaskFailed(raw.message, self.id, raw.code, raw.error.data) from raw
        raise self._explained(raw) from raw

    async def _blocking_result(self) -> dict[str, Any] | MCPError:
        """What `tasks/result` answers. A time limit on single requests does not end a task."""
        while True:
            try:
                return await self._send(GetResult(params=self._params))
            except MCPError as error:
                if error.code != REQUEST_TIMEOUT:
                    return error

    async def _report(self) -> None:
        pause = FIRST_PAUSE
        while True:
            task = await self.get()
            if task.ended:
                return
            await anyio.sleep(pause)
            pause = min(pause * 2, task.poll_interval or DEFAULT_INTERVAL)


class _Driver:
    """Polls one task of 2026-07-28 and answers its questions."""

    def __init__(self, handle: TaskHandle) -> None:
        self._handle = handle
        self._session = handle._session  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - one thing in two classes
        self._seen: set[str] = set()
        self._open: dict[str, anyio.CancelScope] = {}
        self._problem: Exception | None = None
        self._answered = anyio.Event()

    async def run(self) -> CallToolResult:
        """See `TaskHandle.result`."""
        task: Task | None = None
        async with anyio.create_task_group() as tasks:
            try:
                task = await self._poll(tasks)
            except Exception as error:  # noqa: BLE001 - raised below, outside of the group
                self._problem = self._problem or error
            tasks.cancel_scope.cancel()
        if self._problem is not None:
            raise self._problem
        assert task is not None  # noqa: S101 - the poll ends with a task or a problem
        handle = self._handle
        if task.status == "completed":
            return handle._completed(task.result)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        if task.status == "cancelled":
            raise handle._cancelled(task)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        error = task.error or {}
        message = str(error.get("message") or task.message or "the server gave no reason")
        code = error.get("code")
        raise TaskFailed(message, task.id, code if isinstance(code, int) else 0, error.get("data"))

    async def _poll(self, tasks: anyio.abc.TaskGroup) -> Task | None:
        pause = FIRST_PAUSE
        before: Task | None = None
        while self._problem is None:
            task = await self._handle.get()
            if task.ended:
                return task
            if before is not None and task.status != before.status:
                pause = FIRST_PAUSE
            before = task
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
        return None

    async def _answer(self, key: str, request: Any) -> None:
        with anyio.CancelScope() as scope:
            self._open[key] = scope
            try:
                await self._answer_one(key, request)
            except Exception as error:  # noqa: BLE001 - raised by `run`, outside of the group
                self._problem = self._problem or error
            finally:
                del self._open[key]
        self._answered.set()

    async def _answer_one(self, key: str, request: Any) -> None:
        handle, session = self._handle, self._session
        meta = request.params.meta if request.params else None
        context = ClientRequestContext(session=session, request_id=key, meta=meta)
        found = await session.dispatch_input_request(context, request)
        if isinstance(found, ErrorData):
            raise QuestionRefused(
                f"This client did not answer {request.method} of task {handle.id}: "
                f"{found.message}. The task still waits; attach to it to answer, or cancel it.",
                handle.id,
                key,
                found.code,
            )
        answer = cast("Any", found).model_dump(by_alias=True, mode="json", exclude_none=True)
        update = UpdateParams(task_id=handle.id, input_responses={key: answer})
        try:
            await handle._send(UpdateTask(params=update))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        except MCPError as error:
            if error.code != INVALID_PARAMS:
                raise handle._explained(error) from error  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            raise TaskError(
                f"The server did not take the answer to {key!r} of task {handle.id}: "
                f"{error.message} ({error.code}).",
                handle.id,
            ) from error
