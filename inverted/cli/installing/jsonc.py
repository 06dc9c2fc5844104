"""JSON as hosts write it: with comments and trailing commas, changed in place.

What is accepted is what VS Code accepts: RFC 8259, `//` and `/* */` comments, a comma after the
last item. The reader keeps the position of everything, so that a change touches only its place.
PyPI's round-trip parser for JSON (`json-five`) accepts JSON5, which no host here reads, and its
model is written out again as a whole; a reader with positions is shorter than its use would be.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final, cast

from inverted.cli.installing.edits import (
    END,
    Data,
    Insertion,
    Malformed,
    Path,
    Span,
    indentation,
    line_break,
    line_start,
    position,
)

_BLANK: Final = re.compile(r"[ \t\r\n]+")
_COMMENT: Final = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_DECODER: Final = json.JSONDecoder()
_DEEPEST: Final = 100
_UNIT: Final = "  "


@dataclass
class _Value:
    """A value and where it stands.

    Attributes:
        start: Its first character.
        opening: `{` or `[`, or nothing for a scalar.
        end: After its last character.
        data: What it says; of an object or a list only after it was read as a whole.
        items: The members of an object, the items of a list.
        tail: After the last token or comment before the closing bracket.
    """

    start: int
    opening: str = ""
    end: int = 0
    data: object = None
    items: list[_Item] = field(default_factory=list["_Item"])
    tail: int = 0


@dataclass
class _Item:
    """A member or an item: its key, where it starts, and what is around it.

    Attributes:
        key: The key; in a list, the index.
        start: Where the key or the item begins.
        before: After the token or comment that stands before it.
        value: Its value.
        comma: Where the comma after it stands, if there is one.
    """

    key: str
    start: int
    before: int
    value: _Value
    comma: int | None = None


class _Reader:
    """Reads a text once, from the beginning."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1 if text.startswith("\ufeff") else 0
        self.solid = self.at  # after the last token or comment

    def document(self) -> _Value | None:
        """The value of the text; None if there is none."""
        self.skip()
        if self.at == len(self.text):
            return None
        found = self.value(0)
        self.skip()
        if self.at < len(self.text):
            raise self.problem("something stands after the end of the JSON value")
        return found

    def skip(self) -> None:
        """Go to the next token."""
        while True:
            blank = _BLANK.match(self.text, self.at)
            if blank:
                self.at = blank.end()
            comment = _COMMENT.match(self.text, self.at)
            if comment is None:
                return
            self.at = self.solid = comment.end()

    def value(self, depth: int) -> _Value:
        """The value that begins here."""
        if depth > _DEEPEST:
            raise self.problem(f"nested more than {_DEEPEST} deep")
        found = _Value(self.at)
        char = self.text[self.at : self.at + 1]
        if char in ("{", "["):
            found.opening = char
            self.take(1)
            self.items(found, depth)
        elif char == '"':
            found.data = self.string()
        else:
            found.data = self.scalar()
        found.end = self.at
        return found

    def items(self, inside: _Value, depth: int) -> None:
        """The members or items up to the closing bracket, and the bracket."""
        closing = "}" if inside.opening == "{" else "]"
        while True:
            self.skip()
            if self.text[self.at : self.at + 1] == closing:
                break
            if inside.items and inside.items[-1].comma is None:
                raise self.problem(f"a comma or {closing} is missing")
            inside.items.append(self.item(inside, depth))
            self.skip()
            if self.text[self.at : self.at + 1] == ",":
                inside.items[-1].comma = self.at
                self.take(1)
        inside.tail = self.solid
        self.take(1)
        if inside.opening == "{":
            inside.data = {item.key: item.value.data for item in inside.items}
        else:
            inside.data = [item.value.data for item in inside.items]

    def item(self, inside: _Value, depth: int) -> _Item:
        """The member or item that begins here."""
        start, before, key = self.at, self.solid, str(len(inside.items))
        if inside.opening == "{":
            if self.text[self.at : self.at + 1] != '"':
                raise self.problem("a key in double quotes, or }, is missing")
            key = self.string()
            self.skip()
            if self.text[self.at : self.at + 1] != ":":
                raise self.problem("a colon is missing")
            self.take(1)
            self.skip()
        return _Item(key, start, before, self.value(depth + 1))

    def string(self) -> str:
        try:
            said, end = _DECODER.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            raise Malformed(error.msg, *position(self.text, error.pos)) from None
        self.take(end - self.at)
        return said

    def scalar(self) -> object:
        for word, meaning in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.take(len(word))
                return meaning
        number = _NUMBER.match(self.text, self.at)
        if number is None:
            raise self.problem("a value is missing")
        self.take(len(number[0]))
        return float(number[0])

    def take(self, count: int) -> None:
        self.at += count
        self.solid = self.at

    def problem(self, reason: str) -> Malformed:
        return Malformed(reason, *position(self.text, self.at))


