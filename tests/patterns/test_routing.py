from __future__ import annotations

from typing import Any

import pytest

from inverted import Run
from inverted.patterns import Route, ask, classify, route
from inverted.testing import final
from tests.patterns.everywhere import asked, echo, everywhere, once, prompt_of


async def billing(run: Run, text: str) -> str:
    return await ask(run, f"bill {text}")


async def technical(run: Run, text: str) -> str:
    return f"fix {text}"


async def person(run: Run, text: str) -> str:
    return f"a person reads {text}"


ROUTES = {
    "billing": Route("money, invoices", billing),
    "technical": Route("something is broken", technical),
}


async def body(run: Run) -> str:
    return await route(run, "my tea", ROUTES, fallback=person)


def choosing(name: object) -> Any:
    def model(params: dict[str, Any]) -> Any:
        return echo(params) if prompt_of(params).startswith("bill") else final(name)

    return model


async def test_the_model_chooses_and_code_goes_that_way() -> None:
    outcome = await everywhere(body, choosing("billing"))
    assert outcome.result == "<bill my tea>"
    assert "- technical: something is broken" in asked(outcome)[0]
    assert (await everywhere(body, choosing("technical"))).result == "fix my tea"


async def test_none_leads_to_the_fallback() -> None:
    outcome = await everywhere(body, choosing("none"))
    assert (outcome.result, len(outcome.questions)) == ("a person reads my tea", 1)


async def test_a_model_that_never_names_a_route_leads_to_the_fallback() -> None:
    outcome = await everywhere(body, choosing("coffee"))
    assert (outcome.result, len(outcome.questions)) == ("a person reads my tea", 2)


async def test_classifying_goes_nowhere() -> None:
    async def only(run: Run) -> str | None:
        return await classify(run, "tea", {"hot": "it is hot", "cold": "it is cold"})

    assert (await everywhere(only, lambda params: final("cold"))).result == "cold"


@pytest.mark.parametrize("names", [[], ["none", "hot"]])
async def test_routes_without_names_that_mean_something_are_refused(names: list[str]) -> None:
    async def wrong(run: Run) -> str:
        with pytest.raises(ValueError, match="Routes must be named"):
            await classify(run, "tea", dict.fromkeys(names, "a route"))
        return "refused"

    outcome = await once(wrong, echo)
    assert (outcome.result, outcome.questions) == ("refused", [])
