"""Evaluator-optimizer: one question writes, another judges, until the judge is content."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from inverted.patterns.asking import at_least
from inverted.run import Run

T = TypeVar("T")


class Verdict(BaseModel):
    """What an evaluator says of a draft. It can be the `result_type` of a question."""

    accepted: bool = Field(description="Whether it is good enough to stop here.")
    score: float = Field(ge=0, le=1, description="How good it is: 0 is useless, 1 is perfect.")
    feedback: str = Field(default="", description="What to change, if anything.")


@dataclass(frozen=True, slots=True)
class Draft(Generic[T]):
    """One attempt, and what the evaluator said of it."""

    value: T
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Optimised(Generic[T]):
    """What became of an optimisation.

    Attributes:
        best: The accepted draft; if there is none, that with the highest score, the first of them.
        drafts: Every draft, in order.
    """

    best: Draft[T]
    drafts: tuple[Draft[T], ...]

    @property
    def accepted(self) -> bool:
        """Whether the evaluator was content; if not, the rounds were used up."""
        return self.best.verdict.accepted

    @property
    def value(self) -> T:
        """The best draft itself."""
        return self.best.value


async def evaluator_optimizer(
    run: Run,
    task: str,
    *,
    generate: Callable[[Run, str, Sequence[Draft[T]]], Awaitable[T]],
    evaluate: Callable[[Run, str, T], Awaitable[Verdict]],
    rounds: int = 3,
) -> Optimised[T]:
    """Write, judge, and write again with the feedback, until it is accepted.

    It costs two model calls a round, if each function asks once.

    Args:
        run: The run.
        task: What is wanted; both functions are given it.
        generate: Makes a draft. It is given the drafts so far with their verdicts, none at first.
        evaluate: Judges a draft.
        rounds: Most drafts.

    Returns:
        The best draft, and all of them.

    Raises:
        ValueError: There is no round.
        AgentError: What the functions raise.
    """
    at_least(1, rounds=rounds)
    drafts: list[Draft[T]] = []
    for _ in range(rounds):
        value = await generate(run, task, tuple(drafts))
        drafts.append(Draft(value, await evaluate(run, task, value)))
        if drafts[-1].verdict.accepted:
            break
    best = max(drafts, key=lambda draft: (draft.verdict.accepted, draft.verdict.score))
    return Optimised(best, tuple(drafts))
