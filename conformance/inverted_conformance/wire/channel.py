"""One connection to a peer: what goes in and out of it, and how it can break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from inverted_conformance.wire.transcript import Message

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of one message. Nothing in the suite asks for more than a few kilobytes."""

MOST: Final = 5_000
"""Messages that may arrive during one scenario. The busiest one expects about a hundred."""


class PeerError(Exception):
    """The peer did what makes going on pointless; the message says what, for the report."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Something that came over a connection."""

    message: Message | None
    """The message; `None` when `fault` says why there is none."""

    of: int | str | None = None
    """The request on whose own stream it came (HTTP); `None` where streams are shared."""

    status: int | None = None
    """The HTTP status that it came with."""

    fault: str | None = None
    """What came instead of a message, or how the connection ended."""

    streamed: bool = False
    """Whether it came on an SSE stream."""

    twice: tuple[str, ...] = ()
    """Names that one of its objects has twice; JSON's parsers keep only one of them."""


class Channel(Protocol):
    """A connection, over whichever transport."""

    async def send(self, message: Message, headers: Mapping[str, str] | None = None) -> None:
        """Send a message as it is.

        Args:
            message: The message.
            headers: HTTP headers to set, or to leave out where the value is empty; pipes have none.

        Raises:
            PeerError: The connection is gone.
        """
        ...

    async def receive(self) -> Arrived:
        """Wait for what comes next.

        Raises:
            anyio.EndOfStream: Nothing will come any more.
        """
        ...

    def abandon(self, id: int | str) -> bool:
        """Close the stream of one request, which is how HTTP cancels it since 2026-07-28.

        Args:
            id: The request.

        Returns:
            Whether this transport has such streams.
        """
        ...

    async def aclose(self) -> None:
        """End the connection; a process that was started for it ends too."""
        ...


def read(text: bytes, *, of: int | str | None = None, status: int | None = None) -> Arrived:
    """Make a message of bytes, or say why that cannot be done.

    Args:
        text: The bytes.
        of: The request on whose stream they came.
        status: The HTTP status that they came with.
    """
    shown = text[:200].decode("utf-8", "replace")
    twice: list[str] = []

    def made(pairs: list[tuple[str, Any]]) -> Message:
        names = [name for name, _ in pairs]
        twice.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    try:
        value: Any = json.loads(text, object_pairs_hook=made)
    except (ValueError, RecursionError):
        return Arrived(None, of, status, f"sent what is no JSON: {shown!r}")
    if not isinstance(value, dict) or cast("Message", value).get("jsonrpc") != "2.0":
        return Arrived(None, of, status, f"sent what is no JSON-RPC 2.0 message: {shown!r}")
    return Arrived(cast("Message", value), of, status, twice=tuple(sorted(twice)))
