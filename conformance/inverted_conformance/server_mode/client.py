"""The client that the suite plays: it sends what it is told and keeps all that comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import count
from typing import Any, Final, cast

import anyio
from anyio.abc import TaskGroup

from inverted_conformance.scenario import Wire
from inverted_conformance.server_mode.said import Answer, Answers, Question, Refusal, Reply
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.wire import shapes
from inverted_conformance.wire.channel import MOST, Arrived, Channel, PeerError
from inverted_conformance.wire.http import HttpChannel
from inverted_conformance.wire.transcript import Message, Transcript

TASKS: Final = "io.modelcontextprotocol/tasks"
FULL: Final[Message] = {
    "sampling": {"tools": {}, "context": {}},
    "elicitation": {"form": {}, "url": {}},
    "roots": {"listChanged": True},
}
"""What the client declares unless a scenario wants otherwise: everything but tasks."""

SECONDS: Final = 8.0
"""For one answer. Nothing that the suite asks for takes longer than a second or two."""

MOST_ROUNDS: Final = 20
"""Rounds of one call, after which a server asks without end."""

_META: Final = "io.modelcontextprotocol/"


class NotSpokenError(PeerError):
    """The server refuses the first message of this revision."""


class Client:
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
        self.channel: Final = channel
        self.wire: Final[Wire] = wire
        self.capabilities = capabilities
        self.transcript = transcript
        self.who = who
        self.answers: Answers = Script()
        """What answers questions that arrive as requests (2025-11-25)."""

        self.questions: list[Question] = []
        """What the server asked, in order."""

        self.notifications: list[Message] = []
        """What the server told, in order."""

        self.requests: list[Message] = []
        """Requests of the server as they came, with their ids."""

        self.misfits: dict[str, int] = {}
        """What the server did and must not do in any scenario, each with the lines until then."""

        self.opening: Message = {}
        """The result of `initialize` or `server/discover`."""

        self.broken: str | None = None
        """How the connection ended, if it did."""

        self._tasks: Final = tasks
        self._factor: Final = factor
        self._ids: Final = count(1)
        self._open: Final[dict[int | str, tuple[str, Reply | None]]] = {}
        self._came = anyio.Event()
        self._arrivals = 0

    # -- beginning and end -------------------------------------------------------------------------

    def listen(self) -> None:
        """Read what comes; nothing is sent yet."""
        self._tasks.start_soon(self._listen)

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

    @property
    def idle(self) -> bool:
        """Whether the connection works and nothing is under way, so that it can be used again."""
        replies = [reply for _, reply in self._open.values()]
        return self.broken is None and all(reply and reply.message for reply in replies)

    def begin_again(self, capabilities: Message, transcript: Transcript, who: str = "") -> None:
        """Forget what came, for another scenario.

        Args:
            capabilities: What the client declares from now on (2026-07-28).
            transcript: Where messages are written from now on.
            who: What the transcript calls this connection.
        """
        self.capabilities, self.transcript, self.who = capabilities, transcript, who
        self.answers = Script()
        self.questions, self.notifications, self.requests, self.misfits = [], [], [], {}
        self._open.clear()
        self._arrivals = 0

    # -- sending -----------------------------------------------------------------------------------

    async def send(self, message: Message, headers: Mapping[str, str] | None = None) -> None:
        """Send a message as it is.

        Args:
            message: The message; nothing is added.
            headers: HTTP headers to set, or to leave out where the value is empty.

        Raises:
            PeerError: The connection is gone.
        """
        if self.broken is not None:
            raise PeerError(f"The server {self.broken}")
        self.transcript.add("sent", message, self.who)
        await self.channel.send(message, headers)

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

    async def reply(self, id: int, seconds: float = SECONDS) -> Reply:
        """Wait for what comes back for a request.

        Args:
            id: The request's id.
            seconds: How long to wait at most.

        Raises:
            PeerError: Nothing came in that time, or the connection ended.
        """
        method = self._open[id][0]
        await self.until(lambda: self._open[id][1] is not None, seconds)
        reply = self._open[id][1]
        if reply is None and self.broken is not None:
            raise PeerError(f"The server did not answer {method}: it {self.broken}")
        if reply is None:
            raise PeerError(f"The server did not answer {method} within {seconds:g} s.")
        return reply

    def answered(self, id: int) -> bool:
        """Whether something came back for a request.

        Args:
            id: The request's id.
        """
        return self._open[id][1] is not None

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

    async def until(self, true: Callable[[], bool], seconds: float = SECONDS) -> bool:
        """Wait until something is so; it is looked at whenever a message came.

        Args:
            true: What shall become true.
            seconds: How long to wait at most.

        Returns:
            Whether it became true before the time or the connection ended.
        """
        with anyio.move_on_after(seconds * self._factor):
            while not true() and self.broken is None:
                await self._came.wait()
        return true()

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

    # -- receiving ---------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            try:
                arrived = await self.channel.receive()
            except anyio.EndOfStream:
                self.broken = self.broken or "ended the connection."
                self._wake()
                return
            self._arrivals += 1
            if self._arrivals > MOST:
                self.broken = f"sent more than {MOST} messages."
                await self.channel.aclose()
            elif arrived.message is None:
                self._fault(arrived)
            else:
                self.transcript.add("received", arrived.message, self.who)
                self._take(arrived.message, arrived)
            self._wake()

    def _wake(self) -> None:
        came, self._came = self._came, anyio.Event()
        came.set()

    def _fault(self, arrived: Arrived) -> None:
        fault = arrived.fault or "sent nothing"
        if arrived.of is None and (arrived.status or 0) < HTTPStatus.BAD_REQUEST:
            self.broken = self.broken or fault
        elif arrived.of is None:
            pass  # over HTTP a server may refuse a notification or a response; it goes on
        elif arrived.of in self._open and self._open[arrived.of][1] is None:
            method = self._open[arrived.of][0]
            reply = Reply(arrived.of, method, None, arrived.status, fault)
            self._open[arrived.of] = (method, reply)
        else:
            return  # the stream of a request that has its answer
        self.transcript.add("note", f"The server {fault}", self.who)

    def _take(self, message: Message, arrived: Arrived) -> None:
        wrong = shapes.envelope(message)
        if wrong is not None:
            self._misfit(f"sent a message that is wrong: {wrong}")
            return
        if "method" not in message:
            self._take_response(message, arrived)
        elif "id" in message:
            self._take_request(message, arrived)
        else:
            self._judge(
                message["method"],
                shapes.notification("server", self.wire, message["method"], message.get("params")),
            )
            self.notifications.append(message)

    def _take_response(self, message: Message, arrived: Arrived) -> None:
        id = message.get("id")
        if id is None and arrived.of is not None and "error" in message:
            id = arrived.of  # an error for what could not be read; HTTP tells what it answers
        if id is None and "error" in message:
            return  # the same for what was no request, such as an answer that nobody waits for
        if id not in self._open:
            self._misfit(f"answered request {id!r}, which nobody sent")
            return
        method, already = self._open[id]
        if already is not None and already.message is not None:
            self._misfit(f"answered request {id!r} ({method}) twice")
            return
        reply = Reply(id, method, message, arrived.status, twice=arrived.twice)
        reply.streamed = arrived.streamed
        self._open[id] = (method, reply)
        said = cast("Message", message.get("result", {}))
        task = "task" in said or said.get("resultType") == "task"
        if "result" in message and not task:
            self._judge(f"the result of {method}", shapes.result("server", self.wire, method, said))

    def _take_request(self, message: Message, arrived: Arrived) -> None:
        self.requests.append(message)
        method: str = message["method"]
        params: Message = message.get("params") or {}
        if self.wire == "2026-07-28":
            self._misfit(f"sent the request {method}; on 2026-07-28 servers send none")
            return
        self._judge(method, shapes.request("server", self.wire, method, params))
        if method == "ping":
            self._tasks.start_soon(self._respond, message["id"], Message())
            return
        question = Question(method, params, str(message["id"]), of=arrived.of)
        self.questions.append(question)
        self._tasks.start_soon(self._answer, message["id"], question)

    def _judge(self, what: str, wrong: str | None) -> None:
        if wrong is not None:
            self._misfit(f"sent {what}, which does not fit the schema of {self.wire}: {wrong}")

    def _misfit(self, what: str) -> None:
        self.misfits.setdefault(what, len(self.transcript.lines))

    async def _answer(self, id: int | str, question: Question) -> None:
        try:
            answer = await self.answers(question)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            answer = Refusal(-32602, f"The question cannot be answered: {error!r}")
            self._misfit(f"sent {question.method}, which cannot be answered: {error!r}")
        await self._respond(id, answer)

    async def _respond(self, id: int | str, answer: Answer) -> None:
        body = {"error": answer.error} if isinstance(answer, Refusal) else {"result": answer}
        try:
            await self.send({"jsonrpc": "2.0", "id": id, **body})
        except PeerError:
            return  # whoever waits for the call learns it from `broken`


def _opened(reply: Reply) -> Message:
    if reply.error is not None:
        raise NotSpokenError(f"The server refuses {reply.method}: {reply.told}.")
    return reply.result
