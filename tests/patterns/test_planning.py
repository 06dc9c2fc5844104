from __future__ import annotations

from typing import Any

import pytest

from inverted import Run
from inverted.patterns import Notes, Plan, PlannedStep, plan_and_execute
from inverted.testing import final
from tests.patterns.everywhere import asked, echo, everywhere, once, prompt_of


def step(title: str, *needs: str) -> PlannedStep:
    return PlannedStep(title=title, instructions=f"do {title}", needs=list(needs))


def planning(*plans: Plan) -> Any:
    """A model that gives a plan by how many notes there are, and else says the question back."""
    by_notes: dict[int, Plan] = {}
    count = 0
    for each in plans:
        by_notes[count] = each
        count += len(each.steps)

    def model(params: dict[str, Any]) -> Any:
        prompt = prompt_of(params)
        if prompt.startswith("Plan what"):
            return final(by_notes[prompt.count("\n- ")])
        return echo(params)

    return model


TWO_PLANS = planning(
    Plan(steps=[step("soil"), step("rain")]),
    Plan(steps=[step("tea", "soil")]),
    Plan(steps=[], needs=["tea"]),
)


async def body(run: Run) -> list[object]:
    done = await plan_and_execute(run, "Grow tea", rounds=4, most=5, limit=2)
    titles = [note.title for note in done.notes.all]
    return [done.text, done.finished, titles, done.plans]


async def test_it_plans_delegates_plans_again_and_sums_up() -> None:
    outcome = await everywhere(body, TWO_PLANS)
    said, finished, titles, plans = outcome.result
    assert (finished, titles, plans) == (True, ["soil", "rain", "tea"], 3)
    assert said.startswith("<Reach the goal with these notes.\n\nThe goal: Grow tea")


async def test_only_the_notes_that_are_asked_for_are_in_a_prompt() -> None:
    prompts = asked(await once(body, TWO_PLANS))
    (tea,) = [each for each in prompts if each.startswith("do tea")]
    assert tea == "do tea\n\nNotes that you need:\n\n[1]\nsoil\n<do soil>"
    assert "do soil" not in "".join(each for each in prompts if each.startswith("Plan what"))
    assert "- soil (9 characters)\n- rain (9 characters)" in prompts[3]
    assert "rain" not in prompts[-1]


async def test_an_empty_plan_goes_straight_to_the_answer() -> None:
    outcome = await everywhere(body, planning(Plan(steps=[])))
    assert outcome.result[1:] == [True, [], 1]
    assert len(outcome.questions) == 2


async def test_a_plan_that_never_ends_is_ended_and_says_so() -> None:
    def model(params: dict[str, Any]) -> Any:
        endless = Plan(steps=[step("again")])
        return final(endless) if prompt_of(params).startswith("Plan what") else echo(params)

    outcome = await everywhere(body, model)
    titles = ["again", "again (2)", "again (3)", "again (4)"]
    assert outcome.result[1:] == [False, titles, 4]
    assert "again (4)" in outcome.result[0]


async def test_a_plan_that_is_too_long_is_cut() -> None:
    outcome = await everywhere(body, planning(Plan(steps=[step(each) for each in "abcdefg"])))
    assert outcome.result[1:] == [False, ["a", "b", "c", "d", "e"], 1]


async def test_a_step_that_fails_is_told_to_the_next_plan_and_is_no_part_of_the_answer() -> None:
    async def execute(run: Run, step: PlannedStep, notes: Notes) -> str:
        if step.title == "soil":
            raise RuntimeError("no soil")
        return "wet"

    async def failing(run: Run) -> str:
        return (await plan_and_execute(run, "Grow tea", execute=execute)).text

    model = planning(Plan(steps=[step("soil"), step("rain")]), Plan(steps=[]))
    outcome = await everywhere(failing, model)
    assert "- soil (failed: no soil)\n- rain (3 characters)" in asked(outcome)[1]
    assert outcome.result == (
        "<Reach the goal with these notes.\n\nThe goal: Grow tea\n\n[1]\nrain\nwet>"
    )


async def test_a_note_that_does_not_exist_is_told_to_who_asked_for_it() -> None:
    model = planning(Plan(steps=[step("tea", "gold\nmine")]), Plan(steps=[], needs=["tea"]))
    prompts = asked(await everywhere(body, model))
    assert "[1]\ngold mine\nThere is no note of this title." in prompts[1]


@pytest.mark.parametrize("bounds", [{"rounds": 0}, {"most": 0}, {"limit": 0}])
async def test_bounds_that_are_not_positive_are_refused(bounds: dict[str, Any]) -> None:
    async def wrong(run: Run) -> str:
        with pytest.raises(ValueError, match="must be at least 1"):
            await plan_and_execute(run, "Grow tea", **bounds)
        return "refused"

    outcome = await once(wrong, echo)
    assert (outcome.result, asked(outcome)) == ("refused", [])


def test_notes_without_notes_say_so() -> None:
    assert (Notes().index(), str(Notes())) == ("(none yet)", "(none)")
