"""Virtual time: it stands while anything runs, and jumps when everything sleeps."""

from __future__ import annotations

import threading

import anyio
import anyio.to_thread
import pytest

from inverted.testing import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start=0.0)


@pytest.fixture
def by_hand() -> VirtualClock:
    return VirtualClock(start=0.0, jump=False)


async def test_sleepers_wake_in_the_order_of_their_deadlines(clock: VirtualClock) -> None:
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for name, seconds in (("third", 3600), ("first", 1), ("second", 60), ("also", 60)):
                tasks.start_soon(sleep, name, seconds)
    assert woken == [("first", 1), ("second", 60), ("also", 60), ("third", 3600)]
    assert clock.sleeping == 0


async def test_who_sleeps_again_is_not_overtaken(clock: VirtualClock) -> None:
    woken: list[float] = []

    async def often() -> None:
        for _ in range(4):
            await clock.sleep(1)
            woken.append(clock.now())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(often)
            await clock.sleep(2.5)
            woken.append(clock.now())
    assert woken == [1, 2, 2.5, 3, 4]


async def test_time_stands_while_a_function_runs_in_a_thread(clock: VirtualClock) -> None:
    may_end = threading.Event()
    ended_at: list[float] = []

    async def work() -> None:
        await anyio.to_thread.run_sync(lambda: may_end.wait(5))
        ended_at.append(clock.now())

    async def release() -> None:
        for _ in range(200):  # long enough for a clock that did not look at threads
            await anyio.lowlevel.checkpoint()
        may_end.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            tasks.start_soon(release)
            await clock.sleep(100)
    assert ended_at == [0]
    assert clock.now() == 100


async def test_no_sleep_takes_no_time(clock: VirtualClock) -> None:
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.now() == 0


async def test_a_sleeper_that_is_cancelled_does_not_move_the_clock(clock: VirtualClock) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(clock.sleep, 10)
            await anyio.lowlevel.checkpoint()
            assert clock.sleeping == 1
            tasks.cancel_scope.cancel()
        await clock.sleep(20)
    assert clock.now() == 20


async def test_callbacks_are_called_when_time_passes_them_and_not_before(
    clock: VirtualClock,
) -> None:
    called: list[tuple[str, float]] = []
    clock.call_later(5, lambda: called.append(("five", clock.now())))
    clock.call_later(50, lambda: called.append(("fifty", clock.now())))
    call_off = clock.call_later(6, lambda: called.append(("never", clock.now())))
    call_off()
    call_off()
    with anyio.fail_after(5):
        await clock.sleep(10)
    assert called == [("five", 5)]


async def test_time_can_be_moved_by_hand(by_hand: VirtualClock) -> None:
    woken: list[float] = []

    async def often() -> None:
        while True:
            await by_hand.sleep(10)
            woken.append(by_hand.now())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(often)
            await by_hand.advance(9)
            assert woken == []
            await by_hand.advance(26)
            assert woken == [10, 20, 30]
            assert by_hand.now() == 35
            tasks.cancel_scope.cancel()


async def test_by_hand_time_never_jumps(by_hand: VirtualClock) -> None:
    with anyio.move_on_after(0.05) as waited:
        await by_hand.sleep(1)
    assert waited.cancelled_caught
    assert by_hand.now() == 0
