"""The server under test: how it is started, reached, killed and started again."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskGroup

from inverted_conformance.scenario import Wire
from inverted_conformance.wire.channel import Channel, PeerError
from inverted_conformance.wire.http import HttpChannel
from inverted_conformance.wire.process import Command
from inverted_conformance.wire.stdio import StdioChannel

STATE: Final = "MCP_CONFORMANCE_STATE"
"""The variable that names the folder in which a server may keep what shall survive it."""

STARTING: Final = 20.0
"""Seconds until a command must listen at its URL."""

Principal = Literal["first", "other", "nobody"]
"""As whom the suite comes; nobody has no credentials."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is under test."""

    url: str | None = None
    command: tuple[str, ...] = ()
    """Started by the suite: it speaks on its pipes, or at `url` if there is one."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with each HTTP request; they authenticate the first principal."""

    other_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The same for another principal."""

    def __str__(self) -> str:
        """As a person would name it."""
        return " ".join(filter(None, [self.url, shlex.join(self.command)]))


class Server:
    """The server under test, in one run of the suite.

    Args:
        target: What is under test.
        tasks: Where connections and processes are attended to.
        factor: How much longer than usual everything may take.
    """

    def __init__(self, target: Target, tasks: TaskGroup, factor: float = 1) -> None:
        self.target: Final = target
        self._tasks: Final = tasks
        self._factor: Final = factor
        self._folder: Final = tempfile.TemporaryDirectory(prefix="mcp-conformance-")
        self._command: Command | None = None
        self._spare: Command | None = None
        self._piped: Final[list[Command]] = []

    @property
    def restarts(self) -> bool:
        """Whether the suite can kill the server and start it again."""
        return bool(self.target.command)

    @property
    def others(self) -> bool:
        """Whether the suite can come as another principal."""
        return self.target.url is not None and bool(self.target.other_headers)

    async def connect(self, wire: Wire, principal: Principal = "first") -> Channel:
        """Open a connection; a server on pipes is started for it.

        Args:
            wire: The revision.
            principal: As whom to come (HTTP).

        Raises:
            PeerError: The command cannot be started, or nobody listens at the URL.
        """
        if self.target.url is None:
            return StdioChannel(await self._start_piped())
        if self.target.command and (self._command is None or self._command.ended):
            self._command = await self._start(piped=False)
            await self._listening(self.target.url, self._command)
        return HttpChannel(self.target.url, wire, self._tasks, self.headers(principal))

    def headers(self, principal: Principal) -> Mapping[str, str]:
        """What says over HTTP who comes.

        Args:
            principal: As whom to come.
        """
        if principal == "nobody":
            return {}
        return self.target.headers if principal == "first" else self.target.other_headers

    async def crashed(self) -> bool:
        """Whether the server over HTTP that was started is gone; the next connection starts it."""
        command, url = self._command, self.target.url
        if command is None or url is None:
            return False
        # The end of a process is noticed a little later than its silence.
        if not command.ended and await _answers(url):
            return False
        await command.stop()
        self._command = None
        return True

    async def kill(self, channel: Channel) -> None:
        """Kill the server, as `kill -9` does; the next connection starts it again.

        Args:
            channel: A connection to it.
        """
        command = channel.command if isinstance(channel, StdioChannel) else self._command
        if self._spare is not None:  # it may have read how things were before
            self._spare.kill()
            self._spare = None
        if command is not None:
            command.kill()
            with anyio.move_on_after(5):
                await command.process.wait()
                # What it started may live a moment longer, and hold the address.
                while self.target.url is not None and await _answers(self.target.url):  # noqa: ASYNC110
                    await anyio.sleep(0.01)

    async def aclose(self) -> None:
        """End what was started, and delete the folder of its state."""
        if self._command is not None:
            await self._command.stop()
        for command in self._piped:
            if not command.ended:
                await command.stop()
        with suppress(OSError):
            self._folder.cleanup()

    async def _start_piped(self) -> Command:
        """A server on pipes, and another in reserve: the next connection needs not wait for it."""
        command, self._spare = self._spare, None
        if command is None or command.ended:
            command = await self._start(piped=True)
            self._piped.append(command)
        self._tasks.start_soon(self._reserve)
        return command

    async def _reserve(self) -> None:
        with suppress(PeerError):  # whoever needs one hears of it
            spare = await self._start(piped=True)
            self._piped.append(spare)
            self._spare = spare

    async def _start(self, *, piped: bool) -> Command:
        environment = {STATE: str(Path(self._folder.name))}
        return await Command.start(
            self.target.command, self._tasks, environment=environment, piped=piped
        )

    async def _listening(self, url: str, command: Command) -> None:
        with anyio.move_on_after(STARTING * self._factor):
            while not command.ended:
                if await _answers(url):
                    return
                await anyio.sleep(0.05)  # the only way to learn that somebody listens
        why = "ended" if command.ended else f"did not listen within {STARTING:g} s"
        await command.stop()
        raise PeerError(f"The command {why} ({url}); it last wrote:\n{command.said}")


async def _answers(url: str) -> bool:
    """Whether somebody listens."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await (await anyio.connect_tcp(parts.hostname or "", port)).aclose()
    except OSError:
        return False
    return True
