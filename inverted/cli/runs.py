"""`inverted runs`: list the runs of a store, read a journal as a timeline, cancel, replay.

It works on the store file, beside any servers that use it. `ls`, `show` and `replay` only read;
`cancel` leaves a durable request for whoever drives a task, and ends any other run as it stands.
`runs_options` reads the command line, `stored` the store, `timeline` words what was read,
`replaying` replays; this module puts them together and prints.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import anyio
from rich.text import Text

from inverted.cli.errors import CliError, UsageProblem
from inverted.cli.lines import Glyphs
from inverted.cli.replaying import Replayed, Wanted, find_agent, load_servers, replay_run
from inverted.cli.runs_options import COMMANDS, overview, read, whole_number
from inverted.cli.screen import Screen, open_console, quiet_libraries
from inverted.cli.stored import (
    Journal,
    end_as_cancelled,
    find_run,
    opened,
    outstanding,
    pages,
    read_journal,
    task_of,
)
from inverted.cli.text import clean, compact
from inverted.cli.timeline import (
    Row,
    age,
    effect_text,
    entry_json,
    moment,
    rows,
    waits_for,
    who_answers,
)
from inverted.core.journal import Finished
from inverted.core.lifecycle import Status
from inverted.errors import DeterminismError
from inverted.stores import RunRecord, SQLiteStore
from inverted.stores.base import CANCEL

_SHORT_ID: Final = 10
_NARROW: Final = 110


def command(argv: Sequence[str]) -> int:
    """Serve `inverted runs`.

    Args:
        argv: What stands after `runs`.

    Returns:
        0 when it was done, 1 when a replay differs.

    Raises:
        CliError: The command line is wrong, there is no such run, or the store cannot be read.
    """
    if not argv or argv[0] not in _SERVED:
        overview().parse_args(argv)
        raise UsageProblem(f"runs needs one of: {', '.join(COMMANDS)}. See inverted runs --help.")
    options = read(argv[0], argv[1:])
    quiet_libraries()
    return anyio.run(_SERVED[argv[0]], options)


async def _list(options: argparse.Namespace) -> int:
    limit = whole_number("--limit", options.limit)
    found: list[RunRecord] = []
    more = False
    async with opened(options.store) as store:
        async for record in pages(store, options.agent):
            if options.status is not None and _state(record) != options.status:
                continue
            if len(found) == limit:
                more = True
                break
            found.append(record)
        waiting = [await _waiting(store, record) for record in found]
        where = store.path
    out = open_console(stderr=False)
    if options.json:
        pairs = zip(found, waiting, strict=True)
        _write_json(out, [_record_json(record) | {"waitingFor": waits} for record, waits in pairs])
        return 0
    if not found:
        what = "no such runs" if _filtered(options) else "no runs"
        out.print(Text(f"{what} in {where}"), soft_wrap=True)
        return 0
    _print_table(out, found, waiting)
    if more:
        out.print(Text(f"and more: --limit {limit * 2} shows them", "dim"))
    return 0


async def _show(options: argparse.Namespace) -> int:
    async with opened(options.store) as store:
        record = await find_run(store, options.run)
        journal = await read_journal(store, record)
        posted = [id for id, _ in await store.inbox(record.id) if id != CANCEL]
    out = open_console(stderr=False)
    start = journal.entries[0].at if journal.entries else record.created
    live = not record.status.terminal
    waiting = [waits_for(one) for one in outstanding(journal.entries)] if live else []
    if options.json:
        found = _record_json(record) | {
            "waitingFor": waiting,
            "posted": posted,
            "journal": [entry_json(written, start) for written in journal.entries],
        }
        _write_json(out, found | ({"damage": journal.damage} if journal.damage else {}))
        return 0 if journal.damage is None else 1
    about = _about(record)
    if posted:
        about.append(("answered", f"{', '.join(posted)}; not delivered yet"))
    for name, value in about:
        out.print(Text.assemble((f"{name:<9} ", "dim"), value), soft_wrap=True)
    out.print()
    _print_timeline(out, journal)
    if journal.damage is not None:
        out.print(Text(f"the rest cannot be read: {clean(journal.damage)}", "red"), soft_wrap=True)
    if waiting:
        out.print()
        out.print(Text("waits for"))
        for one in waiting:
            _print_line(out, Text(f"  {one}"))
    return 0 if journal.damage is None else 1


async def _cancel(options: argparse.Namespace) -> int:
    reason = options.reason or "inverted runs cancel"
    async with opened(options.store) as store:
        record = await find_run(store, options.run)
        name = f"run {record.id} of {clean(record.agent)}"
        if record.status.terminal:
            raise CliError(f"{name} has ended already: {record.status.value}. Nothing was changed.")
        if record.task is None:
            after = await end_as_cancelled(store, record, reason)
            done = f"{name} has ended as {after.status.value}."
            told = (
                "It is no task, so no server drives it by itself: it was ended as it stands, and "
                "the cleanup in its code does not run. Its client is told when it continues the "
                "run."
            )
        elif await store.stop(record.id, reason, time.time()) is None:
            done, told = f"{name} is being cancelled already.", ""
        else:
            done = f"{name} is cancelled: the request is in the store."
            told = (
                "It is a task: its client sees it as cancelled from now on. The cleanup in its "
                "code is driven by a server process on this store, now or when one starts."
            )
    out = open_console(stderr=False)
    out.print(Text(done), soft_wrap=True)
    if told:
        out.print(Text(told, "dim"), soft_wrap=True)
    return 0


async def _replay(options: argparse.Namespace) -> int:
    to = None if options.to is None else whole_number("--to", options.to, least=0)
    servers = load_servers(options.target)
    path = options.store
    if path is None:
        own = [one.runtime.store for one in servers]
        files = [store.path for store in own if isinstance(store, SQLiteStore)]
        path = next((file for file in files if file != ":memory:"), None)
    async with opened(path) as store:
        record = await find_run(store, options.run)
        journal = await read_journal(store, record)
        lines = await store.read(record.id)
        found = await find_agent(servers, record.agent)
        out = open_console(stderr=False)
        try:
            replayed = replay_run(record, journal, lines, to, found)
        except DeterminismError as error:
            _print_difference(out, str(error))
            return 1
    return _print_replayed(out, replayed, len(lines))


async def _waiting(store: SQLiteStore, record: RunRecord) -> list[str]:
    """What a live run waits for. Its last segment tells."""
    if record.status.terminal:
        return []
    journal = await read_journal(store, record, record.segment_start)
    return [waits_for(one) for one in outstanding(journal.entries)]


def _print_table(out: Screen, found: list[RunRecord], waiting: list[list[str]]) -> None:
    short = out.is_terminal and out.width < _NARROW
    now = time.time()
    table = [("run", "agent", "status", "age", "task", "waiting for")]
    for record, waits in zip(found, waiting, strict=True):
        task = task_of(record)
        more = f" (and {len(waits) - 1} more)" if len(waits) > 1 else ""
        table.append(
            (
                record.id[:_SHORT_ID] if short else record.id,
                clean(record.agent),
                _state(record),
                age(now - record.created),
                "" if task is None else str(task.get("form", "task")),
                f"{waits[0]}{more}" if waits else _said(record),
            )
        )
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]) - 1)]
    for number, row in enumerate(table):
        line = Text(style="bold" if number == 0 else "")
        for column, (cell, width) in enumerate(zip(row[:-1], widths, strict=True)):
            style = _STYLES.get(cell, "") if column == _STATUS_COLUMN else ""
            line.append(cell.ljust(width) + "  ", style)
        line.append(row[-1])
        _print_line(out, line)


def _said(record: RunRecord) -> str:
    return "" if record.status.terminal else clean(record.message or "")


_STATUS_COLUMN: Final = 2
_STYLES: Final = {
    "input_required": "yellow",
    "working": "cyan",
    "failed": "red",
    "completed": "green",
    "cancelled": "dim",
    "cancelling": "dim",
}


def _print_timeline(out: Screen, journal: Journal) -> None:
    found = rows(journal.entries, Glyphs.for_encoding(out.encoding))
    numbers = len(str(len(found)))
    offsets = max((len(_offset(row)) for row in found), default=0)
    ids = max((len(row.id) for row in found), default=0)
    who = max((len(row.who) for row in found), default=0)
    for row in found:
        line = Text.assemble(
            (f"{row.position:>{numbers}}  {_offset(row):>{offsets}}  ", "dim"),
            (f"{row.id:<{ids}}  ", "dim"),
            (f"{row.who:<{who}}  ", "bold"),
            "  " * row.depth,
            (row.text, row.style),
        )
        _print_line(out, line)


def _offset(row: Row) -> str:
    if row.offset < 60:  # noqa: PLR2004 - a minute
        return f"+{row.offset:.1f} s"
    minutes, seconds = divmod(int(row.offset), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours or days else f"{minutes}:{seconds:02}"
    return f"+{days} d {clock}" if days else f"+{clock}"


def _print_replayed(out: Screen, replayed: Replayed, length: int) -> int:
    begun = "" if replayed.first == 0 else f", from the checkpoint at {replayed.first} on"
    many = replayed.last + 1 - replayed.first
    entries = "1 entry" if many == 1 else f"{many} entries"
    part = "" if replayed.last == length - 1 else f" of 0 to {length - 1}"
    out.print(
        Text.assemble(
            ("the code follows the journal", "green"),
            f": {entries} replayed, to {replayed.last}{part}{begun}. No step was run, nothing was "
            "written.",
        ),
        soft_wrap=True,
    )
    if replayed.end is not None:
        out.print(Text(f"The code ends here: {_ended(replayed.end)}"), soft_wrap=True)
    _print_wanted(out, "It waits for (asked before, not answered yet)", replayed.waits)
    _print_wanted(out, "It asks next", replayed.asks)
    if replayed.checkpoint:
        out.print(Text("It makes a checkpoint next."))
    recorded = replayed.recorded
    if recorded is None:
        return 0
    out.print(Text(f"The journal ends here: {_ended(recorded)}", "yellow"), soft_wrap=True)
    if replayed.end is None and recorded.status == Status.FAILED:
        out.print(Text("That came from outside of the code: a limit, or the engine.", "dim"))
        return 0
    out.print(
        Text("The code ends otherwise than the journal says: it was changed since.", "red"),
        soft_wrap=True,
    )
    return 1


def _print_wanted(out: Screen, heading: str, wanted: Sequence[Wanted]) -> None:
    if not wanted:
        return
    out.print(Text(f"{heading}:"))
    width = max(len(one.id) for one in wanted)
    for one in wanted:
        text = effect_text(one.kind, one.question)
        _print_line(out, Text(f"  {one.id:<{width}}  {who_answers(one.kind):<6}  {text}"))


def _print_difference(out: Screen, message: str) -> None:
    head, _, diff = message.partition("\n")
    out.print(Text(clean(head), "red"), soft_wrap=True)
    for line in clean(diff).splitlines():
        style = {"-": "red", "+": "green", "@": "cyan"}.get(line[:1], "")
        out.print(Text(line, style), soft_wrap=True)


def _about(record: RunRecord) -> list[tuple[str, str]]:
    now = time.time()
    task = task_of(record)
    lease = record.lease
    held = lease is not None and lease.until > now
    found = [
        ("run", record.id),
        ("agent", clean(record.agent)),
        ("status", _status_words(record)),
        ("started", f"{moment(record.created)}, {age(now - record.created)} ago"),
        ("updated", f"{moment(record.updated)}, {age(now - record.updated)} ago"),
        ("task", "no" if task is None else f"yes, {clean(str(task.get('form', '')))}".rstrip(", ")),
        ("message", clean(record.message or "")),
        ("key", clean(record.key or "")),
        ("principal", clean(record.principal or "")),
        ("worked on", f"by {clean(lease.owner)}" if lease is not None and held else ""),
        ("driven at", "" if record.wake is None or held else moment(record.wake)),
        ("deleted", "" if record.expires is None else f"from {moment(record.expires)} on"),
        ("journal", f"{record.position} entries, {record.size} bytes"),
    ]
    return [(name, value) for name, value in found if value]


def _status_words(record: RunRecord) -> str:
    if record.stop is None or record.status.terminal:
        return record.status.value
    return f"cancelling ({clean(record.stop)}); before that {record.status.value}"


def _ended(finished: Finished) -> str:
    if finished.failure is not None:
        return clean(f"{finished.status}: {finished.failure.type}: {finished.failure.message}")
    return finished.status + (
        "" if finished.result is None else f": {compact(finished.result, 400)}"
    )


def _state(record: RunRecord) -> str:
    """The status, and `cancelling` while a cancellation was asked for and has not come about."""
    cancelling = record.stop is not None and not record.status.terminal
    return "cancelling" if cancelling else record.status.value


def _record_json(record: RunRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "agent": record.agent,
        "status": record.status.value,
        "created": record.created,
        "updated": record.updated,
        "task": task_of(record),
        "message": record.message,
        "key": record.key,
        "principal": record.principal,
        "entries": record.position,
        "bytes": record.size,
        "wake": record.wake,
        "expires": record.expires,
        "stop": record.stop,
        "lease": None if record.lease is None else record.lease._asdict(),
    }


def _write_json(out: Screen, value: object) -> None:
    out.write_exactly(json.dumps(value, ensure_ascii=out.is_terminal, indent=2, default=str))


def _print_line(out: Screen, line: Text) -> None:
    """One line: cut to a terminal, whole elsewhere."""
    if out.is_terminal:
        line.truncate(out.width, overflow="ellipsis")
    out.print(line, soft_wrap=True)


def _filtered(options: argparse.Namespace) -> bool:
    return options.status is not None or options.agent is not None


_SERVED: Final[dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, int]]]] = {
    "ls": _list,
    "show": _show,
    "cancel": _cancel,
    "replay": _replay,
}
