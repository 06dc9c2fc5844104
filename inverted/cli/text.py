"""Shaping text that came from elsewhere, for one terminal line or for a block of them.

Servers and models are not trusted with the terminal: an escape sequence in their text could
move the cursor, rewrite what the person already read, or fake a prompt. Everything that is shown
passes through `clean` first, and nothing is ever read as console markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import cast

CHARS_PER_TOKEN = 4
"""Rule of thumb for English text and source code; every figure made with it is labelled."""

_UNSAFE = re.compile(
    # C0 without tab and newline, DEL, C1, and the marks that reorder text on screen.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"
)
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_MARKDOWN = re.compile(
    r"^(#{1,6} |[-*+] |\d+[.)] |> |```|\|.*\||\s*[-*_]{3,}\s*$)"  # blocks
    r"|\*\*[^*\n]+\*\*|\[[^\]\n]+\]\([^)\n]+\)",  # bold, links
    re.MULTILINE,
)


def clean(text: str) -> str:
    """The text without terminal control sequences and without marks that reorder it."""
    return _UNSAFE.sub("", _ESCAPE.sub("", text.replace("\r\n", "\n")))


def first_line(text: str) -> str:
    """The first line that says something, cleaned: a lone brace or rule does not."""
    lines = [line.strip() for line in clean(text).splitlines()]
    telling = (line for line in lines if any(mark.isalnum() for mark in line))
    return next(telling, next((line for line in lines if line), ""))


def clip(text: str, width: int) -> str:
    """At most `width` characters, with an ellipsis when something was cut."""
    return text if len(text) <= width else text[: max(width - 1, 0)].rstrip() + "…"


def compact(value: object, width: int | None = None) -> str:
    """A JSON value on one line, clipped to `width` characters when one is given."""
    line = clean(json.dumps(value, ensure_ascii=False, default=str)).replace("\n", " ")
    return line if width is None else clip(line, width)


def log_text(data: object) -> str:
    """A server's log message on one line, whatever it is made of."""
    said: object = data
    if isinstance(data, dict):  # FastMCP sends {"msg": …}
        said = cast("dict[str, object]", data).get("msg", said)
    return first_line(said) if isinstance(said, str) else compact(said)


def call_text(name: str, arguments: Mapping[str, object]) -> str:
    """A tool call as a person would write it: `search(query="foo", limit=3)`."""
    shown = ", ".join(f"{clean(key)}={compact(value, 60)}" for key, value in arguments.items())
    return f"{clean(name)}({shown})"


def looks_like_markdown(text: str) -> bool:
    """Whether the text carries Markdown marks, so that rendering it helps the reader."""
    return _MARKDOWN.search(text) is not None


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `1:02` or `1:00:07`."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds the tenth still tells something
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def count(number: int, noun: str) -> str:
    """`1 question`, `2 questions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tokens(estimate: int) -> str:
    """An estimate of tokens, always labelled as one."""
    figure = str(estimate) if estimate < 1000 else f"{estimate / 1000:.1f}k"  # noqa: PLR2004
    return f"~{figure} tokens (estimate)"
