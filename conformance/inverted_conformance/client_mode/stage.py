"""What a scenario for clients sees: it opens, waits, asks, checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import anyio

from inverted_conformance.client_mode.answer import Answer, answered
from inverted_conformance.client_mode.asks import text, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.plain import declares
from inverted_conformance.client_mode.server import META, Server
from inverted_conformance.scenario import Wire
from inverted_conformance.verdicts import Finding, Result
from inverted_conformance.wire.process import Command
from inverted_conformance.wire.transcript import Message

T = TypeVar("T")

PATIENCE: Final = 8.0
"""Seconds that one step of the client may take."""

START: Final = 15.0
"""Seconds that a client may take until it has connected; some are slow to start."""

MOMENT: Final = 0.7
"""Seconds without a message after which the suite believes that none will come."""

END: Final = "the_end"
"""The tool that is listed last in every scenario: who calls it has done with the others."""

NEGOTIATION: Final = {"initialize", "server/discover"}
"""What a client sends to find out which revision is spoken."""

Start = Callable[[Sequence[str], bool], Awaitable[Command]]
"""Starts the client; takes what it shall not declare, and whether it speaks stdio."""


class Over(Exception):
    """The scenario cannot go on; the message says why."""


class NotOffered(Exception):
    """The client does not have what the scenario needs; the message says what."""


class Stage:
    """One scenario with one client.

    Args:
        server: What the client talks to.
        result: Where findings go.
        start: Starts the client.
        factor: How much longer than usual everything may take.

    Attributes:
        server: What the client talks to, with everything that it said.
        url: Makes the address of a page of this scenario.
        may_fail: The client may end with another code than 0.
        blame: The requirements that are broken if the client does not do what comes next; if there
            are none, the scenario just ends with a fault.
    """

    def __init__(
        self,
        server: Server,
        result: Result,
        start: Start,
        url: Callable[[str], str],
        factor: float = 1.0,
    ) -> None:
        self.server: Final = server
        server.fault = self.fault
        self.url: Final = url
        self._result = result
        self._start = start
        self.may_fail = False
        self.blame: tuple[str, ...] = ()
        self._factor = factor
        self._command: Command | None = None
        self._exited = False

    @property
    def wire(self) -> Wire:
        """The revision that is spoken."""
        return self.server.wire

    @property
    def modern(self) -> bool:
        """Whether 2026-07-28 is spoken."""
        return self.server.modern

    @property
    def exited(self) -> bool:
        """Whether the client has ended."""
        return self._exited

    async def open(self, *tools: Message, without: Sequence[str] = (), stdio: bool = False) -> None:
        """List tools, start the client, and wait until it has connected.

        Args:
            tools: What to list, before the tool that every scenario ends with.
            without: Capabilities that the client shall not declare, such as `sampling.tools`.
            stdio: It shall start a server and speak to that over stdio.

        Raises:
            Over: It cannot be started, or it does not connect.
            NotOffered: It does not speak the revision or the transport, or declares what it should
                not.
        """
        await self.start(*tools, without=without, stdio=stdio)
        if stdio and not await self.maybe(lambda: self.server.started, START):
            raise NotOffered("The client starts no server over stdio.")
        await self.connected(without=without)

    async def start(
        self, *tools: Message, without: Sequence[str] = (), stdio: bool = False
    ) -> None:
        """List tools and start the client, without waiting for it. See `open`."""
        self.server.tools = [*tools, tool(END)]
        self._command = await self._start(without, stdio)

    async def connected(self, *, without: Sequence[str] = ()) -> None:
        """Wait until the client has connected. See `open`."""
        await self.until(self._connected, "to connect and to list the tools", START)
        for name in without:
            if self.declares(name):
                raise NotOffered(f"The client declares {name} although it was told not to.")

    def _connected(self) -> bool:
        methods = [request.method for request in self.server.requests]
        if self._exited and methods and set(methods) <= NEGOTIATION and self._elsewhere():
            raise NotOffered(f"The client does not speak {self.wire}.")
        return any(method in {"tools/list", "tools/call"} for method in methods)

    def _elsewhere(self) -> bool:
        """Whether the client has offered other revisions alone."""
        key = f"{META}protocolVersion"
        requests = self.server.requests
        offered = {each.params.get("protocolVersion", each.meta.get(key)) for each in requests}
        return self.wire not in offered

    def declares(self, name: str) -> bool:
        """Whether the client declares a capability.

        Args:
            name: Its path, such as `sampling.tools`. What stands for `elicitation.form` by
                default counts as declared.
        """
        return declares(self.server.declared, name)

    def needs(self, *names: str) -> None:
        """End the scenario unless the client declares some capabilities.

        Args:
            names: Their paths.

        Raises:
            NotOffered: It does not.
        """
        for name in names:
            if not self.declares(name):
                raise NotOffered(f"The client does not declare {name}.")

    def check(self, key: str, ok: bool, seen: str, wanted: str = "") -> bool:  # noqa: FBT001 - it reads as a sentence
        """Note one look at one requirement.

        Args:
            key: The requirement's key; what the revision does not have is passed over.
            ok: Whether it is met.
            seen: What was seen, in one sentence.
            wanted: What was expected, if it is not met.

        Returns:
            `ok`.
        """
        if key in self._result.requirements:
            detail = seen if ok or not wanted else f"{seen} Expected: {wanted}"
            self._result.findings.append(Finding(key, ok, detail, self._line))
        return ok

    def met(self, key: str, seen: str) -> bool:
        """Note that a requirement is met. See `check`."""
        return self.check(key, ok=True, seen=seen)

    def broke(self, key: str, seen: str, wanted: str = "") -> bool:
        """Note that a requirement is not met. See `check`."""
        return self.check(key, ok=False, seen=seen, wanted=wanted)

    def over(self, why: str) -> None:
        """Note why the scenario could not go on, against those that are to blame.

        Args:
            why: In one sentence.
        """
        keys = [key for key in self.blame if key in self._result.requirements]
        for key in keys:
            self.broke(key, why)
        if not keys:
            self.fault(why)

    def fault(self, detail: str) -> None:
        """Note what is wrong in itself.

        Args:
            detail: What, in one sentence.
        """
        self._result.findings.append(Finding(None, ok=False, detail=detail, line=self._line))

    @property
    def _line(self) -> int:
        return len(self.server.transcript.lines)

    async def until(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
        """Wait until something is there.

        Args:
            look: Finds it; called again whenever anything happens.
            what: What the client is expected to do, for the message: "to answer".
            seconds: How long.

        Returns:
            What `look` found.

        Raises:
            Over: It did not come, or the client ended.
        """
        found = await self.maybe(look, seconds)
        if found:
            return found
        if self._exited:
            raise Over(f"The client ended{self._how} when it was expected {what}.")
        limit = seconds * self._factor
        raise Over(f"The client was expected {what}; it did not within {limit:g} seconds.")

    async def maybe(self, look: Callable[[], T | None], seconds: float = MOMENT) -> T | None:
        """Wait a while for something that need not come.

        Args:
            look: Finds it; called again whenever anything happens.
            seconds: How long.

        Returns:
            What `look` found, or `None`; at once when the client has ended.
        """
        with anyio.move_on_after(seconds * self._factor):
            while True:
                happened = self.server.happened
                found = look()
                if found:
                    return found
                if self._exited:
                    return None
                await happened.wait()
        return look() or None

    async def exit(self) -> None:
        """Wait for the client's end, with everything that is still open answered.

        Raises:
            Over: It does not end.
        """
        self.blame = ()
        if self._command is None:
            raise Over("The scenario never opened.")

        def ended() -> bool:
            for call in self.server.calls:
                call.result(self.server.complete({"content": [text("There is nothing more.")]}))
            self.server.calls.clear()
            return self._exited

        await self.maybe(ended, PATIENCE)
        if not self._exited:
            raise Over("The client did not end after its last call; it was killed.")
        if self._command.process.returncode and not self.may_fail:
            raise Over(f"The client ended{self._how} instead of with 0.")

    def ended(self) -> None:
        """Take note that the client has ended."""
        self._exited = True
        self.server.transcript.add("note", f"The client ended{self._how}.")
        self.server.tell()

    @property
    def _how(self) -> str:
        if self._command is None:
            return ""
        said = self._command.said.strip()
        last = f"; it said last: {said.splitlines()[-1]}" if said else ""
        return f" with {self._command.process.returncode}{last}"

    async def called(self, name: str, seconds: float = PATIENCE) -> Call:
        """Wait until the client calls a tool.

        Args:
            name: The tool.
            seconds: How long.

        Raises:
            Over: It does not.
        """
        exchange = await self.until(lambda: self.take(name), f"to call {name}", seconds)
        return Call(self, exchange)

    async def answers(self, ids: Mapping[str, str]) -> dict[str, Answer]:
        """Wait for the answers to questions that have been sent (2025-11-25).

        Args:
            ids: The ids of the requests, by key.

        Returns:
            The answers, under the same keys.

        Raises:
            Over: They do not come.
        """
        found = self.server.answers
        await self.until(lambda: all(id in found for id in ids.values()), "to answer the request")
        return {key: answered(found[id]) for key, id in ids.items()}

    async def last(self) -> None:
        """Wait until the client has done with every tool.

        Raises:
            Over: It does not get there.
        """
        (await self.called(END)).finish()

    def take(self, name: str) -> Exchange | None:
        """A call of a tool that nobody has taken yet.

        Args:
            name: The tool.
        """
        for call in self.server.calls:
            if call.params.get("name") == name:
                self.server.calls.remove(call)
                return call
        return None
