"""Limits of a run: each is an error in the body, the same on every carrier and on replay."""

from __future__ import annotations

from typing import Any

import pytest

from inverted import LimitExceeded, Limits, MemoryStore, Run
from inverted.core.effects import Effect, Kind
from inverted.runtime import Runtime, leg
from inverted.runtime.ports import Answer, Question
from inverted.runtime.spending import estimate_tokens
from inverted.stores import Store
from inverted.testing import VirtualClock

from .fakes import Inline, Rounds, agent, ask, failure, parked, result


def sample(text: str) -> Effect:
    """A question to the model."""
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return Effect(Kind.SAMPLE, {"messages": [message], "maxTokens": 1})


def said(text: str) -> dict[str, Any]:
    """The model's answer."""
    return {"role": "assistant", "content": {"type": "text", "text": text}, "model": "m"}


async def model(question: Question) -> Answer:
    return Answer(said("x" * 400))


async def until_refused(run: Run) -> int:
    """How many model calls are answered."""
    count = 0
    while True:
        try:
            await sample("x" * 399)
        except LimitExceeded:
            return count
        count += 1


async def test_the_model_may_be_called_as_often_as_the_limit_says(store: Store) -> None:
    limited = agent(until_refused, limits=Limits(model_calls=3))
    assert result(await Runtime(store).begin(limited, {}, Inline(model))) == 3


async def test_parallel_calls_beyond_the_limit_are_refused_and_the_others_asked(
    store: Store,
) -> None:
    async def body(run: Run) -> list[str]:
        answers = await run.gather(*(sample(name) for name in "abcd"), return_exceptions=True)
        return [type(answer).__name__ for answer in answers]

    limited = agent(body, limits=Limits(model_calls=2))
    expected = ["dict", "dict", "LimitExceeded", "LimitExceeded"]
    assert result(await Runtime(store).begin(limited, {}, Inline(model))) == expected

    runtime = Runtime(store, hot_runs=0)
    outcome = await runtime.begin(limited, {}, Rounds())
    assert parked(outcome) == ["1.0.1", "1.1.1"]
    assert parked(
        await runtime.resume(limited, outcome.run_id, {"1.0.1": said("a")}, Rounds())
    ) == ["1.1.1"]
    outcome = await runtime.resume(limited, outcome.run_id, {"1.1.1": said("b")}, Rounds())
    assert result(outcome) == expected


@pytest.mark.parametrize("hot_runs", [0, 10])
async def test_a_call_that_was_asked_within_the_limit_may_be_answered_after_it_is_used_up(
    store: Store, hot_runs: int
) -> None:
    async def body(run: Run) -> list[str]:
        async def twice() -> str:
            await sample("first")
            try:
                await sample("second")
            except LimitExceeded:
                return "refused"
            return "asked"

        async def once() -> str:
            return (await sample("other"))["content"]["text"]

        return list(await run.gather(twice(), once()))

    limited = agent(body, limits=Limits(model_calls=2))
    runtime = Runtime(store, hot_runs=hot_runs)
    run_id = (await runtime.begin(limited, {}, Rounds())).run_id
    outcome = await runtime.resume(limited, run_id, {"1.0.1": said("first")}, Rounds())
    assert parked(outcome) == ["1.1.1"]
    outcome = await runtime.resume(limited, run_id, {"1.1.1": said("other")}, Rounds())
    assert result(outcome) == ["refused", "other"]


async def test_tokens_in_and_out_are_estimated_and_limited(store: Store) -> None:
    # 100 in and 101 out for each call.
    limited = agent(until_refused, limits=Limits(tokens=300))
    assert result(await Runtime(store).begin(limited, {}, Inline(model))) == 1
    limited = agent(until_refused, limits=Limits(tokens=501))
    assert result(await Runtime(store).begin(limited, {}, Inline(model))) == 2


