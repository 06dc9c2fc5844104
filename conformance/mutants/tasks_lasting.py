"""Servers whose tasks last too long or not long enough, or report progress in a wrong way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture import task_http, task_store, tasks_legacy
from inverted_conformance.fixture.task_store import Outcome, Store, Task
from mutants.mutant import mutant
from mutants.tasks import LEGACY, MODERN

_late_ones: Final[set[Any]] = set()


@mutant("tasks/longest-ttl", "tasks.limit-ttl", wires=LEGACY)
def keeps_tasks_for_ages() -> None:
    """Grants whatever time to live the client wants."""
    task_store.LONGEST = 10**18
    _never_expires()


@mutant("tasks/expires", "tasks.expired-gone", wires=LEGACY)
def never_cleans_up() -> None:
    """Keeps tasks whose time has passed."""
    _never_expires()


def _never_expires() -> None:
    Task.expired = property(lambda _: False)  # pyright: ignore[reportAttributeAccessIssue]


@mutant("tasks/restart", "tasks.terminal-stays", "tasks.completed-result-exact")
def gives_up_finished_tasks() -> None:
    """After a restart calls every task failed, also those that had ended."""
    _remembers(lambda _: ("failed", {"error": {"code": -32603, "message": "Started again"}}))


@mutant("tasks/restart", "tasks.unknown-id-get")
def breaks_on_old_tasks() -> None:
    """After a restart answers for an old task with an internal error."""

    def broken(task: Task) -> tuple[str, Outcome]:
        raise MCPError(types.INTERNAL_ERROR, f"{task.id} cannot be read")

    _remembers(broken)


@mutant("tasks/restart-while-it-runs", "tasks.get-failed", wires=MODERN)
def fails_without_an_error() -> None:
    """Calls a task failed that the restart broke off, and says no error."""
    _remembers(lambda _: ("failed", {}))


@mutant("tasks/restart-while-it-runs", "tasks.terminal-stays", wires=LEGACY)
def cannot_decide() -> None:
    """Calls a task that the restart broke off failed, and later cancelled."""
    statuses = iter(["failed", "failed", *["cancelled"] * 100])
    _remembers(lambda _: (next(statuses), {"error": {"code": -32603, "message": "It broke off"}}))


def _remembers(change: Callable[[Task], tuple[str, Outcome]]) -> None:
    right = Store._kept  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def kept(self: Store, id: str) -> Task | None:
        task = right(self, id)
        if task is not None:
            task.status, task.outcome = change(task)
        return task

    Store._kept = kept  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/get-without-stream", "tasks.get-without-stream", wires=LEGACY)
def streams_every_answer() -> None:
    """Opens an SSE stream for tasks/get too, as the stock SDK does."""

    class Streaming(task_http.InOnePiece):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self._app(scope, receive, send)

    task_http.InOnePiece = Streaming


@mutant("progress/progress-of-a-task", "progress.task-token", wires=LEGACY)
def reports_progress_under_the_task() -> None:
    """Reports progress under the task's id instead of the call's token."""
    right = Task.tell

    async def tell(self: Task, method: str, params: dict[str, Any]) -> None:
        await right(self, method, {**params, "progressToken": self.id})

    Task.tell = tell


@mutant("progress/progress-of-a-task", "progress.task-lifetime", wires=LEGACY)
def forgets_the_progress_token() -> None:
    """Reports no progress once the task was handed over."""
    right = Task.tell

    async def tell(self: Task, method: str, params: dict[str, Any]) -> None:
        if method != "notifications/progress":
            await right(self, method, params)

    Task.tell = tell


@mutant("progress/progress-of-a-task", "progress.task-ends", wires=LEGACY)
def reports_progress_of_what_has_ended() -> None:
    """Goes on reporting progress when the task has ended."""
    work = tasks_legacy.result

    async def result(ctx: Any, params: Any) -> Any:
        got = await work(ctx, params)
        late = asyncio.get_running_loop().create_task(_late(ctx))
        _late_ones.add(late)
        return got

    tasks_legacy.result = result


async def _late(ctx: Any) -> None:
    for step in range(100):
        await ctx.session.send_progress_notification("a token", step, 100)
        await anyio.sleep(0.005)
