"""Clients that begin wrong, cancel wrong, or report wrong."""

from __future__ import annotations

import time
from typing import Any

from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.fixture import client
from inverted_conformance.fixture.client_script import Json
from mutants.client_hooks import also, die, keeps_back, receives, requests, sends
from mutants.mutant import mutant

OLD = ("2025-11-25",)
NEW = ("2026-07-28",)
CALL = "tools/call"
CANCELLED = "notifications/cancelled"
PROGRESS = "notifications/progress"
READY = "notifications/initialized"
LONG = 60


def _request(method: str, **params: Any) -> Json:
    return {"jsonrpc": "2.0", "id": "extra", "method": method, "params": params}


@mutant("capabilities/handshake", "capabilities.initialized", role="client", wires=OLD)
def never_says_that_it_is_ready() -> None:
    """Sends no notifications/initialized."""
    keeps_back(READY)


@mutant("capabilities/handshake", "capabilities.before-answer", role="client", wires=OLD)
def does_not_wait_for_the_handshake() -> None:
    """Sends a request before initialize is answered."""
    also("initialize", _request("tools/list"))


@mutant(
    "capabilities/handshake",
    "capabilities.initialize-version",
    "capabilities.initialize-capabilities",
    "capabilities.initialize-info",
    role="client",
    wires=OLD,
)
def begins_with_nothing() -> None:
    """Initialize is empty."""

    def declare(self: client.FixtureClient, message: Json) -> Json:
        del self
        return {**message, "params": {}} if message.get("method") == "initialize" else message

    client.FixtureClient._declare = declare  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("capabilities/handshake", "capabilities.initialize-first", role="client", wires=OLD)
def begins_with_something_else() -> None:
    """Lists the tools before initialize."""
    sends(
        lambda each: (
            [_request("tools/list"), each] if each.get("method") == "initialize" else [each]
        )
    )
    receives(lambda message: None if message.get("id") == "extra" else message)


@mutant("capabilities/own-revision", "capabilities.negotiated-version", role="client", wires=OLD)
def uses_another_revision() -> None:
    """Uses a method of 2026-07-28 on 2025-11-25."""
    also(READY, _request("server/discover"))


@mutant(
    "capabilities/only-what-is-offered", "capabilities.negotiated-only", role="client", wires=OLD
)
def asks_for_more_than_is_offered() -> None:
    """Asks for resources of a server that has none."""
    also(READY, _request("resources/list"))


@mutant("capabilities/nothing-offered", "capabilities.missing-handled", role="client", wires=OLD)
def waits_for_what_never_comes() -> None:
    """Waits when the server has nothing."""

    def watch(message: Json) -> Json:
        if mapping(message.get("result")).get("capabilities") == {}:
            time.sleep(LONG)
        return message

    receives(watch)


@mutant("capabilities/server-without-tasks", "capabilities.tasks-none", role="client", wires=OLD)
def calls_as_tasks_without_tasks() -> None:
    """Looks at a tool's taskSupport and not at what the server declares."""
    client._needs_task = _wants_task  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant(
    "capabilities/server-without-task-calls",
    "capabilities.tasks-over-tool-support",
    "capabilities.tasks-augment-declared",
    role="client",
    wires=OLD,
)
def calls_as_tasks_where_only_others_are() -> None:
    """Takes tasks of any kind for tasks of tools."""
    client._needs_task = _wants_task  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _wants_task(peer: object, tool: Any) -> bool:
    del peer
    return tool.execution is not None and tool.execution.task_support == "required"


@mutant("progress/tokens", "progress.token-unique", role="client")
def one_token_for_all() -> None:
    """Every call has the same progress token."""

    def change(params: Json) -> Json:
        params["_meta"] = {**mapping(params.get("_meta")), "progressToken": "same"}
        return params

    requests(CALL, change)


@mutant("progress/tokens", "progress.token-type", role="client")
def tokens_with_a_fraction() -> None:
    """Progress tokens are no whole numbers."""

    def change(params: Json) -> Json:
        params["_meta"] = {**mapping(params.get("_meta")), "progressToken": 1.5}
        return params

    requests(CALL, change)


def _report(token: str) -> Json:
    return {
        "jsonrpc": "2.0",
        "method": PROGRESS,
        "params": {"progressToken": token, "progress": 9},
    }


@mutant("progress/own-reports", "progress.in-progress", "progress.stops", role="client", wires=OLD)
def reports_after_the_answer() -> None:
    """Reports progress of sampling once more after its answer."""
    late = _report("of the suite")
    sends(lambda each: [each, late] if "model" in mapping(each.get("result")) else [each])


@mutant("progress/own-reports", "progress.message", role="client", wires=OLD)
def reports_without_words() -> None:
    """The messages of its progress are empty."""
    requests(PROGRESS, lambda params: {**params, "message": " "})