async def test_a_run_may_take_only_so_long(store: Store) -> None:
    clock = VirtualClock(jump=False)

    async def body(run: Run) -> list[str]:
        return [await ask("a"), await ask("b"), await ask("c")]

    limited = agent(body, limits=Limits(seconds=60))
    runtime = Runtime(store, clock=clock)
    run_id = (await runtime.begin(limited, {}, Rounds())).run_id
    await clock.advance(60)
    assert parked(await runtime.resume(limited, run_id, {"1": "a"}, Rounds())) == ["2"]
    await clock.advance(1)
    why = failure(await runtime.resume(limited, run_id, {"2": "b"}, Rounds()))
    assert why.type == "LimitExceeded"
    assert "limit seconds=60 (it is at 61)" in why.message
    assert "Limits(seconds=...)" in why.message


async def test_an_answer_that_comes_after_the_time_is_up_is_still_used(store: Store) -> None:
    clock = VirtualClock(jump=False)

    async def body(run: Run) -> str:
        return await ask("a")

    limited = agent(body, limits=Limits(seconds=60))
    runtime = Runtime(store, clock=clock)
    run_id = (await runtime.begin(limited, {}, Rounds())).run_id
    await clock.advance(61)
    assert result(await runtime.resume(limited, run_id, {"1": "a"}, Rounds())) == "a"


async def test_a_journal_may_grow_only_so_large(store: Store) -> None:
    async def body(run: Run) -> int:
        count = 0
        try:
            while True:
                await run.step(str, "x" * 1000)
                count += 1
        except LimitExceeded:
            return count

    limited = agent(body, limits=Limits(journal_bytes=20_000))
    assert 5 < result(await Runtime(store).begin(limited, {}, Inline())) < 20


async def test_without_limits_nothing_is_refused(store: Store) -> None:
    async def body(run: Run) -> int:
        return len(await run.map(sample, [str(number) for number in range(600)]))

    free = Limits(model_calls=None, tokens=None, seconds=None, journal_bytes=None, concurrent=None)
    assert result(await Runtime(store).begin(agent(body, limits=free), {}, Inline(model))) == 600


async def test_a_body_that_ignores_its_limit_is_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leg, "MAX_REFUSALS", 10)

    async def body(run: Run) -> None:
        while True:
            await run.gather(sample("again"), return_exceptions=True)

    limited = agent(body, limits=Limits(model_calls=0))
    why = failure(await Runtime(store).begin(limited, {}, Inline(model)))
    assert why.type == "LimitExceeded"
    assert "limit model_calls=0" in why.message


async def test_a_caller_may_have_only_so_many_runs_in_progress() -> None:
    async def body(run: Run, depth: int) -> str:
        return await run.step(nested, depth)

    async def nested(depth: int) -> str:
        if depth == 0:
            return "done"
        return result(await runtime.begin(limited, {"depth": depth - 1}, Inline(), principal="me"))

    runtime = Runtime(MemoryStore())
    limited = agent(body, limits=Limits(concurrent=2))
    assert result(await runtime.begin(limited, {"depth": 1}, Inline(), principal="me")) == "done"
    why = failure(await runtime.begin(limited, {"depth": 2}, Inline(), principal="me"))
    assert "This caller has 2 runs in progress, the most that Limits(concurrent=2)" in why.message
    # Somebody else has a count of their own, and mine went down again.
    assert result(await runtime.begin(limited, {"depth": 1}, Inline(), principal="you")) == "done"
    assert result(await runtime.begin(limited, {"depth": 1}, Inline(), principal="me")) == "done"


async def test_parked_runs_are_not_in_progress(store: Store) -> None:
    async def body(run: Run) -> str:
        return await ask("a")

    runtime = Runtime(store)
    limited = agent(body, limits=Limits(concurrent=1))
    for _ in range(3):
        assert parked(await runtime.begin(limited, {}, Rounds())) == ["1"]


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ({"type": "text", "text": ""}, 1),
        ({"type": "text", "text": "x" * 400}, 101),
        ([{"type": "text", "text": "x" * 400}], 102),
        ({"type": "image", "data": "x" * 4000}, 1002),
        (["ab", {"n": 1, "ok": True, "none": None}], 2),
    ],
)
def test_tokens_are_estimated_at_four_characters_each(value: object, tokens: int) -> None:
    assert estimate_tokens(value) == tokens
