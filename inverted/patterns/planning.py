"""Plan-and-execute: plan, do the steps, plan again with what was found out, and sum up.

The planner sees the titles of the notes so far; a step gets the notes that its plan named, and so
does the answer at the end. See `notes`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from inverted.patterns.asking import ask, at_least
from inverted.patterns.fanning import Failed, settled
from inverted.patterns.notes import Notes
from inverted.run import Run


class PlannedStep(BaseModel):
    """One step of a plan."""

    title: str = Field(description="A short name for what the step will find out.")
    instructions: str = Field(description="What to do. Whoever does it sees only this and `needs`.")
    needs: list[str] = Field(
        default_factory=list, description="Titles of notes that are there and that it must read."
    )


class Plan(BaseModel):
    """What to do next. It can be the `result_type` of a question."""

    steps: list[PlannedStep] = Field(
        description="Steps that can be done now, side by side. Empty when nothing is left to do."
    )
    needs: list[str] = Field(
        default_factory=list,
        description="With no steps left: titles of the notes that the answer is made of.",
    )


@dataclass(frozen=True, slots=True)
class Executed:
    """What became of a goal.

    Attributes:
        text: The answer.
        finished: Whether the planner said that nothing is left; if not, a bound was reached.
        notes: Everything that was found out.
        plans: How many plans were made.
    """

    text: str
    finished: bool
    notes: Notes
    plans: int


async def make_plan(run: Run, goal: str, notes: Notes) -> Plan:
    """Ask the model for the next plan. It sees the titles of the notes, not their texts."""
    return await ask(
        run,
        "Plan what to do next to reach the goal. Steps of one plan are done side by side and do "
        "not see each other; what needs their notes belongs into the next plan. Plan another way "
        f"around what failed.\n\nThe goal: {goal}\n\nNotes so far:\n{notes.index()}",
        Plan,
    )


async def do_step(run: Run, step: PlannedStep, notes: Notes) -> str:
    """Ask the model to do a step, with the notes that it needs."""
    needed = f"\n\nNotes that you need:\n\n{notes}" if notes.all else ""
    return await ask(run, f"{step.instructions}{needed}")


async def sum_up(run: Run, goal: str, notes: Notes) -> str:
    """Ask the model for the answer, with the notes that it is made of."""
    return await ask(run, f"Reach the goal with these notes.\n\nThe goal: {goal}\n\n{notes}")


async def plan_and_execute(
    run: Run,
    goal: str,
    *,
    plan: Callable[[Run, str, Notes], Awaitable[Plan]] = make_plan,
    execute: Callable[[Run, PlannedStep, Notes], Awaitable[str]] = do_step,
    synthesise: Callable[[Run, str, Notes], Awaitable[str]] = sum_up,
    rounds: int = 5,
    most: int = 30,
    limit: int | None = None,
) -> Executed:
    """Reach a goal in plans that are made as the work goes on.

    It costs a model call for each plan (the last one, which is empty, too), one for each step and
    one for the answer, if each function asks once.

    Args:
        run: The run.
        goal: What is wanted.
        plan: Makes the next plan, of the goal and all notes; `index` has their titles.
        execute: Does a step; it is given the notes that the step needs. One that fails leaves a
            note that says so, and the next plan may go around it.
        synthesise: Makes the answer of the notes that the last plan named; of all that did not
            fail if it named none, or if a bound was reached.
        rounds: Most plans.
        most: Most steps in all; what a plan has beyond is left out.
        limit: How many steps run at once; None for all.

    Returns:
        The answer, and whether the planner was done.

    Raises:
        ValueError: A bound is not positive.
        AgentError: What `plan` and `synthesise` raise.
    """
    at_least(1, rounds=rounds, most=most, limit=limit)
    notes, plans, finished, wanted = Notes(), 0, False, list[str]()
    while plans < rounds and len(notes.all) < most and not finished:
        planned = await plan(run, goal, notes)
        plans += 1
        if planned.steps:
            steps = planned.steps[: most - len(notes.all)]
            notes = await _done(run, steps, notes, execute, limit)
        else:
            finished, wanted = True, planned.needs
    chosen = notes.only(wanted) if wanted else notes.succeeded()
    return Executed(await synthesise(run, goal, chosen), finished, notes, plans)


async def _done(
    run: Run,
    steps: list[PlannedStep],
    notes: Notes,
    execute: Callable[[Run, PlannedStep, Notes], Awaitable[str]],
    limit: int | None,
) -> Notes:
    """Do the steps of one plan side by side and note what became of each."""

    def one(run: Run, step: PlannedStep) -> Awaitable[str]:
        return execute(run, step, notes.only(step.needs))

    results = await settled(run, one, steps, limit)
    after = notes
    for step, result in zip(steps, results, strict=True):
        failed = isinstance(result, Failed)
        text = str(result.error) if failed else result.value
        after = after.added(step.title, text, failed=failed)
    return after
