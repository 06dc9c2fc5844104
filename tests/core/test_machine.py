"""Parking and delivering, ids, and dropping a run."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from inverted.core.effects import Checkpoint, Effect, Fork, Kind, Notice
from inverted.core.journal import Checkpointed, Failure
from inverted.core.machine import Machine
from inverted.errors import AgentError, StepError

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


# -- parking and delivering --------------------------------------------------------------------


def test_a_body_runs_to_its_first_effect_and_parks_there() -> None:
    async def body() -> None:
        await ask("one")

    machine = begin(body)

    assert asked(machine) == {"1": "one"}
    assert list(machine.parked) == ["1"]
    assert not machine.done


def test_an_answer_is_the_value_of_the_await() -> None:
    async def body() -> Any:
        return await ask("one")

    machine = begin(body)

    assert machine.deliver("1", {"x": 1})
    assert machine.done
    assert machine.result == {"x": 1}
    assert machine.error is None
    assert not machine.parked


def test_a_failure_is_raised_at_the_await_with_its_type_message_and_data() -> None:
    async def body() -> tuple[str, str]:
        try:
            await ask("one")
        except StepError as error:
            return error.error_type, error.message
        raise AssertionError

    machine = begin(body)
    machine.deliver("1", None, BROKEN)

    assert machine.result == ("OSError", "broken")


def test_a_failure_that_nobody_catches_ends_the_run_with_it() -> None:
    async def body() -> None:
        await ask("one")

    machine = begin(body)
    machine.deliver("1", None, BROKEN)

    assert machine.done
    assert isinstance(machine.error, StepError)


def test_a_body_that_never_awaits_is_done_at_once() -> None:
    async def body() -> int:
        return 7

    machine = begin(body)

    assert machine.done
    assert machine.result == 7
    assert machine.asked == []


def test_a_body_that_raises_before_any_await_ends_with_that_error() -> None:
    async def body() -> None:
        raise ValueError("at once")

    machine = begin(body)

    assert machine.done
    assert repr(machine.error) == "ValueError('at once')"


def test_an_answer_to_an_unknown_id_changes_nothing() -> None:
    async def body() -> Any:
        return await ask("one")

    machine = begin(body)

    assert not machine.deliver("2", "x")
    assert not machine.done
    assert list(machine.parked) == ["1"]


def test_a_second_answer_to_the_same_effect_changes_nothing() -> None:
    async def body() -> list[Any]:
        return [await ask("one"), await ask("two")]

    machine = begin(body)

    assert machine.deliver("1", "first")
    assert not machine.deliver("1", "again")
    assert machine.deliver("2", "second")
    assert machine.result == ["first", "second"]


def test_one_effect_object_that_is_awaited_twice_is_asked_twice() -> None:
    async def body() -> list[Any]:
        effect = ask("same")
        return [await effect, await effect]

    machine = begin(body)
    machine.deliver("1", 1)
    machine.deliver("2", 2)

    assert asked(machine) == {"1": "same", "2": "same"}
    assert machine.result == [1, 2]


def test_notices_are_collected_in_order_and_do_not_park_the_body() -> None:
    async def body() -> None:
        await Notice({"progress": 1})
        await ask("one")
        await Notice({"progress": 2})

    machine = begin(body)
    assert machine.notices == [{"progress": 1}]

    machine.notices.clear()
    machine.deliver("1", None)
    assert machine.notices == [{"progress": 2}]
    assert machine.done


def test_notices_take_no_number_of_the_branch() -> None:
    async def body() -> None:
        await Notice({})
        await ask("one")

    assert list(begin(body).parked) == ["1"]


def test_keyboard_interrupt_passes_through_and_the_run_can_still_be_closed() -> None:
    seen: list[str] = []

    async def interrupted() -> None:
        await ask("one")
        raise KeyboardInterrupt

    async def sibling() -> None:
        try:
            await ask("two")
        finally:
            seen.append("sibling closed")

    async def body() -> None:
        await Fork([interrupted, sibling], "gather")

    machine = begin(body)

    with pytest.raises(KeyboardInterrupt):
        machine.deliver("1.0.1", None)
    machine.close()
    assert seen == ["sibling closed"]


def test_nothing_happens_to_a_run_that_was_closed_after_an_interrupt() -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt

    seen: list[str] = []

    async def never_started() -> None:
        seen.append("started")

    async def body() -> None:
        await Fork([interrupted, never_started], "gather")

    machine = Machine(lambda _state: body())
    with pytest.raises(KeyboardInterrupt):
        machine.start()
    machine.close()
    machine.cancel()

    assert seen == []
    assert not machine.done


# -- ids ---------------------------------------------------------------------------------------


def test_ids_number_the_effects_of_the_body_from_one() -> None:
    async def body() -> None:
        await ask("one")
        await ask("two")

    machine = begin(body)
    machine.deliver("1", None)

    assert asked(machine) == {"1": "one", "2": "two"}


def test_the_id_in_a_branch_is_the_number_of_the_fork_then_of_the_child_then_its_own() -> None:
    async def child() -> None:
        await ask("a")
        await ask("b")

    async def body() -> None:
        await ask("first")
        await Fork([*both("x"), child], "gather")
        await ask("last")

    machine = begin(body)
    for id in ("1", "2.0.1", "2.1.1", "2.1.2"):
        assert machine.deliver(id, None)

    assert asked(machine) == {"1": "first", "2.0.1": "x", "2.1.1": "a", "2.1.2": "b", "3": "last"}


def test_ids_of_nested_forks_carry_the_whole_path() -> None:
    async def inner() -> None:
        await Fork(both("a", "b"), "gather")

    async def body() -> None:
        await Fork([inner, inner], "gather")

    assert list(begin(body).parked) == ["1.0.1.0.1", "1.0.1.1.1", "1.1.1.0.1", "1.1.1.1.1"]


def test_after_a_checkpoint_ids_begin_with_its_number() -> None:
    async def body(state: Any) -> None:
        if state is None:
            await ask("one")
            await Checkpoint({"n": 1})
        await Fork(both("two"), "gather")
        await ask("three")

    machine = Machine(body)
    machine.start()
    machine.deliver("1", None)
    machine.deliver("1~1.0.1", None)

    assert asked(machine) == {"1": "one", "1~1.0.1": "two", "1~2": "three"}


# -- the end -----------------------------------------------------------------------------------


def test_close_runs_cleanup_of_every_branch_but_serves_no_effect() -> None:
    seen: list[str] = []

    async def child(name: str) -> None:
        try:
            await ask(name)
        finally:
            seen.append(name)
            await ask("cleanup")
            seen.append("served")

    async def body() -> None:
        try:
            await Fork([lambda: child("a"), lambda: child("b")], "gather")
        finally:
            seen.append("body")

    machine = begin(body)
    asked(machine)
    machine.close()

    assert seen == ["b", "a", "body"]
    assert asked(machine) == {}
    assert not machine.done


def test_close_shows_a_caller_no_error_when_cleanup_inside_a_function_awaits() -> None:
    seen: list[str] = []

    async def careful() -> None:
        try:
            try:
                await ask("one")
            finally:
                await ask("first cleanup")
        finally:
            await ask("second cleanup")

    async def body() -> None:
        try:
            await careful()
        except Exception as error:  # noqa: BLE001 - an agent that logs whatever went wrong
            seen.append(repr(error))

    begin(body).close()

    assert seen == []


def test_close_passes_over_cleanup_that_raises() -> None:
    seen: list[str] = []

    async def clumsy() -> None:
        try:
            await ask("one")
        finally:
            raise ValueError("dropped the plates")

    async def body() -> None:
        try:
            await Fork([clumsy], "gather")
        finally:
            seen.append("body")

    begin(body).close()

    assert seen == ["body"]


def test_close_gives_up_on_a_body_that_never_ends() -> None:
    rounds = 0

    async def body() -> None:
        nonlocal rounds
        while True:
            try:
                await ask("again")
            except BaseException:
                rounds += 1
                if rounds == 1500:
                    raise

    machine = begin(body)
    machine.close()
    assert rounds == 1000
    machine.close()
    assert rounds == 1500


def test_nothing_can_be_done_to_a_closed_run() -> None:
    async def body() -> None:
        await Fork(both("a", "b"), "gather")

    machine = begin(body)
    machine.close()
    machine.cancel()
    machine.close()

    assert not machine.deliver("1.0.1", None)
    assert machine.withdrawn == []


def test_an_abandoned_run_has_ended_with_the_given_error() -> None:
    async def body() -> None:
        await Fork(both("a", "b"), "gather")

    machine = begin(body)
    machine.abandon(AgentError("too much"))

    assert machine.done
    assert repr(machine.error) == "AgentError('too much')"
    assert not machine.parked
