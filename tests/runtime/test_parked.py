"""Parked runs: kept in memory while that is right, else replayed from the store."""

from __future__ import annotations

import pytest

from inverted import Limits, Run
from inverted.core.journal import Entry
from inverted.errors import LimitExceeded
from inverted.runtime import Runtime, live
from inverted.runtime.ladders import Mode
from inverted.stores import Store

from .fakes import Rounds, agent, ask, parked, result


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of entries of each replay."""
    seen: list[int] = []
    replay = live.replay

    def counting(body: live.Machine, entries: list[Entry]) -> object:
        seen.append(len(entries))
        return replay(body, entries)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(live, "replay", counting)
    return seen


async def two(run: Run) -> list[str]:
    return [await ask("a"), await ask("b")]


async def test_a_parked_run_continues_from_memory(store: Store, replays: list[int]) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(two), {}, Rounds())).run_id
    await runtime.resume(agent(two), run_id, {"1": "a"}, Rounds())
    assert result(await runtime.resume(agent(two), run_id, {"2": "b"}, Rounds())) == ["a", "b"]
    assert replays == []


async def test_without_hot_runs_every_request_replays(store: Store, replays: list[int]) -> None:
    runtime = Runtime(store, hot_runs=0)
    run_id = (await runtime.begin(agent(two), {}, Rounds())).run_id
    await runtime.resume(agent(two), run_id, {"1": "a"}, Rounds())
    assert result(await runtime.resume(agent(two), run_id, {"2": "b"}, Rounds())) == ["a", "b"]
    assert replays == [2, 4]


async def test_the_run_that_waits_longest_leaves_memory_first(
    store: Store, replays: list[int]
) -> None:
    runtime = Runtime(store, hot_runs=2)
    ids = [(await runtime.begin(agent(two), {}, Rounds())).run_id for _ in range(3)]
    for id in ids[1:]:
        await runtime.resume(agent(two), id, {"1": "a"}, Rounds())
    assert replays == []
    await runtime.resume(agent(two), ids[0], {"1": "a"}, Rounds())
    assert replays == [2]


async def test_a_copy_in_memory_is_dropped_when_another_process_moved_the_run(
    store: Store, replays: list[int]
) -> None:
    one, other = Runtime(store), Runtime(store)
    run_id = (await one.begin(agent(two), {}, Rounds())).run_id
    assert parked(await other.resume(agent(two), run_id, {"1": "other"}, Rounds())) == ["2"]
    assert replays == [2]

    assert parked(await one.resume(agent(two), run_id, {"1": "late"}, Rounds())) == ["2"]
    assert replays == [2, 4]
    assert result(await one.resume(agent(two), run_id, {"2": "b"}, Rounds())) == ["other", "b"]
    # The other's copy stands before the end.
    assert result(await other.resume(agent(two), run_id, {"2": "late"}, Rounds())) == ["other", "b"]


async def test_dropping_a_copy_does_not_cancel_the_run(store: Store) -> None:
    cancelled: list[bool] = []

    async def body(run: Run) -> str:
        try:
            return await ask("a")
        except BaseException as error:
            cancelled.append(not isinstance(error, GeneratorExit))
            raise

    runtime = Runtime(store, hot_runs=0)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    assert result(await runtime.resume(agent(body), run_id, {"1": "a"}, Rounds())) == "a"
    assert cancelled == [False]


async def test_an_error_in_a_leg_drops_the_copy_and_the_store_decides(
    store: Store, replays: list[int]
) -> None:
    class Gone(Rounds):
        mode: Mode = "ask"

    async def body(run: Run) -> list[str]:
        return [await ask("a"), await ask("b")]

    async def hang_up(question: object) -> object:
        raise ConnectionError("the client is gone")

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    with pytest.raises(ConnectionError, match="the client is gone"):
        await runtime.resume(agent(body), run_id, {"1": "a"}, Gone(hang_up))  # pyright: ignore[reportArgumentType]
    assert replays == []
    outcome = await runtime.resume(agent(body), run_id, {"2": "b"}, Rounds())
    assert result(outcome) == ["a", "b"]
    assert replays == [4]


async def test_a_run_that_may_not_start_now_leaves_no_open_body(store: Store) -> None:
    closed: list[str] = []

    async def body(run: Run) -> str:
        try:
            return await ask("a")
        finally:
            closed.append("closed")
            await ask("cleanup")

    runtime = Runtime(store)
    with pytest.raises(LimitExceeded, match="0 runs in progress"):
        await runtime.begin(agent(body, limits=Limits(concurrent=0)), {}, Rounds())
    assert closed == ["closed"]
