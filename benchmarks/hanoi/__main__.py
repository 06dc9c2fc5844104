"""`python -m benchmarks.hanoi`: moves a tower, kills the server on the way, and judges the moves.

`scripts/hanoi` does it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from fastmcp.exceptions import ToolError

from benchmarks.hanoi.agent import MOVES, STORE
from benchmarks.hanoi.check import Played, play
from benchmarks.hanoi.drive import Driver, Seen, Sizes
from benchmarks.hanoi.model import Model

SLOWEST_RESUME: Final = 5.0
FEWEST: Final = 20
"""Moves below which a tenth of them says nothing, and kills find no place."""

TEXT: Final = """\
{disks} disks, {part}: {steps} steps, {wrong_moves} wrong (seed {seed})
model: {answers} answers, {wrong_answers} wrong, {malformed_answers} malformed; {flagged} of \
{draws} draws red-flagged
kills: {kills}, slowest resume {slowest_resume_s} s; moves that a kill cut off and that were \
carried out again: {repeated_moves}
speed: {steps_per_s} steps/s with the kills, {seconds} s; {first_tenth_per_s} in the first tenth, \
{last_tenth_per_s} in the last
server: {first_tenth_ms} ms of its processor a step in the first tenth, {last_tenth_ms} in the last
memory: {memory_mb[first]} MB at first, {memory_mb[most]} at most, {memory_mb[last]} at last; \
{store_kb_per_move} KB of store a step"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print what came of it.

    Returns:
        0 if no move was wrong and no resume slow, else 1.
    """
    options = _options(arguments)
    whole = 2**options.disks - 1
    sizes = Sizes(options.disks, min(options.moves or whole, whole), options.kills, options.k)
    if sizes.moves < FEWEST or sizes.kills > sizes.moves // 2:
        raise SystemExit("scripts/hanoi: too few moves (give 5 disks or more), or too many kills")
    folder = Path(tempfile.mkdtemp(prefix="inverted-hanoi-"))
    model = Model(options.seed, options.wrong, options.malformed)
    driver = Driver(folder, sizes, model, options.seed)
    try:
        asyncio.run(driver.run())
    except (ToolError, TimeoutError) as error:
        print(f"The run did not end: {error!r}. The store is in {folder}, the seed {options.seed}.")
        return 1
    with (folder / MOVES).open(encoding="utf-8") as lines:
        played = play(lines, sizes.disks, sizes.moves)
    found = _figures(driver.seen, model, played, sizes)
    found["seed"] = options.seed
    size = sum(each.stat().st_size for each in folder.glob(f"{STORE}*"))
    found["store_kb_per_move"] = round(size / 1024 / sizes.moves, 1)
    print(_text(found))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if found["right"]:
        shutil.rmtree(folder)
        return 0
    print(f"Not as it must be. The store and the moves are in {folder}.")
    return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/hanoi",
        description=(
            "Towers of Hanoi: every move is a vote of a model that errs, and the server is killed "
            "on the way. Exit code 1 if a move was wrong or a resume took more than 5 s."
        ),
    )
    parser.add_argument("--disks", type=int, default=10, metavar="N", help="disks of the tower")
    parser.add_argument("--moves", type=int, metavar="N", help="only the first moves of the way")
    parser.add_argument("--kills", type=int, default=5, metavar="N", help="kills on the way")
    parser.add_argument("--k", type=int, default=3, help="how far ahead a move must be")
    parser.add_argument("--wrong", type=float, default=0.01, help="part of the answers")
    parser.add_argument("--malformed", type=float, default=0.01, help="part of the answers")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args(arguments)


def _figures(seen: Seen, model: Model, played: Played, sizes: Sizes) -> dict[str, Any]:
    state = seen.state
    slowest = max(seen.resumed, default=0.0)
    agreed = state is not None and (state.moves, state.digest) == (played.moves, played.digest)
    whole = sizes.moves == 2**sizes.disks - 1
    looks = [round(seen.memory[each]) for each in sorted(seen.memory)]
    return {
        "disks": sizes.disks,
        "steps": played.moves,
        "whole": whole,
        "wrong_moves": played.wrong,
        "repeated_moves": played.repeated,
        "agreed": agreed,
        "answers": model.answers,
        "wrong_answers": model.wrong,
        "malformed_answers": model.malformed,
        "flagged": state.flagged if state else 0,
        "draws": state.draws if state else 0,
        "kills": seen.kills,
        "slowest_resume_s": round(slowest, 2),
        "seconds": round(seen.at[10][1] - seen.at[0][1], 1),
        "steps_per_s": seen.steps_per_second(0, 10),
        "first_tenth_per_s": seen.steps_per_second(0, 1),
        "last_tenth_per_s": seen.steps_per_second(9, 10),
        "first_tenth_ms": seen.processor(0, 1),
        "last_tenth_ms": seen.processor(9, 10),
        "memory_mb": {"first": looks[0], "most": max(looks), "last": looks[-1]},
        "right": played.wrong == 0
        and agreed
        and played.ended == whole
        and seen.kills == len(seen.resumed) == sizes.kills
        and slowest <= SLOWEST_RESUME,
    }


def _text(found: dict[str, Any]) -> str:
    return TEXT.format(**found, part="the whole way" if found["whole"] else "the first moves")


if __name__ == "__main__":
    sys.exit(main())
