"""The agent, as a server on stdio: every single move is put to a vote of the model.

`python -m benchmarks.hanoi.agent FOLDER`, with everything that lasts in that folder: the store, the
moves that were carried out, and the id of this process, for whoever kills it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from benchmarks.hanoi.game import after, read
from inverted import AgentServer, Limits, Run
from inverted.patterns import longer_than, vote

STORE: Final = "runs.sqlite3"
MOVES: Final = "moves"
PROCESS: Final = "process"
EVERY: Final = 50
"""Moves between two checkpoints: what a resume replays at most."""
LONGEST: Final = 20
"""Characters of an answer that does not ramble."""
UNLIMITED: Final = Limits(model_calls=None, tokens=None, seconds=None, journal_bytes=None)


class State(BaseModel):
    """All that a checkpoint keeps.

    Attributes:
        position: The peg of every disk, the smallest first.
        moves: How many moves were made.
        draws: How often the model was asked for them.
        flagged: How many of its answers were thrown away.
        digest: Of all the moves so far, in order.
    """

    position: str
    moves: int = 0
    draws: int = 0
    flagged: int = 0
    digest: str = ""


def digest_of(before: str, move: str) -> str:
    """The digest of all moves, from the one before the last move and that move."""
    return hashlib.sha256(f"{before} {move}".encode()).hexdigest()[:32]


def question(state: State) -> str:
    """What the model is asked: the position is all that it needs."""
    return (
        f"Move {state.moves + 1}. Towers of Hanoi, from A to C. The pegs of the disks, the "
        f"smallest first: {state.position}. Which move is next? Say DISK FROM TO, such as 1 A C."
    )


def is_malformed(answer: str) -> bool:
    """A red flag: it is not in the form that was asked for."""
    return read(answer) is None


def make_server(folder: Path) -> AgentServer:
    """The server with its one agent.

    Args:
        folder: Where everything lasts.
    """
    server = AgentServer("hanoi", store=str(folder / STORE))
    carried_out = os.open(folder / MOVES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def carry_out(number: int, move: str) -> None:
        # The side effect. One that a kill cut off is done again, under the same number.
        os.write(carried_out, f"{number} {move}\n".encode())

    @server.agent(limits=UNLIMITED)
    async def hanoi(run: Run, disks: int, k: int, moves: int) -> State:
        """Move the tower, or make the first so many moves of it."""
        state = run.restored(State, State(position="A" * disks))
        while state.moves < moves:
            elected = await vote(
                run, question(state), k=k, red_flags=[longer_than(LONGEST), is_malformed]
            )
            move = read(elected.answer)
            if move is None:
                raise AssertionError("what is malformed cannot win")
            # A vote for what the rules forbid ends the run here: that is a wrong move.
            position = after(state.position, move)
            await run.step(carry_out, state.moves + 1, str(move))
            state = State(
                position=position,
                moves=state.moves + 1,
                draws=state.draws + elected.draws,
                flagged=state.flagged + elected.discarded,
                digest=digest_of(state.digest, str(move)),
            )
            if state.moves % EVERY == 0:
                await run.checkpoint(state)
        return state

    return server


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (place / PROCESS).write_text(str(os.getpid()), "utf-8")
    make_server(place).run(show_banner=False)
