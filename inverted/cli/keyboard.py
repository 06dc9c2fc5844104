"""Lines that a person types, and Ctrl-C, without ever blocking the event loop.

Lines are read by one daemon thread, only while somebody waits for one, straight from the file
descriptor: Python's own stdin object would hold its lock in the thread and trip the interpreter
at exit. The terminal stays in its line mode, so the person has the editing that they know.

Ctrl-C has one meaning at a time: what stands on top of `Interrupts` is called. A prompt puts
itself on top while it waits; the run lies below.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from types import FrameType
from typing import Final, Protocol

try:
    from termios import TCIFLUSH, tcflush
except ImportError:  # Windows: what was typed ahead stays

    def _flush(descriptor: int) -> None:
        del descriptor
else:

    def _flush(descriptor: int) -> None:
        with suppress(OSError):  # no terminal
            tcflush(descriptor, TCIFLUSH)


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class EndOfInput(Exception):
    """There is nothing more to read: Ctrl-D, or the terminal is gone."""


class PromptCancelled(Exception):
    """Ctrl-C while a line was awaited."""


class Lines(Protocol):
    """Where typed lines come from."""

    def discard(self) -> None:
        """Forget what was typed before a question was asked: it cannot be its answer."""
        ...

    async def line(self) -> str:
        """The next line, without its end.

        Raises:
            EndOfInput: There is none.
            PromptCancelled: The person pressed Ctrl-C instead.
        """
        ...


class Interrupts:
    """What Ctrl-C means at the moment. Used on one event loop, made inside it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._meanings: list[Callable[[], None]] = []

    @contextmanager
    def installed(self) -> Generator[None]:
        """Take over SIGINT, and SIGTERM, which always means the lowest: the end of everything.

        Only the main thread can do that; elsewhere signals are somebody else's.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self._on_signal) for one in _SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    @contextmanager
    def meaning(self, call: Callable[[], None]) -> Generator[None]:
        """While the body runs, Ctrl-C calls `call` (on the event loop)."""
        self._meanings.append(call)
        try:
            yield
        finally:
            self._meanings.remove(call)

    def fire(self, number: int = signal.SIGINT) -> None:
        """Do what a signal does."""
        if self._meanings:
            self._meanings[-1 if number == signal.SIGINT else 0]()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signature
        self._loop.call_soon_threadsafe(self.fire, number)


class Keyboard:
    """Lines from a terminal.

    Args:
        descriptor: Where to read, normally 0.
        interrupts: Where a waiting line puts its meaning of Ctrl-C.
    """

    def __init__(self, descriptor: int, interrupts: Interrupts) -> None:
        self._descriptor = descriptor
        self._interrupts = interrupts
        self._loop = asyncio.get_running_loop()
        self._wanted: SimpleQueue[None] = SimpleQueue()
        self._read: asyncio.Queue[bytes] = asyncio.Queue()
        self._buffer = b""
        self._reading = False
        self._thread: threading.Thread | None = None

    def discard(self) -> None:
        """Forget what was typed so far; see `Lines`."""
        self._buffer = b""
        while not self._read.empty():
            self._read.get_nowait()
            self._reading = False
        _flush(self._descriptor)

    async def line(self) -> str:
        """The next typed line; see `Lines`."""
        cancelled: asyncio.Future[None] = self._loop.create_future()

        def cancel() -> None:
            if not cancelled.done():
                cancelled.set_result(None)

        with self._interrupts.meaning(cancel):
            while b"\n" not in self._buffer:
                chunk = await self._chunk(cancelled)
                if not chunk:
                    raise EndOfInput
                self._buffer += chunk
        found, _, self._buffer = self._buffer.partition(b"\n")
        return found.decode(errors="replace").rstrip("\r")

    async def _chunk(self, cancelled: asyncio.Future[None]) -> bytes:
        if not self._reading:
            # A read that an earlier prompt gave up on is still waiting: its line is this one's.
            self._reading = True
            self._start()
            self._wanted.put(None)
        arrival = asyncio.ensure_future(self._read.get())
        try:
            await asyncio.wait({arrival, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not arrival.done():
                arrival.cancel()
        if not arrival.done():
            raise PromptCancelled
        self._reading = False
        return arrival.result()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="keyboard", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while True:
            self._wanted.get()
            try:
                chunk = os.read(self._descriptor, 4096)
            except OSError:  # the terminal went away
                chunk = b""
            try:
                self._loop.call_soon_threadsafe(self._read.put_nowait, chunk)
            except RuntimeError:  # the loop is closed: the run is over
                return
