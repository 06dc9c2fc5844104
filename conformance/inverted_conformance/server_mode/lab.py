"""What a scenario works with: connections to the server, and somewhere to write what it saw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import urlsplit

from anyio.abc import TaskGroup

from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.server_mode.client import FULL, Client
from inverted_conformance.server_mode.target import Principal, Server
from inverted_conformance.verdicts import Finding, Result
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.stdio import StdioChannel
from inverted_conformance.wire.transcript import Line, Message, Transcript


class NotOffered(Exception):
    """The server does not have what the scenario needs."""


class Connections:
    """Connections that scenarios use one after the other: starting a server takes a second.

    Args:
        server: The server under test.
        tasks: Where connections are attended to.
        factor: How much longer than usual everything may take.
    """

    def __init__(self, server: Server, tasks: TaskGroup, factor: float = 1) -> None:
        self.server: Final = server
        self._tasks: Final = tasks
        self._factor: Final = factor
        self._idle: Final[dict[tuple[str, ...], list[tuple[Client, list[Line]]]]] = {}
        self._keys: Final[dict[Client, tuple[str, ...]]] = {}
        self._openings: Final[dict[Client, list[Line]]] = {}

    async def take(
        self,
        wire: Wire,
        capabilities: Message,
        transcript: Transcript,
        principal: Principal,
        *,
        fresh: bool,
        who: str,
        opened: bool = True,
    ) -> Client:
        """A connection that nobody else uses.

        Args:
            wire: The revision.
            capabilities: What the client declares.
            transcript: Where its messages are written.
            principal: As whom to come.
            fresh: Whether it must be a new one.
            who: What the transcript calls it.
            opened: Whether to begin as the revision wants it.

        Raises:
            PeerError: It cannot be opened.
        """
        # Since 2026-07-28 capabilities belong to a request; before, to the connection.
        declared = "" if wire == "2026-07-28" else json.dumps(capabilities, sort_keys=True)
        key = (wire, declared, principal)
        if await self.server.crashed():
            await self.drop_all()
        while not fresh and self._idle.get(key):
            client, opening = self._idle[key].pop()
            if client.broken is None:
                transcript.lines.extend(opening)
                client.begin_again(capabilities, transcript, who)
                return client
            await self.drop(client)
        channel = await self.server.connect(wire, principal)
        client = Client(
            channel, wire, capabilities, transcript, self._tasks, factor=self._factor, who=who
        )
        before = len(transcript.lines)
        if not opened:
            client.listen()
            return client
        try:
            await client.open()
        except BaseException:
            await channel.aclose()
            raise
        self._keys[client] = key
        self._openings[client] = transcript.lines[before:]
        return client

    async def give_back(self, client: Client) -> None:
        """Keep a connection for the next scenario, unless something is wrong with it.

        Args:
            client: The connection.
        """
        if client.idle and not client.misfits and client in self._keys:
            self._idle.setdefault(self._keys[client], []).append((client, self._openings[client]))
        else:
            await self.drop(client)

    async def drop(self, client: Client) -> None:
        """End a connection.

        Args:
            client: The connection.
        """
        self._keys.pop(client, None)
        self._openings.pop(client, None)
        if isinstance(
            client.channel, StdioChannel
        ):  # nobody needs to wait for the end of a process
            self._tasks.start_soon(client.channel.aclose)
        else:
            await client.channel.aclose()

    async def drop_all(self) -> None:
        """End every connection that waits."""
        for clients in self._idle.values():
            for client, _ in clients:
                await self.drop(client)
        self._idle.clear()


class Lab:
    """One scenario at work.

    Args:
        scenario: The scenario.
        wire: The revision that is spoken.
        connections: Where its connections come from.
        tools: The tools of the server, by name.
    """

    def __init__(
        self, scenario: Scenario, wire: Wire, connections: Connections, tools: dict[str, Message]
    ) -> None:
        self.wire: Final[Wire] = wire
        self.tools: Final = tools
        self.result: Final = Result(scenario, wire)
        self._connections: Final = connections
        self._transcript: Final = Transcript(self.result.lines)
        self._clients: Final[list[Client]] = []
        self._requirements: Final = self.result.requirements

    @property
    def modern(self) -> bool:
        """Whether 2026-07-28 is spoken."""
        return self.wire == "2026-07-28"

    async def client(
        self,
        capabilities: Message | None = None,
        *,
        fresh: bool = False,
        principal: Principal = "first",
        who: str = "",
        opened: bool = True,
        wire: Wire | None = None,
    ) -> Client:
        """A connection to the server.

        Args:
            capabilities: What the client declares; everything but tasks by default.
            fresh: Whether the connection must be a new one, because the scenario spoils it.
            principal: As whom to come.
            who: What the transcript calls it, where a scenario has several.
            opened: Whether to begin as the revision wants it; otherwise the connection is a new one
                on which nothing was said yet.
            wire: The revision that it speaks, if not that of the scenario.

        Raises:
            PeerError: The server cannot be reached.
            NotOffered: Nobody told the suite how to come as another principal.
        """
        self._admit(principal)
        client = await self._connections.take(
            wire or self.wire,
            FULL if capabilities is None else capabilities,
            self._transcript,
            principal,
            fresh=fresh or not opened,
            who=who,
            opened=opened,
        )
        self._clients.append(client)
        return client

    def headers(self, principal: Principal = "first") -> Mapping[str, str]:
        """What says over HTTP who comes, also to a page that the server sends people to.

        Args:
            principal: As whom to come.

        Raises:
            NotOffered: The server is on pipes, or nobody told the suite how to come like that.
        """
        if self._connections.server.target.url is None:
            raise NotOffered("pages that the suite can open (--url)")
        self._admit(principal)
        return self._connections.server.headers(principal)

    @property
    def credentials(self) -> Mapping[str, str]:
        """The headers with which the suite comes, if any."""
        return self._connections.server.headers("first")

    @property
    def host(self) -> str | None:
        """The host of the server; `None` on pipes."""
        return urlsplit(self._connections.server.target.url or "").hostname

    def _admit(self, principal: Principal) -> None:
        server = self._connections.server
        if principal == "other" and not server.others:
            raise NotOffered("a second principal (--url with --header and --other-header)")
        if principal == "nobody" and not (server.target.url and server.target.headers):
            raise NotOffered("people with credentials (--url with --header)")

    async def restart(self, client: Client) -> Client:
        """Kill the server (`kill -9`), start it again and connect as before.

        Args:
            client: The connection; it ends.

        Returns:
            The new connection.

        Raises:
            NotOffered: The suite did not start the server, so it cannot kill it.
            PeerError: The server does not come back.
        """
        if not self._connections.server.restarts:
            raise NotOffered("a server that the suite can start again (-- CMD)")
        self._transcript.add("note", "The suite kills the server and starts it again.")
        await self._connections.server.kill(client.channel)
        # Over HTTP every connection was to that process.
        for other in [*self._clients] if client.channel.abandon(0) else [client]:
            self._clients.remove(other)
            await self._connections.drop(other)
        if client.channel.abandon(0):
            await self._connections.drop_all()
        return await self.client(client.capabilities, fresh=True, who=client.who)

    def check(self, key: str, ok: object, detail: str) -> bool:
        """Write down what was seen of a requirement.

        Args:
            key: The requirement's key; ignored if the revision that is spoken does not have it.
            ok: Whether it was kept.
            detail: What was seen, in a sentence that is true in either case.

        Returns:
            Whether it was kept.

        Raises:
            AssertionError: The scenario does not say that it checks this requirement.
        """
        if key not in self.result.scenario.checks:
            raise AssertionError(f"{self.result.id} checks {key} and does not declare it.")
        if key in self._requirements:
            self._find(key, ok=bool(ok), detail=detail)
        return bool(ok)

    def wrong(self, detail: str) -> NoReturn:
        """End the scenario, because the server does not do what the fixture contract says.

        Args:
            detail: What was seen, and what was expected.

        Raises:
            PeerError: Always.
        """
        raise PeerError(detail)

    def ended(self, error: str) -> None:
        """Write down what ended the scenario early.

        Args:
            error: What the server did.
        """
        self._find(None, ok=False, detail=error)

    async def close(self) -> None:
        """Give the connections back, and write down what should never arrive."""
        for client in self._clients:
            for misfit, line in client.misfits.items():
                self.result.findings.append(Finding(None, False, f"The server {misfit}", line))  # noqa: FBT003
            await self._connections.give_back(client)
        self._clients.clear()

    def _find(self, key: str | None, *, ok: bool, detail: str) -> None:
        self.result.findings.append(Finding(key, ok, detail, len(self.result.lines)))
