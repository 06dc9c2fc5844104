from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from inverted import Run
from inverted.patterns import Draft, Verdict, ask, evaluator_optimizer
from inverted.testing import final
from tests.patterns.everywhere import asked, echo, everywhere, once, prompt_of


async def write(run: Run, task: str, drafts: Sequence[Draft[str]]) -> str:
    told = "".join(f" {draft.verdict.feedback}" for draft in drafts)
    return await ask(run, f"write {task}{told}")


async def judge(run: Run, task: str, draft: str) -> Verdict:
    return await ask(run, f"judge {draft}", Verdict)


async def body(run: Run) -> list[object]:
    done = await evaluator_optimizer(run, "tea", generate=write, evaluate=judge)
    return [done.value, done.accepted, len(done.drafts), done.best.verdict.score]


def judging(*verdicts: Verdict) -> Any:
    """A model that gives the nth verdict to the draft that was written with n - 1 words."""

    def model(params: dict[str, Any]) -> Any:
        prompt = prompt_of(params)
        if prompt.startswith("judge"):
            return final(verdicts[prompt.count(" again")])
        return echo(params)

    return model


def verdict(score: float, *, accepted: bool = False) -> Verdict:
    return Verdict(accepted=accepted, score=score, feedback="again")


async def test_it_stops_at_the_first_draft_that_is_accepted() -> None:
    model = judging(verdict(0.9), verdict(0.5, accepted=True), verdict(1))
    outcome = await everywhere(body, model)
    assert outcome.result == ["<write tea again>", True, 2, 0.5]
    assert len(outcome.questions) == 4


async def test_the_best_draft_is_kept_when_none_is_accepted() -> None:
    model = judging(verdict(0.2), verdict(0.8), verdict(0.8))
    outcome = await everywhere(body, model)
    assert outcome.result == ["<write tea again>", False, 3, 0.8]
    assert len(outcome.questions) == 6


async def test_a_verdict_that_is_none_is_asked_again_and_then_an_error() -> None:
    def model(params: dict[str, Any]) -> Any:
        return final({"score": 7}) if "judge" in str(params) else echo(params)

    outcome = await once(body, model)
    assert outcome.is_error
    assert "did not validate" in outcome.result


async def test_no_round_is_refused() -> None:
    async def wrong(run: Run) -> str:
        with pytest.raises(ValueError, match="rounds must be at least 1"):
            await evaluator_optimizer(run, "tea", generate=write, evaluate=judge, rounds=0)
        return "refused"

    outcome = await once(wrong, echo)
    assert (outcome.result, asked(outcome)) == ("refused", [])
