"""The carrier of a task: its questions stay parked until somebody posts the answers.

What the client can answer is known from the request that created the task, so that the run goes on
the same way after a restart, without any request.

Source: specification 2025-11-25 basic/utilities/tasks, and SEP-2663.
"""

from __future__ import annotations

from collections.abc import Callable

from inverted.carriers.client import Client
from inverted.carriers.later import Later
from inverted.core.effects import Json
from inverted.runtime.tasks import TaskInfo


class TaskCarrier(Later):
    """Leaves questions parked until their answers are posted. Implements `Channel`.

    Args:
        info: How the run is served.
        notify: Takes progress and log notices.
    """

    def __init__(self, info: TaskInfo, notify: Callable[[dict[str, Json]], object]) -> None:
        super().__init__(Client(info.revision, frozenset(info.features)))
        self._notify = notify

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Channel.notify`."""
        self._notify(payload)
