"""Changes of a text that leave everything else as it is: insertions and deletions by position.

A configuration belongs to its owner. Libraries that read a file and write it again keep comments,
but change indentation, quotes, line ends or the wrapping of long lines. So the formats here
(`jsonc`, `tomltext`, `yamltext`) use a parser to find positions, and the text changes only there.
Every change is checked: the new text must parse to exactly what was meant (`change`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeAlias

from inverted.cli.errors import CliError

Data: TypeAlias = dict[str, object]
"""A configuration as Python values."""

Path: TypeAlias = tuple[str, ...]
"""Where something is, outermost key first. In a list: its index, or `END` to append."""

Span: TypeAlias = tuple[int, int]
"""From where to where, in characters."""

Insertion: TypeAlias = tuple[int, str]
"""Where, and what."""

END: Final = "-"
"""The place after the last item of a list (as in RFC 6901). No server has this name."""


class Malformed(CliError):
    """A configuration cannot be read, or cannot be changed where it would have to be.

    Args:
        reason: What is wrong.
        line: Where, from 1.
        column: Where, from 1.
    """

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


class Unsafe(CliError):
    """A configuration can be read, but a change could not be made without touching the rest."""


class Format(Protocol):
    """How one format is read and changed."""

    def read(self, text: str) -> Data:
        """The text as Python values; an empty text is an empty configuration."""
        ...

    def add(self, text: str, path: Path, value: object) -> list[Insertion]:
        """What must be inserted for `value` to stand at `path`, where nothing is yet."""
        ...

    def cut(self, text: str, path: Path) -> list[Span]:
        """What must be deleted for `path` to be gone. It is there."""
        ...


def insert(text: str, insertions: Iterable[Insertion]) -> str:
    """The text with the insertions made; those at the same place in the order given."""
    pieces: list[str] = []
    done = 0
    for at, what in sorted(insertions, key=lambda one: one[0]):
        pieces += [text[done:at], what]
        done = at
    return "".join([*pieces, text[done:]])


def delete(text: str, spans: Iterable[Span]) -> str:
    """The text without the spans."""
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans):
        pieces.append(text[done:start])
        done = end
    return "".join([*pieces, text[done:]])


def track(spans: Sequence[Span], insertions: Iterable[Insertion]) -> list[Span]:
    """Where inserted text stands after further insertions.

    Args:
        spans: What was inserted before.
        insertions: What is inserted now.

    Returns:
        The spans of all of it, in the new text: deleting them gives back the first text.
    """
    found = list(spans)
    shift = 0
    for at, what in sorted(insertions, key=lambda one: one[0]):
        here, size = at + shift, len(what)
        found = [
            (start + size, end + size)
            if start >= here
            else (start, end + size)
            if end > here
            else (start, end)
            for start, end in found
        ]
        found.append((here, here + size))
        shift += size
    return merged(found)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same places as spans that do not overlap, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def position(text: str, at: int) -> tuple[int, int]:
    """The line and the column of a character, both from 1. A byte order mark does not count."""
    before = text[:at].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def line_break(text: str) -> str:
    """How the text ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


def line_start(text: str, at: int) -> int:
    """Where the line of a character begins."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def indentation(text: str, at: int) -> str:
    """The blanks with which the line of a character begins."""
    line = text[line_start(text, at) : at].removeprefix("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]