@mutant("progress/own-task-progress", "progress.task-ends", role="client", wires=OLD)
def reports_after_the_task() -> None:
    """Reports progress of a task after its end."""

    def more(message: Json) -> list[Json]:
        ended = mapping(message.get("result")).get("status") == "completed"
        return [message, _report("of the task")] if ended else [message]

    sends(more)


@mutant("progress/own-reports", "progress.increases", role="client", wires=OLD)
def counts_down() -> None:
    """Progress of sampling becomes less."""
    requests(PROGRESS, lambda params: {**params, "progress": -params["progress"]})


@mutant("progress/own-reports", "progress.known-token", role="client", wires=OLD)
def reports_under_its_own_token() -> None:
    """Progress of sampling comes under a token that nobody gave."""
    requests(PROGRESS, lambda params: {**params, "progressToken": "mine"})


@mutant(
    "progress/own-task-progress",
    "progress.task-token",
    "progress.task-lifetime",
    role="client",
    wires=OLD,
)
def reports_tasks_under_another_token() -> None:
    """Progress of a task comes under a token of its own."""
    requests(PROGRESS, lambda params: {**params, "progressToken": "task"})


@mutant("cancellation/gives-up", "cancellation.issued", role="client", wires=OLD)
def cancels_something_else() -> None:
    """Its cancellations name a request that it never made."""
    requests(CANCELLED, lambda params: {**params, "requestId": "other"})


@mutant("cancellation/gives-up", "cancellation.in-progress", role="client", wires=OLD)
def cancels_what_is_over() -> None:
    """Its cancellations name a request that is answered already."""
    requests(CANCELLED, lambda params: {**params, "requestId": 1})


@mutant("cancellation/gives-up", "cancellation.signalled", role="client", wires=NEW)
def leaves_its_streams_open() -> None:
    """Gives a call up, and does not close its stream."""
    keeps_back(CANCELLED)


@mutant("cancellation/crossing", "cancellation.late-response", role="client", wires=OLD)
def dies_of_a_late_response() -> None:
    """Ends when a response comes to what it has cancelled."""
    cancelled: list[object] = []

    def out(message: Json) -> list[Json]:
        if message.get("method") == CANCELLED:
            cancelled.append(mapping(message.get("params")).get("requestId"))
        return [message]

    def back(message: Json) -> Json:
        if "method" not in message and message.get("id") in cancelled:
            die()
        return message

    sends(out)
    receives(back)


@mutant("cancellation/times-out", "cancellation.on-timeout", role="client")
def gives_up_silently() -> None:
    """Does not cancel what it no longer waits for."""
    keeps_back(CANCELLED)


@mutant("cancellation/slow-handshake", "cancellation.initialize", role="client", wires=OLD)
def cancels_the_handshake() -> None:
    """Cancels initialize at once."""

    def out(message: Json) -> list[Json]:
        if message.get("method") != "initialize":
            return [message]
        params = {"requestId": message["id"]}
        return [message, {"jsonrpc": "2.0", "method": CANCELLED, "params": params}]

    sends(out)


@mutant("cancellation/question-withdrawn", "cancellation.no-response", role="client", wires=OLD)
def answers_what_was_withdrawn() -> None:
    """Does not look at cancellations."""
    receives(lambda message: None if message.get("method") == CANCELLED else message)


@mutant("cancellation/question-answered-meanwhile", "cancellation.races", role="client", wires=OLD)
def deaf_after_a_cancellation() -> None:
    """Answers nothing more once something was cancelled."""
    cancelled: list[Json] = []

    def watch(message: Json) -> Json | None:
        if message.get("method") == CANCELLED:
            cancelled.append(message)
        return None if cancelled and "id" in message and "method" in message else message

    receives(watch)


@mutant("cancellation/invalid-cancellations", "cancellation.unknown-id", role="client")
def dies_of_an_unknown_cancellation() -> None:
    """Ends when something is cancelled that it does not know."""

    def watch(message: Json) -> Json:
        if mapping(message.get("params")).get("requestId") == "never":
            die()
        return message

    receives(watch)


@mutant("cancellation/invalid-cancellations", "cancellation.malformed", role="client")
def dies_of_a_malformed_cancellation() -> None:
    """Ends when a cancellation has no id."""

    def watch(message: Json) -> Json:
        if message.get("method") == CANCELLED and "requestId" not in mapping(message["params"]):
            die()
        return message

    receives(watch)


@mutant("cancellation/invalid-cancellations", "cancellation.completed-id", role="client")
def dies_of_a_late_cancellation() -> None:
    """Ends when something is cancelled that is over."""
    answered: list[object] = ["q1"]

    def watch(message: Json) -> Json:
        if "method" not in message:
            answered.append(message.get("id"))
        if message.get("method") == CANCELLED:
            named = mapping(message.get("params")).get("requestId")
            if named is not None and named in answered:
                die()
        return message

    receives(watch)
