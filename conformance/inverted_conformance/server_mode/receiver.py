"""What comes from the server under test: kept, judged by its shape, and answered if it asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, cast

import anyio
from anyio.abc import TaskGroup

from inverted_conformance.scenario import Wire
from inverted_conformance.server_mode.said import Answer, Answers, Question, Refusal, Reply
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.wire import shapes
from inverted_conformance.wire.channel import MOST, Arrived, Channel, PeerError
from inverted_conformance.wire.transcript import Message, Transcript

SECONDS: Final = 8.0
"""For one answer. Nothing that the suite asks for takes longer than a second or two."""


class Receiver:
    """The receiving half of `Client`.

    Args:
        channel: The connection.
        wire: The revision that it speaks.
        transcript: Where every message is written down.
        tasks: Where questions are answered and messages are read.
        factor: How much longer than usual everything may take.
        who: What the transcript calls it, where a scenario has several.
    """

    def __init__(
        self,
        channel: Channel,
        wire: Wire,
        transcript: Transcript,
        tasks: TaskGroup,
        *,
        factor: float,
        who: str,
    ) -> None:
        self.channel: Final = channel
        self.wire: Final[Wire] = wire
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

        self.broken: str | None = None
        """How the connection ended, if it did."""

        self._tasks: Final = tasks
        self._factor: Final = factor
        self._open: Final[dict[int | str, tuple[str, Reply | None]]] = {}
        self._came = anyio.Event()
        self._arrivals = 0

    @property
    def idle(self) -> bool:
        """Whether the connection works and nothing is under way, so that it can be used again."""
        replies = [reply for _, reply in self._open.values()]
        return self.broken is None and all(reply and reply.message for reply in replies)

    def listen(self) -> None:
        """Read what comes; nothing is sent yet."""
        self._tasks.start_soon(self._listen)

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

    def _forget(self) -> None:
        self.answers = Script()
        self.questions, self.notifications, self.requests, self.misfits = [], [], [], {}
        self._open.clear()
        self._arrivals = 0

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
