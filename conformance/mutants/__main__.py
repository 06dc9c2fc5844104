"""`python -m mutants`: is every mutant noticed? With `--official`, by the official suite too."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio

from inverted_conformance.verdicts import Status
from mutants.mutant import MUTANTS, Mutant
from mutants.noticing import NOTICED, Noticed, everything, judge, notice, quickly
from mutants.serve import load

JOBS: Final = 6
"""Runs of the official suite at once; each of them mostly waits."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants and print the table.

    Args:
        arguments: The command line without the program's name.

    Returns:
        0 if the unbroken fixtures pass and every mutant is noticed, otherwise 1.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/mutants",
        description="Run the conformance suite against broken variants of its fixtures.",
    )
    parser.add_argument("--only", action="append", metavar="PART", help="those with this in a name")
    parser.add_argument("--official", action="store_true", help="the official suite too (slow)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table to FILE")
    options = parser.parse_args(arguments)
    load()
    chosen = [
        mutant
        for mutant in MUTANTS.values()
        if not options.only or any(part in mutant.name for part in options.only)
    ]
    began = time.monotonic()
    with quickly():
        return _judged(chosen, options, began)


def _judged(chosen: Sequence[Mutant], options: argparse.Namespace, began: float) -> int:
    sound = anyio.run(_sound, chosen)
    others = anyio.run(_official, chosen) if options.official else {}
    found = anyio.run(_noticed, chosen, others)
    seen = sum(not noticed.unseen for noticed in found)
    print(f"\nNoticed: {seen} of {len(found)} mutants, in {time.monotonic() - began:.0f} s.")
    if others:
        by_them = sum(bool(names) for names in others.values())
        print(f"The official suite noticed {by_them} of the {len(others)} that are servers.")
    if options.json is not None:
        rows = [_row(noticed, others.get(noticed.mutant.name)) for noticed in found]
        options.json.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    return 0 if sound and seen == len(found) else 1


async def _sound(chosen: Sequence[Mutant]) -> bool:
    """Whether the fixtures pass as long as nobody breaks them."""
    sound = True
    for role in sorted({mutant.role for mutant in chosen}):
        report = await judge(None, everything(role))
        wrong = [result for result in report.results if result.status in NOTICED]
        for result in wrong:
            print(f"The unbroken {role} fails {result.id}: {result.failures[0].detail}")
        passed = report.count(Status.PASSED)
        print(
            f"The unbroken {role} passes {passed} of {len(report.results)} scenarios.", flush=True
        )
        sound = sound and not wrong
    return sound


async def _noticed(chosen: Sequence[Mutant], others: dict[str, tuple[str, ...]]) -> list[Noticed]:
    width = max((len(mutant.name) for mutant in chosen), default=0)
    found: list[Noticed] = []
    for mutant in chosen:
        noticed = await notice(mutant)
        found.append(noticed)
        missed = "MISSED: " + "; ".join(noticed.unseen)
        verdict = missed if noticed.unseen else mutant.noticed_by
        theirs = ""
        if mutant.name in others:
            theirs = f"  | official: {', '.join(others[mutant.name]) or 'missed'}"
        print(f"{mutant.name:<{width}}  {verdict}{theirs}", flush=True)
    return found


async def _official(chosen: Sequence[Mutant]) -> dict[str, tuple[str, ...]]:
    """By server mutant, the scenarios of the official suite that pass no more."""
    # Only here: that suite is a program of npm, which a short run need not have.
    from mutants.official import passed  # noqa: PLC0415
    from tests.conformance.install import installed  # noqa: PLC0415

    suite = installed()
    right = await passed(suite)
    print(f"The unbroken server passes {len(right)} scenarios of the official suite.", flush=True)
    found: dict[str, tuple[str, ...]] = {}
    jobs = anyio.CapacityLimiter(JOBS)

    async def ask(mutant: Mutant) -> None:
        async with jobs:
            lost = right - await passed(suite, mutant)
        found[mutant.name] = tuple(sorted({scenario for _, scenario in lost}))

    async with anyio.create_task_group() as asking:
        for mutant in chosen:
            if mutant.role == "server":
                asking.start_soon(ask, mutant)
    return found


def _row(noticed: Noticed, official: tuple[str, ...] | None) -> dict[str, object]:
    mutant = noticed.mutant
    return {
        "mutant": mutant.name,
        "about": mutant.about,
        "noticed_by": mutant.noticed_by,
        "noticed": not noticed.unseen,
        "unseen": list(noticed.unseen),
        "official": None if official is None else list(official),
    }


if __name__ == "__main__":
    sys.exit(main())
