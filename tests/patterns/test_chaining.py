from __future__ import annotations

import pytest

from inverted import Run
from inverted.patterns import Step, ask, chain
from tests.patterns.everywhere import asked, echo, everywhere, once


async def shout(run: Run, text: str) -> str:
    return text.upper()


def is_short(run: Run, text: str) -> bool:
    return len(text) < 12


async def is_liked(run: Run, text: str) -> bool:
    return "no" not in await ask(run, f"Do you like {text}?")


async def test_each_step_works_on_what_the_one_before_said() -> None:
    async def body(run: Run) -> str:
        return (await chain(run, ["a {input}", shout, "b {input}"], "tea")).text

    outcome = await everywhere(body, echo)
    assert outcome.result == "<b <A TEA>>"
    assert asked(outcome) == ["a tea", "b <A TEA>"]


async def test_a_gate_stops_the_chain_and_says_where() -> None:
    async def body(run: Run) -> list[object]:
        done = await chain(
            run, [Step("a {input}", is_short), Step("b {input}", is_short), shout], "t"
        )
        return [*done.outputs, done.text, done.stopped]

    outcome = await everywhere(body, lambda params: echo(params) + "......")
    assert outcome.result == ["<a t>......", "<b <a t>......>......", "<b <a t>......>......", 1]


async def test_a_gate_may_ask_the_model() -> None:
    async def body(run: Run) -> list[object]:
        done = await chain(run, [Step(shout, is_liked), Step(shout)], "tea")
        return [done.text, done.stopped]

    assert (await everywhere(body, lambda params: "no")).result == ["TEA", 0]
    assert (await everywhere(body, lambda params: "yes")).result == ["TEA", None]


async def test_a_chain_without_steps_gives_its_start() -> None:
    async def body(run: Run) -> str:
        return (await chain(run, [], "tea")).text

    assert (await once(body, echo)).result == "tea"


async def test_a_prompt_without_a_place_for_the_input_is_refused_before_anything_is_asked() -> None:
    async def body(run: Run) -> str:
        with pytest.raises(ValueError, match="never see what came before"):
            await chain(run, ["a {input}", "forgetful"], "tea")
        return "refused"

    outcome = await once(body, echo)
    assert (outcome.result, outcome.questions) == ("refused", [])


async def test_other_braces_of_a_prompt_stay_as_they_are() -> None:
    async def body(run: Run) -> str:
        return (await chain(run, ['{"like": "this"} {input}'], "{tea}")).text

    assert (await once(body, echo)).result == '<{"like": "this"} {tea}>'
