"""`python -m tests.real_clients`: clients that others wrote, driven against a server of ours.

`scripts/clients` does it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import anyio

from tests.conformance.install import InstallError, UnavailableError
from tests.real_clients.client import RealClient
from tests.real_clients.npm_clients import npm_clients
from tests.real_clients.old_client import old_client
from tests.real_clients.python_clients import CLIENT, FASTMCP, SESSION
from tests.real_clients.raw import RAW
from tests.real_clients.rows import Cell, Row, played, serving
from tests.real_clients.scenarios import SCENARIOS

NOT_RUN: Final = 77
"""Exit code of a test that could not run, as automake and meson have it."""
AT_ONCE: Final = 2
"""Clients; each has a server process, and some a Node."""
SHOWN: Final = {"passed": "passed", "not offered": "-", "failed": "FAILED"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive the clients and print the table.

    Returns:
        0 if every client did what it can, 1 if one did not, 77 if one could not be had.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/clients",
        description="Drive clients that others wrote against a server of ours.",
        epilog=f"Exit code {NOT_RUN}: all is well, but a package registry is out of reach.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the cells to FILE")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="clients whose name has this; repeatable"
    )
    options = parser.parse_args(arguments)
    try:
        clients, missing = _clients()
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    names: list[str] = options.only or [""]
    clients = [each for each in clients if any(name in each.name for name in names)]
    if not clients and not missing:
        parser.error(f"no client is called {' or '.join(names)}")
    cells = anyio.run(_cells, clients)
    if cells:
        sys.stdout.write(f"{dt.datetime.now(dt.UTC).date()}\n\n{table(cells)}\n")
    for each in missing:
        sys.stdout.write(f"NOT RUN, so nothing is known: {each}\n")
    if options.json is not None:
        text = json.dumps([each.as_json() for each in cells], indent=2)
        options.json.write_text(f"{text}\n", "utf-8")
    if any(each.verdict == "failed" for each in cells):
        return 1
    return NOT_RUN if missing else 0


def _clients() -> tuple[list[RealClient], list[str]]:
    """The clients that are here, and why others are not."""
    found, missing = [FASTMCP, CLIENT, SESSION], list[str]()
    try:
        found.append(old_client())
    except UnavailableError as error:
        missing.append(str(error))
    try:
        found += npm_clients()
    except UnavailableError as error:
        missing.append(str(error))
    return [*found, RAW], missing


async def _cells(clients: Sequence[RealClient]) -> list[Cell]:
    rows = [
        Row(client, era, transport)
        for client in clients
        for era in client.eras
        for transport in ("stdio", "http")
    ]
    found: dict[int, list[Cell]] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)
    with serving() as where:

        async def play(place: int, row: Row) -> None:
            async with limiter:
                found[place] = await played(row, where[row.transport])
                sys.stderr.write(f"{row}: {_sum(found[place])}\n")

        async with anyio.create_task_group() as tasks:
            for place, row in enumerate(rows):
                tasks.start_soon(play, place, row)
    return [cell for place in sorted(found) for cell in found[place]]


def table(cells: Sequence[Cell]) -> str:
    """The cells as a Markdown table, and below it what is not offered and what went wrong."""
    lines = [
        ["Client", "Revision", "Transport", *(each.name for each in SCENARIOS)],
        *(
            [client, era, transports, *verdicts]
            for (client, era), rows in groupby(_rows(cells), key=lambda row: row[0])
            for transports, verdicts in _merged([row[1:] for row in rows])
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    text = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    ]
    notes = dict.fromkeys(
        f"- {each.client}: {each.scenario}: {each.verdict}: {each.why}"
        if each.verdict == "not offered"
        else f"- {each.client}, {each.era}, {each.transport}: {each.scenario}: {each.why}"
        for each in cells
        if each.why
    )
    return "\n".join([*text, *(["", *notes] if notes else []), "", _sum(cells)])


def _rows(cells: Sequence[Cell]) -> list[tuple[tuple[str, str], str, list[str]]]:
    grouped = groupby(cells, key=lambda each: (each.client, each.era, each.transport))
    return [
        ((client, era), transport, [SHOWN[each.verdict] for each in row])
        for (client, era, transport), row in grouped
    ]


def _merged(rows: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """One row for transports between which there is no difference."""
    verdicts = [row[1] for row in rows]
    if all(each == verdicts[0] for each in verdicts):
        return [(", ".join(row[0] for row in rows), verdicts[0])]
    return rows


def _sum(cells: Sequence[Cell]) -> str:
    counts = {
        verdict: sum(each.verdict == verdict for each in cells)
        for verdict in ("passed", "not offered", "failed")
    }
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
