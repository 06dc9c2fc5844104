"""When a store may write to a run, and what the record is afterwards. Shared by the stores."""

from __future__ import annotations

from dataclasses import replace

from inverted.core.lifecycle import check_transition
from inverted.errors import StoreConflict
from inverted.stores.base import Append, Lease, RunRecord


def held_by_other(record: RunRecord, owner: str, now: float) -> bool:
    """Whether somebody else may still be working on the run."""
    lease = record.lease
    return lease is not None and lease.owner != owner and lease.until > now


def check_append(record: RunRecord, append: Append) -> None:
    """Refuse a write that the record does not allow.

    Raises:
        StoreConflict: The writer's copy is out of date, or somebody else holds the lease.
        StoreError: The lifecycle has no such transition.
    """
    if record.position != append.position or record.fence != append.fence:
        raise StoreConflict(
            f"Run {record.id} was moved on by another process (position {record.position}, fence "
            f"{record.fence}; this copy has {append.position}, {append.fence}). Nothing was "
            "written. Reload it."
        )
    if held_by_other(record, append.owner, append.now):
        raise StoreConflict(
            f"Another process works on run {record.id}. Nothing was written. Wait for it and reload."
        )
    check_transition(record.status, append.status)


def appended(record: RunRecord, append: Append) -> RunRecord:
    """The record after a write that `check_append` allows."""
    lapsed = record.lease is not None and record.lease.owner != append.owner
    return replace(
        record,
        status=append.status,
        updated=append.now,
        position=record.position + len(append.lines),
        segment_start=(
            record.segment_start if append.segment_start is None else append.segment_start
        ),
        size=record.size + sum(map(len, append.lines)),
        fence=record.fence + 1 if lapsed else record.fence,
        lease=None if append.lease_until is None else Lease(append.owner, append.lease_until),
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
