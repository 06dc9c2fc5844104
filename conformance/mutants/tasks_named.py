"""Servers that mistake which task is meant, whose it is, or what belongs on the list."""

from __future__ import annotations

from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture import task_running, task_store, tasks_extension, tasks_legacy
from inverted_conformance.fixture.task_store import Store, Task
from inverted_conformance.fixture.tasks_legacy import RELATED
from mutants import patches
from mutants.mutant import mutant
from mutants.tasks import LEGACY, MODERN


@mutant("tasks/unknown-ids", "tasks.unknown-id-get", "tasks.unknown-id-cancel")
def has_an_error_code_of_its_own() -> None:
    """Refuses unknown ids with the code for resources that are not there."""
    _refuses_with(-32002)


def _refuses_with(code: int) -> None:
    right = Store.find

    def find(self: Store, id: Any, owner: str, *, legacy: bool) -> Task:
        try:
            return right(self, id, owner, legacy=legacy)
        except MCPError as error:
            raise MCPError(code, error.message) from error

    Store.find = find


@mutant("tasks/unknown-ids", "tasks.unknown-id-update", wires=MODERN)
def acknowledges_everything() -> None:
    """Acknowledges an update of a task that is not there."""
    right = tasks_extension.update

    async def update(ctx: Any, params: Any) -> Any:
        try:
            return await right(ctx, params)
        except MCPError:
            return {}

    tasks_extension.update = update


@mutant("tasks/unknown-ids", "tasks.unknown-id-result", wires=LEGACY)
def has_empty_results() -> None:
    """Gives an empty result for a task that is not there."""
    right = tasks_legacy.result

    async def result(ctx: Any, params: Any) -> Any:
        try:
            return await right(ctx, params)
        except MCPError:
            return {"content": []}

    tasks_legacy.result = result


@mutant("tasks/unknown-ids", "tasks.error-messages")
def refuses_without_a_word() -> None:
    """Refuses unknown ids with an empty message."""
    right = Store.find

    def find(self: Store, id: Any, owner: str, *, legacy: bool) -> Task:
        try:
            return right(self, id, owner, legacy=legacy)
        except MCPError as error:
            raise MCPError(error.code, "") from error

    Store.find = find


@mutant(
    "tasks/parameter-rules", "tasks.id-parameter-rules", "tasks.related-task-ignored", wires=LEGACY
)
def believes_the_metadata() -> None:
    """Takes the task that related-task names rather than the parameter."""
    for name in ("get", "result", "cancel"):
        right = getattr(tasks_legacy, name)

        async def wrong(ctx: Any, params: Any, right: Any = right) -> Any:
            meta: dict[str, Any] = ctx.meta or {}
            named = meta.get(RELATED, {}).get("taskId", params.task_id)
            return await right(ctx, params.model_copy(update={"task_id": named}))

        setattr(tasks_legacy, name, wrong)


@mutant("tasks/parameter-rules", "tasks.no-related-task-in-results", wires=LEGACY)
def names_the_task_everywhere() -> None:
    """Puts related-task into the reply to tasks/get as well."""
    patches.results(
        "tasks/get", lambda said: {**said, "_meta": {RELATED: {"taskId": said["taskId"]}}}
    )


# -- the list --------------------------------------------------------------------------------------


@mutant("tasks/lists", "tasks.list-complete", "tasks.list-next-cursor", wires=LEGACY)
def lists_one_page() -> None:
    """Has more tasks than fit on a page, and no further page."""
    patches.results("tasks/list", lambda page: {"tasks": page["tasks"]})


@mutant("tasks/lists", "tasks.list-complete", wires=LEGACY)
def lists_what_runs() -> None:
    """Leaves out of the list what has ended."""

    def change(page: dict[str, Any]) -> dict[str, Any]:
        running = [task for task in page["tasks"] if task["status"] not in task_store.ENDED]
        return {**page, "tasks": running}

    patches.results("tasks/list", change)


@mutant("tasks/bad-cursors", "tasks.list-bad-cursor", wires=LEGACY)
def begins_again_at_wrong_cursors() -> None:
    """Shows the first page for a cursor that it does not know."""
    right = tasks_legacy.listing

    async def listing(ctx: Any, params: Any) -> Any:
        try:
            return await right(ctx, params)
        except MCPError:
            return await right(ctx, types.PaginatedRequestParams())

    tasks_legacy.listing = listing


# -- whose they are --------------------------------------------------------------------------------


@mutant("tasks/of-somebody-else", "tasks.auth-rejects")
def reads_tasks_of_others() -> None:
    """Lets everybody who knows the id of a task do everything with it."""
    _everybodys()


def _everybodys() -> None:
    right = Store.find

    def find(self: Store, id: Any, owner: str, *, legacy: bool) -> Task:
        for person in (owner, "person alice", "person bob", "anyone"):
            try:
                return right(self, id, person, legacy=legacy)
            except MCPError:
                continue
        return right(self, id, owner, legacy=legacy)

    Store.find = find


@mutant("tasks/of-somebody-else", "tasks.auth-list", wires=LEGACY)
def lists_tasks_of_others() -> None:
    """Lists the tasks of everybody."""
    right = Store.of

    def of(self: Store, owner: str) -> list[Task]:
        people = (owner, *({"person alice", "person bob", "anyone"} - {owner}))
        return [task for person in people for task in right(self, person)]

    Store.of = of


@mutant("tasks/of-somebody", "tasks.auth-bound", wires=LEGACY)
def binds_tasks_to_nobody() -> None:
    """Binds a task to no principal at all."""
    _everybodys()


@mutant("tasks/of-somebody", "tasks.auth-bound", wires=LEGACY)
def binds_tasks_to_the_connection() -> None:
    """Binds a task to the session that asked for it, not to who did."""

    def owner(ctx: Any) -> str:
        return f"session {ctx.request.headers.get('mcp-session-id')}"

    tasks_legacy.owner = owner
    task_running.owner = owner


@mutant("capabilities/tasks-of-nobody", "capabilities.tasks-list-unidentified", wires=LEGACY)
def lists_for_everybody() -> None:
    """Lists tasks for clients that it cannot tell apart."""

    def owner(ctx: Any) -> str:
        said = task_store.owner(ctx)
        return "everybody" if said == "anyone" else said

    tasks_legacy.owner = owner
    task_running.owner = owner
