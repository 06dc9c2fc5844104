"""Ladders that make no sense are refused where they are written."""

from __future__ import annotations

from typing import Any

import pytest

from inverted import Ladders, Run
from inverted.run.rungs import model_asking, person_asking
from inverted.runtime.ladders import Asking

from .fakes import Host, fail


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"model": ("sampling", "guess")}, "The model ladder .* 'guess' is none"),
        ({"model": ("relay", "relay")}, "one stands twice"),
        ({"person": ("form", "phone")}, "The person ladder .* 'phone' is none"),
        ({"approval": ("form", "relay")}, "The approval ladder .* 'relay' is none"),
        ({"on_refusal": "stop"}, "on_refusal is 'raise' or 'next', not 'stop'"),
        ({"rounds": 0}, "at least one round"),
        ({"hold": -1.0}, "no negative time"),
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Ladders(**given)


def test_what_is_not_said_of_a_question_is_as_the_agent_has_it() -> None:
    assert model_asking(None, None) is None
    assert person_asking(None) is None
    assert person_asking(None, approval=True) == Asking(approval=True)
    assert model_asking(["relay"], None) == Asking(("relay",), None)
    assert model_asking(None, "next") == Asking(None, "next")
    assert person_asking(["page", "form"]) == Asking(("page", "form"))


async def test_an_approval_takes_no_rung_on_which_a_model_answers() -> None:
    async def body(run: Run) -> None:
        await run.approve("Sure?", rungs=["relay"])

    failure = await fail(body, Host(person=[True]))
    assert failure.type == "ValueError"
    assert "Its rungs are form, url, card, page" in failure.message


async def test_a_policy_that_is_none_is_refused_at_its_line() -> None:
    async def body(run: Run) -> None:
        await run.sample("go", on_refusal="stop")  # pyright: ignore[reportArgumentType]

    failure = await fail(body, Host())
    assert "on_refusal is 'raise' or 'next', not 'stop'" in failure.message
