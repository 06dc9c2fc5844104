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
        return self in _ENDED


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


_ENDED: Final = tuple(state for state, events in TRANSITIONS.items() if not events)
"""The terminal states. A tuple compares by identity first: an enum's hash is slow."""


def may_become(before: Status, after: Status) -> bool:
    """Whether a store may replace one state by the other. Staying in a live state is legal."""
    if before is after:
        return not before.terminal
    return after in TRANSITIONS[before].values()


def illegal_transition(before: Status, after: Status) -> StoreError:
    """The refusal of a change of state that the table does not have."""
    why = "it has ended" if before.terminal else "the lifecycle has no such transition"
    return StoreError(
        f"A run cannot go from {before.value} to {after.value}: {why}. Nothing was written. Reload "
        "the run and continue from the state that it is in."
    )
