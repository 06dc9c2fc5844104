"""Servers whose tasks begin, end or last in a wrong way, in either form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture import (
    task_store,
    tasks_extension,
    tasks_legacy,
)
from inverted_conformance.fixture.task_store import STORE, Outcome, Task
from inverted_conformance.fixture.tools import TOOLS
from mutants import patches
from mutants.mutant import mutant

Shown = dict[str, Any]
LEGACY = ("2025-11-25",)
MODERN = ("2026-07-28",)


def shows(change: Callable[[Task, Shown], Shown]) -> None:
    """Change how both forms show a task.

    Args:
        change: What makes the wrong form of the right one.
    """
    for module in (tasks_legacy, tasks_extension):
        right = module.shown

        def wrong(task: Task, right: Callable[[Task], Shown] = right) -> Shown:
            return change(task, right(task))

        setattr(module, "shown", wrong)  # noqa: B010 - pyright knows no such name of a module


def ends(change: Callable[[Task, str, Outcome], tuple[str, Outcome]]) -> None:
    """Change how tasks end.

    Args:
        change: What makes the wrong status and outcome of the right ones.
    """
    right = Task.end

    def end(self: Task, status: str, message: str, outcome: Outcome | None = None) -> None:
        status, outcome = change(self, status, outcome or {})
        right(self, status, message, outcome)

    Task.end = end


# -- how they begin --------------------------------------------------------------------------------


@mutant("tasks/created", "tasks.created-at", wires=LEGACY)
def forgets_when_it_was_created() -> None:
    """Shows no createdAt."""
    shows(lambda _, shown: {k: v for k, v in shown.items() if k != "createdAt"})


@mutant("tasks/created", "tasks.created-at", "tasks.last-updated-at", wires=LEGACY)
def counts_seconds() -> None:
    """Gives timestamps as seconds since 1970."""
    shows(
        lambda task, shown: {
            **shown,
            "createdAt": task.created.timestamp(),
            "lastUpdatedAt": task.updated.timestamp(),
        }
    )


@mutant("tasks/created", "tasks.starts-working", wires=LEGACY)
def begins_as_submitted() -> None:
    """Calls a new task submitted, as earlier drafts did."""
    shows(
        lambda _, shown: {
            **shown,
            "status": "submitted" if shown["status"] == "working" else shown["status"],
        }
    )


@mutant("tasks/created", "tasks.ttl-in-get", wires=LEGACY)
def shows_no_ttl() -> None:
    """Leaves the ttl out of tasks/get."""
    patches.results("tasks/get", lambda shown: {k: v for k, v in shown.items() if k != "ttl"})


@mutant("tasks/created", "tasks.id-string", wires=LEGACY)
def numbers_its_tasks() -> None:
    """Gives a task a number for an id."""
    shows(lambda _, shown: {**shown, "taskId": 4711})


@mutant("tasks/created", "tasks.create-result", wires=LEGACY)
def answers_with_both() -> None:
    """Puts the content of a result beside the task."""
    patches.results("tools/call", lambda result: {**result, "content": []})


@mutant("tasks/created", "tasks.create-promptly", "tasks.get-working")
def answers_when_the_work_is_done() -> None:
    """Hands the task over when there is nothing left to wait for."""
    right = tasks_legacy.negotiate

    async def handed_over(ctx: Any, call_next: Any) -> Any:
        result = await right(ctx, call_next)
        handed: Any = result.get("task", result) if isinstance(result, dict) else {}
        if ctx.method == "tools/call" and "taskId" in handed:
            legacy = ctx.protocol_version == tasks_legacy.WIRE
            await _end_of(STORE.find(handed["taskId"], task_store.owner(ctx), legacy=legacy))
        return result

    tasks_legacy.negotiate = handed_over


async def _end_of(task: Task) -> None:
    while not task.ended:
        await task.changed.wait()


@mutant("tasks/created", "tasks.created-durably", "tasks.created-consistently", wires=MODERN)
def hands_over_before_it_is_there() -> None:
    """Does not find a task in its first moments, as a replica does that lags behind."""
    right = tasks_extension.get
    looks: dict[str, int] = {}

    async def get(ctx: Any, params: Any) -> Any:
        looks[params.task_id] = looks.get(params.task_id, 0) + 1
        if looks[params.task_id] == 1:
            raise MCPError(types.INVALID_PARAMS, "There is no such task yet")
        return await right(ctx, params)

    tasks_extension.get = get


@mutant("tasks/created", "tasks.create-result-type", wires=MODERN)
def hands_over_an_ordinary_result() -> None:
    """Gives the CreateTaskResult the resultType `complete`."""
    patches.results("tools/call", lambda result: {**result, "resultType": "complete"})


@mutant("tasks/created", "tasks.get-result-type", wires=MODERN)
def reads_like_a_new_task() -> None:
    """Gives tasks/get the resultType `task`, as two examples of the SEP have it."""
    patches.results("tasks/get", lambda result: {**result, "resultType": "task"})


@mutant("tasks/ids", "tasks.id-entropy")
def counts_its_tasks() -> None:
    """Numbers its tasks one after the other."""
    numbers = iter(range(1000))
    task_store.new_id = lambda: f"task-{next(numbers):010}"


@mutant("tasks/ids", "tasks.id-unique", wires=LEGACY)
def gives_every_task_one_id() -> None:
    """Makes the id of what is the same for all calls."""
    task_store.new_id = lambda: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@mutant("tasks/ids", "tasks.id-generated", wires=LEGACY)
def takes_the_clients_id() -> None:
    """Takes an id that the client proposes."""
    shows(lambda _, shown: {**shown, "taskId": "mine"})


@mutant("tasks/tool-forbidden", "tasks.tool-forbidden-error", wires=LEGACY)
def runs_any_tool_as_a_task() -> None:
    """Makes a task of a tool that forbids it."""
    TOOLS["greet"].task = "optional"


@mutant("tasks/tool-required", "tasks.tool-required-error", wires=LEGACY)
def runs_any_tool_plainly() -> None:
    """Runs a tool plainly that requires a task."""
    TOOLS["failing_job"].task = "optional"


@mutant("tasks/tool-required", "tasks.error-messages", wires=LEGACY)
def says_nothing() -> None:
    """Refuses without a word."""
    right = MCPError.__init__

    def init(self: MCPError, code: int, message: str, data: Any = None) -> None:
        del message
        right(self, code, "", data)

    MCPError.__init__ = init


# -- how they end ----------------------------------------------------------------------------------


@mutant("tasks/result", "tasks.result-exact", "tasks.completed-result-exact")
def adds_to_the_result() -> None:
    """Writes into the result that a task made it."""

    def change(task: Task, status: str, outcome: Outcome) -> tuple[str, Outcome]:
        del task
        note = {"type": "text", "text": "(by a task)"}
        result = outcome["result"]
        return status, {"result": {**result, "content": [*result["content"], note]}}

    ends(change)


@mutant("tasks/result", "tasks.related-task-in-result", wires=LEGACY)
def fetches_without_a_name() -> None:
    """Answers tasks/result without related-task."""
    patches.results("tasks/result", lambda r: {k: v for k, v in r.items() if k != "_meta"})


@mutant("tasks/result", "tasks.result-terminal", wires=LEGACY)
def gives_the_result_once() -> None:
    """Forgets a result as soon as it was fetched."""
    right = tasks_legacy.result

    async def result(ctx: Any, params: Any) -> Any:
        got = await right(ctx, params)
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=True)
        task.outcome = {"error": {"code": types.INVALID_PARAMS, "message": "It was fetched"}}
        return got

    tasks_legacy.result = result


@mutant("tasks/result", "tasks.get-completed", wires=MODERN)
def completes_without_a_result() -> None:
    """Shows a completed task without its result."""
    patches.results("tasks/get", lambda shown: {k: v for k, v in shown.items() if k != "result"})


@mutant("tasks/many-at-once", "tasks.result-exact", "tasks.completed-result-exact")
def mixes_up_its_tasks() -> None:
    """Gives every task the result of the first one that ended."""
    first: list[Outcome] = []

    def change(task: Task, status: str, outcome: Outcome) -> tuple[str, Outcome]:
        del task
        first.append(outcome)
        return status, first[0]

    ends(change)


@mutant("tasks/many-at-once", "tasks.id-unique", wires=LEGACY)
def has_few_ids() -> None:
    """Takes an id again after eight tasks."""
    numbers = iter(range(1000))
    task_store.new_id = lambda: f"task-{next(numbers) % 8}"


@mutant("tasks/tool-error", "tasks.failed-only-rpc", "tasks.tool-error-completed", wires=MODERN)
def fails_with_its_tool() -> None:
    """Calls a task failed whose tool returned an error, as 2025-11-25 did."""

    def change(task: Task, status: str, outcome: Outcome) -> tuple[str, Outcome]:
        del task
        return "failed" if outcome.get("result", {}).get("isError") else status, outcome

    ends(change)


@mutant("tasks/tool-error", "tasks.result-success", "tasks.result-terminal", wires=LEGACY)
def breaks_with_its_tool() -> None:
    """Gives a JSON-RPC error for the result of a tool that failed."""

    def change(task: Task, status: str, outcome: Outcome) -> tuple[str, Outcome]:
        del task
        if outcome.get("result", {}).get("isError"):
            return status, {"error": {"code": types.INTERNAL_ERROR, "message": "The tool failed"}}
        return status, outcome

    ends(change)


@mutant("tasks/protocol-error", "tasks.result-error", "tasks.failed-error-exact")
def hides_its_errors() -> None:
    """Gives every error as an internal error without data."""

    def change(task: Task, status: str, outcome: Outcome) -> tuple[str, Outcome]:
        del task
        error = {"code": types.INTERNAL_ERROR, "message": "Internal error"}
        return status, {"error": error} if "error" in outcome else outcome

    ends(change)


@mutant("tasks/protocol-error", "tasks.get-failed", "tasks.failed-error", wires=MODERN)
def completes_with_its_errors() -> None:
    """Makes a tool's result of a JSON-RPC error."""

    def change(task: Task, status: str, outcome: Outcome) -> tuple[str, Outcome]:
        del task
        if "error" not in outcome:
            return status, outcome
        text = {"type": "text", "text": outcome["error"]["message"]}
        return "completed", {"result": {"content": [text], "isError": True}}

    ends(change)


