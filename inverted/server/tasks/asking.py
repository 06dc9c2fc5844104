"""Questions of SEP-1686 tasks: requests to the client, which is not always listening.

A question goes out on the stream of an open `tasks/result`. Some hosts (VS Code) never open one
before the task has completed: they go on polling. So when a client was told `input_required` and
polls again with no `tasks/result` open, the questions go out on the connection of that poll,
outside of any request. The first answer counts, whoever gives it; the other copies are withdrawn.

A question that was sent on a dead stream is sent again on the next one, so nothing here is kept.

Source: 2025-11-25 basic/utilities/tasks, Input Required Status.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import anyio
import anyio.abc
from mcp.server.connection import Connection
from mcp.server.request_state import authenticated_principal
from mcp.shared.dispatcher import CallOptions, DispatchContext
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED
from pydantic import ValidationError

from inverted.carriers.client import METHODS
from inverted.core.effects import Json
from inverted.core.lifecycle import Status
from inverted.errors import AnswerError, InvertedError, RunNotFound
from inverted.runtime.ports import Question
from inverted.runtime.tasks import Tasks, View
from inverted.server.notices import GONE
from inverted.server.tasks.access import Context
from inverted.server.tasks.carrier import declined
from inverted.server.tasks.wire import request_params

Send = Callable[[str, Mapping[str, Json]], Awaitable[Any]]
"""Sends a request to the client and returns its result."""

WITHDRAWN: Final = "It was answered elsewhere, or its task has ended."
NOTICE_SECONDS: Final = 1.0
"""For a client that does not read, when a question is withdrawn."""
REMEMBERED: Final = 10_000
"""Tasks of which it is known that their clients were told."""
LONG: Final = 3600.0
"""Seconds between two looks at a task that does not change."""


class Asker:
    """Asks the questions of all tasks of one server."""

    def __init__(self) -> None:
        self._results = Counter[str]()
        self._told: OrderedDict[str, None] = OrderedDict()
        self._standing: dict[str, _Standing] = {}

    async def result(self, context: Context, tasks: Tasks, view: View) -> View:
        """Wait for the end of a task, asking on the stream of this request.

        Raises:
            RunNotFound: The task expired meanwhile.
            StoreError: The store failed.
        """
        run_id, session = view.record.id, context.session
        self._stop_standing(run_id)
        stream = session._request_outbound  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # no public way takes options
        send = functools.partial(_asked, stream)
        principal = authenticated_principal(context)
        ferry = Ferry(tasks, principal, send if session.can_send_request else None)
        self._results[run_id] += 1
        try:
            return await ferry.run(view)
        finally:
            self._results[run_id] -= 1
            if not self._results[run_id]:
                del self._results[run_id]

    def polled(self, context: Context, tasks: Tasks, view: View) -> None:
        """A client has asked how a task stands."""
        run_id = view.record.id
        if view.status is not Status.INPUT_REQUIRED:
            self._told.pop(run_id, None)
            return
        if self._results[run_id]:
            return
        if run_id not in self._told:
            self._told[run_id] = None
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
            return
        connection = context.session._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the only way to ask outside of a request
        standing = self._standing.get(run_id)
        if standing is not None and standing.connection is connection:
            return
        self._stop_standing(run_id)
        standing = _Standing(connection, tasks, authenticated_principal(context), view)
        self._standing[run_id] = standing
        standing.over(lambda: self._forget(run_id, standing))

    def close(self) -> None:
        """Stop asking; for the end of the server."""
        for run_id in list(self._standing):
            self._stop_standing(run_id)

    def _stop_standing(self, run_id: str) -> None:
        standing = self._standing.pop(run_id, None)
        if standing is not None:
            standing.stop()

    def _forget(self, run_id: str, standing: _Standing) -> None:
        if self._standing.get(run_id) is standing:
            del self._standing[run_id]


async def _asked(
    stream: DispatchContext[Any] | Connection, method: str, params: Mapping[str, Json]
) -> dict[str, Any]:
    """Ask a question of a task.

    When it is withdrawn, the client is told of which task it was: every message of a task names it
    (2025-11-25 basic/utilities/tasks, Related Task Metadata). The SDK's own notice does not.
    """
    id = f"question-{secrets.token_hex(8)}"
    options: CallOptions = {"request_id": id, "cancel_on_abandon": False}
    try:
        return await stream.send_raw_request(method, params, options)
    except anyio.get_cancelled_exc_class():
        about = {"requestId": id, "reason": WITHDRAWN, "_meta": params["_meta"]}
        with anyio.move_on_after(NOTICE_SECONDS, shield=True), contextlib.suppress(*GONE):
            await stream.notify("notifications/cancelled", about)
        raise


class _Standing:
    """Asks on a connection, outside of any request, until the task ends or the client is gone."""

    def __init__(
        self, connection: Connection, tasks: Tasks, principal: str | None, view: View
    ) -> None:
        self.connection = connection
        self._ferry = Ferry(tasks, principal, functools.partial(_asked, connection), leave=True)
        self._task = asyncio.get_running_loop().create_task(self._run(view))

    async def _run(self, view: View) -> None:
        try:
            await self._ferry.run(view)
        except InvertedError:
            return  # the next poll says what is wrong

    def over(self, callback: Callable[[], None]) -> None:
        self._task.add_done_callback(lambda _: callback())

    def stop(self) -> None:
        self._task.cancel()


class Ferry:
    """Carries the questions of one task to a client, and the answers to the store.

    Args:
        tasks: What serves the task.
        principal: Whose task it is.
        send: How to ask; None if this client cannot be asked here.
        leave: Whether to end when the client is gone, or to wait for the end of the task.
    """

    def __init__(
        self, tasks: Tasks, principal: str | None, send: Send | None, *, leave: bool = False
    ) -> None:
        self._tasks = tasks
        self._principal = principal
        self._send = send
        self._leave = leave
        self._asking: dict[str, anyio.CancelScope] = {}
        self._error: InvertedError | None = None

    async def run(self, view: View) -> View:
        """Ask what is outstanding, and what comes, until the task has ended.

        Raises:
            RunNotFound: The task expired.
            StoreError: The store failed.
        """
        async with anyio.create_task_group() as group:
            try:
                while not view.status.terminal:
                    self._withdraw(view)
                    self._ask_all(view, group)
                    view = await self._tasks.changed(view, LONG)
            except InvertedError as error:  # raised outside: a task group would wrap it
                self._error = error
            group.cancel_scope.cancel()
        if self._error is not None:
            raise self._error
        return view

    def _ask_all(self, view: View, group: anyio.abc.TaskGroup) -> None:
        send = self._send
        for question in view.questions:
            if send is not None and question.id not in self._asking:
                self._asking[question.id] = scope = anyio.CancelScope()
                group.start_soon(self._ask, send, question, scope, group)

    def _withdraw(self, view: View) -> None:
        """Stop asking what was answered elsewhere; the SDK tells the client."""
        outstanding = {question.id for question in view.questions}
        for id in self._asking.keys() - outstanding:
            self._asking.pop(id).cancel()

    async def _ask(
        self,
        send: Send,
        question: Question,
        scope: anyio.CancelScope,
        group: anyio.abc.TaskGroup,
    ) -> None:
        with scope:
            try:
                answer = await send(METHODS[question.kind], request_params(question))
            except (MCPError, ValidationError) as error:
                if isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
                    if self._leave:
                        group.cancel_scope.cancel()
                    return  # the client asks for the result again, or polls again
                answer = declined(error)
            # An answer that is here must not be lost because the same was answered elsewhere.
            with anyio.CancelScope(shield=True):
                await self._deliver(question, answer)

    async def _deliver(self, question: Question, answer: Json) -> None:
        run_id = question.run_id
        try:
            try:
                await self._tasks.answer(run_id, {question.id: answer}, principal=self._principal)
            except AnswerError as error:
                answer = declined(error)
                await self._tasks.answer(run_id, {question.id: answer}, principal=self._principal)
        except RunNotFound:
            return  # it expired: `run` finds out
        except InvertedError as error:
            self._error = error
