"""The lifecycle of a run, as data: five states, and the events that lead from one to another.

The states are the task states of the protocol (2025-11-25 basic/utilities/tasks, and SEP-2663).
`completed`, `failed` and `cancelled` are terminal: no event leads out of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inverted.errors import StoreError


class Status(StrEnum):
    """State of a run."""

    WORKING = "working"
    INPUT_REQUIRED = "input_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether the run has ended."""
        return not TRANSITIONS[self]


class Event(StrEnum):
    """What moves a run from one state to another."""

    ASK = "ask"
    ANSWER = "answer"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


TRANSITIONS: Final[dict[Status, dict[Event, Status]]] = {
    Status.WORKING: {
        Event.ASK: Status.INPUT_REQUIRED,
        Event.COMPLETE: Status.COMPLETED,
        Event.FAIL: Status.FAILED,
        Event.CANCEL: Status.CANCELLED,
    },
    Status.INPUT_REQUIRED: {
        Event.ANSWER: Status.WORKING,
        Event.COMPLETE: Status.COMPLETED,
        Event.FAIL: Status.FAILED,
        Event.CANCEL: Status.CANCELLED,
    },
    Status.COMPLETED: {},
    Status.FAILED: {},
    Status.CANCELLED: {},
}
"""The whole table. What is not in it is illegal and cannot be written to a store."""


def may_become(before: Status, after: Status) -> bool:
    """Whether a store may replace one state by the other. Staying in a live state is legal."""
    return after in TRANSITIONS[before].values() or (before is after and not before.terminal)


def check_transition(before: Status, after: Status) -> None:
    """Refuse an illegal change of state.

    Raises:
        StoreError: The table has no such transition.
    """
    if not may_become(before, after):
        raise StoreError(
            f"A run cannot go from {before.value} to {after.value}: "
            f"{'it has ended' if before.terminal else 'the lifecycle has no such transition'}. "
            "Nothing was written."
        )
