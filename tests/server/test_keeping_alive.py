"""Signs of life: hosts give a call up when nothing is heard of it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from inverted import Run
from inverted.server.serving import ALIVE_SECONDS
from inverted.testing import ScriptedHost, VirtualClock
from inverted.testing.connection import Call
from inverted.testing.host import Era
from tests.agents.small import serve

ERAS = pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])


@ERAS
async def test_a_long_call_gives_signs_of_life_at_a_steady_pace(era: Era) -> None:
    clock = VirtualClock(jump=False)
    working, done = anyio.Event(), anyio.Event()

    async def work() -> str:
        working.set()
        await done.wait()
        return "done"

    async def slow(run: Run) -> str:
        await run.report_progress(3, 10, "three of ten")
        result = await run.step(work)
        await run.report_progress(3, 10, "still three")
        return result

    replies: list[Any] = []
    async with ScriptedHost(era=era).connect(serve(slow, clock=clock)) as at:

        async def call() -> None:
            replies.append(await at.send(Call("slow")))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await working.wait()
                for _ in range(4):
                    await clock.advance(ALIVE_SECONDS)
                done.set()
        heard = at.heard.progress
        # The last notification may be on its way when the reply is here.
        with anyio.fail_after(10):
            while len(heard) < 6:
                await anyio.lowlevel.checkpoint()
    assert replies[0].structured_content == {"result": "done"}
    assert [each[2] for each in heard] == ["three of ten", *[None] * 4, "still three"]
    assert [each[1] for each in heard] == [10.0] * 6
    values = [each[0] for each in heard]
    assert values == sorted(values)
    assert len(set(values[:5])) == 5  # it has to grow with every notification
    assert values[-1] < 3.001
    assert clock.sleeping == 0  # nothing goes on after the call
