"""Orchestrator-workers: a task is split while the program runs, and its parts are put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from inverted.errors import LimitExceeded
from inverted.patterns.asking import at_least
from inverted.patterns.fanning import Failed, Result, in_words, settled
from inverted.run import Run

P = TypeVar("P")
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Piece(Generic[P, T]):
    """A part of a task, and what became of it.

    Attributes:
        part: The part, as it was planned.
        result: What its worker made of it, `Succeeded` or `Failed`.
    """

    part: P
    result: Result[T]

    def __str__(self) -> str:
        """The result as a prompt shows it; a failure says so."""
        return in_words(self.result)


async def orchestrator_workers(
    run: Run,
    task: str,
    *,
    plan: Callable[[Run, str], Awaitable[Sequence[P]]],
    work: Callable[[Run, P], Awaitable[T]],
    synthesise: Callable[[Run, str, Sequence[Piece[P, T]]], Awaitable[R]],
    limit: int | None = None,
    most: int = 20,
) -> R:
    """Split a task into parts, work on them side by side, and make one result of all.

    It costs a model call for the plan, one for each part and one for the result, if each function
    asks once. A worker that fails takes no other with it.

    Args:
        run: The run.
        task: What is wanted.
        plan: Splits the task. An empty plan is allowed: nothing needs work.
        work: Works on one part.
        synthesise: Makes the result of the parts and of what became of each.
        limit: How many workers run at once; None for all.
        most: Most parts that are worked on. What a plan has beyond is `Failed`.

    Returns:
        What `synthesise` makes.

    Raises:
        ValueError: A bound is not positive.
        AgentError: What `plan` and `synthesise` raise.
    """
    at_least(1, limit=limit, most=most)
    parts = await plan(run, task)
    results = await settled(run, work, parts[:most], limit)
    left_out = Failed(LimitExceeded(f"Left out: at most {most} parts are worked on."))
    results += [left_out] * (len(parts) - len(results))
    pieces = [Piece(part, result) for part, result in zip(parts, results, strict=True)]
    return await synthesise(run, task, pieces)
