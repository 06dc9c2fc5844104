"""`python -m tests.hosts`: agents in the doubles of all known hosts. `scripts/hosts` does."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from inverted.testing import PROFILES
from inverted.testing.serving import Transport
from tests.hosts.agents import AGENTS
from tests.hosts.cells import FRAMING_GOAL, SAID, Cell, Place, places_of, run

Which = tuple[str, str, Place, Transport]

OVER_WIRES: Final[tuple[tuple[str, Transport], ...]] = (
    ("claude-code", "stdio"),
    ("vscode", "stdio"),
    ("claude-desktop", "stdio"),
    ("claude-code", "http"),
    ("chatgpt", "http"),
    ("cursor", "http"),
)
"""Hosts that are also run over real transports; the others over memory only."""
HEAD: Final = ("agent", "host", "server", "over", "came", "model", "person", "rounds", "hops")
TOKENS: Final = ("tokens", "each")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cells and print the table.

    Returns:
        0 if every agent completed or ended in the documented refusal, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/hosts",
        description="Run agents in the doubles of all known hosts (docs/clients.md).",
        epilog="Tokens are those that the relay added to the questions, estimated as characters "
        "divided by four: in all, and for each question that it asked.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to FILE")
    parser.add_argument("--only", choices=PROFILES, metavar="HOST", help="run only this host")
    parser.add_argument("--agent", choices=AGENTS, metavar="NAME", help="run only this agent")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # refusals are what is looked for here
    cells = asyncio.run(_run(list(which(options.agent, options.only))))
    sys.stdout.write(table(cells) + "\n")
    if options.json is not None:
        rows = [cell.as_json() for cell in cells]
        options.json.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    return 0 if all(cell.met for cell in cells) else 1


def which(agent: str | None = None, host: str | None = None) -> list[Which]:
    """The cells of the table.

    Where the server runs decides only over agents that cannot do without a person.

    Args:
        agent: Only this agent.
        host: Only this host.
    """
    found: list[Which] = []
    for subject in AGENTS.values():
        for name in PROFILES:
            places = places_of(name)
            asked = places if subject.asks_person else places[:1]
            found.extend((subject.name, name, place, "memory") for place in asked)
        for name, over in OVER_WIRES:
            found.append((subject.name, name, "remote" if over == "http" else "local", over))
    return [one for one in found if agent in (None, one[0]) and host in (None, one[1])]


async def _run(wanted: list[Which]) -> list[Cell]:
    return [await run(*one) for one in wanted]


def table(cells: Sequence[Cell]) -> str:
    """The rows and what they come to."""
    rows = [(*HEAD, *TOKENS), *(_row(cell) for cell in cells)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            each.rjust(width) if number >= len(HEAD) - 2 else each.ljust(width)
            for number, (each, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    refused = sorted({cell.must for cell in cells} & SAID.keys())
    lines += [f"{name} (docs/ladders.md): {SAID[name]!r}" for name in refused]
    lines += [
        f"Not as it must be: {cell.agent} in {cell.host} ({cell.place}, {cell.transport}) must be "
        f"{cell.must!r} and was {cell.came!r}."
        for cell in cells
        if cell.came != cell.must
    ]
    completed = sum(cell.came == "completed" for cell in cells)
    wrong = sum(not cell.met for cell in cells)
    most = max((cell.per_question or 0 for cell in cells), default=0)
    lines.append(
        f"{len(cells)} cells: {completed} completed, {len(cells) - completed - wrong} refused as "
        f"documented, {wrong} wrong; at most {most:.0f} tokens of framing for a question of the "
        f"relay (goal: below {FRAMING_GOAL})."
    )
    return "\n".join(lines)


def _row(cell: Cell) -> tuple[str, ...]:
    return (
        cell.agent,
        cell.host,
        cell.place,
        cell.transport,
        cell.came if cell.came == cell.must else "WRONG",
        _counted(cell.model),
        _counted(cell.person),
        str(cell.rounds),
        str(cell.hops),
        f"{cell.framing:.0f}",
        "-" if cell.per_question is None else f"{cell.per_question:.0f}",
    )


def _counted(rungs: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(rungs.items())) or "-"


if __name__ == "__main__":
    sys.exit(main())
