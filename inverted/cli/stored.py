"""The runs of a store file: opening it, finding a run by the beginning of its id, reading journals.

Also ends a run that nobody drives. Called by `runs`.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from inverted.cli.errors import CliError, UsageProblem
from inverted.cli.text import clean, first_line
from inverted.core.journal import (
    Answered,
    Asked,
    CancelRequested,
    Checkpointed,
    Codec,
    Entry,
    Finished,
)
from inverted.core.lifecycle import Status
from inverted.errors import InvertedError, JournalError, StoreConflict
from inverted.runtime.owner import new_owner, surely_dead
from inverted.stores import RunRecord, SQLiteStore
from inverted.stores.base import Append

_PAGE: Final = 500
_HOLD: Final = 5.0  # seconds for which the lease of a dead process is taken over


class Written(NamedTuple):
    """One entry of a journal, where it stands and when it was written."""

    position: int
    at: float
    entry: Entry


class Journal(NamedTuple):
    """What can be read of a journal.

    Attributes:
        entries: The entries in order.
        damage: Why the rest cannot be read; None when everything could be.
    """

    entries: list[Written]
    damage: str | None = None


@asynccontextmanager
async def opened(path: str | None) -> AsyncGenerator[SQLiteStore]:
    """The store file that a command line names.

    Args:
        path: The file; None for the default one, which servers without a store of their own use.

    Raises:
        UsageProblem: There is no such file.
        CliError: It cannot be read.
    """
    store = SQLiteStore(path)
    if not Path(store.path).is_file():  # noqa: ASYNC240 - once, before anything else
        raise UsageProblem(
            f"there is no store at {store.path}. "
            + (
                "No server has kept a run there yet. If yours has a store of its own, name it "
                "with --store PATH."
                if path is None
                else "Name the file that the server was given as its store."
            )
        )
    try:
        yield store
    except InvertedError as error:
        if isinstance(error, CliError):
            raise
        raise CliError(first_line(str(error)), str(error).splitlines()[1:]) from None
    finally:
        await store.aclose()


async def pages(store: SQLiteStore, agent: str | None = None) -> AsyncGenerator[RunRecord]:
    """Every run, newest first.

    Args:
        store: Where they are.
        agent: Only this agent's.
    """
    before: str | None = None
    while True:
        page = await store.list(agent=agent, limit=_PAGE, before=before)
        for record in page:
            yield record
        if len(page) < _PAGE:
            return
        before = page[-1].id


async def find_run(store: SQLiteStore, written: str) -> RunRecord:
    """The run that is meant by its id or by a beginning of it.

    Args:
        store: Where it is.
        written: The id, or so much of it that only one run begins so.

    Raises:
        UsageProblem: No run begins so, or several do.
    """
    exact = await store.get(written)
    if exact is not None:
        return exact
    found = [record async for record in pages(store) if written and record.id.startswith(written)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageProblem(
            f"no run in {store.path} begins with {written!r}. inverted runs ls shows what is "
            "there; --store PATH looks into another file."
        )
    shown = [f"{record.id}  {clean(record.agent)}, {record.status.value}" for record in found[:9]]
    raise UsageProblem(
        f"{len(found)} runs begin with {written!r}. Write more of the id.",
        [*shown, *(["…"] if len(found) > len(shown) else [])],
    )


async def read_journal(store: SQLiteStore, record: RunRecord, start: int = 0) -> Journal:
    """The journal of a run, as far as it can be read.

    Args:
        store: Where it is.
        record: The run.
        start: First position; 0 or that of a checkpoint.
    """
    codec = Codec()
    entries: list[Written] = []
    for position, line in enumerate(await store.read(record.id, start), start):
        try:
            entry, at = codec.decode(line)
        except JournalError as error:
            return Journal(entries, f"entry {position}: {error}")
        entries.append(Written(position, at, entry))
    return Journal(entries)


def outstanding(entries: Sequence[Written]) -> list[Written]:
    """The effects that a run waits for, as far as its journal alone can tell.

    What was asked and not answered, unless its branch has moved on. The losers of a `race` are not
    marked in a journal: one may be listed until the branch that raced asks something else.
    """
    segment: list[Written] = []
    for written in entries:
        if isinstance(written.entry, Checkpointed):
            segment.clear()
        segment.append(written)
    answered = {each.entry.id for each in segment if isinstance(each.entry, Answered)}
    reached: dict[str, int] = {}
    for each in segment:
        if isinstance(each.entry, Asked):
            for branch, number in _places(each.entry.id):
                reached[branch] = max(reached.get(branch, 0), number)
    return [
        each
        for each in segment
        if isinstance(each.entry, Asked)
        and each.entry.id not in answered
        and all(reached[branch] == number for branch, number in _places(each.entry.id))
    ]


def _places(id: str) -> Iterator[tuple[str, int]]:
    """Each branch that an effect lies in, with the number of the thing that it awaits there."""
    segment, _, path = id.rpartition("~")
    parts = path.split(".")
    for place in range(0, len(parts), 2):
        yield f"{segment}~{'.'.join(parts[:place])}", int(parts[place])


async def end_as_cancelled(store: SQLiteStore, record: RunRecord, reason: str) -> RunRecord:
    """End a run that is no task as cancelled, as it stands: its code is not run.

    Args:
        store: Where it is.
        record: The run.
        reason: Why; it is journaled.

    Returns:
        The run, which has ended.

    Raises:
        CliError: A process works on it now.
        StoreError: The store failed.
    """
    owner = new_owner()
    codec = Codec()
    while not record.status.terminal:
        now = time.time()
        lease = record.lease
        if lease is not None and lease.until > now:
            if not surely_dead(lease.owner):
                raise CliError(
                    f"run {record.id} is being worked on by {clean(lease.owner)}. Nothing was "
                    "changed. Cancel the call at its client, or try again when the run waits."
                )
            await store.acquire(record.id, owner, lease.until, now + _HOLD)
        found = await store.get(record.id)
        if found is None:
            raise UsageProblem(f"run {record.id} was deleted meanwhile.")
        record = found
        ending = [CancelRequested(reason), Finished(Status.CANCELLED.value)]
        append = Append(
            position=record.position,
            fence=record.fence,
            owner=owner,
            lines=[codec.encode(entry, now) for entry in ending],
            status=Status.CANCELLED,
            now=now,
        )
        with suppress(StoreConflict):  # somebody moved it on: look again
            record = await store.append(record.id, append)
    return record


def task_of(record: RunRecord) -> dict[str, Any] | None:
    """How a run is served as a task; None when it is none."""
    if record.task is None:
        return None
    try:
        found: Any = json.loads(record.task)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]
