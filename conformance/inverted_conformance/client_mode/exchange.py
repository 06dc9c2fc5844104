"""One request of the client under test, from its POST until it is answered."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import anyio

from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.wire.transcript import Message, Transcript

STREAMED: Final = frozenset({"tools/call", "tasks/result"})
"""What is answered with a stream of events, on which the suite may say more than the answer."""


class Exchange:
    """A request of the client, and the way back to it.

    Args:
        request: The message.
        headers: The HTTP headers that came with it, in lower case.
        transcript: Where what is sent is noted.
        at: When it came, on the clock of `anyio.current_time`.

    Attributes:
        id: The JSON-RPC id; whatever the client wrote there.
        method: What it asks for.
        params: With what; empty if there are none.
        done: The answer has been sent.
        left: Set when the client closed the connection before there was an answer.
        status: The HTTP status with which an answer that is no stream goes out.
    """

    def __init__(
        self, request: Message, headers: Mapping[str, str], transcript: Transcript, at: float
    ) -> None:
        self.request: Final = request
        self.headers: Final = headers
        self.at: Final = at
        self.id: Final[Any] = request.get("id")
        self.method: Final = str(request.get("method"))
        self.params: Final = mapping(request.get("params"))
        self.done = False
        self.left = anyio.Event()
        self.status = 200
        self._transcript = transcript
        self._out: deque[str] = deque()
        self._more = anyio.Event()

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream of events."""
        return self.method in STREAMED

    @property
    def meta(self) -> dict[str, Any]:
        """The `_meta` of the request; empty if there is none."""
        return mapping(self.params.get("_meta"))

    def send(self, message: Message) -> None:
        """Send a message on the stream, beside the answer.

        Args:
            message: A request or a notification.
        """
        self.send_text(json.dumps(message), message)

    def send_text(self, text: str, noted: Message | str) -> None:
        """Send one text as it is, also one that is no JSON.

        Args:
            text: What goes over the wire.
            noted: What the transcript shows.
        """
        self._transcript.add("sent", noted)
        if not self.left.is_set():
            self._out.append(text)
            self._more.set()

    def result(self, result: Mapping[str, Any]) -> None:
        """Answer.

        Args:
            result: The result, as it goes over the wire.
        """
        self._finish({"jsonrpc": "2.0", "id": self.id, "result": dict(result)})

    def error(self, code: int, message: str, data: Any = None, *, status: int = 200) -> None:
        """Answer with an error.

        Args:
            code: The JSON-RPC error code.
            message: In words.
            data: What belongs to the error.
            status: The HTTP status.
        """
        error = {"code": code, "message": message} | ({} if data is None else {"data": data})
        self.status = status
        self._finish({"jsonrpc": "2.0", "id": self.id, "error": error})

    def close(self) -> None:
        """End the stream without an answer."""
        self.done = True
        self._more.set()

    async def outgoing(self) -> AsyncGenerator[str]:
        """What goes out, one text after another, until the exchange is done."""
        while True:
            while self._out:
                yield self._out.popleft()
            if self.done:
                return
            self._more = anyio.Event()
            await self._more.wait()

    def _finish(self, message: Message) -> None:
        self.send(message)
        self.close()
