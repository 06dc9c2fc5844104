"""The messages of both forms of tasks, as this client sends and reads them.

The SDK has no task requests for 2026-07-28, and those of its types that it has for 2025-11-25 do
not name the task in `Mcp-Name`. So both forms share the few classes here.

Source: specification 2025-11-25 basic/utilities/tasks; SEP-2663, and its `Mcp-Name` header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from mcp_types import InputRequest, Request, RequestParams, Result
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from inverted.client.errors import TaskError

EXTENSION: Final = "io.modelcontextprotocol/tasks"
"""Identifier of the extension of SEP-2663."""

LEGACY: Final = "2025-11-25"
"""The only revision that has the tasks of SEP-1686."""

RELATED_TASK: Final = "io.modelcontextprotocol/related-task"
"""The `_meta` entry with which a message of SEP-1686 says which task it belongs to."""

Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
_ENDED: Final = frozenset({"completed", "failed", "cancelled"})


class TaskParams(RequestParams):
    """Names a task."""

    task_id: str


class UpdateParams(TaskParams):
    """Answers questions of a task."""

    # Bare results in wire form; their shape is that of the question's own answer.
    input_responses: dict[str, Any]


class GetTask(Request[TaskParams, Literal["tasks/get"]]):
    """`tasks/get`."""

    name_param: ClassVar[str | None] = "taskId"
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams


class CancelTask(Request[TaskParams, Literal["tasks/cancel"]]):
    """`tasks/cancel`."""

    name_param: ClassVar[str | None] = "taskId"
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams


class UpdateTask(Request[UpdateParams, Literal["tasks/update"]]):
    """`tasks/update` (2026-07-28)."""

    name_param: ClassVar[str | None] = "taskId"
    method: Literal["tasks/update"] = "tasks/update"
    params: UpdateParams


class GetResult(Request[TaskParams, Literal["tasks/result"]]):
    """`tasks/result` (2025-11-25): blocks until the task has ended."""

    method: Literal["tasks/result"] = "tasks/result"
    params: TaskParams


class Created(Result):
    """The result of a call that became a task (2026-07-28)."""

    result_type: Literal["task"]
    task_id: str


class Raw(BaseModel):
    """Any result, as it travelled."""

    model_config = ConfigDict(extra="allow")

    def fields(self) -> dict[str, Any]:
        """The result as JSON."""
        return self.model_dump(mode="json")


class _Task(BaseModel):
    """A task of either form on the wire."""

    taskId: str  # noqa: N815 - the wire's names
    status: Status
    statusMessage: str | None = None  # noqa: N815
    createdAt: str = ""  # noqa: N815
    lastUpdatedAt: str = ""  # noqa: N815
    ttl: float | None = None
    ttlMs: float | None = None  # noqa: N815
    pollInterval: float | None = None  # noqa: N815
    pollIntervalMs: float | None = None  # noqa: N815
    inputRequests: dict[str, Any] = {}  # noqa: N815
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task at one moment, of either form.

    Attributes:
        id: Its id. Keep it to come back later.
        status: working, input_required, completed, failed or cancelled.
        message: What the server says about the status.
        created: When it was created, ISO 8601.
        updated: When it last changed, ISO 8601.
        ttl: Seconds from its creation for which the server keeps it; None: no limit was named.
        poll_interval: Seconds that the server wants between two polls; None: it did not say.
        questions: The questions that wait for answers, by key (2026-07-28).
        result: The result of the call in wire form, when it has completed (2026-07-28).
        error: The JSON-RPC error that it failed with (2026-07-28).
    """

    id: str
    status: Status
    message: str | None
    created: str
    updated: str
    ttl: float | None
    poll_interval: float | None
    questions: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None

    @property
    def ended(self) -> bool:
        """Whether its status will not change any more."""
        return self.status in _ENDED


def read_task(raw: Mapping[str, Any], task_id: str) -> Task:
    """A task from the wire.

    Args:
        raw: A task of either form.
        task_id: Which one was asked for; empty for a new one.

    Raises:
        TaskError: It is no task, or another one.
    """
    try:
        found = _Task.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise TaskError(
            f"The server's answer about task {task_id or '(new)'} breaks the protocol: "
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}.",
            task_id,
        ) from None
    if task_id and found.taskId != task_id:
        raise TaskError(
            f"The server was asked about task {task_id} and answered about {found.taskId}.", task_id
        )
    return Task(
        id=found.taskId,
        status=found.status,
        message=found.statusMessage,
        created=found.createdAt,
        updated=found.lastUpdatedAt,
        ttl=_seconds(found.ttlMs, found.ttl),
        poll_interval=_seconds(found.pollIntervalMs, found.pollInterval),
        questions=found.inputRequests,
        result=found.result,
        error=found.error,
    )


def read_question(raw: object, key: str, task_id: str) -> InputRequest:
    """A question of a task from the wire.

    Raises:
        TaskError: It is none that the protocol has.
    """
    try:
        return _QUESTION.validate_python(raw, by_name=False)
    except ValidationError as error:
        raise TaskError(
            f"Task {task_id} asks something under {key!r} that this client cannot read: "
            f"{error.errors()[0]['msg']}. It waits for the answer; cancel it, or attach to it with "
            "a client that can.",
            task_id,
        ) from None


_QUESTION: Final[TypeAdapter[InputRequest]] = TypeAdapter(InputRequest)


def _seconds(*milliseconds: float | None) -> float | None:
    return next((each / 1000 for each in milliseconds if each is not None), None)
