"""Replay: bring a fresh machine to where a journal ends, checking that the body still agrees.

The check is equality. What the body asks now must be what the journal recorded, effect by effect;
the first difference stops the replay with both sides shown.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

from inverted.core.effects import Json
from inverted.core.journal import (
    FLAGS,
    Answered,
    Asked,
    CancelRequested,
    Checkpointed,
    Entry,
    Started,
)
from inverted.core.machine import Body, Machine, Parked
from inverted.errors import DeterminismError, JournalError, JournalVersionError

Recorded = Asked | Answered | CancelRequested | Checkpointed
"""The entries that replay compares with what the body does."""


def replay(body: Body, entries: Sequence[Entry]) -> Machine:
    """A machine in the state that the entries describe.

    Args:
        body: Makes the agent's coroutine.
        entries: The journal of the current segment, without `Finished`: from `Started`, or from the
            last `Checkpointed`, to the end.

    Returns:
        The machine. Its `asked` holds what the body asked beyond the journal: the crash came before
        that was written.

    Raises:
        DeterminismError: The body asks something else than the journal recorded.
        JournalVersionError: The run was started with behaviour flags that this version lacks.
        JournalError: The entries do not begin with `Started` or `Checkpointed`.
    """
    first = entries[0]
    if isinstance(first, Checkpointed):
        machine = Machine(body, first.state, first.segment)
    elif isinstance(first, Started):
        check_flags(first)
        machine = Machine(body)
    else:
        raise JournalError(
            f"The journal of this run begins with {type(first).__name__} instead of its start or a "
            "checkpoint, so its beginning is lost. Nothing was changed. Restore the store from a "
            "backup, or start a new run."
        )
    try:
        _feed(machine, entries[1:])
    except BaseException:
        machine.close()
        raise
    machine.withdrawn.clear()
    machine.notices.clear()
    return machine


def _feed(machine: Machine, entries: Sequence[Entry]) -> None:
    machine.start()
    asked, position = machine.asked, 0
    deliver = machine.deliver
    for entry in entries:
        # `type() is`, and the effect compared field by field: this loop is the cost of a resume.
        if type(entry) is Answered:
            # Everything that is asked is written before the next delivery.
            if asked:
                raise _differs(entry, asked[position], machine)
            deliver(entry.id, entry.value, entry.failure)
        elif type(entry) is Asked:
            now = asked[position] if asked else None
            if (
                type(now) is not tuple
                or now[0] != entry.id
                or now[1].kind is not entry.kind
                or now[1].question != entry.question
            ):
                raise _differs(entry, now, machine)
            position = _compared(asked, position)
        elif type(entry) is Checkpointed:
            now = asked[position] if asked else None
            if type(now) is not Checkpointed or now[:2] != entry[:2]:
                raise _differs(entry, now, machine)
            position = _compared(asked, position)
        elif type(entry) is CancelRequested:
            if asked:
                raise _differs(entry, asked[position], machine)
            machine.cancel()
    del asked[:position]


def _compared(asked: list[Parked | Checkpointed], position: int) -> int:
    """Step over one; the list is emptied when all are compared, so that replay keeps no garbage."""
    if position + 1 == len(asked):
        asked.clear()
        return 0
    return position + 1


def check_flags(started: Started) -> None:
    """Refuse a run that was started with behaviour flags of a newer version.

    Raises:
        JournalVersionError: This version does not know a flag.
    """
    unknown = sorted(set(started.flags) - set(FLAGS))
    if unknown:
        raise JournalVersionError(
            "This run was started with behaviour flags that this version does not know: "
            f"{unknown}. Nothing was changed. Upgrade inverted to continue the run."
        )


def _differs(
    recorded: Recorded, now: Parked | Checkpointed | None, machine: Machine
) -> DeterminismError:
    if now is not None:
        asks = _title(now)
    elif machine.error is not None:
        asks = f"the body ended with {machine.error!r}"
    else:
        asks = "the body has ended" if machine.done else "the body asks nothing more at this point"
    lines = difflib.unified_diff(
        _pretty(recorded),
        _pretty(now),
        "recorded in the journal",
        "asked by the code now",
        lineterm="",
        n=2,
    )
    return DeterminismError(
        "The agent's code does not follow its journal any more, so this run cannot continue with "
        f"it. Recorded: {_title(recorded)}. Now: {asks}. Either the agent was changed while the "
        "run was parked (run it with the version that started it, or start a new run), or it "
        "reads something that differs between executions outside of run.step (clock, randomness, "
        "environment, order of a set).\n" + "\n".join(lines)
    )


def _title(entry: Recorded | Parked) -> str:
    match entry:
        case Checkpointed(segment=segment):
            return f"checkpoint {segment}"
        case Asked(id=id, kind=kind):
            return f"{kind.value} at {id}"
        case Answered(id=id):
            return f"nothing more, then the answer to {id}"
        case CancelRequested():
            return "nothing more, then a request to cancel"
        case _:
            id, effect, _ = entry
            return f"{effect.kind.value} at {id}"


def _pretty(entry: Recorded | Parked | None) -> list[str]:
    value: Json
    match entry:
        case Checkpointed(segment=segment, state=state):
            value = {"checkpoint": segment, "state": state}
        case Asked(id, kind, question):
            value = {"id": id, "kind": kind.value, "question": question}
        case None | Answered() | CancelRequested():
            return []
        case _:
            id, effect, _ = entry
            value = {"id": id, "kind": effect.kind.value, "question": effect.question}
    # Sorted: the order of keys is not compared, so it must not show as a difference.
    return json.dumps(
        value, indent=2, ensure_ascii=False, sort_keys=True, default=repr
    ).splitlines()
