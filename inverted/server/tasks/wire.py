"""The shapes in which tasks travel, in both forms.

Results are plain dicts: the SDK leaves `null` out of models, and `ttl` and `ttlMs` are required
even when they are null.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from mcp.shared.exceptions import MCPError

from inverted.carriers.client import METHODS
from inverted.core.effects import Json, Kind
from inverted.core.lifecycle import Status
from inverted.runtime.ports import Agent, Question
from inverted.runtime.tasks import View
from inverted.server.outcome import failure_text, protocol_error, tool_result
from inverted.server.tasks.rules import IMMEDIATE, MODERN, RELATED, Form

LONGEST_TTL: Final = 2**31 - 1
"""Milliseconds. A host that sets a timer for more gives up at once: it is JavaScript's limit."""


class Shown:
    """One task as one form shows it.

    Args:
        form: The form.
        view: The task.
        agent: Its agent.
        poll: Seconds between polls.
    """

    def __init__(self, form: Form, view: View, agent: Agent, poll: float) -> None:
        self.form = form
        self.view = view
        self.agent = agent
        self._poll = poll

    @property
    def status(self) -> Status:
        """The status in the words of the form: they differ on results with `isError`."""
        status, ended = self.view.status, self.view.ended
        if ended is None or status is Status.CANCELLED:
            return status
        if protocol_error(ended) is not None:
            return Status.FAILED
        failed = tool_result(self.agent, ended).get("isError")
        return self.form.error_result if failed else Status.COMPLETED

    @property
    def message(self) -> str | None:
        """The `statusMessage`: what went wrong, or what the run last said."""
        view = self.view
        if view.status is Status.CANCELLED:
            return f"Cancelled: {view.record.stop}" if view.record.stop else "Cancelled"
        if view.ended is None:
            return view.problem or view.record.message
        if view.ended.failure is not None:
            return failure_text(self.agent, view.ended)
        if self.status is Status.FAILED:
            return _text(tool_result(self.agent, view.ended))
        return view.record.message

    def task(self, status: Status | None = None) -> dict[str, Json]:
        """The task alone.

        Args:
            status: Show this status; the true one if None.
        """
        record, ttl = self.view.record, self.view.info.ttl
        shown: dict[str, Json] = {
            "taskId": record.id,
            "status": str(status or self.status),
            "createdAt": _timestamp(record.created),
            "lastUpdatedAt": _timestamp(record.updated),
            self.form.ttl_key: None if ttl is None else min(round(ttl * 1000), LONGEST_TTL),
            self.form.poll_key: max(1, round(self._poll * 1000)),
        }
        message = self.message
        return shown if message is None else {**shown, "statusMessage": message}

    def created(self) -> dict[str, Json]:
        """The answer to the call that became the task."""
        task = self.task(self.form.seed)
        if not self.form.nested:
            return {"resultType": "task", **task}
        told = (
            f"{self.agent.name} goes on in the background as task {self.view.record.id}. Its "
            "result comes later; there is no need to wait for it or to call it again."
        )
        return {"task": task, "_meta": {IMMEDIATE: told}}

    def detailed(self) -> dict[str, Json]:
        """The task with what its status brings (2026-07-28): questions, a result or an error."""
        shown = self.task()
        match self.status:
            case Status.INPUT_REQUIRED:
                shown["inputRequests"] = {each.id: asked(each) for each in self.view.questions}
            case Status.COMPLETED if self.view.ended is not None:
                shown["result"] = tool_result(self.agent, self.view.ended)
            case Status.FAILED if self.view.ended is not None:
                error = protocol_error(self.view.ended)
                assert error is not None  # noqa: S101 - the only way to fail in this form
                shown["error"] = error.error.model_dump(mode="json", exclude_none=True)
            case _:
                pass
        return shown

    def reply(self) -> dict[str, Json]:
        """The answer to `tasks/get`."""
        return self.detailed() if self.form is MODERN else self.task()

    def result(self) -> dict[str, Json]:
        """The answer to `tasks/result` (2025-11-25).

        Raises:
            MCPError: The error of the protocol that the run ended with.
        """
        ended = self.view.ended
        error = None if ended is None else protocol_error(ended)
        if error is not None and self.view.status is not Status.CANCELLED:
            raise error
        if ended is None or self.view.status is Status.CANCELLED:
            text = f"The run of {self.agent.name} was cancelled."
            result: dict[str, Json] = {
                "content": [{"type": "text", "text": text}],
                "isError": True,
            }
        else:
            result = tool_result(self.agent, ended)
        meta: dict[str, Json] = result.get("_meta") or {}
        return {**result, "_meta": {**meta, **related(self.view.record.id)}}


def asked(question: Question) -> dict[str, Json]:
    """A question as a request without id: method and params."""
    return {"method": METHODS[question.kind], "params": question.params}


def request_params(question: Question) -> dict[str, Json]:
    """The params of a request that asks a question of a task (2025-11-25)."""
    params = question.params
    if question.kind is Kind.ELICIT and params["mode"] == "url":
        params = {**params, "elicitationId": f"{question.run_id}:{question.id}"}
    return {**params, "_meta": related(question.run_id)}


def related(run_id: str) -> dict[str, Json]:
    """The `_meta` of a message that belongs to a task."""
    return {RELATED: {"taskId": run_id}}


def refused(code: int, message: str, reason: str) -> MCPError:
    """An error of the protocol with a reason that a program can read."""
    return MCPError(code, message, {"reason": reason})


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _text(result: dict[str, Any]) -> str:
    texts = [each["text"] for each in result["content"] if each.get("type") == "text"]
    return "\n".join(texts) or "The run failed."
