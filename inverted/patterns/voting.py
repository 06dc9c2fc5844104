"""Voting: the same question is asked until one answer is ahead of every other by k.

From MAKER (arXiv 2511.09030): first-to-ahead-by-k voting with red-flagging. Answers that look
broken are thrown away instead of repaired, because what made them broken makes them wrong as well.

Draws are made side by side where that wastes none. While the leader is l votes ahead, nobody can
win with fewer than k - l more, so that many are asked for at once: the votes that are counted are
those that drawing one by one would have counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from pydantic_core import to_jsonable_python

from inverted.errors import InvalidAnswerError, NoWinner
from inverted.patterns import asking
from inverted.patterns.asking import at_least, shown
from inverted.run import Run

T = TypeVar("T")
RedFlag = Callable[[T], bool]
"""Whether an answer looks broken. Pure, as everything in the body."""


@dataclass(frozen=True, slots=True)
class Elected(Generic[T]):
    """The outcome of a vote.

    Attributes:
        answer: The winner, as it was drawn first.
        votes: The votes for each answer, by its key.
        draws: How often the question was asked.
        discarded: How many of these answers were thrown away.
    """

    answer: T
    votes: Mapping[str, int]
    draws: int
    discarded: int


def longer_than(characters: int) -> RedFlag[Any]:
    """A red flag for answers that ramble.

    Args:
        characters: The longest that an answer may be; one that is no text counts as JSON.
    """
    return lambda answer: len(shown(answer)) > characters


def same_text(answer: object) -> str:
    """What makes answers the same if nothing else is said.

    It is the text without the space around it; for everything else the JSON, with its fields in
    order, because a model writes them in any.
    """
    if isinstance(answer, str):
        return answer.strip()
    return json.dumps(to_jsonable_python(answer), sort_keys=True, ensure_ascii=False)


@overload
async def vote(
    run: Run,
    question: str,
    *,
    k: int = 3,
    red_flags: Sequence[RedFlag[str]] = (),
    most: int = 30,
    key: Callable[[str], str] = same_text,
) -> Elected[str]: ...


@overload
async def vote(
    run: Run,
    question: Callable[[Run], Awaitable[T]],
    *,
    k: int = 3,
    red_flags: Sequence[RedFlag[T]] = (),
    most: int = 30,
    key: Callable[[T], str] = same_text,
) -> Elected[T]: ...


async def vote(
    run: Run,
    question: str | Callable[[Run], Awaitable[Any]],
    *,
    k: int = 3,
    red_flags: Sequence[RedFlag[Any]] = (),
    most: int = 30,
    key: Callable[[Any], str] = same_text,
) -> Elected[Any]:
    """Ask the same thing until one answer leads by k.

    It costs k model calls if all agree, at most `most`, if the question is one call each.

    Args:
        run: The run.
        question: A prompt, or a function of the run. An `InvalidAnswerError` that it raises is an
            answer to throw away: give `attempts=1` to its `sample`, so that nothing is repaired.
        k: How far ahead the winner must be.
        red_flags: An answer that any of these says yes to is thrown away and drawn again.
        most: Most draws, those thrown away included.
        key: What makes two answers the same. `same_text` if not given.

    Returns:
        The winner, and how the votes were cast.

    Raises:
        NoWinner: The draws are used up. `.data` has `votes`, `draws` and `discarded`.
        ValueError: k is not positive, or `most` is less than k.
        AgentError: What else the question raises.

    Source: arXiv 2511.09030, sections on first-to-ahead-by-k voting and red-flagging.
    """
    at_least(1, k=k)
    at_least(k, most=most)

    async def draw(_: int) -> list[Any]:
        try:
            asked = asking.ask(run, question) if isinstance(question, str) else question(run)
            answer = await asked
        except InvalidAnswerError:
            return []
        return [] if any(flag(answer) for flag in red_flags) else [answer]

    votes: Counter[str] = Counter()
    answers: dict[str, Any] = {}
    draws = 0
    while (missing := k - _lead(votes)) > 0 and draws < most:
        batch = min(missing, most - draws)
        drawn = await run.map(draw, range(batch))
        for answer in (answer for kept in drawn for answer in kept):
            votes[key(answer)] += 1
            answers.setdefault(key(answer), answer)
        draws += batch
    discarded = draws - votes.total()
    if missing > 0:
        raise NoWinner(
            f"No answer was ahead by {k} after {draws} draws, of which {discarded} were thrown "
            f"away; the best have {[count for _, count in votes.most_common(3)]} votes. Ask for "
            "something smaller, look at the red flags, or allow more draws.",
            {"votes": dict(votes), "draws": draws, "discarded": discarded},
        )
    winner = votes.most_common(1)[0][0]
    return Elected(answers[winner], dict(votes), draws, discarded)


def _lead(votes: Counter[str]) -> int:
    """How many votes the first is ahead of the second."""
    counts = [count for _, count in votes.most_common(2)]
    return counts[0] - sum(counts[1:]) if counts else 0
