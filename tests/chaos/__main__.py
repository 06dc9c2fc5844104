"""`python -m tests.chaos`: many processes on one file, and a `kill -9` every moment.

`scripts/chaos` does it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.chaos.conductor import Conductor, Sizes
from tests.chaos.verdict import Verdict, judge
from tests.chaos.work import EFFECTS, Place

SHORT: Final = Sizes(processes=2, tasks=30, kills=40, pause=0.15, cancels=0.2, patience=30.0)
MOST_SHOWN: Final = 20
SIZES: Final = {
    "processes": (int, "processes that share the file"),
    "tasks": (int, "tasks"),
    "kills": (int, "kills"),
    "pause": (float, "seconds between two kills, on average"),
    "cancels": (float, "part of the tasks that is cancelled, from 0 to 1"),
    "patience": (float, "seconds without any progress after which tasks count as lost"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print what came of it.

    Returns:
        0 if nothing was lost, doubled or wrong, else 1.
    """
    options = _options(arguments)
    folder = Path(tempfile.mkdtemp(prefix="inverted-chaos-"))
    place, seed = Place(folder), options.seed
    began = time.monotonic()
    seen = Conductor(place, seed, Sizes(*(getattr(options, name) for name in Sizes._fields)))
    seen.run()
    verdict = asyncio.run(judge(place, seed, seen))
    figures = _figures(seen, verdict, options.processes, time.monotonic() - began)
    sys.stdout.write(_text(figures, seen, verdict))
    if options.json is not None:
        options.json.write_text(json.dumps(_rows(figures, seed), indent=2) + "\n", "utf-8")
    if verdict.right:
        shutil.rmtree(folder)
        return 0
    again = " ".join(f"--{name} {getattr(options, name)}" for name in ("seed", *SIZES))
    sys.stdout.write(
        f"The store, every call and every execution are in {folder}. To try again with the same "
        f"tasks and decisions (the moments always differ): scripts/chaos {again}\n"
    )
    return 1


def _rows(figures: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """One row for each thing that must not happen, all with every figure of the run."""
    about = {**figures, "seed": seed}
    return [
        {
            "name": f"tasks under kills: {what}",
            "figures": about,
            "goal": {"figure": what, "at_most": 0},
            "met": figures[what] == 0,
        }
        for what in ("lost", "doubled", "wrong")
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description=(
            "Tasks in several processes on one SQLite file, which are killed at random moments "
            "and started again. Exit code 1 if anything was lost or done twice."
        ),
    )
    parser.add_argument("--short", action="store_true", help="as much as CI has time for")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("--seed", type=int, help="decides what is done, called and killed")
    for name, (kind, what) in SIZES.items():
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=what)
    options = parser.parse_args(arguments)
    for name, value in (SHORT if options.short else Sizes())._asdict().items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.seed is None:
        options.seed = secrets.randbelow(10**6)
    return options


def _figures(seen: Conductor, verdict: Verdict, processes: int, seconds: float) -> dict[str, Any]:
    return {
        "processes": processes,
        "kills": seen.kills,
        "tasks": len(seen.tasks),
        "ends": dict(verdict.ends),
        "effects": len(seen.tasks) * len(EFFECTS),
        "steps": verdict.steps,
        "repeated": verdict.repeated,
        "answers": verdict.answers,
        "calls": seen.calls,
        "died": seen.died,
        "refused": len(seen.refused),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "wrong": len(verdict.wrong),
        "seconds": round(seconds, 1),
    }


def _text(figures: dict[str, Any], seen: Conductor, verdict: Verdict) -> str:
    lines: list[str] = []
    for name in ("lost", "doubled", "wrong"):
        found: list[str] = getattr(verdict, name)
        lines += [f"{name}: {each}" for each in found[:MOST_SHOWN]]
        if len(found) > MOST_SHOWN:
            lines.append(f"{name}: and {len(found) - MOST_SHOWN} more")
    lines += [f"refused by the store, and called again: {each}" for each in seen.refused[:3]]
    ends = ", ".join(f"{number} {status}" for status, number in sorted(verdict.ends.items()))
    lines.append(
        f"{figures['calls']} calls, {figures['died']} of them killed and called again; "
        f"{figures['answers']} answers acknowledged; {figures['steps']} steps recorded; "
        f"{figures['repeated']} executions cut off before they were recorded"
    )
    lines.append(
        f"{figures['processes']} processes, {figures['kills']} kills, {figures['tasks']} tasks of "
        f"{len(EFFECTS)} effects ({ends}), {figures['lost']} lost, {figures['doubled']} doubled, "
        f"{figures['wrong']} wrong, in {figures['seconds']} s"
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
