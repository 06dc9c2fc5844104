"""Clients that drive the tasks of a server in a wrong way."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from mcp import Client

from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.fixture import client, client_tasks
from inverted_conformance.fixture.client_script import Json
from inverted_conformance.fixture.client_wire import Link
from mutants.client_hooks import answers, die, receives, requests, sends
from mutants.mutant import mutant

OLD = ("2025-11-25",)
NEW = ("2026-07-28",)
RELATED = "io.modelcontextprotocol/related-task"
LONG = 60


def _task(change: Callable[[Json], Json]) -> None:
    """Change every task that the server shows."""

    def each(message: Json) -> Json:
        result = mapping(message.get("result"))
        if "status" in result:
            message["result"] = change(result)
        elif "task" in result:
            result["task"] = change(mapping(result["task"]))
        return message

    receives(each)


@mutant("tasks/to-the-end", "tasks.poll-interval", role="client")
def polls_all_the_time() -> None:
    """Does not wait as long as the server asks between two polls."""
    _task(lambda task: {**task, "pollInterval": 20, "pollIntervalMs": 20})


@mutant(
    "tasks/to-the-end",
    "tasks.poll-until-terminal",
    "tasks.notification-not-needed",
    role="client",
)
def polls_once() -> None:
    """Polls a task once, and then waits to be told."""
    asked: list[Json] = []

    def out(message: Json) -> list[Json]:
        if message.get("method") == "tasks/get":
            asked.append(message)
            return [message] if len(asked) == 1 else []
        return [message]

    sends(out)


@mutant("tasks/to-the-end", "tasks.tool-required", role="client", wires=OLD)
def tires_of_tasks() -> None:
    """Calls only the first tool as a task."""
    needs = client._needs_task  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def first(peer: Client, tool: Any) -> bool:
        return tool.name == "slow" and needs(peer, tool)

    client._needs_task = first  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/to-the-end", "tasks.both-shapes", role="client", wires=NEW)
def knows_tasks_only() -> None:
    """Ends when a call comes back with a plain result."""

    def watch(message: Json) -> Json:
        if "content" in mapping(message.get("result")):
            die()
        return message

    receives(watch)


@mutant("tasks/questions", "tasks.result-at-input-required", role="client", wires=OLD)
def overlooks_input_required() -> None:
    """Takes a task that needs input for one that works."""
    _task(_working)


@mutant(
    "tasks/questions", "tasks.input-inspected", "tasks.input-answered", role="client", wires=NEW
)
def overlooks_questions() -> None:
    """Does not see what a task asks."""
    _task(_working)


def _working(task: Json) -> Json:
    waits = task["status"] == "input_required"
    return {**task, "status": "working", "inputRequests": {}} if waits else task


@mutant("tasks/questions", "tasks.observed-after-update", role="client", wires=NEW)
def leaves_after_the_answer() -> None:
    """Does not look at a task any more once it has answered it twice."""
    updates: list[Json] = []

    def out(message: Json) -> list[Json]:
        if message.get("method") == "tasks/update":
            updates.append(message)
        return [] if len(updates) > 1 and message.get("method") == "tasks/get" else [message]

    sends(out)


@mutant("tasks/to-the-end", "tasks.tool-forbidden", role="client", wires=OLD)
def calls_everything_as_a_task() -> None:
    """Calls tools as tasks that cannot be any."""

    def always(*_: object) -> bool:
        return True

    client._needs_task = always  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("tasks/to-the-end", "tasks.name-header", role="client", wires=NEW)
def names_no_task_in_the_header() -> None:
    """Leaves out Mcp-Name when it asks about a task."""
    send = Link.send

    async def bare(self: Link, message: Json, like: Any = None) -> None:
        headers = getattr(getattr(like, "metadata", None), "headers", None)
        if headers and str(message.get("method")).startswith("tasks/"):
            for name in [each for each in headers if each.lower() == "mcp-name"]:
                del headers[name]
        await send(self, message, like)

    Link.send = bare


@mutant("tasks/to-the-end", "tasks.no-related-task-in-requests", role="client", wires=OLD)
def names_the_task_twice() -> None:
    """Repeats the task in related-task when it asks about it."""
    requests(
        "tasks/get", lambda params: {**params, "_meta": {RELATED: {"taskId": params["taskId"]}}}
    )


@mutant("tasks/failed", role="client")
def hopes_for_ever() -> None:
    """Takes a failed task for one that works."""
    _task(lambda task: {**task, "status": "working"} if task["status"] == "failed" else task)


@mutant("tasks/unknown-status", role="client")
def dies_of_an_unknown_status() -> None:
    """Ends when a task has a status that it does not know."""

    def watch(task: Json) -> Json:
        if task["status"] == "inverted":
            die()
        return task

    _task(watch)


@mutant("tasks/questions", "tasks.related-task", role="client", wires=OLD)
def forgets_the_task_in_answers() -> None:
    """Its answers to the questions of a task do not name the task."""

    def bare(answer: Json) -> Json:
        return {key: value for key, value in answer.items() if key != "_meta"}

    answers("action", bare)
    answers("model", bare)


@mutant("tasks/seen-again", "tasks.input-answered-once", role="client", wires=NEW)
def answers_again_and_again() -> None:
    """Answers a question twice."""

    def twice(message: Json) -> list[Json]:
        again = [{**message, "id": "again"}] if message.get("method") == "tasks/update" else []
        return [message, *again]

    sends(twice)
    receives(lambda message: None if message.get("id") == "again" else message)


@mutant("tasks/cancels", "tasks.cancel-by-request", role="client", wires=OLD)
def cancels_tasks_like_requests() -> None:
    """Cancels the call that a task came from as well."""
    cancelled = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": "own-1"},
    }
    sends(lambda each: [cancelled, each] if each.get("method") == "tasks/cancel" else [each])


@mutant("tasks/task-of-a-listing", "tasks.unsupported-request", role="client", wires=NEW)
def polls_any_task() -> None:
    """Polls a task that came as the answer to a listing."""
    list_tools: Callable[..., Awaitable[Any]] = Client.list_tools

    async def polling(self: Client) -> Any:
        try:
            return await list_tools(self)
        except Exception:
            await client_tasks._send(self.session, "tasks/get", "t-list")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            raise

    Client.list_tools = polling  # pyright: ignore[reportAttributeAccessIssue]


@mutant("tasks/notified-and-polled", "tasks.poll-beside-notifications", role="client", wires=OLD)
def waits_for_notifications() -> None:
    """Once it was notified of a status it waits for the next notification."""

    def watch(message: Json) -> Json:
        if message.get("method") == "notifications/tasks/status":
            time.sleep(LONG)
        return message

    receives(watch)


@mutant(
    "tasks/question-on-another-stream", "tasks.messages-on-any-stream", role="client", wires=OLD
)
def listens_to_one_stream() -> None:
    """Takes the questions of a task only while it waits for the result."""
    waiting: list[bool] = []

    def out(message: Json) -> list[Json]:
        if message.get("method") == "tasks/result":
            waiting.append(True)
        return [message]

    def back(message: Json) -> Json | None:
        return None if "method" in message and "id" in message and not waiting else message

    requests("tasks/get", _slowly)
    sends(out)
    receives(back)


def _slowly(params: Json) -> Json:
    """Keep the client from reaching tasks/result before the question comes."""
    time.sleep(0.3)
    return params


@mutant("tasks/lost-result", "tasks.poll-beside-result", role="client", wires=OLD)
def gives_up_with_the_stream() -> None:
    """Gives a task up when the stream of its result breaks off."""
    client_tasks.CONNECTION_CLOSED = 1


@mutant("tasks/lists-tasks", "tasks.list-cursor-opaque", role="client", wires=OLD)
def tidies_cursors() -> None:
    """Sends cursors back without the space around them."""

    def change(params: Json) -> Json:
        return {key: str(value).strip() for key, value in params.items()}

    requests("tasks/list", change)