@mutant("tasks/protocol-error", "tasks.failed-status-message")
def fails_in_silence() -> None:
    """Has no statusMessage for a failed task."""
    shows(lambda _, shown: {k: v for k, v in shown.items() if k != "statusMessage"})


@mutant("tasks/result-blocks", "tasks.result-blocks", wires=LEGACY)
def does_not_wait() -> None:
    """Answers tasks/result of a running task at once, with an error."""
    right = tasks_legacy.result

    async def result(ctx: Any, params: Any) -> Any:
        if not STORE.find(params.task_id, task_store.owner(ctx), legacy=True).ended:
            raise MCPError(types.INVALID_PARAMS, "The task has not ended")
        return await right(ctx, params)

    tasks_legacy.result = result


@mutant("tasks/transitions", "tasks.terminal-stays", wires=LEGACY)
def cancels_what_has_ended() -> None:
    """Lets tasks/cancel change the status of a completed task."""
    _cancels_always()


def _cancels_always() -> None:
    async def cancel(ctx: Any, params: Any) -> Any:
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=True)
        STORE.change(task, "cancelled")
        return tasks_legacy.shown(task)

    tasks_legacy.cancel = cancel


@mutant("tasks/transitions", "tasks.transitions", wires=LEGACY)
def has_statuses_of_its_own() -> None:
    """Calls a task running that works."""
    shows(
        lambda _, shown: {
            **shown,
            "status": "running" if shown["status"] == "working" else shown["status"],
        }
    )
