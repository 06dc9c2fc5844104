"""When a store may write to a run, and what the record is afterwards. Shared by the stores."""

from __future__ import annotations

from collections.abc import Sequence

from inverted.core.lifecycle import Status, illegal_transition, may_become
from inverted.errors import StoreConflict, StoreError
from inverted.stores.base import Append, Lease, RunRecord


def held_by_other(record: RunRecord, owner: str, now: float) -> bool:
    """Whether somebody else may still be working on the run."""
    lease = record.lease
    return lease is not None and lease.owner != owner and lease.until > now


def may_append(record: RunRecord, append: Append) -> bool:
    """Whether the record allows this write."""
    return (
        record.position == append.position
        and record.fence == append.fence
        and not held_by_other(record, append.owner, append.now)
        and may_become(record.status, append.status)
        and not _ends_otherwise(record, append)
    )


def _ends_otherwise(record: RunRecord, append: Append) -> bool:
    """Whether the run was cancelled meanwhile, and the writer does not know."""
    ends = append.status.terminal
    return record.stop is not None and ends and append.status is not Status.CANCELLED


def only_adds(record: RunRecord, append: Append) -> bool:
    """Whether the write adds lines and changes nothing else that somebody may wait for."""
    return (
        append.status is record.status
        and append.segment_start is None
        and append.lease_until is not None
        and append.wake == record.wake
        and append.message is None
        and not append.taken
        and record.lease == Lease(append.owner, append.lease_until)
    )


def appended(record: RunRecord, append: Append, *, posted: bool) -> RunRecord:
    """The record after a write that `may_append`.

    Args:
        record: The record before.
        append: The write.
        posted: Whether something is left in the inbox afterwards.
    """
    position = record.position + len(append.lines)
    size = record.size + sum(map(len, append.lines))
    if only_adds(record, append):
        return record._replace(position=position, size=size)
    lapsed = record.lease is not None and record.lease.owner != append.owner
    start = append.segment_start
    return record._replace(
        status=append.status,
        updated=append.now,
        position=position,
        segment_start=record.segment_start if start is None else start,
        size=size,
        fence=record.fence + 1 if lapsed else record.fence,
        lease=None if append.lease_until is None else Lease(append.owner, append.lease_until),
        wake=_wake(append, posted=posted),
        message=record.message if append.message is None else append.message,
        expires=record.expires if append.expires is None else append.expires,
    )


def _wake(append: Append, *, posted: bool) -> float | None:
    """A run that is let go with something in its inbox is due at once; one that has ended never."""
    if append.status.terminal:
        return None
    return append.now if posted and append.lease_until is None else append.wake


def is_due(record: RunRecord, now: float, dead: Sequence[str]) -> bool:
    """Whether somebody must drive the run now: see `Store.due`."""
    lease = record.lease
    if record.wake is None or record.task is None:
        return False
    if lease is not None and lease.owner in dead:
        return True
    return record.wake <= now and (lease is None or lease.until <= now)


def nudge(record: RunRecord, now: float) -> RunRecord:
    """The record after something was put into its inbox."""
    lease = record.lease
    # The owner looks into the inbox; if it is killed before that, somebody else must.
    at = lease.until if lease is not None and lease.until > now else now
    wake = at if record.wake is None else min(record.wake, at)
    return record if wake == record.wake else record._replace(wake=wake)


def refusal(record: RunRecord, append: Append) -> StoreError:
    """Why `may_append` is false: a conflict, if there is one, else the lifecycle."""
    if record.position != append.position or record.fence != append.fence:
        return StoreConflict(
            f"Run {record.id} was moved on by another process (position {record.position}, fence "
            f"{record.fence}; this copy has {append.position}, {append.fence}). Nothing was "
            "written. Reload it."
        )
    if held_by_other(record, append.owner, append.now):
        return StoreConflict(
            f"Another process works on run {record.id}. Nothing was written. Wait for it and "
            "reload."
        )
    if not may_become(record.status, append.status):
        return illegal_transition(record.status, append.status)
    return StoreConflict(
        f"Run {record.id} shall be cancelled ({record.stop}), so it cannot end as "
        f"{append.status.value}. Nothing was written. Reload it and cancel it."
    )


def missing(run_id: str) -> StoreConflict:
    """The refusal of a write to a run that is not there."""
    return StoreConflict(
        f"Run {run_id} does not exist any more. Nothing was written. Start it again."
    )


def id_taken(run_id: str) -> StoreConflict:
    """The refusal of a second run of one id."""
    return StoreConflict(f"Run {run_id} exists already. Nothing was written. Use another id.")


def key_taken(key: str) -> StoreConflict:
    """The refusal of a second run of one name, for one agent and principal."""
    return StoreConflict(
        f"The run key {key!r} is taken. Nothing was written. Find that run and continue it."
    )
