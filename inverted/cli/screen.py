"""The two consoles of a command, and quiet for the libraries that would write on them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import IO, TextIO

from rich.console import Console
from typing_extensions import override


class Screen(Console):
    """A console that does not end the program when its reader leaves (`inverted run … | head`).

    Attributes:
        on_left: Called once when nobody reads any more.
    """

    on_left: Callable[[], None] | None = None

    def write_exactly(self, text: str) -> None:
        """Write a text to the letter: no wrapping, no colours, tabs stay tabs."""
        try:
            self.file.write(f"{text}\n")
            self.file.flush()
        except BrokenPipeError:
            self.on_broken_pipe()

    @override
    def on_broken_pipe(self) -> None:
        """Write no more, and tell `on_left`. Rich itself would raise SystemExit, in any task."""
        abandon(self.file)
        self.quiet = True
        if self.on_left is not None:
            self.on_left()


def open_console(*, stderr: bool) -> Screen:
    """A console on stdout or stderr.

    What is printed on it is never read as markup. Whether it is a terminal is decided here and not
    by FORCE_COLOR and the like: a file gets no control codes.

    Args:
        stderr: Which of the two.
    """
    stream: TextIO = sys.stderr if stderr else sys.stdout
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a character that an encoding lacks must not end a run
    return Screen(
        file=stream,
        force_terminal=stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"),
        markup=False,
        emoji=False,
        highlight=False,
    )


def abandon(stream: IO[str]) -> None:
    """Let a stream that nobody reads end nowhere, with what is still in its buffer.

    Without this the interpreter stumbles over the buffer at its end.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def quiet_libraries() -> None:
    """Keep the SDK's own reports of a broken connection off the screen: `diagnosis` words them."""
    for name in ("mcp", "fastmcp", "httpx2", "asyncio"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
