"""Text from elsewhere, made harmless: a peer's words are shown and never obeyed.

An escape sequence could move a terminal's cursor, a mark could turn the reading direction, and XML
forbids control characters. They are evidence as well, so they are spelled out, not dropped.
"""

from __future__ import annotations

from inverted_conformance.wire.transcript import Line


def visible(text: str) -> str:
    r"""The text on one line, with everything that does not print spelled out (`\x1b`, `\u202e`).

    Args:
        text: Text of any origin; lone surrogates too.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def visible_lines(text: str) -> list[str]:
    """The same on as many lines as the text has: the last words of a process, for one.

    Args:
        text: Text of any origin.
    """
    return [visible(line.rstrip("\r")) for line in text.rstrip().split("\n")]


def clipped(text: str, width: int) -> str:
    """At most so many characters, with an ellipsis when something was cut.

    Args:
        text: The text.
        width: How many characters.
    """
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def line_text(line: Line) -> str:
    """What a line of a transcript says, harmless.

    Args:
        line: The line.
    """
    try:
        return visible(line.text)
    except RecursionError:
        return "(nested too deeply to show)"
