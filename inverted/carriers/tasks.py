"""The carrier of a task: its questions stay parked until somebody posts the answers.

What the client can answer is known from the request that created the task, so that the run goes on
the same way after a restart, without any request.

Source: specification 2025-11-25 basic/utilities/tasks, and SEP-2663.
"""

from __future__ import annotations

from collections.abc import Callable

from inverted.carriers.client import Client, read_answer
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.runtime.ports import Answer, Question
from inverted.runtime.tasks import TaskInfo


class TaskCarrier:
    """Leaves questions parked. Implements `Carrier`.

    Args:
        info: How the run is served.
        notify: Takes progress and log notices.
    """

    inline = False

    def __init__(self, info: TaskInfo, notify: Callable[[dict[str, Json]], object]) -> None:
        self._client = Client(info.revision, frozenset(info.features))
        self._notify = notify

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        """See `Carrier.refusal`."""
        return self._client.refusal(kind, params)

    def read(self, question: Question, raw: Json) -> Answer:
        """See `Carrier.read`."""
        return read_answer(question, raw)

    async def ask(self, question: Question) -> Answer:
        """See `Carrier.ask`. Never called: the answer is posted."""
        raise NotImplementedError(f"{question.id} is answered through the task")

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Carrier.notify`."""
        self._notify(payload)

    def describe(self) -> list[str]:
        """See `Carrier.describe`."""
        return sorted(self._client.features)
