"""A peer that was started as a command and speaks one message a line on its pipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import anyio

from inverted_conformance.wire.channel import LARGEST, Arrived, PeerError, read
from inverted_conformance.wire.process import Command
from inverted_conformance.wire.transcript import Message


class StdioChannel:
    """A connection over the pipes of a command; it ends with the command."""

    def __init__(self, command: Command) -> None:
        if command.process.stdin is None or command.process.stdout is None:
            raise ValueError("A command without pipes has nothing to speak on; start it piped.")
        self.command: Final = command
        self._input: Final = command.process.stdin
        self._output: Final = command.process.stdout
        self._rest = bytearray()
        self._searched = 0
        self._over = False

    async def send(self, message: Message, headers: Mapping[str, str] | None = None) -> None:
        """Write a line."""
        del headers  # pipes have none
        await self.send_bytes(json.dumps(message).encode() + b"\n")

    async def send_bytes(self, line: bytes) -> None:
        """Write bytes that need not be a message.

        Args:
            line: The bytes, with their line break.

        Raises:
            PeerError: The command reads no more.
        """
        try:
            await self._input.send(line)
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise PeerError(f"The process reads no more messages{self._why()}") from error

    async def receive(self) -> Arrived:
        """Read a line; after what cannot be read, the connection is over."""
        if self._over:
            raise anyio.EndOfStream
        while True:
            end = self._rest.find(b"\n", self._searched)
            if end >= 0:
                line = bytes(self._rest[:end])
                del self._rest[: end + 1]
                self._searched = 0
                if line.strip():
                    return read(line)
                continue
            self._searched = len(self._rest)
            if self._searched > LARGEST:
                return self._last(f"sent a message of more than {LARGEST} bytes")
            try:
                self._rest += await self._output.receive(65536)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                with anyio.move_on_after(0.5):  # for its exit code and its last words
                    await self.command.process.wait()
                if self._rest.strip():
                    return self._last(f"ended in the middle of a message{self._why()}")
                return self._last(f"ended the connection{self._why()}")

    def abandon(self, id: int | str) -> bool:
        """Pipes have no stream for each request."""
        del id
        return False

    async def aclose(self) -> None:
        """End the command."""
        self._over = True
        await self.command.stop()

    def _last(self, fault: str) -> Arrived:
        self._over = True
        self._rest.clear()
        return Arrived(None, fault=fault)

    def _why(self) -> str:
        code = self.command.process.returncode
        ended = "" if code is None else f" (exit code {code})"
        said = self.command.said
        return f"{ended}; it last wrote:\n{said}" if said else f"{ended}."
