"""Tasks that the server asks of the client (2025-11-25): polled, fetched, listed, cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from inverted_conformance.server_mode.client import FULL, Client
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import SAMPLE, Answer, Question, Refusal
from inverted_conformance.server_mode.scripted import says
from inverted_conformance.server_mode.tasks import RELATED
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message

HOSTING: Final[Message] = {
    **FULL,
    "tasks": {"list": {}, "cancel": {}, "requests": {"sampling": {"createMessage": {}}}},
}
INTERVAL: Final = 120
"""Milliseconds that the client wants between two polls."""

SLACK: Final = 0.02
"""Seconds that clocks and wires may take from an interval."""

HELLO: Final = "Hello from a task"
"""What the client's model says in a task."""

ID: Final = "client-task-4711"
CURSOR: Final = "b3BhcXVl+/=%20ü"
"""What nobody would make of anything but this very text."""


class Host:
    """The client as it runs a task, by a script of its statuses.

    Args:
        statuses: What the looks show, one after the other; the last one stays.
        results: What tasks/result gives, one after the other; then the model's answer.
    """

    def __init__(
        self, statuses: Sequence[str], results: Sequence[Callable[[], Answer]] = ()
    ) -> None:
        self._statuses: Final = list(statuses)
        self._results: Final = list(results)
        self.looks: list[float] = []
        """When each look came."""

        self.asked: list[Question] = []
        """Every request, in order."""

    async def __call__(self, question: Question) -> Answer:
        """Answer a request of the server."""
        self.asked.append(question)
        match question.method:
            case "sampling/createMessage":
                return {"task": self._task("working")} if "task" in question.params else _hello()
            case "tasks/get":
                self.looks.append(time.monotonic())
                more = len(self._statuses) > 1
                return self._task(self._statuses.pop(0) if more else self._statuses[0])
            case "tasks/cancel":
                return self._task("cancelled")
            case "tasks/result":
                return self._result()
            case "tasks/list":
                return self._page(question.params.get("cursor"))
            case _:
                return Refusal(-32601, f"The client has no {question.method}")

    def methods(self) -> list[str]:
        """The methods of all requests, in order."""
        return [question.method for question in self.asked]

    def _task(self, status: str) -> Message:
        stamp = "2026-07-28T12:00:00Z"
        return {
            "taskId": ID,
            "status": status,
            "createdAt": stamp,
            "lastUpdatedAt": stamp,
            "ttl": 60_000,
            "pollInterval": INTERVAL,
        }

    def _result(self) -> Answer:
        if self._results:
            return self._results.pop(0)()
        return {**_hello(), "_meta": {RELATED: {"taskId": ID}}}

    def _page(self, cursor: str | None) -> Answer:
        if cursor is None:
            return {"tasks": [self._task("working")], "nextCursor": CURSOR}
        if cursor == CURSOR:
            return {"tasks": []}
        return Refusal(-32602, "There is no such page")


def _hello() -> Message:
    return says(HELLO)


async def _hosted(lab: Lab, host: Host, then: str = "fetch") -> tuple[Client, str]:
    """Let the server ask for a task, and say what it made of it; empty if it never came back."""
    client = await lab.client(HOSTING)
    said = ""
    with suppress(PeerError):
        arguments = {"then": then}
        said = (await client.call("sample_as_task", arguments, answers=host, seconds=4)).text
    asked = host.methods()
    if then != "list" and not any("task" in one.params for one in host.asked):
        lab.wrong(f"sample_as_task should ask for a task of the client, but it sent {asked}.")
    return client, said


@scenario(
    "tasks",
    checks=(
        "tasks.poll-interval",
        "tasks.poll-until-terminal",
        "tasks.notification-not-needed",
        "tasks.no-related-task-in-requests",
    ),
    wires=("2025-11-25",),
    needs=("sample_as_task",),
)
async def server_polls(lab: Lab) -> None:
    """The server polls a task of the client until it has ended, as often as the client wants."""
    host = Host(["working", "working", "completed"])
    _, said = await _hosted(lab, host)
    if not host.looks and said == HELLO:
        raise NotOffered("polling of a client's task: the server waits for its result")
    waits = [later - earlier for earlier, later in zip(host.looks, host.looks[1:], strict=False)]
    spans = ", ".join(f"{wait:.2f} s" for wait in waits)
    early = [wait for wait in waits if wait < INTERVAL / 1000 - SLACK]
    detail = f"Between its {len(host.looks)} looks it waited {spans or 'nothing'}."
    lab.check("tasks.poll-interval", not early, detail)
    detail = f"It sent {host.methods()} and got {said!r}."
    lab.check("tasks.poll-until-terminal", host.looks and said == HELLO, detail)
    lab.check("tasks.notification-not-needed", said == HELLO, f"Told of no change: {detail}")
    for one in host.asked:
        if one.method.startswith("tasks/"):
            named = RELATED in one.params.get("_meta", {})
            detail = f"{one.method} came with related-task: {named}."
            lab.check("tasks.no-related-task-in-requests", not named, detail)


