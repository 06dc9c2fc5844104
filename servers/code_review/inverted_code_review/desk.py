"""Where the rehearsal model's inspections ask the tools.

A question that was answered in an earlier turn gives its answer; a new one is noted as a call to
make. So an inspection reads like straight-line code although its answers come turns later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from inverted_code_review.callers import Uses
from inverted_code_review.tools import BlamedLine, Places

_blamed = TypeAdapter(list[BlamedLine])
_NUMBERED = re.compile(r" *(\d+)  (.*)")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool.

    Args:
        tool: The tool's name.
        json: Its arguments, as canonical JSON so that calls can be compared.
    """

    tool: str
    json: str

    @classmethod
    def of(cls, tool: str, arguments: Mapping[str, object]) -> Call:
        """Make a call from its arguments."""
        return cls(tool, json.dumps(arguments, sort_keys=True))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments."""
        return json.loads(self.json)


@dataclass(slots=True)
class Desk:
    """The answers so far, and the calls that were asked for beyond them.

    Every question gives None when its answer is not there, or when the tool failed.

    Args:
        answers: The text that each call returned, None for a failure.
    """

    answers: Mapping[Call, str | None]
    wanted: list[Call] = field(default_factory=list[Call])

    def uses(self, symbol: str) -> Uses | None:
        """Ask list_callers."""
        text = self._ask("list_callers", symbol=symbol)
        return Uses.model_validate_json(text) if text else None

    def search(self, pattern: str, path_glob: str = "") -> Places | None:
        """Ask search."""
        text = self._ask("search", pattern=pattern, path_glob=path_glob)
        return Places.model_validate_json(text) if text else None

    def blame(self, path: str, line: int) -> BlamedLine | None:
        """Ask blame about one line."""
        text = self._ask("blame", path=path, start=line, end=line)
        return next(iter(_blamed.validate_json(text)), None) if text else None

    def line(self, path: str, line: int, *, base: bool = False) -> str | None:
        """Ask read_file (or read_base_file) about one line, reading what surrounds it too."""
        tool = "read_base_file" if base else "read_file"
        text = self._ask(tool, path=path, start=max(line - 3, 1), end=line + 3)
        rows = (_NUMBERED.fullmatch(row) for row in (text or "").split("\n"))
        return next((row[2] for row in rows if row and int(row[1]) == line), None)

    def _ask(self, tool: str, **arguments: object) -> str | None:
        call = Call.of(tool, arguments)
        if call not in self.answers and call not in self.wanted:
            self.wanted.append(call)
        return self.answers.get(call)
