"""What a scenario needs of a real client. Every client has an adapter that looks like this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Era = Literal["2025-11-25", "2026-07-28"]
Transport = Literal["stdio", "http"]
SERVER = Path(__file__).with_name("server.py").resolve()
UNTYPED = object()
"""In place of `.data`, where a client has no such thing."""

OnProgress = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Hands:
    """What the application behind a client brings.

    Attributes:
        model: Whether it samples, and with tools.
        person: Whether it shows forms.
    """

    model: Literal["none", "text", "tools"] = "none"
    person: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A tool result as a client hands it to its application.

    Attributes:
        text: The text of its content.
        structured: The structured content.
        data: FastMCP's typed value.
        is_error: Whether the tool failed.
    """

    text: str
    structured: Any = None
    data: Any = UNTYPED
    is_error: bool = False


class Connected(Protocol):
    """A client that is connected to the server.

    Attributes:
        version: The revision that was negotiated; None if the client does not tell.
    """

    version: str | None

    async def tools(self) -> list[dict[str, Any]]:
        """What `tools/list` gives, on the wire."""
        ...

    async def call(
        self, tool: str, arguments: dict[str, Any], progress: OnProgress | None = None
    ) -> Called:
        """Call a tool, and call `progress` for each sign of life."""
        ...


Open = Callable[[Era, list[str] | str, Hands], AbstractAsyncContextManager[Connected]]
"""Connects to a command or a URL."""


@dataclass(frozen=True, slots=True)
class RealClient:
    """A client.

    Attributes:
        name: What it is called.
        open: Connects it.
        eras: The revisions that it speaks.
        patience: Seconds after which it gives up a silent call, where progress resets that.
        lacks: Scenarios that it has no means for, and what is missing.
    """

    name: str
    open: Open
    eras: tuple[Era, ...] = ("2025-11-25", "2026-07-28")
    patience: float | None = None
    lacks: Mapping[str, str] = field(default_factory=dict[str, str])
