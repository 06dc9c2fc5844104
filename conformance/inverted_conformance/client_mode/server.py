"""A raw MCP server for one scenario: it notes everything, and answers only what is routine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import anyio

from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.scenario import Wire
from inverted_conformance.wire import shapes
from inverted_conformance.wire.channel import MOST
from inverted_conformance.wire.transcript import Message, Transcript

META: Final = "io.modelcontextprotocol/"
"""What the reserved keys of `_meta` begin with."""

METHOD_NOT_FOUND: Final = -32601
UNSUPPORTED_VERSION: Final = -32022
FLOOD: Final = 429
"""The HTTP status with which it hears no more of a client that sends too much."""

INFO: Final = {"name": "inverted-conformance", "version": "1"}
CACHE: Final = {"ttlMs": 0, "cacheScope": "private"}


class Server:
    """What the client under test talks to.

    Args:
        wire: The revision that it speaks.
        transcript: Where everything is noted.

    Attributes:
        tools: What it lists.
        capabilities: What it declares.
        requests: Every request of the client, as it came.
        calls: The calls of tools that nobody has taken yet.
        notifications: Every notification of the client, with when it came.
        answers: The client's answers, by the id of the question; the last one for each.
        visits: The pages that somebody looked at, with when.
        streams: The streams that the client opened with GET.
        stdio: The client was told to start a server instead of to connect to an address.
        started: It did so.
        declared: What the client declared, as it said it last; `None` before it spoke.
        peer: What the client calls itself.
        routes: What answers a method that is not routine.
        fault: Told what is wrong in itself, whatever the scenario looks at.
        happened: Set, and made anew, with everything that comes.
    """

    def __init__(self, wire: Wire, transcript: Transcript) -> None:
        self.wire: Final = wire
        self.transcript: Final = transcript
        self.tools: list[Message] = []
        self.capabilities: Message = {"tools": {}}
        self.requests: list[Exchange] = []
        self.calls: list[Exchange] = []
        self.notifications: list[tuple[float, Message]] = []
        self.answers: dict[Any, Message] = {}
        self.visits: list[tuple[float, str]] = []
        self.streams: list[Exchange] = []
        self.stdio = False
        self.started = False
        self.declared: Message | None = None
        self.peer = ""
        self.routes: dict[str, Callable[[Exchange], None]] = {}
        self.routine: dict[str, Callable[[Exchange], None]] = {
            "initialize": self._initialize,
            "server/discover": self._discover,
            "ping": lambda exchange: exchange.result({}),
            "tools/list": lambda exchange: exchange.result(
                self.complete({"tools": self.tools}, cached=True)
            ),
            "tools/call": self.calls.append,
        }
        self.happened = anyio.Event()
        self.asked: dict[Any, Message] = {}
        self.fault: Callable[[str], None] = _unheard
        self._messages = 0

    @property
    def modern(self) -> bool:
        """Whether it speaks 2026-07-28."""
        return self.wire == "2026-07-28"

    def complete(self, result: Mapping[str, Any], *, cached: bool = False) -> Message:
        """A result with what its revision wants in every result.

        Args:
            result: The rest of it.
            cached: It is one of those that say how long they hold.
        """
        if not self.modern:
            return dict(result)
        return {"resultType": "complete", **(CACHE if cached else {}), **result}

    def ask(self, exchange: Exchange, request: Message) -> str:
        """Send a request to the client, on the stream of one of its own (2025-11-25).

        Args:
            exchange: Whose stream.
            request: Its method and its parameters.

        Returns:
            Its id.
        """
        id = f"q{len(self.asked) + 1}"
        self.asked[id] = request
        exchange.send({"jsonrpc": "2.0", "id": id, **request})
        return id

    def posted(self, body: bytes, headers: dict[str, str]) -> Exchange | int:
        """See `Room.posted`."""
        self._messages += 1
        if self._messages > MOST:
            if self._messages == MOST + 1:
                self.fault(f"The client sent more than {MOST} messages.")
            return FLOOD
        message = self._read(body)
        if message is None:
            return 400
        wrong = shapes.envelope(message)
        if wrong is not None or message.get("jsonrpc") != "2.0":
            self.fault(f"A message of the client is no JSON-RPC 2.0: {wrong or 'no version'}.")
            return 400
        if "method" not in message:
            self._answer(message)
        elif "id" not in message:
            self._notification(message)
        else:
            return self._request(message, headers)
        self.tell()
        return 202

    def opened(self) -> Exchange | None:
        """See `Room.opened`. Only 2025-11-25 has such a stream."""
        if self.modern:
            return None
        stream = Exchange({"method": "GET"}, {}, self.transcript, anyio.current_time())
        self.transcript.add("note", "The client opened a stream with GET.")
        self.streams.append(stream)
        self.tell()
        return stream

    def joined(self) -> None:
        """Take note that the client has started its server (stdio)."""
        self.transcript.add("note", "The client started its server.")
        self.started = True
        self.tell()

    def visited(self, path: str) -> None:
        """See `Room.visited`."""
        self.transcript.add("note", f"Somebody looked at /{path}.")
        self.visits.append((anyio.current_time(), path))
        self.tell()

    def close(self) -> None:
        """End every stream that is still open."""
        for exchange in [*self.requests, *self.streams]:
            exchange.close()

    def tell(self) -> None:
        """Wake whoever waits for something to happen."""
        self.happened.set()
        self.happened = anyio.Event()

    def _read(self, body: bytes) -> Message | None:
        try:
            found: object = json.loads(body)
        except (ValueError, RecursionError):
            self.fault("The client posted what is no JSON.")
            self.transcript.add("received", body[:500].decode("utf-8", "replace"))
            return None
        if not isinstance(found, dict):
            self.fault("The client posted JSON that is no message.")
            self.transcript.add("received", body[:500].decode("utf-8", "replace"))
            return None
        message = cast("Message", found)
        self.transcript.add("received", message)
        return message

    def _answer(self, message: Message) -> None:
        id = message.get("id")
        if id not in self.asked:
            self.fault(f"The client answered a request that nobody made ({id!r}).")
        elif id in self.answers:
            self.fault(f"The client answered the request {id!r} twice.")
        self.answers[id] = message

    def _notification(self, message: Message) -> None:
        wrong = shapes.notification("client", self.wire, message["method"], message.get("params"))
        if wrong is not None:
            self.fault(f"The notification {message['method']} does not fit the schema: {wrong}.")
        self.notifications.append((anyio.current_time(), message))

    def _request(self, message: Message, headers: Mapping[str, str]) -> Exchange:
        exchange = Exchange(message, headers, self.transcript, anyio.current_time())
        if any(exchange.id == earlier.id for earlier in self.requests if not earlier.done):
            self.fault(f"The client used the id {exchange.id!r} for two requests at once.")
        wrong = shapes.request("client", self.wire, exchange.method, message.get("params"))
        if wrong is not None:
            self.fault(f"The request {exchange.method} does not fit the schema: {wrong}.")
        self.requests.append(exchange)
        self._learn(exchange)
        respond = self.routes.get(exchange.method) or self.routine.get(exchange.method)
        if respond is None or (exchange.method == "server/discover" and not self.modern):
            status = 404 if self.modern else 200
            exchange.error(METHOD_NOT_FOUND, f"No method {exchange.method}.", status=status)
        else:
            respond(exchange)
        self.tell()
        return exchange

    def _learn(self, exchange: Exchange) -> None:
        if exchange.method == "initialize" and not self.modern:
            said, info = exchange.params.get("capabilities"), exchange.params.get("clientInfo")
        else:
            said = exchange.meta.get(f"{META}clientCapabilities")
            info = exchange.meta.get(f"{META}clientInfo")
        if isinstance(said, dict):
            self.declared = cast("Message", said)
        if isinstance(info, dict):
            known = cast("Message", info)
            self.peer = f"{known.get('name', '')} {known.get('version', '')}".strip()

    def _initialize(self, exchange: Exchange) -> None:
        if self.modern:
            exchange.error(
                UNSUPPORTED_VERSION,
                f"This server speaks {self.wire} only.",
                {"supported": [self.wire], "requested": exchange.params.get("protocolVersion")},
                status=400,
            )
            return
        exchange.result(
            {"protocolVersion": self.wire, "capabilities": self.capabilities, "serverInfo": INFO}
        )

    def _discover(self, exchange: Exchange) -> None:
        found = {
            "supportedVersions": [self.wire],
            "capabilities": self.capabilities,
            "_meta": {f"{META}serverInfo": INFO},
        }
        exchange.result(self.complete(found, cached=True))


def _unheard(_: str) -> None:
    """Nobody listens yet: the stage does, as soon as it is there."""
