"""`python -m tests.conformance`: run the official conformance suite. `scripts/conformance` does."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fastmcp.server.event_store import EventStore

from inverted.testing import serve_http
from tests.conformance.install import InstallError, Suite, UnavailableError, installed
from tests.conformance.judged import judged
from tests.conformance.server import server
from tests.conformance.verdict import COLUMNS, Row, Verdict

REVISIONS: Final = ("2025-11-25", "2026-07-28")
NOT_RUN: Final = 77
"""Exit code of a test that could not run, as automake and meson have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite and print the table.

    Returns:
        0 if every scenario did what it must, 1 if one did not or the suite failed, 77 if it could
        not be run at all.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/conformance",
        description="Run the official MCP conformance suite against the fixture server.",
        epilog=f"Exit code {NOT_RUN}: it could not run, because the npm registry is out of reach.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to FILE")
    parser.add_argument(
        "--only", action="append", metavar="SCENARIO", help="run only this; may be repeated"
    )
    parser.add_argument("--revision", choices=REVISIONS, help="speak only this revision")
    parser.add_argument(
        "--verbose", action="store_true", help="also show what the suite and the server say"
    )
    options = parser.parse_args(arguments)
    if not options.verbose:
        logging.getLogger("fastmcp").setLevel(logging.CRITICAL)
    try:
        suite = installed()
    except UnavailableError as error:
        sys.stderr.write(f"NOT RUN, so nothing is known: {error}\n")
        return NOT_RUN
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    revisions = (options.revision,) if options.revision else REVISIONS
    found = asyncio.run(_run(suite, revisions, options.only or (), verbose=options.verbose))
    if not found:
        parser.error(f"no revision has a scenario {' or '.join(options.only)}")
    sys.stdout.write(table(found) + "\n")
    if options.json is not None:
        text = json.dumps([row.as_json() for row in found], indent=2)
        options.json.write_text(text + "\n", "utf-8")
    return 0 if all(row.as_it_must_be for row in found) else 1


async def _run(
    suite: Suite, revisions: Sequence[str], only: Sequence[str], *, verbose: bool
) -> list[Row]:
    # The suite wants to see a client come back to a stream that the server closed.
    async with serve_http(server, event_store=EventStore(), retry_interval=500) as url:
        found, said = await judged(suite, url, revisions, only)
    if verbose or any(row.checked_nothing for row in found):
        sys.stderr.write(said)
    return found


def table(found: Sequence[Row]) -> str:
    """The rows as aligned text, failed checks below their scenario, and one line of sums each."""
    head = ("revision", "scenario", *COLUMNS)
    cells = [head, *(_cells(row) for row in found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(head, widths, "verdict"), _line(["-" * width for width in widths], widths, "-")]
    for row, cell in zip(found, cells[1:], strict=True):
        lines.append(_line(cell, widths, str(row)))
        if not row.as_it_must_be:
            lines += [f"    {failure}" for failure in row.failures]
    lines.append("")
    for revision in dict.fromkeys(row.revision for row in found):
        here = [row for row in found if row.revision == revision]
        lines.append(f"{revision}: {_sum(here, scored=True)}; {_sum(here, scored=False)}")
    wrong = [f"{row.revision} {row.scenario}" for row in found if not row.as_it_must_be]
    failing = sum(row.verdict is Verdict.FAILED for row in found)
    lines.append(
        f"Not as it must be: {', '.join(wrong)}."
        if wrong
        else f"All as it must be; known failures: {failing}."
    )
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (row.revision, row.scenario, *(str(row.counts[column]) for column in COLUMNS))


def _line(cells: Sequence[str], widths: Sequence[int], verdict: str) -> str:
    text = [cell.ljust(width) for cell, width in zip(cells[:2], widths, strict=False)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*text, *numbers, verdict])


def _sum(found: Sequence[Row], *, scored: bool) -> str:
    counted = [row for row in found if row.scored is scored]
    passed = sum(row.verdict is Verdict.PASSED for row in counted)
    return f"{passed} of {len(counted)} {'scored' if scored else 'not scored'} scenarios passed"


if __name__ == "__main__":
    sys.exit(main())
