"""YAML, changed in place: an entry is put first into its mapping, and cut out again.

PyYAML tells where keys and values stand. An entry goes directly under the line of the key around
it: the end of a mapping has no clear place in YAML, because a text block may reach to it and a
comment may belong to what follows. Round-trip libraries (ruamel.yaml) indent and wrap anew.
Values are in double quotes: `1e3` and `on` are not the same to every reader without.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

import yaml

from inverted.cli.installing.edits import (
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

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NOT_STRINGS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LINE_END: Final = re.compile(r"\r\n|\n|\r|\Z")
_UNIT: Final = "  "


class Yaml:
    """YAML (`edits.Format`)."""

    def read(self, text: str) -> Data:
        """The text as Python values.

        Raises:
            Malformed: It is no YAML mapping.
        """
        try:
            found: object = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise Malformed(error.problem or "this is no YAML", line, column) from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            at = getattr(error, "position", 0)
            reason = getattr(error, "reason", None) or str(error)
            raise Malformed(str(reason), *position(text, int(at))) from None
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise Malformed("the configuration is not a mapping", 1, 1)
        return cast("Data", found)

    def add(self, text: str, path: Path, value: object) -> list[Insertion]:
        """What must be inserted for `value` to stand at `path`, which has two keys.

        Raises:
            Malformed: The place is written in a way that cannot be added to.
        """
        outer, key = path
        broken = line_break(text)
        root = _root(text)
        pair = None if root is None else _pair(root, outer)
        if pair is None:
            before = "" if not text.strip("\ufeff") or text.endswith("\n") else broken
            lines = [f"{_key(outer)}:", *_lines(key, value, _UNIT)]
            return [(len(text), before + broken.join([*lines, ""]))]
        around, inside = pair
        if isinstance(inside, yaml.MappingNode) and inside.flow_style:
            return [_into_flow(text, inside, key, value)]
        if isinstance(inside, yaml.MappingNode):
            first = inside.value[0][0]
            indent = indentation(text, first.start_mark.index)
        elif inside.start_mark.index == inside.end_mark.index:  # nothing after the colon
            indent = indentation(text, around.start_mark.index) + _UNIT
        else:
            mark = inside.start_mark
            raise Malformed(f"{outer} is not a mapping", mark.line + 1, mark.column + 1)
        ending = _line_end(text, around.end_mark.index)
        if text[ending - 1 : ending] not in ("\n", "\r"):
            return [(ending, broken + broken.join(_lines(key, value, indent)))]
        return [(ending, broken.join([*_lines(key, value, indent), ""]))]

    def cut(self, text: str, path: Path) -> list[Span]:
        """What must be deleted for `path` to be gone."""
        inside: yaml.Node | None = _root(text)
        outer: list[yaml.MappingNode] = []
        pair: tuple[yaml.Node, yaml.Node] | None = None
        for each in path:
            if not isinstance(inside, yaml.MappingNode):
                raise KeyError(path)
            outer.append(inside)
            pair = _pair(inside, each)
            inside = None if pair is None else pair[1]
        if pair is None:
            raise KeyError(path)
        key, value = pair
        if outer[-1].flow_style:
            return _cut_flow(text, outer[-1], key, value)
        return [(line_start(text, key.start_mark.index), _line_end(text, _end(key, value)))]


def _root(text: str) -> yaml.MappingNode | None:
    loader = yaml.SafeLoader(text)
    return cast("yaml.MappingNode | None", loader.get_single_node())


def _pair(inside: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The key and the value of a name; of several the last, as PyYAML reads them."""
    pairs = cast("list[tuple[yaml.Node, yaml.Node]]", inside.value)
    return next((pair for pair in reversed(pairs) if pair[0].value == key), None)


def _end(key: yaml.Node, value: Any) -> int:
    """After the last character of a value. PyYAML's end of a block is where the next one begins."""
    while isinstance(value, yaml.CollectionNode) and not value.flow_style:
        last = value.value[-1]
        key, value = last if isinstance(value, yaml.MappingNode) else (last, last)
    if value.start_mark.index == value.end_mark.index:
        return max(key.end_mark.index, value.end_mark.index)
    return value.end_mark.index


def _line_end(text: str, at: int) -> int:
    """After the line of a position; the position itself where a line begins, as after a block."""
    if at > 0 and text[at - 1] in "\r\n":
        return at
    found = _LINE_END.search(text, at)
    return len(text) if found is None else found.end()


def _into_flow(text: str, inside: yaml.MappingNode, key: str, value: object) -> Insertion:
    at = inside.start_mark.index + text[inside.start_mark.index :].index("{") + 1
    said = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
    return at, f"{said}, " if inside.value else said


def _cut_flow(text: str, inside: yaml.MappingNode, key: yaml.Node, value: yaml.Node) -> list[Span]:
    end = value.end_mark.index
    following = re.compile(r"\s*,\s?").match(text, end)
    if following and key is inside.value[0][0]:
        return [(key.start_mark.index, following.end())]
    if following:
        return [(key.start_mark.index, end), (end, following.end())]
    if key is inside.value[0][0]:
        return [(key.start_mark.index, end)]
    before = cast("yaml.Node", inside.value[-2][1]).end_mark.index
    return [(before, end)]


def _lines(key: str, value: object, indent: str) -> list[str]:
    if isinstance(value, dict) and value:
        lines = [f"{indent}{_key(key)}:"]
        for inner, each in cast("Data", value).items():
            lines += _lines(inner, each, indent + _UNIT)
        return lines
    if isinstance(value, list) and value:
        items = [f"{indent}- {_said(each)}" for each in cast("list[object]", value)]
        return [f"{indent}{_key(key)}:", *items]
    return [f"{indent}{_key(key)}: {_said(cast('object', value))}"]


def _key(key: str) -> str:
    plain = _PLAIN.fullmatch(key) and key.lower() not in _NOT_STRINGS
    return key if plain else _said(key)


def _said(value: object) -> str:
    return json.dumps(value, ensure_ascii=not _printable(value))


def _printable(value: object) -> bool:
    return not isinstance(value, str) or value.isprintable()
