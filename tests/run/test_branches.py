"""`gather`, `map` and `race`; checkpoints and their state; one-way messages."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from inverted import Cancelled, Run, StepError

from .fakes import Host, fail, perform, play


def twice(number: int) -> int:
    return 2 * number


def broken(number: int) -> int:
    raise ValueError(f"{number} is odd")


async def test_gather_gives_the_results_in_the_order_of_its_arguments() -> None:
    async def slowly(run: Run) -> str:
        await run.sleep(60)
        return "slow"

    async def body(run: Run) -> Any:
        return await run.gather(slowly(run), run.step(twice, 2), run.uuid())

    slow, number, name = await play(body, Host())
    assert (slow, number, len(str(name))) == ("slow", 4, 36)


async def test_gather_of_nothing_is_nothing() -> None:
    async def body(run: Run) -> Any:
        return [await run.gather(), await run.map(run.sample, [])]

    assert await play(body, Host()) == [[], []]


async def test_gather_fails_with_the_first_failure_after_the_others_cleaned_up() -> None:
    cleaned: list[str] = []

    async def other(run: Run) -> None:
        try:
            await run.sleep(60)
        except Cancelled:
            cleaned.append(await run.step(str, "cleaned"))
            raise

    async def body(run: Run) -> Any:
        try:
            await run.gather(other(run), run.step(broken, 3))
        except StepError as error:
            return [error.message, *cleaned[-1:]]

    assert await play(body, Host()) == ["Step broken failed: ValueError: 3 is odd", "cleaned"]


async def test_gather_may_return_failures_in_place() -> None:
    async def body(run: Run) -> Any:
        one, other = await run.gather(
            run.step(broken, 3), run.step(twice, 3), return_exceptions=True
        )
        return [type(one).__name__, other]

    assert await play(body, Host()) == ["StepError", 6]


async def test_map_runs_a_branch_for_each_item_up_to_the_limit() -> None:
    running: list[int] = []

    async def body(run: Run) -> Any:
        running.clear()
        most = 0

        async def one(number: int) -> int:
            nonlocal most
            running.append(number)
            most = max(most, len(running))
            value = await run.step(twice, number)
            running.remove(number)
            return value

        return [await run.map(one, range(5), limit=2), most]

    assert await play(body, Host()) == [[0, 2, 4, 6, 8], 2]


async def test_map_takes_any_iterable_and_runs_all_at_once_without_a_limit() -> None:
    async def body(run: Run) -> Any:
        return await run.map(lambda number: run.step(twice, number), iter([1, 2]))

    assert await play(body, Host()) == [2, 4]


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_of_nothing_is_refused(limit: int) -> None:
    async def body(run: Run) -> Any:
        await run.map(run.sample, ["a"], limit=limit)

    assert (await fail(body, Host())).message == f"limit must be at least 1, not {limit}."


async def test_race_takes_the_first_that_ends() -> None:
    async def after(run: Run, seconds: int) -> int:
        await run.sleep(seconds)
        return seconds

    async def body(run: Run) -> Any:
        return await run.race(after(run, 60), after(run, 5), after(run, 30))

    assert await play(body, Host()) == 5


async def test_race_takes_the_first_failure_too() -> None:
    async def body(run: Run) -> Any:
        await run.race(run.sleep(60), run.step(broken, 3))

    assert (await fail(body, Host())).message == "Step broken failed: ValueError: 3 is odd"


async def test_a_race_needs_a_branch() -> None:
    async def body(run: Run) -> Any:
        await run.race()

    assert (await fail(body, Host())).message == "run.race() needs at least one branch."


@pytest.mark.parametrize("verb", ["gather", "race"])
async def test_a_list_of_branches_is_refused_and_says_how_to_write_it(verb: str) -> None:
    async def body(run: Run) -> Any:
        branch = run.sleep(1)
        try:
            await getattr(run, verb)([branch])
        finally:
            branch.close()

    error = await fail(body, Host())
    assert error.type == "TypeError"
    assert "`run.gather(*branches)`" in error.message


async def test_branches_that_never_started_are_closed_without_a_warning() -> None:
    async def body(run: Run) -> Any:
        async def failing() -> None:
            raise ValueError("at once")

        try:
            await run.gather(failing(), run.step(twice, 1), run.step(twice, 2))
        except ValueError as error:
            return str(error)

    assert await play(body, Host()) == "at once"


class State(BaseModel):
    model_config = ConfigDict(strict=True)

    count: int = 0
    since: date = date(2026, 7, 28)


@dataclass
class Plain:
    count: int = 0


@pytest.mark.parametrize("kind", [State, Plain])
async def test_the_state_of_a_checkpoint_comes_back_typed(kind: type[Any]) -> None:
    async def body(run: Run) -> Any:
        state = run.restored(kind, kind())
        if state.count == 2:
            return state
        state.count += 1
        return await run.checkpoint(state)

    played = await perform(body, Host())
    assert played.returned == kind(count=2)
    assert len(played.lines) == 2  # the checkpoint and the end


async def test_a_state_of_none_is_a_state() -> None:
    async def body(run: Run) -> Any:
        if run.restored(str | None, "first") == "first":  # pyright: ignore[reportArgumentType]
            await run.checkpoint(None)
        return run.restored(type(None), None)

    assert await play(body, Host()) is None


async def test_a_state_that_is_no_json_is_refused() -> None:
    async def body(run: Run) -> Any:
        await run.checkpoint(object())

    assert "is not JSON-serialisable" in (await fail(body, Host())).message


async def test_a_checkpoint_in_a_branch_is_refused() -> None:
    async def body(run: Run) -> Any:
        await run.gather(run.checkpoint(1))

    assert "was awaited inside a branch" in (await fail(body, Host())).message


async def test_progress_and_log_messages_go_to_the_client() -> None:
    async def body(run: Run) -> None:
        await run.report_progress(1)
        await run.report_progress(2, 3, "nearly")
        await run.log("plain")
        await run.log("full", "notice", "tracker", {"a": 1})
        await run.debug("d")
        await run.info("i", "tracker")
        await run.warning("w", extra={"b": 2})
        await run.error("e")

    host = Host()
    await play(body, host)
    assert host.notices[:2] == [
        {"type": "progress", "progress": 1, "total": None, "message": None},
        {"type": "progress", "progress": 2, "total": 3, "message": "nearly"},
    ]
    said = [tuple(notice.values())[1:] for notice in host.notices[2:]]
    assert said == [
        ("info", "plain", None, None),
        ("notice", "full", "tracker", {"a": 1}),
        ("debug", "d", None, None),
        ("info", "i", "tracker", None),
        ("warning", "w", None, {"b": 2}),
        ("error", "e", None, None),
    ]
