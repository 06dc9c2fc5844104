"""TOML, changed in place: a table is appended at the end, and cut out again.

A header may stand anywhere in a TOML file, so appending is always right, unless the table around
it was written inline; then the result does not parse, which `change` notices. `tomllib` tells
where statements begin: a text that is cut in the middle of a string or a list does not parse.
(The round-trip library tomlkit is not needed for that, and moves tables that are out of order.)
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Final, cast

from inverted.cli.installing.edits import (
    Data,
    Insertion,
    Malformed,
    Path,
    Span,
    Unsafe,
    line_break,
    position,
)

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_PLACE: Final = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_LINE: Final = re.compile(r"[^\n]*(?:\n|\Z)")


class Toml:
    """TOML (`edits.Format`). A path is that of a table."""

    def read(self, text: str) -> Data:
        """The text as Python values.

        Raises:
            Malformed: It is no TOML.
        """
        try:
            return tomllib.loads(text.removeprefix("\ufeff"))
        except tomllib.TOMLDecodeError as error:
            place = _PLACE.search(str(error))
            reason = str(error)[: place.start()] if place else str(error)
            line, column = position(text, len(text))
            if place and place[1]:
                line, column = int(place[1]), int(place[2])
            raise Malformed(reason, line, column) from None

    def add(self, text: str, path: Path, value: object) -> list[Insertion]:
        """What must be inserted for a table to stand at `path`."""
        broken = line_break(text)
        header = ".".join(_key(each) for each in path)
        table = cast("Data", value)
        lines = [f"[{header}]", *(f"{_key(key)} = {_said(each)}" for key, each in table.items())]
        before = ""
        if text.strip("\ufeff"):
            before = broken if text.endswith("\n") else 2 * broken
        return [(len(text), before + broken.join([*lines, ""]))]

    def cut(self, text: str, path: Path) -> list[Span]:
        """What must be deleted for a table and those inside it to be gone.

        Raises:
            Unsafe: It is not written as a table of its own.
        """
        spans: list[Span] = []
        headers = _headers(text)
        ends = [start for start, _ in headers[1:]] + [len(text)]
        for (start, header), end in zip(headers, ends, strict=True):
            if header[: len(path)] == path:
                spans.append(_section(text, start, end))
        if not spans:
            raise Unsafe(
                f"{'.'.join(path)} is not written as a table of its own, so it cannot be removed "
                "without touching the rest. Remove it by hand"
            )
        return spans


def _headers(text: str) -> list[tuple[int, Path]]:
    """Where each table begins, and what it is called."""
    found: list[tuple[int, Path]] = []
    known = 0  # a statement begins here
    for line in _LINE.finditer(text):
        said = line[0].removeprefix("\ufeff").strip()
        if said.startswith("[") and _parses(text[known : line.start()]) and _parses(said):
            known = line.start()
            found.append((known, _called(said)))
    return found


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _called(header: str) -> Path:
    inside: object = tomllib.loads(header)
    keys: list[str] = []
    while inside:
        if isinstance(inside, list):
            (inside,) = cast("list[object]", inside)
        else:
            ((key, inside),) = cast("Data", inside).items()
            keys.append(key)
    return tuple(keys)


def _section(text: str, start: int, end: int) -> Span:
    """A table without the comments before the next one, and with one empty line before it."""
    last = start
    for line in _LINE.finditer(text, start, end):
        said = line[0].strip()
        if said and not said.startswith("#"):
            last = line.end()
    for blank in ("\r\n", "\n"):
        if text[:start].endswith(2 * blank) or text[:start] == blank:
            return start - len(blank), last
    return start, last


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _said(key)


def _said(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(
            f"{_key(key)} = {_said(each)}" for key, each in cast("Data", value).items()
        )
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(_said(each) for each in cast('list[object]', value))}]"
    # Strings, whole numbers and booleans are written as in JSON, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
