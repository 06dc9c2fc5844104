"""A clock that passes no time: whoever sleeps is woken at once, in the order of the deadlines.

Time stands still while anything runs. When every task of the event loop waits for something and at
least one of them sleeps on this clock, time jumps to the earliest deadline. Callbacks of
`call_later` are called when time passes them; alone they do not make it pass.

A task that waits for the world (a socket, a file) looks idle. Where that matters, switch the
jumping off and `advance` by hand.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_thread

START: Final = 1_800_000_000.0
"""Where a clock begins unless told otherwise: in January 2027."""

SETTLE: Final = 20
"""Turns of the event loop that tasks get to react before idleness is looked at."""

POLL: Final = 0.002
"""Seconds between looks at what still runs."""


class VirtualClock:
    """Time for tests. Implements `inverted.runtime.Clock`.

    Args:
        start: Seconds since the epoch.
        jump: Whether time jumps when everything is idle. Without it only `advance` moves it.
    """

    def __init__(self, start: float = START, *, jump: bool = True) -> None:
        self._now = start
        self._jump = jump
        self._jumper: asyncio.Task[None] | None = None
        self._numbers = count()
        self._sleepers: dict[int, float] = {}
        self._alarms: list[tuple[float, int]] = []
        self._callbacks: dict[int, Callable[[], object]] = {}

    def now(self) -> float:
        """See `Clock.now`."""
        return self._now

    @property
    def sleeping(self) -> int:
        """How many tasks sleep on this clock."""
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        woken = anyio.Event()
        number = self._set(seconds, woken.set)
        self._sleepers[number] = self._now + seconds
        if self._jump and (self._jumper is None or self._jumper.done()):
            self._jumper = asyncio.create_task(self._jumping())
        try:
            await woken.wait()
        finally:
            del self._sleepers[number]
            self._callbacks.pop(number, None)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """See `Clock.call_later`."""
        number = self._set(seconds, callback)
        return lambda: void(self._callbacks.pop(number, None))

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everything that is due happen in its order.

        Args:
            seconds: How much.
        """
        until = self._now + seconds
        await _settled()
        while self._alarms and self._alarms[0][0] <= until:
            self._ring()
            await _settled()
        self._now = until

    def _set(self, seconds: float, callback: Callable[[], object]) -> int:
        number = next(self._numbers)
        self._callbacks[number] = callback
        heapq.heappush(self._alarms, (self._now + seconds, number))
        return number

    def _ring(self) -> None:
        """Move to the earliest alarm and let it ring; one that was called off is dropped."""
        at, number = heapq.heappop(self._alarms)
        callback = self._callbacks.pop(number, None)
        if callback is not None:
            self._now = max(self._now, at)
            callback()

    async def _jumping(self) -> None:
        while self._sleepers:
            await _idle()
            # One at a time: what it wakes may set another alarm before the next one.
            if self._alarms:
                self._ring()


async def _settled() -> None:
    for _ in range(SETTLE):
        await anyio.lowlevel.checkpoint()


async def _idle() -> None:
    """Wait until every task waits, and no function runs in a thread."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    while True:
        await _settled()
        # anyio looks again only after a tenth of a second; this looks sooner.
        with anyio.move_on_after(POLL) as soon:
            await anyio.wait_all_tasks_blocked()
        if not soon.cancelled_caught and not limiter.borrowed_tokens:
            return


def void(_: object) -> None:
    """Drop a value."""
