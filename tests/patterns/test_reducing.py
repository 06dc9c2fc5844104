from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inverted import Run
from inverted.patterns import ask, map_reduce
from tests.patterns.everywhere import asked, echo, everywhere, once, prompt_of
from tests.run.fakes import Host, play


async def look(run: Run, item: str) -> str:
    return await ask(run, item)


async def join(run: Run, parts: Sequence[str]) -> str:
    return await ask(run, "+".join(parts))


def bare(params: dict[str, Any]) -> str:
    return f"({prompt_of(params)})"


async def test_results_are_put_together_in_a_tree() -> None:
    async def body(run: Run) -> str:
        return await map_reduce(run, ["a", "b", "c", "d", "e"], look, join, fan_in=2)

    outcome = await everywhere(body, bare)
    assert outcome.result == "((((a)+(b))+((c)+(d)))+(e))"
    assert outcome.rounds == 4
    assert len(outcome.questions) == 5 + 4


async def test_one_item_is_not_reduced() -> None:
    async def body(run: Run) -> str:
        return await map_reduce(run, ["a"], look, join)

    assert asked(await everywhere(body, bare)) == ["a"]


async def test_the_first_failure_ends_it() -> None:
    async def broken(run: Run, parts: Sequence[str]) -> str:
        raise RuntimeError("no tea left")

    async def body(run: Run) -> str:
        return await map_reduce(run, ["a", "b"], look, broken)

    outcome = await everywhere(body, bare)
    assert outcome.is_error
    assert "no tea left" in outcome.result


async def test_nothing_to_reduce_and_wrong_bounds_are_refused() -> None:
    async def body(run: Run) -> str:
        with pytest.raises(ValueError, match="at least one item"):
            await map_reduce(run, [], look, join)
        with pytest.raises(ValueError, match="fan_in must be at least 2"):
            await map_reduce(run, ["a"], look, join, fan_in=1)
        with pytest.raises(ValueError, match="limit must be at least 1"):
            await map_reduce(run, ["a"], look, join, limit=0)
        return "refused"

    outcome = await once(body, echo)
    assert (outcome.result, asked(outcome)) == ("refused", [])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(2, 9), st.none() | st.integers(1, 5))
async def test_every_item_is_there_once_in_order_and_no_call_sees_more_than_the_fan_in(
    count: int, fan_in: int, limit: int | None
) -> None:
    sizes: list[int] = []

    async def one(run: Run, item: int) -> list[int]:
        return [item]

    async def together(run: Run, parts: Sequence[list[int]]) -> list[int]:
        sizes.append(len(parts))
        return [item for part in parts for item in part]

    async def body(run: Run) -> list[int]:
        sizes.clear()
        return await map_reduce(run, range(count), one, together, limit=limit, fan_in=fan_in)

    assert await play(body, Host()) == list(range(count))
    assert all(2 <= size <= fan_in for size in sizes)
    assert sum(size - 1 for size in sizes) == count - 1
