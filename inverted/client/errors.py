"""What a client meets when it drives a task.

InvertedError
└── TaskError                a task cannot be driven, or its server breaks the protocol
    ├── TaskFailed           the task ended with a JSON-RPC error
    ├── TaskCancelled        the task was cancelled
    ├── TaskNotFound         unknown, expired, or somebody else's
    ├── TasksUnsupported     this server, or this revision of the protocol, has no such tasks
    ├── QuestionRefused      a callback of this client answered a question with an error
    └── TaskDetached         not a failure: the call became a task, and was left alone
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inverted.errors import InvertedError

if TYPE_CHECKING:
    from inverted.client.handle import TaskHandle


class TaskError(InvertedError):
    """A task cannot be driven on. What was asked and answered before is not lost.

    Args:
        message: What happened, why, and what to do next.
        task_id: The task.
    """

    def __init__(self, message: str, task_id: str) -> None:
        super().__init__(message)
        self.message = message
        self.task_id = task_id


class TaskFailed(TaskError):
    """The task ended with the JSON-RPC error that its call would have ended with.

    Attributes:
        code: The JSON-RPC error code.
        data: What the server added to the error.
    """

    def __init__(self, message: str, task_id: str, code: int, data: Any = None) -> None:
        super().__init__(message, task_id)
        self.code = code
        self.data = data


class TaskCancelled(TaskError):
    """The task was cancelled, here or elsewhere. There is no result."""


class TaskNotFound(TaskError):
    """The server knows no such task for this caller: it expired, or belongs to somebody else."""


class TasksUnsupported(TaskError):
    """The server has no tasks of this kind, or the negotiated revision has none."""


class QuestionRefused(TaskError):
    """A callback of this client answered a question of the task with an error.

    The protocol has no way to pass that on, so the task still waits for the answer.

    Attributes:
        key: The key of the question.
        code: The error's code.
    """

    def __init__(self, message: str, task_id: str, key: str, code: int) -> None:
        super().__init__(message, task_id)
        self.key = key
        self.code = code


class TaskDetached(TaskError):
    """The call became a task, and `TasksExtension(detach=True)` leaves tasks alone.

    Attributes:
        handle: The task.
    """

    def __init__(self, handle: TaskHandle) -> None:
        super().__init__(
            f"The call became task {handle.id}, which goes on without this client. Keep the id; "
            "attach(session, id) comes back to it.",
            handle.id,
        )
        self.handle = handle
