"""`python -m benchmarks`: measure the rows and print the table. `scripts/bench` calls it."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import (
    backchannel,
    cold_start,
    effects,
    emulation,
    ladder,
    parked,
    replay,
    rounds,
    tasks,
)
from benchmarks.measure import FULL, QUICK, Effort
from benchmarks.rows import Row, table, write_json

MEASURES: Final[dict[str, Callable[[Effort], list[Row]]]] = {
    "rounds": rounds.rows,
    "backchannel": backchannel.rows,
    "replay": replay.rows,
    "effects": effects.rows,
    "parked": parked.rows,
    "cold-start": cold_start.rows,
    "tasks": tasks.rows,
    "emulation": emulation.rows,
    "ladder": ladder.rows,
}
"""Every measurement by the name that `--only` takes, in the order of the table."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print.

    Returns:
        0, also when a goal was missed: a figure of a busy machine is no verdict. 1 when a
        measurement failed.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure speed and size, both sides in one run."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to FILE")
    parser.add_argument(
        "--only", action="append", choices=[*MEASURES], help="measure only this; may be repeated"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a hundredth of the work: shows that all of it runs"
    )
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else FULL
    rows: list[Row] = []
    failed: list[str] = []
    for name in options.only or MEASURES:
        print(f"measuring {name} ...", file=sys.stderr)
        try:
            rows += MEASURES[name](effort)
        except Exception:  # noqa: BLE001 # the rows of the others took minutes; they are kept
            traceback.print_exc()
            failed.append(name)
    print(table(rows))
    if options.quick:
        print("\n--quick: these figures mean nothing.")
    if options.json is not None:
        write_json(rows, options.json)
    if failed:
        print(f"\nNot measured, see the errors above: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
