"""A command that the suite starts, watches and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import Process, TaskGroup

from inverted_conformance.wire.channel import PeerError

PATIENCE: Final = 2.0
"""Seconds that a command has to end by itself."""

REMEMBERED: Final = 20
"""Lines of its standard error that a report can show."""

_POSIX: Final = os.name == "posix"


class Command:
    """A running command, with what it last said on its standard error."""

    def __init__(self, process: Process, arguments: Sequence[str]) -> None:
        self.process: Final = process
        self.arguments: Final = tuple(arguments)
        self._said: deque[str] = deque(maxlen=REMEMBERED)

    @classmethod
    async def start(
        cls,
        arguments: Sequence[str],
        tasks: TaskGroup,
        *,
        environment: Mapping[str, str] | None = None,
        piped: bool = True,
    ) -> Command:
        """Start a command in a process group of its own.

        Args:
            arguments: The program and its arguments.
            tasks: Where its standard error is read.
            environment: Variables to set besides those that are there.
            piped: Whether its standard input and output are ours.

        Raises:
            PeerError: It cannot be started.
        """
        pipe = subprocess.PIPE if piped else subprocess.DEVNULL
        try:
            process = await anyio.open_process(
                arguments,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.PIPE,
                env={**os.environ, **(environment or {})},
                start_new_session=_POSIX,
            )
        except OSError as error:
            raise PeerError(f"The command {arguments[0]!r} cannot be started: {error}.") from error
        command = cls(process, arguments)
        tasks.start_soon(command._listen)
        return command

    @property
    def said(self) -> str:
        """The end of its standard error, for a message; empty if it said nothing."""
        return "\n".join(self._said)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.returncode is not None

    def kill(self) -> None:
        """End it and everything that it started, at once."""
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Close its input, wait a little, and kill what is left."""
        with anyio.CancelScope(shield=True):
            if self.process.stdin is not None:
                with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await self.process.stdin.aclose()
            elif not self.ended:
                with suppress(ProcessLookupError):
                    self.process.terminate()
            with anyio.move_on_after(PATIENCE):
                await self.process.wait()
            self.kill()
            with anyio.move_on_after(PATIENCE):
                await self.process.aclose()  # closes the pipes, and waits

    async def _listen(self) -> None:
        if self.process.stderr is None:
            return
        rest = b""
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            while True:
                rest += await self.process.stderr.receive()
                *lines, rest = rest.split(b"\n")
                rest = rest[-1000:]
                self._said.extend(line[:500].decode("utf-8", "replace") for line in lines)
