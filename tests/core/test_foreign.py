"""Awaiting anything but the run raises at that line and says what to use instead.

The bodies are stepped inside a running event loop, as the runtime does it, so that an unretrieved
exception or a task left behind would be seen.
"""

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from inverted.core.effects import Effect, Fork, Kind
from inverted.core.machine import Machine
from inverted.errors import ForeignAwaitError


def ask(name: str) -> Effect:
    return Effect(Kind.STEP, {"name": name})


def begin(body: Callable[[], Coroutine[Any, Any, Any]]) -> Machine:
    machine = Machine(lambda _state: body())
    machine.start()
    return machine


class Odd:
    """Yields something of no known kind."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield "odd"


async def fast() -> None:
    await ask("inside a task")


FOREIGN: dict[str, tuple[Callable[[], Awaitable[Any]], str]] = {
    "asyncio.sleep(0)": (lambda: asyncio.sleep(0), "await run.sleep(...)"),
    "asyncio.sleep(1)": (lambda: asyncio.sleep(1), "await run.sleep(seconds)"),
    "anyio's checkpoint": (anyio.lowlevel.checkpoint, "await run.sleep(...)"),
    "anyio.sleep(1)": (lambda: anyio.sleep(1), "await run.sleep(seconds)"),
    "a future": (lambda: asyncio.get_running_loop().create_future(), "run.step(function, ...)"),
    "a task": (lambda: asyncio.create_task(fast()), "run.step(function, ...)"),
    "an event": (lambda: asyncio.Event().wait(), "run.step(function, ...)"),
    "asyncio.gather": (lambda: asyncio.gather(fast(), fast()), "await run.gather(...)"),
    "an unknown awaitable": (Odd, "builtins.str"),
}


@pytest.fixture
async def unhandled() -> list[dict[str, Any]]:
    """What the event loop reports as lost."""
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, report: reports.append(report))
    return reports


async def settled() -> None:
    """Let cancelled tasks end, and have forgotten ones reported."""
    current = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not current]
    if others:
        await asyncio.wait(others, timeout=5)
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)


@pytest.mark.parametrize("what", FOREIGN)
async def test_a_foreign_await_raises_at_its_line_and_names_the_way_out(
    what: str, unhandled: list[dict[str, Any]]
) -> None:
    make, hint = FOREIGN[what]

    async def body() -> None:
        await make()

    machine = begin(body)
    assert isinstance(machine.error, ForeignAwaitError)
    assert hint in str(machine.error)
    frames = traceback.extract_tb(machine.error.__traceback__)
    assert any(frame.line == "await make()" for frame in frames)

    await settled()
    assert unhandled == []


@pytest.mark.parametrize("what", FOREIGN)
async def test_the_body_may_catch_a_foreign_await_and_go_on(
    what: str, unhandled: list[dict[str, Any]]
) -> None:
    make, _ = FOREIGN[what]

    async def body() -> Any:
        try:
            await make()
        except ForeignAwaitError:
            return await ask("instead")
        raise AssertionError

    machine = begin(body)
    machine.deliver("1", "went on")
    assert machine.result == "went on"

    await settled()
    assert unhandled == []


async def test_a_foreign_await_in_a_branch_fails_the_gather() -> None:
    async def child() -> None:
        await asyncio.sleep(1)

    async def body() -> None:
        await Fork([lambda: ask("a"), child], "gather")

    machine = begin(body)

    assert isinstance(machine.error, ForeignAwaitError)
    assert machine.withdrawn == ["1.0.1"]


async def test_a_task_that_fails_after_it_was_awaited_is_not_reported_as_lost(
    unhandled: list[dict[str, Any]],
) -> None:
    async def failing() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("on its way out")

    tasks = [asyncio.create_task(failing())]
    await asyncio.sleep(0)

    async def body() -> None:
        await tasks[0]

    assert isinstance(begin(body).error, ForeignAwaitError)
    await asyncio.wait(tasks, timeout=5)
    tasks.clear()

    await settled()
    assert unhandled == []


async def test_work_that_a_foreign_await_began_is_told_to_stop() -> None:
    ran: list[str] = []

    async def work() -> None:
        ran.append("work")

    async def body() -> None:
        await asyncio.gather(work(), work())

    begin(body)

    await settled()
    assert ran == []
