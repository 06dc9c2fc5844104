"""What a server's agents are and which arguments they take, generated from their schemas.

Shown by `--list` and `--help` after a TARGET, and under every error about arguments.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, Final, cast

from mcp_types import Tool

from inverted.cli.arguments import option
from inverted.cli.options import OPTIONS
from inverted.cli.schema import Schema, alternatives, properties, required
from inverted.cli.text import clean, clip, compact, first_line

_COLUMN: Final = 28
_WIDEST_CHOICE: Final = 44

_WORDS: Final = {
    "string": "TEXT",
    "integer": "INTEGER",
    "number": "NUMBER",
    "object": "JSON",
    "null": "null",
}
_OURS: Final = frozenset(one.name.removeprefix("--") for one in OPTIONS)


def listing(tools: Sequence[Tool], width: int) -> list[str]:
    """Every agent with its purpose and its arguments, one below the other."""
    lines: list[str] = []
    for tool in tools:
        lines += [clean(tool.name), *_wrapped(purpose(tool), width, "  ")]
        lines += ["", *argument_lines(tool, width), ""]
    return lines[:-1]


def usage(tool: Tool, target: str, width: int) -> list[str]:
    """How to call one agent: the command line, then every argument."""
    return [
        *_wrapped(f"usage: inverted run {target} {clean(tool.name)} {signature(tool)}", width, ""),
        "",
        *argument_lines(tool, width),
    ]


def signature(tool: Tool) -> str:
    """The arguments of an agent on one line, optional ones in brackets."""
    schema = cast("Schema", tool.input_schema)
    needed = required(schema)
    words: list[str] = []
    for name, part in properties(schema).items():
        written = f"--{option(clean(name))} {value_word(part, schema)}".rstrip()
        words.append(written if name in needed else f"[{written}]")
    return " ".join(words)


def argument_lines(tool: Tool, width: int) -> list[str]:
    """One entry per argument: its option, its values, what it means, its default."""
    schema = cast("Schema", tool.input_schema)
    needed = required(schema)
    lines: list[str] = []
    for name, part in properties(schema).items():
        head = f"  --{option(clean(name))} {value_word(part, schema)}".rstrip()
        notes = _notes(name, part, needed=name in needed)
        body = textwrap.wrap(notes, max(width - _COLUMN, 30)) or [""]
        if len(head) < _COLUMN - 1:
            lines.append(head.ljust(_COLUMN) + body.pop(0))
        else:
            lines.append(head)
        lines += [" " * _COLUMN + line for line in body]
    return lines or ["  (no arguments)"]


def value_word(part: Schema, root: Schema) -> str:
    """What stands after an option: `TEXT`, `low|high`, `INTEGER`, `TEXT ...`, or nothing."""
    words = [_plain_word(plain, root) for plain in alternatives(part, root)]
    distinct = list(dict.fromkeys(word for word in words if word != "null"))
    return clip("|".join(distinct), _WIDEST_CHOICE)


def purpose(tool: Tool) -> str:
    """One line on what an agent does."""
    return first_line(tool.description or tool.title or "")


def _plain_word(plain: Schema, root: Schema) -> str:
    own: list[Any] = [plain["const"]] if "const" in plain else list(plain.get("enum") or ())
    if own:
        return "|".join(value if isinstance(value, str) else compact(value) for value in own)
    kind = plain.get("type")
    if kind == "boolean":
        return ""  # a bare option means true
    if kind == "array":
        items = cast("Schema", plain.get("items") or {})
        inner = alternatives(items, root)
        if any(one.get("type") in ("object", "array") for one in inner):
            return "JSON ..."
        return f"{value_word(items, root) or 'true|false'} ..."
    return _WORDS.get(str(kind), "VALUE")


def _notes(name: str, part: Schema, *, needed: bool) -> str:
    notes = [clean(str(part.get("description") or "")).strip().rstrip(".")]
    if "default" in part and part["default"] is not None:
        notes.append(f"default {compact(part['default'], 60)}")
    elif needed:
        notes.append("required")
    if option(name) in _OURS:
        notes.append(f"give it as --args '{{\"{name}\": …}}': inverted has an option of that name")
    return ". ".join(" ".join(note.split()) for note in notes if note)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
