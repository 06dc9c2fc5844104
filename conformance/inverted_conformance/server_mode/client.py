"""The client that the suite plays: it sends what it is told and keeps all that comes back."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, Final, cast

from anyio.abc import TaskGroup

from inverted_conformance.scenario import Wire
from inverted_conformance.server_mode.receiver import SECONDS, Receiver
from inverted_conformance.server_mode.said import Answers, Question, Refusal, Reply
from inverted_conformance.wire.channel import Channel, PeerError
from inverted_conformance.wire.http import HttpChannel
from inverted_conformance.wire.transcript import Message, Transcript

TASKS: Final = "io.modelcontextprotocol/tasks"
FULL: Final[Message] = {
    "sampling": {"tools": {}, "context": {}},
    "elicitation": {"form": {}, "url": {}},
    "roots": {"listChanged": True},
}
"""What the client declares unless a scenario wants otherwise: everything but tasks."""

MOST_ROUNDS: Final = 20
"""Rounds of one call, after which a server asks without end."""

_META: Final = "io.modelcontextprotocol/"


class NotSpokenError(PeerError):
    """The server refuses the first message of this revision."""


class Client(Receiver):
    """One connection to the server under test.

    Args:
        channel: The connection.
        wire: The revision that it speaks.
        capabilities: What the client declares.
        transcript: Where every message is written down.
        tasks: Where questions are answered and messages are read.
        factor: How much longer than usual everything may take.
        who: What the transcript calls it, where a scenario has several.
    """

    def __init__(
        self,
        channel: Channel,
        wire: Wire,
        capabilities: Message,
        transcript: Transcript,
        tasks: TaskGroup,
        *,
        factor: float = 1,
        who: str = "",
    ) -> None:
        super().__init__(channel, wire, transcript, tasks, factor=factor, who=who)
        self.capabilities = capabilities
        self.opening: Message = {}
        """The result of `initialize` or `server/discover`."""

        self._ids: Final = count(1)

    # -- beginning and end -------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin as the revision wants it.

        Raises:
            PeerError: The server does not answer as a server of this revision.
        """
        self.listen()
        if self.wire == "2026-07-28":
            self.opening = _opened(await self.request("server/discover"))
            return
        params = {
            "protocolVersion": self.wire,
            "capabilities": self.capabilities,
            "clientInfo": {"name": "inverted-conformance", "version": "0.1.0"},
        }
        self.opening = _opened(await self.request("initialize", params))
        await self.notify("notifications/initialized")
        if isinstance(self.channel, HttpChannel):
            self.channel.listen()

    @property
    def offers(self) -> Message:
        """The capabilities of the server."""
        return cast("Message", self.opening.get("capabilities", {}))

    def begin_again(self, capabilities: Message, transcript: Transcript, who: str = "") -> None:
        """Forget what came, for another scenario.

        Args:
            capabilities: What the client declares from now on (2026-07-28).
            transcript: Where messages are written from now on.
            who: What the transcript calls this connection.
        """
        self.capabilities, self.transcript, self.who = capabilities, transcript, who
        self._forget()

    # -- sending -----------------------------------------------------------------------------------

    async def notify(self, method: str, params: Message | None = None) -> None:
        """Send a notification.

        Args:
            method: Its method.
            params: Its parameters.
        """
        message: Message = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        await self.send(message)

    async def begin(
        self,
        method: str,
        params: Message | None = None,
        *,
        meta: Message | None = None,
        bare: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Send a request and do not wait.

        Args:
            method: Its method.
            params: Its parameters.
            meta: What goes into `_meta` besides what the revision wants there.
            bare: Whether to leave out what the revision wants in `_meta`.
            headers: HTTP headers to set, or to leave out where the value is empty.

        Returns:
            Its id, for `reply`.
        """
        id = next(self._ids)
        body: Message = {**(params or {})}
        wanted = {**({} if bare else self.meta), **body.get("_meta", {}), **(meta or {})}
        if wanted:
            body["_meta"] = wanted
        message: Message = {"jsonrpc": "2.0", "id": id, "method": method}
        if body:
            message["params"] = body
        self._open[id] = (method, None)
        await self.send(message, headers)
        return id

    async def request(
        self,
        method: str,
        params: Message | None = None,
        *,
        meta: Message | None = None,
        bare: bool = False,
        headers: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> Reply:
        """Send a request and wait for what comes back; rounds are not followed.

        Args:
            method: Its method.
            params: Its parameters.
            meta: What goes into `_meta` besides what the revision wants there.
            bare: Whether to leave out what the revision wants in `_meta`.
            headers: HTTP headers to set, or to leave out where the value is empty.
            seconds: How long to wait at most.

        Raises:
            PeerError: Nothing came in that time, or the connection ended.
        """
        id = await self.begin(method, params, meta=meta, bare=bare, headers=headers)
        return await self.reply(id, seconds)

    async def call(
        self,
        tool: str,
        arguments: Message | None = None,
        *,
        answers: Answers | None = None,
        meta: Message | None = None,
        seconds: float = SECONDS,
        rounds: int = MOST_ROUNDS,
        **more: Any,
    ) -> Reply:
        """Call a tool and answer what the server asks, on either revision.

        Args:
            tool: The tool.
            arguments: Its arguments.
            answers: What answers the server's questions.
            meta: What goes into `_meta`.
            seconds: How long to wait at most for each response.
            rounds: Rounds to follow at most; the next one is returned as it is.
            more: Further parameters of the request.

        Returns:
            The last response; its `questions` are those that this call asked.

        Raises:
            PeerError: Nothing came in time, or the connection ended.
        """
        if answers is not None:
            self.answers = answers
        before = len(self.questions)
        params: Message = {"name": tool, "arguments": arguments or {}, **more}
        reply = await self.request("tools/call", params, meta=meta, seconds=seconds)
        states: list[str | None] = []
        while not reply.refused and reply.kind == "input_required" and len(states) < rounds:
            states.append(reply.result.get("requestState"))
            given = await self.give(reply, len(states))
            if isinstance(given, Refusal):
                break
            reply = await self.request(
                "tools/call", {**params, **given}, meta=meta, seconds=seconds
            )
        reply.states = states
        reply.questions = self.questions[before:]
        return reply

    async def give(self, reply: Reply, number: int = 1) -> Message | Refusal:
        """Answer the questions of a round.

        Args:
            reply: A response that is `input_required`.
            number: Which round it is.

        Returns:
            The parameters that the retry has besides those of the first request; a refusal if
            one of the questions is refused, as then there is no retry.
        """
        asked = cast("dict[str, Message]", reply.result.get("inputRequests", {}))
        responses: Message = {}
        for key, request in asked.items():
            question = Question(request.get("method", ""), request.get("params", {}), key, number)
            self.questions.append(question)
            answer = await self.answers(question)
            if isinstance(answer, Refusal):
                return answer
            responses[key] = answer
        given: Message = {"inputResponses": responses} if responses else {}
        if "requestState" in reply.result:
            given["requestState"] = reply.result["requestState"]
        return given

    async def cancel(self, id: int, reason: str = "The person changed their mind") -> None:
        """Cancel a request as the revision and the transport want it.

        Args:
            id: The request's id.
            reason: Why, where it can be told.
        """
        if self.wire == "2026-07-28" and self.channel.abandon(id):
            self.transcript.add("note", f"The client closes the stream of request {id}.", self.who)
            return
        await self.notify("notifications/cancelled", {"requestId": id, "reason": reason})

    async def tools(self) -> dict[str, Message]:
        """The tools of the server, by name; every page of the list."""
        found: dict[str, Message] = {}
        cursor: Message = {}
        for _ in range(100):
            page = (await self.request("tools/list", cursor)).result
            found |= {tool["name"]: tool for tool in page.get("tools", [])}
            if not page.get("nextCursor"):
                break
            cursor = {"cursor": page["nextCursor"]}
        return found

    @property
    def meta(self) -> Message:
        """What the revision wants in the `_meta` of each request."""
        if self.wire != "2026-07-28":
            return {}
        return {
            f"{_META}protocolVersion": self.wire,
            f"{_META}clientCapabilities": self.capabilities,
            f"{_META}clientInfo": {"name": "inverted-conformance", "version": "0.1.0"},
        }


def _opened(reply: Reply) -> Message:
    if reply.error is not None:
        raise NotSpokenError(f"The server refuses {reply.method}: {reply.told}.")
    return reply.result