class Jsonc:
    """JSON with comments (`edits.Format`)."""

    def read(self, text: str) -> Data:
        """The text as Python values.

        Raises:
            Malformed: It is no JSON object.
        """
        root = _parse(text)
        return {} if root is None else cast("Data", root.data)

    def add(self, text: str, path: Path, value: object) -> list[Insertion]:
        """What must be inserted for `value` to stand at `path`.

        Raises:
            Malformed: Something else than an object or a list stands on the way.
        """
        root = _parse(text)
        if root is None:
            broken = line_break(text)
            before = broken if text.strip("\ufeff") and not text.endswith(("\n", "\r")) else ""
            return [
                (len(text), f"{before}{_render(_wrapped(path, value), '', _UNIT, broken)}{broken}")
            ]
        inside = root
        for number, key in enumerate(path):
            wanted = "[" if key == END else "{"
            if inside.opening != wanted:
                what = "a list" if wanted == "[" else "an object"
                where = ".".join(path[:number]) or "the configuration"
                raise Malformed(f"{where} is not {what}", *position(text, inside.start))
            found = _last(inside, key)
            if found is None:
                return _Place(text, root, inside).append(key, _wrapped(path[number + 1 :], value))
            inside = found.value
        raise ValueError(f"{path} is taken")

    def cut(self, text: str, path: Path) -> list[Span]:
        """What must be deleted for `path` to be gone."""
        inside = _parse(text)
        *outer, key = path
        for each in outer:
            found = None if inside is None else _last(inside, each)
            inside = None if found is None else found.value
        item = None if inside is None else _last(inside, key)
        if inside is None or item is None:
            raise KeyError(path)
        return _cut(text, inside, inside.items.index(item))


def _parse(text: str) -> _Value | None:
    root = _Reader(text).document()
    if root is not None and root.opening != "{":
        raise Malformed("the configuration is not a JSON object", *position(text, root.start))
    return root


def _last(inside: _Value, key: str) -> _Item | None:
    """The item of a key. Of several with one key the last one counts, as for every host."""
    return next((item for item in reversed(inside.items) if item.key == key), None)


def _wrapped(path: Path, value: object) -> object:
    for key in reversed(path):
        value = [value] if key == END else {key: value}
    return value


@dataclass(frozen=True)
class _Place:
    """Where something is appended: an object or a list in its document."""

    text: str
    root: _Value
    inside: _Value

    def append(self, key: str, value: object) -> list[Insertion]:
        inside, text = self.inside, self.text
        name = "" if key == END else f"{json.dumps(key, ensure_ascii=False)}: "
        last = inside.items[-1] if inside.items else None
        comma = [(last.value.end, ",")] if last and last.comma is None else []
        ending = "," if last and last.comma is not None else ""
        if self._is_one_line():
            said = json.dumps(value, ensure_ascii=False)
            return [*comma, (inside.tail, f"{' ' if last else ''}{name}{said}{ending}")]
        broken, unit = line_break(text), self._unit()
        outer = indentation(text, inside.start)
        inner = outer + unit
        if last and _begins_line(text, last.start):
            inner = indentation(text, last.start)
        said = _render(value, inner, unit, broken)
        gap = text[inside.tail : inside.end - 1]
        closing = "" if "\n" in gap or "\r" in gap else f"{broken}{outer}"
        return [*comma, (inside.tail, f"{broken}{inner}{name}{said}{ending}{closing}")]

    def _is_one_line(self) -> bool:
        if not self.root.items:
            return False
        return all(
            "\n" not in self.text[each.start : each.end]
            and "\r" not in self.text[each.start : each.end]
            for each in ([self.inside] if self.inside.items else [self.root])
        )

    def _unit(self) -> str:
        """By how much a level is indented here."""
        outer = indentation(self.text, self.root.start)
        for item in self.root.items:
            inner = indentation(self.text, item.start)
            if _begins_line(self.text, item.start) and inner.startswith(outer) and inner != outer:
                return inner[len(outer) :]
        return _UNIT


def _begins_line(text: str, at: int) -> bool:
    start = line_start(text, at)
    return start > 0 and not text[start:at].strip(" \t")


def _render(value: object, indent: str, unit: str, broken: str) -> str:
    # json.dumps would break a list of words into one line each; command lines read better in one.
    if isinstance(value, dict) and value:
        members = cast("Data", value)
        inner = indent + unit
        lines = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_render(each, inner, unit, broken)}"
            for key, each in members.items()
        ]
        return f"{{{broken}{f',{broken}'.join(lines)}{broken}{indent}}}"
    if isinstance(value, list) and any(
        isinstance(each, dict) for each in cast("list[object]", value)
    ):
        inner = indent + unit
        lines = [
            f"{inner}{_render(each, inner, unit, broken)}" for each in cast("list[object]", value)
        ]
        return f"[{broken}{f',{broken}'.join(lines)}{broken}{indent}]"
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str, inside: _Value, index: int) -> list[Span]:
    item = inside.items[index]
    end = item.value.end
    if item.comma is not None:
        if not text[end : item.comma].strip():
            return [(item.before, item.comma + 1)]
        return [(item.before, end), (item.comma, item.comma + 1)]
    if index > 0:
        comma = cast("int", inside.items[index - 1].comma)
        return [(comma, comma + 1), (item.before, end)]
    closing = inside.end - 1
    if item.before == inside.start + 1 and not text[end:closing].strip():
        return [(item.before, closing)]  # nothing else is in there
    return [(item.before, end)]