@scenario(
    "tasks",
    checks=("tasks.result-at-input-required", "tasks.poll-beside-result"),
    wires=("2025-11-25",),
    needs=("sample_as_task",),
)
async def server_fetches_early(lab: Lab) -> None:
    """Told that input is required, the server fetches; told nothing by that, it polls on."""
    gone = Refusal(-32603, "Nobody can wait for that long")
    host = Host(["input_required", "working", "completed"], [lambda: gone])
    await _hosted(lab, host)
    methods = host.methods()
    first = methods.index("tasks/result") if "tasks/result" in methods else len(methods)
    looks = methods[:first].count("tasks/get")
    detail = f"It sent {methods}."
    lab.check("tasks.result-at-input-required", looks <= 1, detail)
    lab.check("tasks.poll-beside-result", "tasks/get" in methods[first:], detail)


@scenario(
    "tasks",
    checks=("tasks.poll-beside-notifications",),
    wires=("2025-11-25",),
    needs=("sample_as_task",),
)
async def server_polls_beside_notifications(lab: Lab) -> None:
    """Told once that the task works, the server polls on and learns that it has ended."""
    client = await lab.client(HOSTING)
    host = Host(["working", "completed"])
    tell = host.__call__

    async def answers(question: Question) -> Answer:
        answer = await tell(question)
        if question.method == SAMPLE and isinstance(answer, dict):
            await client.notify("notifications/tasks/status", answer["task"])
        return answer

    said = ""
    with suppress(PeerError):
        said = (await client.call("sample_as_task", answers=answers, seconds=4)).text
    detail = f"It sent {host.methods()} and got {said!r}."
    lab.check("tasks.poll-beside-notifications", said == HELLO, detail)


@scenario(
    "tasks",
    checks=("tasks.list-cursor-opaque",),
    wires=("2025-11-25",),
    needs=("sample_as_task",),
)
async def server_lists(lab: Lab) -> None:
    """The server sends a cursor of the client back as it was."""
    host = Host(["working"])
    await _hosted(lab, host, "list")
    cursors = [one.params.get("cursor") for one in host.asked if one.method == "tasks/list"]
    ok = cursors == [None, CURSOR]
    lab.check("tasks.list-cursor-opaque", ok, f"It sent the cursors {cursors}.")


@scenario(
    "tasks",
    checks=("tasks.cancel-by-request",),
    wires=("2025-11-25",),
    needs=("sample_as_task",),
)
async def server_cancels(lab: Lab) -> None:
    """The server cancels a task of the client with tasks/cancel."""
    host = Host(["working"])
    client, _ = await _hosted(lab, host, "cancel")
    told = [one["method"] for one in client.notifications]
    ok = "tasks/cancel" in host.methods() and "notifications/cancelled" not in told
    lab.check("tasks.cancel-by-request", ok, f"It sent {host.methods()} and notified {told}.")


@scenario(
    "capabilities",
    checks=("capabilities.tasks-augment-declared", "capabilities.tasks-none"),
    wires=("2025-11-25",),
    needs=("sample_as_task", "test_elicitation"),
)
async def tasks_of_the_client(lab: Lab) -> None:
    """A client is asked for a task only where it declared one for that very request."""
    elicitation: Message = {"cancel": {}, "requests": {"elicitation": {"create": {}}}}
    ways: tuple[tuple[str, Message], ...] = (
        ("capabilities.tasks-none", FULL),
        ("capabilities.tasks-augment-declared", {**FULL, "tasks": elicitation}),
    )
    for key, declared in ways:
        client = await lab.client(declared)
        host = Host(["completed"])
        reply = await client.call("sample_as_task", answers=host)
        asked = [one for one in host.asked if one.method == SAMPLE]
        if not asked:
            lab.wrong(f"sample_as_task should ask the model, but {reply.told}.")
        augmented = any("task" in one.params for one in asked)
        detail = f"Declared tasks {declared.get('tasks')}: asked for a task: {augmented}."
        lab.check(key, not augmented, detail)
