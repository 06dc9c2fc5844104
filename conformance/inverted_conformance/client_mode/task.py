"""A tool call of the client that the suite turns into a task, in both forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import anyio

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.asks import text, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.client_mode.server import META
from inverted_conformance.client_mode.stage import PATIENCE, NotOffered, Stage
from inverted_conformance.wire.transcript import Message

RELATED: Final = f"{META}related-task"
EXTENSION: Final = f"{META}tasks"
ENDED: Final = frozenset({"completed", "failed", "cancelled"})
INVALID_PARAMS: Final = -32602


def offered(stage: Stage) -> None:
    """Let the server of a scenario offer tasks, before it opens.

    Args:
        stage: The scenario.
    """
    if stage.modern:
        stage.server.capabilities = {"tools": {}, "extensions": {EXTENSION: {}}}
    else:
        requests: Message = {"tools": {"call": {}}}
        stage.server.capabilities = {"tools": {}, "tasks": {"cancel": {}, "requests": requests}}


def task_tool(name: str) -> Message:
    """A tool that is to be called as a task.

    Args:
        name: Its name.
    """
    return tool(name, execution={"taskSupport": "required"})


def needs_tasks(stage: Stage, call: Call) -> None:
    """End the scenario unless the client takes part in tasks.

    Args:
        stage: The scenario.
        call: A call that may become a task.

    Raises:
        NotOffered: It does not.
    """
    if stage.modern:
        stage.needs(f"extensions.{EXTENSION}")
    elif "task" not in call.exchange.params:
        call.finish()
        raise NotOffered("The client does not call tools as tasks.")


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Task:
    """The task of one call. It answers what the client asks about it.

    Args:
        stage: The scenario.
        call: The call. It is answered with the task at once.
        interval: Milliseconds that the client shall leave between two polls.
        task_id: Its id.

    Attributes:
        status: How it stands.
        polls: The requests tasks/get for it.
        updates: The answers that came, in order (2026-07-28): by key, one mapping per request.
        waiting: The requests tasks/result that wait for its end (2025-11-25).
        cancels: The requests tasks/cancel for it.
        questions: What is asked, by key (2026-07-28).
    """

    def __init__(
        self, stage: Stage, call: Call, *, interval: int = 100, task_id: str = "task-7f3a9c"
    ) -> None:
        self.id: Final = task_id
        self.status = "working"
        self.polls: list[Exchange] = []
        self.updates: list[Message] = []
        self.waiting: list[Exchange] = []
        self.cancels: list[Exchange] = []
        self.questions: dict[str, Message] = {}
        self.created = anyio.current_time()
        self._stage = stage
        self._began = _now()
        self._interval = interval
        self._outcome: Message = {}
        routes = {"get": self._get, "result": self._result, "cancel": self._cancel}
        for name, route in (routes | {"update": self._update}).items():
            stage.server.routes[f"tasks/{name}"] = route
        if stage.modern:
            call.exchange.result({"resultType": "task", **self.wire()})
        else:
            call.exchange.result({"task": self.wire()})

    def wire(self) -> Message:
        """The task as it goes over the wire."""
        common = {
            "taskId": self.id,
            "status": self.status,
            "createdAt": self._began,
            "lastUpdatedAt": _now(),
        }
        if self._stage.modern:
            return {**common, "ttlMs": 60_000, "pollIntervalMs": self._interval}
        return {**common, "ttl": 60_000, "pollInterval": self._interval}

    async def polled(self, times: int = 1) -> None:
        """Wait until the client has polled some more times.

        Args:
            times: How many.

        Raises:
            Over: It does not.
        """
        wanted = len(self.polls) + times
        await self._stage.until(
            lambda: len(self.polls) >= wanted,
            f"to poll {self.id}",
            PATIENCE + self._interval / 1000,
        )

    def complete(self, said: str = "Done.") -> None:
        """The task ends well.

        Args:
            said: The text of the result.
        """
        self._end("completed", {"result": self._stage.server.complete({"content": [text(said)]})})

    def fail(self, code: int = -32603, message: str = "It broke.") -> None:
        """The task ends with an error.

        Args:
            code: The JSON-RPC error code.
            message: In words.
        """
        self._end("failed", {"error": {"code": code, "message": message}})

    async def ask(self, requests: Mapping[str, Message]) -> dict[str, Answer]:
        """Ask questions during the task, as its revision does.

        Args:
            requests: The questions, by key.

        Returns:
            The answers, by key.

        Raises:
            Over: There are none.
        """
        self.status = "input_required"
        if self._stage.modern:
            answers = await self._ask_by_poll(requests)
        else:
            answers = await self.ask_on(await self.result_asked(), requests)
        self.status = "working"
        return answers

    async def result_asked(self) -> Exchange:
        """Wait for tasks/result, which a client sends when it sees `input_required`.

        Raises:
            Over: It does not come.
        """
        found = await self._stage.until(lambda: list(self.waiting), "to call tasks/result")
        return found[-1]

    async def ask_on(self, stream: Exchange, requests: Mapping[str, Message]) -> dict[str, Answer]:
        """Ask on some stream (2025-11-25).

        Args:
            stream: Which.
            requests: The questions, by key.

        Raises:
            Over: There is no answer.
        """
        related = {"_meta": {RELATED: {"taskId": self.id}}}
        ids = {
            key: self._stage.server.ask(
                stream, {"method": each["method"], "params": {**each["params"], **related}}
            )
            for key, each in requests.items()
        }
        return await self._stage.answers(ids)

    async def _ask_by_poll(self, requests: Mapping[str, Message]) -> dict[str, Answer]:
        self.questions = dict(requests)
        await self._stage.until(
            lambda: requests.keys() <= self.answered.keys(), "to answer by tasks/update"
        )
        self.questions = {}
        return {key: Answer(mapping(self.answered[key][0])) for key in requests}

    @property
    def answered(self) -> dict[str, list[Any]]:
        """Everything that tasks/update brought, by key."""
        found: dict[str, list[Any]] = {}
        for update in self.updates:
            for key, answer in update.items():
                found.setdefault(key, []).append(answer)
        return found

    def _mine(self, request: Exchange) -> bool:
        if request.params.get("taskId") == self.id:
            return True
        request.error(INVALID_PARAMS, f"There is no task {request.params.get('taskId')!r}.")
        return False

    def _get(self, request: Exchange) -> None:
        if not self._mine(request):
            return
        self.polls.append(request)
        found = self.wire()
        if self._stage.modern:
            found |= self._outcome
            if self.status == "input_required":
                found["inputRequests"] = self.questions
        request.result(self._stage.server.complete(found))

    def _update(self, request: Exchange) -> None:
        if self._mine(request):
            self.updates.append(mapping(request.params.get("inputResponses")))
            request.result(self._stage.server.complete({}))

    def _cancel(self, request: Exchange) -> None:
        if not self._mine(request):
            return
        self.cancels.append(request)
        self._end("cancelled", {"error": {"code": -32603, "message": "It was cancelled."}})
        request.result(self._stage.server.complete({} if self._stage.modern else self.wire()))

    def _result(self, request: Exchange) -> None:
        if not self._mine(request):
            return
        self.waiting.append(request)
        if self.status in ENDED:
            self._answer(request)

    def _end(self, status: str, outcome: Message) -> None:
        if self.status in ENDED:
            return
        self.status = status
        self._outcome = {} if status == "cancelled" and self._stage.modern else outcome
        for request in self.waiting:
            if not request.done:
                self._answer(request)
        self._stage.server.tell()

    def _answer(self, request: Exchange) -> None:
        error = self._outcome.get("error")
        if error is not None:
            request.error(error["code"], error["message"])
        else:
            related = {"_meta": {RELATED: {"taskId": self.id}}}
            request.result({**self._outcome["result"], **related})
