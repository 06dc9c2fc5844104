from __future__ import annotations

from typing import Any

import pytest

from inverted import Run
from inverted.patterns import Specialist, handoff
from inverted.testing import text, tool_calls
from tests.patterns.everywhere import asked, echo, everywhere, once

looked: list[str] = []


def look_up(order: str) -> str:
    """Look up an order."""
    looked.append(order)
    return f"{order} is late"


AGENTS = {
    "triage": Specialist("You are triage.", "sorts what comes in"),
    "orders": Specialist("You are orders.", "knows orders", tools=[look_up], to=["refunds"]),
    "refunds": Specialist("You are refunds.", "pays money back", to=[]),
}


async def body(run: Run) -> list[object]:
    done = await handoff(run, AGENTS, "triage", "Where is A1?", hops=2)
    return [done.text, list(done.path), len(done.history)]


def playing(*, after_look: str = "transfer_to_refunds") -> Any:
    """Triage passes to orders, which looks up and passes on, to refunds, which answers."""

    def model(params: dict[str, Any]) -> Any:
        offered = [tool["name"] for tool in params.get("tools", ())]
        match params["systemPrompt"]:
            case "You are triage.":
                assert offered == ["transfer_to_orders", "transfer_to_refunds"]
                return tool_calls(("transfer_to_orders", {}))
            case "You are orders.":
                assert offered == ["look_up", "transfer_to_refunds"]
                if "A1 is late" in str(params["messages"]):
                    return tool_calls((after_look, {}))
                return tool_calls(("look_up", {"order": "A1"}))
            case _:
                assert offered == []
                return text(f"Paid back, after {len(params['messages'])} messages.")

    return model


async def test_control_passes_by_tool_calls_and_the_history_is_shared() -> None:
    outcome = await everywhere(body, playing())
    path = ["triage", "orders", "refunds"]
    assert outcome.result == ["Paid back, after 7 messages.", path, 8]


async def test_a_tool_runs_once_whatever_is_replayed() -> None:
    looked.clear()
    await once(body, playing())
    assert looked == ["A1"]


async def test_the_first_of_several_transfers_counts() -> None:
    def model(params: dict[str, Any]) -> Any:
        if params["systemPrompt"] == "You are triage.":
            return tool_calls(("transfer_to_refunds", {}), ("transfer_to_orders", {}))
        return text(str(params["messages"][-1]["content"][1]["content"]))

    outcome = await everywhere(body, model)
    said, path, _ = outcome.result
    assert path == ["triage", "refunds"]
    assert "Not done: control goes to refunds, who was called first." in said


async def test_whoever_has_control_after_the_last_hop_is_offered_no_other() -> None:
    async def short(run: Run) -> list[object]:
        done = await handoff(run, AGENTS, "triage", "Where is A1?", hops=1)
        return [done.text, list(done.path)]

    def model(params: dict[str, Any]) -> Any:
        if params["systemPrompt"] == "You are triage.":
            return tool_calls(("transfer_to_orders", {}))
        assert [tool["name"] for tool in params["tools"]] == ["look_up"]
        return text("It is late.")

    assert (await everywhere(short, model)).result == ["It is late.", ["triage", "orders"]]


async def test_a_transfer_to_nobody_is_told_to_the_model_and_ends_at_the_turns() -> None:
    async def short(run: Run) -> str:
        return (await handoff(run, AGENTS, "orders", "Where is A1?", turns=3)).text

    outcome = await everywhere(short, lambda params: tool_calls(("transfer_to_nobody", {})))
    assert outcome.is_error
    assert "did not give an answer within turns=3; control went orders" in outcome.result
    assert "There is no tool named 'transfer_to_nobody'" in str(outcome.questions[1].params)
    assert outcome.questions[-1].params["toolChoice"] == {"mode": "none"}


@pytest.mark.parametrize(
    ("agents", "start", "bounds", "says"),
    [
        (AGENTS, "nobody", {}, "No specialist is called 'nobody'"),
        ({"a": Specialist("", "", to=["b"])}, "a", {}, "No specialist is called 'b'"),
        ({"the cook": Specialist("", "")}, "the cook", {}, "'the cook' cannot be the name"),
        (AGENTS, "triage", {"hops": -1}, "hops must be at least 0"),
        (AGENTS, "triage", {"turns": 0}, "turns must be at least 1"),
    ],
)
async def test_wrong_names_and_bounds_are_refused_before_anything_is_asked(
    agents: dict[str, Specialist], start: str, bounds: dict[str, int], says: str
) -> None:
    async def wrong(run: Run) -> str:
        with pytest.raises(ValueError, match=says):
            await handoff(run, agents, start, "task", **bounds)
        return "refused"

    outcome = await once(wrong, echo)
    assert (outcome.result, asked(outcome)) == ("refused", [])
