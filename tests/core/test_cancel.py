"""Cancelling from outside: `Cancelled` is thrown where the body is parked, and cleanup counts."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from inverted.core.effects import Checkpoint, Effect, Fork, Kind
from inverted.core.journal import Failure
from inverted.core.machine import Machine
from inverted.errors import AgentError, Cancelled, StepError

BROKEN = Failure("StepError", "broken")


def ask(name: str) -> Effect:
    return Effect(Kind.STEP, {"name": name})


def both(*names: str) -> list[Callable[[], Awaitable[Any]]]:
    return [lambda name=name: ask(name) for name in names]


def begin(body: Callable[[], Coroutine[Any, Any, Any]]) -> Machine:
    machine = Machine(lambda _state: body())
    machine.start()
    return machine


def test_cancelled_is_raised_where_the_body_is_parked_and_ends_the_run() -> None:
    async def body() -> None:
        await ask("one")

    machine = begin(body)
    machine.cancel()

    assert machine.done
    assert isinstance(machine.error, Cancelled)
    assert machine.cancelled
    assert machine.withdrawn == ["1"]
    assert not machine.parked


def test_except_exception_does_not_swallow_a_cancellation() -> None:
    async def body() -> str:
        try:
            await ask("one")
        except Exception:  # noqa: BLE001 - what a careless agent writes
            return "swallowed"
        raise AssertionError

    machine = begin(body)
    machine.cancel()

    assert isinstance(machine.error, Cancelled)


def test_the_answer_to_a_withdrawn_effect_is_ignored() -> None:
    async def body() -> None:
        try:
            await ask("one")
        finally:
            await ask("cleanup")

    machine = begin(body)
    machine.cancel()

    assert not machine.deliver("1", "late")
    assert list(machine.parked) == ["2"]


def test_cleanup_may_await_effects_and_the_run_ends_after_it() -> None:
    async def body() -> None:
        try:
            await ask("one")
        finally:
            await ask("cleanup")

    machine = begin(body)
    machine.cancel()
    assert not machine.done

    machine.deliver("2", None)
    assert machine.done
    assert isinstance(machine.error, Cancelled)


def test_a_second_cancel_during_cleanup_is_ignored() -> None:
    async def body() -> str:
        try:
            await ask("one")
        except Cancelled:
            await Fork(both("undo", "tell"), "gather")
        return "cleaned up"

    machine = begin(body)
    machine.cancel()
    machine.cancel()
    assert list(machine.parked) == ["2.0.1", "2.1.1"]
    assert machine.withdrawn == ["1"]

    machine.deliver("2.0.1", None)
    machine.deliver("2.1.1", None)
    assert machine.result == "cleaned up"


def test_a_body_that_catches_cancelled_and_returns_completes_but_stays_marked() -> None:
    async def body() -> str:
        try:
            await ask("one")
        except Cancelled:
            return "partial"
        raise AssertionError

    machine = begin(body)
    machine.cancel()

    assert machine.result == "partial"
    assert machine.error is None
    assert machine.cancelled


def test_an_error_of_the_cleanup_replaces_the_cancellation() -> None:
    async def body() -> None:
        try:
            await ask("one")
        finally:
            await ask("cleanup")

    machine = begin(body)
    machine.cancel()
    machine.deliver("2", None, BROKEN)

    assert isinstance(machine.error, StepError)
    assert isinstance(machine.error.__context__, Cancelled)


def test_cancel_reaches_every_branch_of_nested_forks_in_order() -> None:
    seen: list[str] = []

    async def leaf(name: str) -> None:
        try:
            await ask(name)
        except Cancelled:
            seen.append(name)
            raise

    async def middle(name: str) -> None:
        try:
            await Fork([lambda: leaf(name + "0"), lambda: leaf(name + "1")], "collect")
        except Cancelled:
            seen.append(name)
            raise

    async def body() -> None:
        try:
            await Fork([lambda: middle("a"), lambda: leaf("b"), lambda: middle("c")], "race")
        except Cancelled:
            seen.append("body")
            raise

    machine = begin(body)
    machine.cancel()

    assert machine.withdrawn == ["1.0.1.0.1", "1.0.1.1.1", "1.1.1", "1.2.1.0.1", "1.2.1.1.1"]
    assert seen == ["a0", "a1", "b", "c0", "c1", "a", "c", "body"]
    assert isinstance(machine.error, Cancelled)


def test_the_body_is_cancelled_after_the_cleanup_of_its_branches() -> None:
    seen: list[str] = []

    async def careful() -> None:
        try:
            await ask("a")
        finally:
            await ask("undo")
            seen.append("undone")

    async def body() -> None:
        try:
            await Fork([careful, *both("b")], "gather")
        finally:
            seen.append("body")

    machine = begin(body)
    machine.cancel()
    assert list(machine.parked) == ["1.0.2"]

    machine.deliver("1.0.2", None)
    assert seen == ["undone", "body"]
    assert machine.done


def test_branches_that_swallow_their_cancellation_do_not_save_the_body_from_it() -> None:
    async def stubborn() -> str:
        try:
            await ask("a")
        except Cancelled:
            return "swallowed"
        raise AssertionError

    async def body() -> Any:
        return await Fork([stubborn, stubborn], "gather")

    machine = begin(body)
    machine.cancel()

    assert isinstance(machine.error, Cancelled)


def test_a_branch_that_swallows_its_cancellation_may_go_on_asking() -> None:
    async def stubborn() -> Any:
        try:
            await ask("a")
        except Cancelled:
            return await ask("a again")
        raise AssertionError

    async def body() -> Any:
        return await Fork([stubborn], "gather")

    machine = begin(body)
    machine.cancel()
    assert list(machine.parked) == ["1.0.2"]

    machine.deliver("1.0.2", "done")
    assert isinstance(machine.error, Cancelled)


def test_cancel_starts_no_more_children_of_a_limited_fork() -> None:
    async def body() -> None:
        await Fork(both("a", "b", "c"), "gather", limit=1)

    machine = begin(body)
    machine.cancel()

    assert machine.done
    assert [entry[0] for entry in machine.asked] == ["1.0.1"]


def test_cancel_while_a_failed_gather_cleans_up_keeps_the_failure_behind_it() -> None:
    async def careful() -> None:
        try:
            await ask("b")
        finally:
            await ask("undo")

    async def body() -> None:
        await Fork([*both("a"), careful], "gather")

    machine = begin(body)
    machine.deliver("1.0.1", None, BROKEN)
    machine.cancel()
    assert list(machine.parked) == ["1.1.2"]

    machine.deliver("1.1.2", None)
    assert isinstance(machine.error, Cancelled)
    assert isinstance(machine.error.__context__, StepError)


@pytest.mark.parametrize("failure", [None, BROKEN])
def test_cancel_while_a_won_race_cleans_up_replaces_the_result(failure: Failure | None) -> None:
    async def careful() -> None:
        try:
            await ask("b")
        finally:
            await ask("undo")

    async def body() -> Any:
        return await Fork([*both("a"), careful], "race")

    machine = begin(body)
    machine.deliver("1.0.1", "won")
    machine.cancel()
    machine.deliver("1.1.2", None, failure)

    assert isinstance(machine.error, Cancelled)
    assert isinstance(machine.error.__context__, StepError) == (failure is not None)


def test_errors_in_the_cleanup_of_cancelled_branches_are_kept_behind_the_cancellation() -> None:
    async def clumsy(name: str) -> None:
        try:
            await ask(name)
        finally:
            raise ValueError(name)

    async def body() -> None:
        await Fork([lambda: clumsy("a"), lambda: clumsy("b")], "gather")

    machine = begin(body)
    machine.cancel()

    assert isinstance(machine.error, Cancelled)
    first = machine.error.__context__
    assert isinstance(first, ValueError)
    assert str(first) == "a"
    assert first.__notes__ == ["While cancelling branch 1.1: ValueError('b')"]


def test_cancel_before_the_start_ends_the_run_without_running_the_body() -> None:
    seen: list[str] = []

    async def body() -> None:
        seen.append("ran")
        await ask("one")

    machine = Machine(lambda _state: body())
    machine.cancel()
    machine.start()

    assert machine.done
    assert isinstance(machine.error, Cancelled)
    assert seen == []


def test_cancel_after_the_end_changes_nothing() -> None:
    async def body() -> Any:
        return await ask("one")

    machine = begin(body)
    machine.deliver("1", 1)
    machine.cancel()

    assert machine.result == 1
    assert machine.error is None
    assert not machine.cancelled


def test_a_cancelled_run_takes_no_checkpoint_but_is_cancelled_again_there() -> None:
    async def body() -> None:
        try:
            await ask("one")
        except Cancelled:
            await Checkpoint({"escaped": True})

    machine = begin(body)
    machine.cancel()

    assert machine.done
    assert isinstance(machine.error, Cancelled)
    assert machine.cancelled
    assert machine.segment == 0


def test_a_branch_that_is_about_to_resume_is_cancelled_instead() -> None:
    seen: list[str] = []

    async def about_to_resume() -> None:
        try:
            await Fork([], "gather")
            seen.append("resumed")
        except Cancelled:
            seen.append("cancelled")
            raise

    async def failing() -> None:
        raise ValueError("at once")

    async def body() -> None:
        await Fork([about_to_resume, failing], "gather")

    machine = begin(body)

    assert isinstance(machine.error, ValueError)
    assert seen == ["cancelled"]


@pytest.mark.parametrize("mode", ["gather", "collect", "race"])
def test_a_branch_that_raises_cancelled_itself_is_treated_as_failed(mode: Any) -> None:
    async def quitting() -> None:
        await ask("a")
        raise Cancelled

    async def body() -> Any:
        return await Fork([quitting, *both("b")], mode)

    machine = begin(body)
    machine.deliver("1.0.1", None)

    if mode == "collect":
        machine.deliver("1.1.1", "b")
        assert isinstance(machine.result[0], Cancelled)
    else:
        assert isinstance(machine.error, Cancelled)
        assert machine.withdrawn == ["1.1.1"]
    assert not machine.cancelled


def test_a_failure_may_answer_an_effect_of_the_cleanup() -> None:
    async def body() -> str:
        try:
            await ask("one")
        except Cancelled:
            try:
                await ask("undo")
            except AgentError:
                return "could not undo"
        raise AssertionError

    machine = begin(body)
    machine.cancel()
    machine.deliver("2", None, BROKEN)

    assert machine.result == "could not undo"
