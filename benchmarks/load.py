"""The load of the rows that talk to a client: questions, answers, and a meter of bytes."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from types import TracebackType
from typing import Any, Final, Self, cast

from fastmcp import Client, FastMCP
from fastmcp.client.transports import FastMCPTransport
from fastmcp.client.transports.base import TransportOptions
from mcp import ClientSession
from mcp.shared.message import SessionMessage
from mcp_types import CreateMessageResult, SamplingMessage, TextContent

KEY: Final = b"a key for benchmarks, which protect nothing"
ROUNDS: Final = 9
"""Questions of one call: one less than the rounds that clients grant."""
LONG: Final = 20 * 1024
"""Characters of one answer."""

TEXT: Final = (
    "the answer of a model is text with spaces, line\nbreaks and now and then a "
    '"quoted" word, so that escaping costs what it costs in real life, or a café.'
)


@cache
def answer(question: str, length: int) -> str:
    """The model's answer: always the same text for the same question."""
    # A seed of text is hashed by Python itself, the same in every process.
    words, known = random.Random(question), TEXT.split(" ")
    text = ""
    while len(text) < length:
        text += " ".join(words.choices(known, k=500)) + " "
    return text[:length]


def question(topic: str, number: int) -> str:
    """The text of one question."""
    return f"Part {number} of {topic}: what matters most, and why?"


def summary(answers: Sequence[str]) -> str:
    """What the work returns: proof that all answers arrived, in order."""
    return hashlib.sha256("\n".join(answers).encode()).hexdigest()


def expected(topic: str, length: int) -> str:
    """The right result."""
    return summary([answer(question(topic, number), length) for number in range(ROUNDS)])


def model(length: int) -> Any:
    """A sampling handler that answers at once."""

    async def handler(messages: list[SamplingMessage], *_: object) -> CreateMessageResult:
        content = messages[-1].content
        assert isinstance(content, TextContent)  # noqa: S101 # the questions of this module
        text = TextContent(type="text", text=answer(content.text, length))
        return CreateMessageResult(
            role="assistant", model="rehearsal", content=text, stop_reason="endTurn"
        )

    return handler


async def timed_call(client: Client[Any], tool: str, wanted: str) -> float:
    """Seconds of one tool call; its result is checked."""
    start = time.perf_counter()
    result = await client.call_tool(tool, {"topic": "benchmarks"})
    seconds = time.perf_counter() - start
    if result.data != wanted:
        raise AssertionError(f"{tool} returned {result.data!r}, not {wanted!r}")
    return seconds


class Meter:
    """Counts the JSON-RPC bytes of a connection, both ways, as the stdio transport writes them."""

    def __init__(self) -> None:
        self.bytes = 0

    def session(self, base: type[ClientSession]) -> type[ClientSession]:
        """A session class whose streams are counted."""

        def make(*, read_stream: Any, write_stream: Any, **settings: Any) -> ClientSession:
            return base(
                read_stream=cast("Any", _Counted(read_stream, self._count)),
                write_stream=cast("Any", _Counted(write_stream, self._count)),
                **settings,
            )

        return cast("type[ClientSession]", make)

    def _count(self, item: SessionMessage | Exception) -> None:
        if isinstance(item, SessionMessage):
            line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            self.bytes += len(line.encode()) + 1


class _Counted:
    """One stream of a connection, with every message shown to the meter."""

    def __init__(self, stream: Any, count: Callable[[SessionMessage | Exception], None]) -> None:
        self._stream = stream
        self._count = count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)

    async def send(self, item: SessionMessage) -> None:
        self._count(item)
        await self._stream.send(item)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        item = await anext(self._stream)
        self._count(item)
        return item


class CountedTransport(FastMCPTransport):
    """The in-memory transport with a meter."""

    def __init__(self, server: FastMCP[Any], meter: Meter) -> None:
        super().__init__(server)
        self._meter = meter

    @asynccontextmanager
    async def connect_session(
        self, *, transport_options: TransportOptions | None = None, **settings: Any
    ) -> AsyncGenerator[ClientSession]:
        """See `FastMCPTransport.connect_session`."""
        base = (transport_options or TransportOptions()).session_class
        options = TransportOptions(session_class=self._meter.session(base))
        async with super().connect_session(transport_options=options, **settings) as session:
            yield session


async def bytes_of_call(server: FastMCP[Any], tool: str, length: int) -> int:
    """JSON-RPC bytes of one tool call on 2026-07-28, both ways, without the handshake."""
    meter = Meter()
    transport = CountedTransport(server, meter)
    async with Client(transport, sampling_handler=model(length), mode="auto") as client:
        await client.list_tools()  # the client looks up output schemas on first use
        before = meter.bytes
        await timed_call(client, tool, expected("benchmarks", length))
        return meter.bytes - before
