from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from inverted import Run
from inverted.patterns import Failed, Piece, ask, orchestrator_workers
from inverted.testing import final
from tests.patterns.everywhere import asked, echo, everywhere, once, prompt_of


async def plan(run: Run, task: str) -> list[str]:
    return await ask(run, f"split {task}", list[str])


async def work(run: Run, part: str) -> str:
    if part == "broken":
        raise RuntimeError("no tea left")
    return await ask(run, f"do {part}")


async def synthesise(run: Run, task: str, pieces: Sequence[Piece[str, str]]) -> str:
    failed = sum(isinstance(piece.result, Failed) for piece in pieces)
    said = "; ".join(f"{piece.part}: {piece}" for piece in pieces)
    return await ask(run, f"join {task}, {failed} failed: {said}")


async def body(run: Run) -> str:
    return await orchestrator_workers(
        run, "tea", plan=plan, work=work, synthesise=synthesise, limit=2, most=3
    )


def planning(*parts: str) -> Any:
    def model(params: dict[str, Any]) -> Any:
        return final(list(parts)) if prompt_of(params).startswith("split") else echo(params)

    return model


async def test_a_task_is_split_worked_on_and_put_together() -> None:
    outcome = await everywhere(body, planning("a", "b"))
    assert outcome.result == "<join tea, 0 failed: a: <do a>; b: <do b>>"
    assert outcome.rounds == 3


async def test_a_worker_that_fails_is_told_to_the_synthesis() -> None:
    outcome = await everywhere(body, planning("a", "broken"))
    assert "1 failed" in outcome.result
    assert "broken: (failed: RuntimeError: no tea left)" in outcome.result


async def test_an_empty_plan_goes_straight_to_the_synthesis() -> None:
    outcome = await everywhere(body, planning())
    assert asked(outcome) == ["split tea", "join tea, 0 failed: "]


async def test_parts_beyond_the_bound_are_not_worked_on_and_the_synthesis_is_told() -> None:
    outcome = await everywhere(body, planning("a", "b", "c", "d"))
    assert "do d" not in asked(outcome)
    assert "d: (failed: LimitExceeded: Left out: at most 3 parts" in asked(outcome)[-1]
    assert outcome.rounds == 4  # the plan, two workers, the third, the synthesis


@pytest.mark.parametrize("bounds", [{"limit": 0}, {"most": 0}])
async def test_bounds_that_are_not_positive_are_refused(bounds: dict[str, Any]) -> None:
    async def wrong(run: Run) -> str:
        with pytest.raises(ValueError, match="must be at least 1"):
            await orchestrator_workers(
                run, "tea", plan=plan, work=work, synthesise=synthesise, **bounds
            )
        return "refused"

    outcome = await once(wrong, echo)
    assert (outcome.result, asked(outcome)) == ("refused", [])
