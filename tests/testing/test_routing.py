from __future__ import annotations

from typing import Any

import pytest

from inverted import AgentServer, Run
from inverted.patterns import classify
from inverted.testing import ModelAnswer, RoutingScore, ScriptedHost, final, score_routing

EXAMPLES = [
    ("my bill", "invoices"),
    ("the bill", "invoices"),
    ("it broke", "outages"),
    ("hi", None),
]


async def score(**answers: str) -> RoutingScore:
    server = AgentServer("sorting", store=":memory:")

    @server.agent
    async def sort(run: Run, text: str) -> str | None:
        return await classify(run, text, {"invoices": "money", "outages": "faults"})

    def model(params: dict[str, Any]) -> ModelAnswer:
        last = str(params["messages"]).rpartition(r"The text:\n\n")[2]
        return final(next(said for word, said in answers.items() if word in last))

    host = ScriptedHost(model=model)

    async def said(text: str) -> str | None:
        return (await host.run(server, "sort", {"text": text})).result

    return await score_routing(said, EXAMPLES)


async def test_examples_that_all_get_their_label_have_the_accuracy_one() -> None:
    found = await score(bill="invoices", broke="outages", hi="none")
    assert found.accuracy == 1
    assert found.wrong == []
    assert str(found) == "accuracy 1.00 of 4"


async def test_what_was_taken_for_what_is_counted() -> None:
    found = await score(my="outages", the="invoices", broke="none", hi="none")
    assert found.accuracy == 0.5
    assert found.confusion == {
        "invoices": {"outages": 1, "invoices": 1},
        "outages": {None: 1},
        None: {None: 1},
    }
    assert str(found).splitlines() == [
        "accuracy 0.50 of 4",
        "invoices was taken for outages: 'my bill'",
        "outages was taken for None: 'it broke'",
    ]


async def test_no_examples_are_refused() -> None:
    async def said(text: str) -> str | None:
        raise AssertionError

    with pytest.raises(ValueError, match="at least one example"):
        await score_routing(said, [])
