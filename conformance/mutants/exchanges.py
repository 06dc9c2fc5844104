"""Ways to break what goes over HTTP, below what the SDK lets one change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from inverted_conformance.fixture import app

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back for a posted message."""

    status: int
    body: bytes
    kind: bytes = b"application/json"

    @property
    def message(self) -> Message:
        """The body, if it is one message."""
        return json.loads(self.body) if self.body else {}

    def saying(self, message: Message) -> Answer:
        """The same with another message.

        Args:
            message: The message.
        """
        return replace(self, body=json.dumps(message).encode())

    def streaming(self, *messages: Message) -> Answer:
        """The same as a stream of events.

        Args:
            messages: What comes before the answer.
        """
        texts = [json.dumps(message).encode() for message in messages]
        events = b"".join(b"data: " + text + b"\n\n" for text in [*texts, self.body])
        return Answer(200, events, b"text/event-stream")


def requests(
    change: Callable[[Message], Message], headers: Mapping[bytes, bytes] | None = None
) -> None:
    """Change every message that comes.

    Args:
        change: What makes the wrong message of the right one.
        headers: Headers to have other values, where they come.
    """
    _wrap(change, lambda _, answer: answer, headers or {})


def answers(change: Callable[[Message, Answer], Answer]) -> None:
    """Change every answer that is no stream.

    Args:
        change: What makes the wrong answer of the message that came and the right answer.
    """
    _wrap(lambda message: message, change, {})


def _wrap(
    incoming: Callable[[Message], Message],
    outgoing: Callable[[Message, Answer], Answer],
    headers: Mapping[bytes, bytes],
) -> None:
    right = app.http

    def http(*arguments: Any) -> ASGIApp:
        inner = right(*arguments)

        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                await inner(scope, receive, send)
                return
            message = incoming(json.loads(await _read(receive)))
            said = [(name, headers.get(name, value)) for name, value in scope["headers"]]
            sent = _Sent(message, outgoing, send)
            await inner({**scope, "headers": said}, _again(message, receive), sent)

        return outer

    app.http = http


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return body


def _again(message: Message, receive: Receive) -> Receive:
    left = [json.dumps(message).encode()]

    async def again() -> Event:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return again


class _Sent:
    """Holds back an answer that is no stream until it is complete."""

    def __init__(
        self, message: Message, change: Callable[[Message, Answer], Answer], send: Send
    ) -> None:
        self.message = message
        self.change = change
        self.send = send
        self.start: Event | None = None
        self.body = b""

    async def __call__(self, event: Event) -> None:
        if event["type"] == "http.response.start":
            if dict(event["headers"]).get(b"content-type", b"").startswith(b"application/json"):
                self.start = event
                return
        elif self.start is not None:
            self.body += event.get("body", b"")
            if not event.get("more_body"):
                await self._finish(self.start)
            return
        await self.send(event)

    async def _finish(self, start: Event) -> None:
        answer = self.change(self.message, Answer(start["status"], self.body))
        replaced = {b"content-type", b"content-length"}
        headers = [header for header in start["headers"] if header[0] not in replaced]
        headers.append((b"content-type", answer.kind))
        await self.send({**start, "status": answer.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": answer.body})
