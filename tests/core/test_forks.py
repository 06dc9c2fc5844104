"""The ways to join branches: gather, collect, race; limits, depth and length."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from inverted.core.effects import Effect, Fork, Kind
from inverted.core.journal import Checkpointed, Failure
from inverted.core.machine import Machine
from inverted.errors import Cancelled, StepError

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


# -- gather ------------------------------------------------------------------------------------


def test_gather_returns_results_in_the_order_of_its_children_not_of_the_answers() -> None:
    async def body() -> Any:
        return await Fork(both("a", "b", "c"), "gather")

    machine = begin(body)
    for id in ("1.2.1", "1.0.1", "1.1.1"):
        machine.deliver(id, id)

    assert machine.result == ["1.0.1", "1.1.1", "1.2.1"]


def test_gather_of_nothing_is_an_empty_list() -> None:
    async def body() -> Any:
        return await Fork([], "gather")

    assert begin(body).result == []


def test_gather_raises_the_first_failure_in_the_order_of_delivery() -> None:
    async def body() -> None:
        await Fork(both("a", "b"), "gather")

    machine = begin(body)
    machine.deliver("1.1.1", None, Failure("AgentError", "b failed first"))

    assert str(machine.error) == "b failed first"


def test_a_failure_withdraws_what_the_siblings_asked_and_late_answers_are_ignored() -> None:
    async def body() -> None:
        try:
            await Fork(both("a", "b", "c"), "gather")
        except StepError:
            await ask("after")

    machine = begin(body)
    machine.deliver("1.1.1", None, BROKEN)

    assert machine.withdrawn == ["1.0.1", "1.2.1"]
    assert list(machine.parked) == ["2"]
    assert not machine.deliver("1.0.1", "late")
    assert list(machine.parked) == ["2"]


def test_the_parent_resumes_only_after_the_cleanup_of_every_sibling() -> None:
    seen: list[str] = []

    async def careful(name: str) -> None:
        try:
            await ask(name)
        except Cancelled:
            await ask(f"undo {name}")
            seen.append(f"undid {name}")
            raise

    async def body() -> None:
        try:
            await Fork([*both("x"), lambda: careful("y"), lambda: careful("z")], "gather")
        except StepError:
            seen.append("parent")

    machine = begin(body)
    asked(machine)
    machine.deliver("1.0.1", None, BROKEN)
    assert asked(machine) == {"1.1.2": "undo y", "1.2.2": "undo z"}

    machine.deliver("1.2.2", None)
    assert not machine.done
    machine.deliver("1.1.2", None)
    assert machine.done
    assert seen == ["undid z", "undid y", "parent"]


def test_a_sibling_that_swallows_its_cancellation_does_not_change_the_outcome() -> None:
    async def stubborn() -> str:
        try:
            await ask("b")
        except Cancelled:
            return "swallowed"
        raise AssertionError

    async def body() -> None:
        await Fork([*both("a"), stubborn], "gather")

    machine = begin(body)
    machine.deliver("1.0.1", None, BROKEN)

    assert isinstance(machine.error, StepError)


def test_an_error_in_the_cleanup_of_a_sibling_is_a_note_on_the_first_failure() -> None:
    async def clumsy() -> None:
        try:
            await ask("b")
        finally:
            raise ValueError("dropped the plates")

    async def body() -> None:
        await Fork([*both("a"), clumsy], "gather")

    machine = begin(body)
    machine.deliver("1.0.1", None, BROKEN)

    assert isinstance(machine.error, StepError)
    assert machine.error.__notes__ == [
        "While cancelling branch 1.1: ValueError('dropped the plates')"
    ]


def test_a_child_that_fails_before_its_siblings_started_keeps_them_from_starting() -> None:
    started: list[str] = []

    async def failing() -> None:
        raise ValueError("at once")

    async def sibling() -> None:
        started.append("sibling")
        await ask("never")

    async def body() -> None:
        await Fork([failing, sibling], "gather")

    machine = begin(body)

    assert repr(machine.error) == "ValueError('at once')"
    assert started == []
    assert machine.asked == []


def test_a_child_that_fails_at_once_withdraws_what_an_earlier_sibling_asked() -> None:
    async def failing() -> None:
        raise ValueError("at once")

    async def body() -> None:
        await Fork([*both("a"), failing], "gather")

    machine = begin(body)

    assert asked(machine) == {"1.0.1": "a"}
    assert machine.withdrawn == ["1.0.1"]
    assert machine.done


def test_a_child_that_cannot_even_be_made_fails_like_any_other() -> None:
    def make() -> Awaitable[None]:
        raise LookupError("no such child")

    async def body() -> None:
        await Fork([make], "gather")

    assert repr(begin(body).error) == "LookupError('no such child')"


def test_the_same_failure_goes_up_through_nested_forks() -> None:
    async def inner() -> None:
        await Fork(both("a", "b"), "gather")

    async def body() -> None:
        await Fork([inner, *both("c")], "gather")

    machine = begin(body)
    machine.deliver("1.0.1.1.1", None, BROKEN)

    assert isinstance(machine.error, StepError)
    assert machine.withdrawn == ["1.0.1.0.1", "1.1.1"]


# -- collect -----------------------------------------------------------------------------------


def test_collect_returns_failures_among_the_results_and_cancels_nobody() -> None:
    async def body() -> Any:
        return await Fork(both("a", "b", "c"), "collect")

    machine = begin(body)
    machine.deliver("1.1.1", None, BROKEN)
    assert list(machine.parked) == ["1.0.1", "1.2.1"]
    machine.deliver("1.2.1", "c")
    machine.deliver("1.0.1", "a")

    assert [type(each) for each in machine.result] == [str, StepError, str]
    assert machine.withdrawn == []


# -- race --------------------------------------------------------------------------------------


def test_race_returns_the_first_result_and_withdraws_the_rest() -> None:
    async def body() -> Any:
        return await Fork(both("a", "b", "c"), "race")

    machine = begin(body)
    machine.deliver("1.1.1", "b")

    assert machine.result == "b"
    assert machine.withdrawn == ["1.0.1", "1.2.1"]


def test_race_can_be_won_by_none() -> None:
    async def body() -> Any:
        return ["won", await Fork(both("a", "b"), "race")]

    machine = begin(body)
    machine.deliver("1.0.1", None)

    assert machine.result == ["won", None]


def test_race_raises_when_a_failure_comes_first() -> None:
    async def body() -> Any:
        return await Fork(both("a", "b"), "race")

    machine = begin(body)
    machine.deliver("1.0.1", None, BROKEN)

    assert isinstance(machine.error, StepError)
    assert machine.withdrawn == ["1.1.1"]


def test_race_waits_for_the_cleanup_of_the_losers_and_keeps_the_result_of_the_winner() -> None:
    async def loser() -> None:
        try:
            await ask("slow")
        finally:
            await ask("undo")
            raise ValueError("lost and clumsy")

    async def body() -> Any:
        return await Fork([*both("fast"), loser], "race")

    machine = begin(body)
    machine.deliver("1.0.1", "won")
    assert not machine.done

    machine.deliver("1.1.2", None)
    assert machine.result == "won"


# -- limits, depth, length ---------------------------------------------------------------------


def test_a_limit_starts_children_in_order_as_others_end() -> None:
    started: list[int] = []

    async def child(number: int) -> int:
        started.append(number)
        await ask(f"item {number}")
        return number

    async def body() -> Any:
        return await Fork([lambda n=n: child(n) for n in range(5)], "gather", limit=2)

    machine = begin(body)
    assert started == [0, 1]

    machine.deliver("1.1.1", None)
    assert started == [0, 1, 2]
    machine.deliver("1.2.1", None)
    machine.deliver("1.0.1", None)
    assert list(machine.parked) == ["1.3.1", "1.4.1"]
    machine.deliver("1.4.1", None)
    machine.deliver("1.3.1", None)
    assert machine.result == [0, 1, 2, 3, 4]


def test_a_limit_above_the_number_of_children_starts_them_all() -> None:
    async def body() -> Any:
        return await Fork(both("a", "b"), "gather", limit=9)

    assert list(begin(body).parked) == ["1.0.1", "1.1.1"]


def test_a_failure_under_a_limit_keeps_the_rest_from_starting() -> None:
    async def body() -> Any:
        return await Fork(both("a", "b", "c"), "gather", limit=1)

    machine = begin(body)
    machine.deliver("1.0.1", None, BROKEN)

    assert machine.done
    assert asked(machine) == {"1.0.1": "a"}


def test_children_that_never_park_under_a_limit_all_run() -> None:
    async def child(number: int) -> int:
        return number

    async def body() -> Any:
        return await Fork([lambda n=n: child(n) for n in range(10_000)], "gather", limit=1)

    assert begin(body).result == list(range(10_000))


def test_ten_thousand_forks_in_a_row_that_never_park_need_no_stack() -> None:
    async def child() -> int:
        return 1

    async def body() -> int:
        total = 0
        for _ in range(10_000):
            total += sum(await Fork([child], "gather"))
            await Fork([], "collect")
        return total

    assert begin(body).result == 10_000


@pytest.mark.parametrize("end", ["answer", "failure", "cancel", "close"])
def test_forks_may_nest_deeper_than_the_stack(end: str) -> None:
    async def level(depth: int) -> Any:
        if depth == 0:
            return await ask("bottom")
        return await Fork([lambda: level(depth - 1)], "race")

    machine = begin(lambda: level(3000))
    (id,) = machine.parked
    match end:
        case "answer":
            machine.deliver(id, "up")
            assert machine.result == "up"
        case "failure":
            machine.deliver(id, None, BROKEN)
            assert isinstance(machine.error, StepError)
        case "cancel":
            machine.cancel()
            assert isinstance(machine.error, Cancelled)
        case _:
            machine.close()
            assert not machine.parked
