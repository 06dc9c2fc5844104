"""A checkpoint starts the body again, from a state and in a fresh journal segment."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, cast

import pytest

from inverted.core.effects import Checkpoint, Effect, Fork, Kind
from inverted.core.journal import Checkpointed, Failure
from inverted.core.machine import Machine
from inverted.errors import AgentCodeError

BROKEN = Failure("StepError", "broken", {"error_type": "OSError"})


def ask(name: str) -> Effect:
    return Effect(Kind.STEP, {"name": name})


def both(*names: str) -> list[Callable[[], Awaitable[Any]]]:
    return [lambda name=name: ask(name) for name in names]


def begin(body: Callable[[], Coroutine[Any, Any, Any]]) -> Machine:
    machine = Machine(lambda _state: body())
    machine.start()
    return machine


def asked(machine: Machine) -> dict[str, str]:
    """What was asked since the last look: the name of each question by its id."""
    taken = {
        entry[0]: entry[1].question["name"]
        for entry in machine.asked
        if not isinstance(entry, Checkpointed)
    }
    machine.asked.clear()
    return taken


async def counting(state: Any) -> Any:
    state = state or {"n": 0}
    state["n"] += await ask(f"count {state['n']}")
    if state["n"] < 3:
        await Checkpoint(state)
    return state


def test_a_checkpoint_starts_the_body_again_from_its_state() -> None:
    machine = Machine(counting)
    machine.start()
    machine.deliver("1", 1)
    machine.deliver("1~1", 1)
    assert list(machine.parked) == ["2~1"]
    machine.deliver("2~1", 1)

    assert machine.result == {"n": 3}


def test_a_checkpoint_is_handed_out_among_what_was_asked() -> None:
    machine = Machine(counting)
    machine.start()
    machine.asked.clear()
    machine.deliver("1", 1)

    assert machine.asked[0] == Checkpointed(1, {"n": 1})
    assert machine.asked[1][0] == "1~1"
    assert machine.segment == 1


def test_a_body_that_changes_its_state_does_not_change_the_checkpoint() -> None:
    async def body(state: Any) -> None:
        if state is None:
            await Checkpoint(["old"])
        cast("list[str]", state).append("new")
        await ask("one")

    machine = Machine(body)
    machine.start()

    assert machine.asked[0] == Checkpointed(1, ["old"])


def test_a_run_restored_from_a_checkpoint_goes_on_with_its_numbers() -> None:
    machine = Machine(counting, {"n": 1}, 4)
    machine.start()
    assert list(machine.parked) == ["4~1"]

    machine.deliver("4~1", 1)
    assert list(machine.parked) == ["5~1"]


def test_many_checkpoints_in_a_row_need_no_stack() -> None:
    async def body(state: Any) -> int:
        if (state or 0) < 5000:
            await Checkpoint((state or 0) + 1)
        return state

    machine = Machine(body)
    machine.start()

    assert machine.result == 5000


def test_a_checkpoint_in_a_branch_is_refused_at_that_line() -> None:
    async def child() -> str:
        try:
            await Checkpoint({})
        except AgentCodeError as error:
            return str(error)
        raise AssertionError

    async def body() -> Any:
        return await Fork([child], "gather")

    (message,) = begin(body).result
    assert "inside a branch of gather, map or race" in message


def test_a_checkpoint_runs_plain_cleanup_of_the_body_that_it_leaves() -> None:
    seen: list[str] = []

    async def body(state: Any) -> None:
        if state is None:
            try:
                await Checkpoint(1)
            finally:
                seen.append("left")
        seen.append("entered")

    machine = Machine(body)
    machine.start()

    assert machine.done
    assert machine.error is None
    assert seen == ["left", "entered"]


@pytest.mark.parametrize(
    ("cleanup", "cause"),
    [
        ("awaits", "RuntimeError('coroutine ignored GeneratorExit')"),
        ("raises", "ValueError('dropped the plates')"),
        ("awaits raises", "RuntimeError('coroutine ignored GeneratorExit')"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_checkpoint_whose_cleanup_awaits_or_raises_ends_the_run_with_an_error(
    cleanup: str, cause: str, *, nested: bool
) -> None:
    async def save() -> None:
        try:
            await Checkpoint(1)
        finally:
            try:
                if "awaits" in cleanup:
                    await ask("cleanup")
            finally:
                if "raises" in cleanup:
                    raise ValueError("dropped the plates")

    async def outer() -> None:
        await save()

    machine = begin(outer if nested else save)

    assert isinstance(machine.error, AgentCodeError)
    assert "Take the checkpoint outside of it" in str(machine.error)
    assert repr(machine.error.__cause__) == cause
    assert machine.asked == []
