"""A scope that needs a task fails at its line in an agent's body, and spares the server's task."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncGenerator, Callable
from typing import Any

import anyio
import pytest

from inverted.core.effects import Effect, Json, Kind
from inverted.core.machine import Machine
from inverted.runtime import apart
from inverted.runtime.apart import Apart


@pytest.mark.parametrize(
    "scope",
    [
        lambda: asyncio.timeout(1),
        asyncio.TaskGroup,
        anyio.create_task_group,
    ],
)
async def test_a_scope_that_needs_a_task_is_refused_where_it_is_entered(
    scope: Callable[[], Any],
) -> None:
    async def body(_: Json) -> None:
        async with scope():
            await Effect(Kind.SLEEP, {"seconds": 1.0})

    machine = Machine(body)
    with Apart():
        machine.start()

    assert machine.done
    assert isinstance(machine.error, (RuntimeError, TypeError))


async def test_the_servers_task_is_current_again_afterwards() -> None:
    task = asyncio.current_task()
    with Apart():
        assert asyncio.current_task() is None
    assert asyncio.current_task() is task


async def test_a_generator_that_is_left_early_ends_without_a_task_of_its_own() -> None:
    ended: list[str] = []

    async def numbers() -> AsyncGenerator[int]:
        try:
            for number in range(3):
                yield number
        finally:
            ended.append("numbers")

    async def body(_: Json) -> None:
        async for number in numbers():
            if number == 1:
                break
        await Effect(Kind.SLEEP, {"seconds": 1.0})

    machine = Machine(body)
    with Apart():
        machine.start()

    assert ended == ["numbers"]
    assert list(machine.parked) == ["1"]
    machine.close()


def test_without_a_task_there_is_nothing_to_leave() -> None:
    loop = asyncio.new_event_loop()
    seen: list[asyncio.Task[Any] | None] = []

    def callback() -> None:
        with Apart():
            seen.append(asyncio.current_task())
        loop.stop()

    loop.call_soon(callback)
    loop.run_forever()
    loop.close()

    assert seen == [None]


def test_where_sniffio_is_missing_nothing_is_told_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sniffio", None)
    spec = importlib.util.spec_from_file_location("apart_again", apart.__file__)
    assert spec is not None
    assert spec.loader is not None
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)

    async def enter() -> None:
        with again.Apart():
            assert asyncio.current_task() is None

    asyncio.run(enter())
