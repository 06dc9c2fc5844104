"""Clients that run sampling or elicitation as tasks in a wrong way (2025-11-25)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import anyio

from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.fixture import client_receiver
from inverted_conformance.fixture.client_receiver import Receiver
from inverted_conformance.fixture.client_script import Json, Refusal, Script
from mutants.client_hooks import requests, sends, undeclared
from mutants.mutant import mutant

OLD = ("2025-11-25",)
SLOW = 1.5
RELATED = client_receiver.RELATED


def _shown(change: Callable[[Json], Json]) -> None:
    """Change every task that the client shows."""
    kind: Any = client_receiver._Task  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    wire: Callable[[Any], Json] = kind.wire

    def changed(self: Any) -> Json:
        return change(wire(self))

    kind.wire = changed


def _about(change: Callable[[str, Json, Json], Json]) -> None:
    """Change the answers to tasks/get, tasks/result, tasks/cancel and tasks/list."""
    about = Receiver._about  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def changed(self: Receiver, method: str, params: Json) -> Json:
        return change(method, params, await about(self, method, params))

    Receiver._about = changed  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/own-task-from-begin-to-end", "tasks.created-at", role="client", wires=OLD)
def tasks_without_a_date() -> None:
    """Its tasks do not say when they were created."""
    _shown(lambda task: {key: value for key, value in task.items() if key != "createdAt"})


@mutant("tasks/own-task-from-begin-to-end", "tasks.ttl-in-get", role="client", wires=OLD)
def tasks_without_a_ttl() -> None:
    """Its tasks do not say how long they are kept."""
    _shown(lambda task: {key: value for key, value in task.items() if key != "ttl"})


@mutant("tasks/own-task-from-begin-to-end", "tasks.starts-working", role="client", wires=OLD)
def tasks_begin_asking() -> None:
    """Its tasks wait for input while they work."""
    _shown(
        lambda task: {**task, "status": "input_required"} if task["status"] == "working" else task
    )


@mutant(
    "tasks/own-task-from-begin-to-end", "tasks.no-related-task-in-results", role="client", wires=OLD
)
def names_tasks_everywhere() -> None:
    """Answers to tasks/get name the task in related-task too."""
    _about(lambda _, params, answer: {**answer, "_meta": {RELATED: {"taskId": params["taskId"]}}})


@mutant("tasks/own-result", "tasks.related-task-in-result", role="client", wires=OLD)
def results_without_their_task() -> None:
    """Results of tasks do not name the task."""
    _about(lambda _, __, answer: {k: v for k, v in answer.items() if k != "_meta"})


@mutant("tasks/own-result", "tasks.result-exact", role="client", wires=OLD)
def wraps_results() -> None:
    """Results of tasks have a model that no other answer has."""

    def change(method: str, params: Json, answer: Json) -> Json:
        del params
        return {**answer, "model": "task"} if method == "tasks/result" else answer

    _about(change)


@mutant("tasks/own-form", "tasks.result-exact", role="client", wires=OLD)
def loses_forms_in_tasks() -> None:
    """What was filled into a form is lost when it was a task."""
    _about(lambda _, __, answer: {k: v for k, v in answer.items() if k != "content"})


@mutant("tasks/own-task-rejected", "tasks.failed-status-message", role="client", wires=OLD)
def fails_without_a_word() -> None:
    """Failed tasks do not say why."""
    _shown(lambda task: {key: value for key, value in task.items() if key != "statusMessage"})


@mutant("tasks/own-ids", "tasks.id-entropy", role="client", wires=OLD)
def counts_its_tasks() -> None:
    """Ids of tasks are numbers in a row."""
    numbers = itertools.count(1)

    def count(size: int) -> str:
        del size
        return str(next(numbers))

    client_receiver.secrets.token_urlsafe = count


@mutant("tasks/own-ids", "tasks.id-unique", role="client", wires=OLD)
def one_id_for_all_tasks() -> None:
    """Every task has the same id."""
    _shown(lambda task: {**task, "taskId": "0123456789abcdef0123"})


@mutant(
    "tasks/own-task-cancelled",
    "tasks.cancel-status",
    "tasks.cancel-final",
    "tasks.terminal-stays",
    role="client",
    wires=OLD,
)
def cancels_only_in_words() -> None:
    """A cancelled task shows as working."""
    _shown(lambda task: {**task, "status": "working"} if task["status"] == "cancelled" else task)


@mutant(
    "tasks/own-unknown-ids",
    "tasks.unknown-id-get",
    "tasks.unknown-id-result",
    "tasks.unknown-id-cancel",
    role="client",
    wires=OLD,
)
def another_code_for_unknown_tasks() -> None:
    """An unknown task is an internal error."""
    client_receiver.INVALID_PARAMS = -32603


@mutant(
    "tasks/own-task-misnamed",
    "tasks.related-task-ignored",
    "tasks.id-parameter-rules",
    role="client",
    wires=OLD,
)
def trusts_related_task() -> None:
    """related-task wins over the parameter."""
    about = Receiver._about  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def changed(self: Receiver, method: str, params: Json) -> Json:
        named = mapping(mapping(params.get("_meta")).get(RELATED))
        return await about(self, method, {**params, **named})

    Receiver._about = changed  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/own-list", "tasks.list-next-cursor", "tasks.list-complete", role="client", wires=OLD)
def one_page_only() -> None:
    """The list of tasks has one page, whatever there is."""
    _about(lambda _, __, answer: {k: v for k, v in answer.items() if k != "nextCursor"})


@mutant("tasks/own-time-to-live", "tasks.limit-ttl", role="client", wires=OLD)
def keeps_tasks_for_ever() -> None:
    """Keeps a task as long as the server likes."""
    client_receiver.LONGEST = 10**18


@mutant("tasks/own-time-to-live", "tasks.expired-gone", role="client", wires=OLD)
def forgets_no_task() -> None:
    """Keeps tasks after their time."""

    def never(self: Receiver) -> None:
        del self

    Receiver._forget = never  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant(
    "capabilities/own-tasks-undeclared",
    "capabilities.tasks-undeclared-ignored",
    "capabilities.tasks-declared",
    role="client",
    wires=OLD,
)
def makes_tasks_undeclared() -> None:
    """Makes a task of a request although it declares no tasks."""
    undeclared("tasks")


@mutant("tasks/own-task-from-begin-to-end", "tasks.last-updated-at", role="client", wires=OLD)
def tasks_without_a_last_change() -> None:
    """Its tasks do not say when they changed."""
    _shown(lambda task: {key: value for key, value in task.items() if key != "lastUpdatedAt"})


@mutant(
    "tasks/own-task-from-begin-to-end",
    "tasks.transitions",
    "tasks.terminal-stays",
    role="client",
    wires=OLD,
)
def tasks_come_back() -> None:
    """A task that was shown as completed shows as working afterwards."""
    ended: list[Json] = []

    def flip(task: Json) -> Json:
        if task["status"] == "completed":
            ended.append(task)
        # Its status notification is the first to show the end.
        return {**task, "status": "working"} if len(ended) > 2 else task  # noqa: PLR2004

    _shown(flip)


@mutant("tasks/own-task-from-begin-to-end", "tasks.create-result", role="client", wires=OLD)
def declares_tasks_and_makes_none() -> None:
    """Answers a request with a task as if it had none, although it declares tasks."""
    take = Receiver.take

    async def none(self: Receiver, request: Json, group: Any) -> Json | None:
        return await take(self, request, group) if request["method"].startswith("tasks/") else None

    Receiver.take = none


@mutant("tasks/own-task-from-begin-to-end", "tasks.create-promptly", role="client", wires=OLD)
def makes_tasks_slowly() -> None:
    """Takes its time before it makes a task."""
    take = Receiver.take

    async def late(self: Receiver, request: Json, group: Any) -> Json | None:
        if "task" in mapping(request.get("params")):
            await anyio.sleep(SLOW)
        return await take(self, request, group)

    Receiver.take = late


@mutant(
    "tasks/own-task-from-begin-to-end",
    "tasks.no-related-task-in-notification",
    role="client",
    wires=OLD,
)
def names_tasks_in_notifications() -> None:
    """Status notifications name the task in related-task too."""
    requests(
        "notifications/tasks/status",
        lambda params: {**params, "_meta": {RELATED: {"taskId": params["taskId"]}}},
    )


def _results(change: Callable[[], Json]) -> None:
    """Answer tasks/result otherwise, and at once."""
    about = Receiver._about  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def changed(self: Receiver, method: str, params: Json) -> Json:
        return change() if method == "tasks/result" else await about(self, method, params)

    Receiver._about = changed  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _fails() -> Json:
    raise Refusal(-32603, "Something else.")


@mutant("tasks/own-result", "tasks.result-blocks", "tasks.result-success", role="client", wires=OLD)
def results_before_the_end() -> None:
    """tasks/result does not wait."""
    _results(dict)


@mutant(
    "tasks/own-task-rejected",
    "tasks.result-error",
    "tasks.result-terminal",
    role="client",
    wires=OLD,
)
def another_error_for_results() -> None:
    """tasks/result of a failed task gives an error of its own."""
    _results(_fails)


@mutant("tasks/own-ids", "tasks.id-string", role="client", wires=OLD)
def numbers_for_ids() -> None:
    """Ids of tasks are numbers."""
    _shown(lambda task: {**task, "taskId": 7})


@mutant("tasks/own-ids", "tasks.id-generated", role="client", wires=OLD)
def takes_ids_from_others() -> None:
    """Takes the id that a request proposes."""
    _shown(lambda task: {**task, "taskId": "proposed"})


@mutant("tasks/own-task-cancelled", "tasks.cancel-terminal", role="client", wires=OLD)
def cancels_twice() -> None:
    """Cancels a task that has ended already."""
    about = Receiver._about  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def changed(self: Receiver, method: str, params: Json) -> Json:
        try:
            return await about(self, method, params)
        except Refusal:
            return await about(self, "tasks/get", params)

    Receiver._about = changed  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/own-task-cancelled", "tasks.cancel-stops", role="client", wires=OLD)
def works_on_when_cancelled() -> None:
    """The model thinks on when its task was cancelled."""
    message = Script.message

    async def stubborn(self: Script, params: Json, progress: Any = None) -> Json:
        found: Json = {}
        with anyio.CancelScope(shield=True):
            found = await message(self, params, progress)
        return found  # noqa: RET504 - a return inside might be suppressed, says the checker

    Script.message = stubborn


@mutant("tasks/own-task-cancelled", "tasks.error-messages", role="client", wires=OLD)
def refuses_without_a_word() -> None:
    """Errors about tasks have no message."""

    def mute(message: Json) -> list[Json]:
        if "error" in message:
            message["error"]["message"] = ""
        return [message]

    sends(mute)


@mutant("tasks/own-list", "tasks.list-bad-cursor", role="client", wires=OLD)
def takes_any_cursor() -> None:
    """A cursor that was never given is an empty page."""
    page = Receiver._page  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def changed(self: Receiver, cursor: object) -> Json:
        return {"tasks": []} if cursor == "never given" else page(self, cursor)

    Receiver._page = changed  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
