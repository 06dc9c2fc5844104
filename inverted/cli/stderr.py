"""What a server's process writes on stderr: kept, and shown when it explains something.

The process writes into a pipe that a daemon thread empties, so that a talkative server neither
fills a disk nor stops for a full pipe. Only the last lines are kept.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

from inverted.cli.text import clean

_KEPT: Final = 200
_SHOWN: Final = 12
_PATIENCE: Final = 1.0  # seconds for the last lines of a process that has just ended


class ServerLog:
    """The last lines that a server wrote on stderr.

    Args:
        on_line: Called on the event loop with each line.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._thread: threading.Thread | None = None
        self._write_end: TextIO | None = None

    @contextmanager
    def open(self) -> Generator[TextIO]:
        """A file that a process can be given as its stderr."""
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._empty, args=(reading, loop), name="server log", daemon=True
        )
        self._thread.start()
        self._write_end = os.fdopen(writing, "w", encoding="utf-8")
        try:
            yield self._write_end
        finally:
            self._write_end.close()

    def tail(self, *, ended: bool = True) -> list[str]:
        """The last lines.

        Args:
            ended: Whether the process is gone, so that its very last words are waited for.
        """
        if ended and self._thread is not None and self._write_end is not None:
            self._write_end.close()  # ours was the last copy, unless a grandchild has one
            self._thread.join(_PATIENCE)
        return list(self._lines)[-_SHOWN:]

    def _empty(self, descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                shown = clean(line).rstrip()
                if not shown:
                    continue
                self._lines.append(shown)
                with suppress(RuntimeError):  # the loop is closed: nobody watches any more
                    loop.call_soon_threadsafe(self._on_line, shown)
