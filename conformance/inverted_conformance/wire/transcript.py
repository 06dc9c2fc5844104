"""What went over the wire, in order: the evidence behind each finding."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Message = dict[str, Any]
"""One JSON-RPC message, as JSON gives it."""

Direction = Literal["sent", "received", "note"]

LONGEST: Final = 4000
"""Characters of one message that a report shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message, or a note about the connection."""

    direction: Direction
    said: Message | str
    seconds: float
    """Since the transcript began."""

    who: str = ""
    """Which of several connections; empty where a scenario has one."""

    @property
    def text(self) -> str:
        """The message as one line of JSON, shortened if it is long."""
        text = self.said if isinstance(self.said, str) else json.dumps(self.said)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


@dataclass(slots=True)
class Transcript:
    """The lines of one scenario."""

    lines: list[Line] = field(default_factory=list[Line])
    began: float = field(default_factory=time.monotonic)

    def add(self, direction: Direction, said: Message | str, who: str = "") -> None:
        """Write a line.

        Args:
            direction: Which way it went, as the suite sees it; or that it is a note.
            said: The message, or the note.
            who: Which of several connections.
        """
        self.lines.append(Line(direction, said, time.monotonic() - self.began, who))
