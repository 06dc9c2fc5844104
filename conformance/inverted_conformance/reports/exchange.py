"""The messages behind a finding, on the page."""

from __future__ import annotations

import json
import re
from typing import Final

from inverted_conformance.reports.markup import Html, joined, link, tag
from inverted_conformance.reports.plain import clipped, line_text
from inverted_conformance.verdicts import Result
from inverted_conformance.wire.transcript import LONGEST, Line

BEFORE: Final = 3
AFTER: Final = 1
"""Lines around the one that a finding is about."""

FOLD: Final = 200
"""Characters above which a line is folded."""

MOST: Final = 200
"""Lines of a whole exchange; of a longer one the beginning and the end are shown."""


def excerpt(result: Result, at: int) -> Html:
    """The lines around a finding, its own highlighted, and a link to the whole.

    Args:
        result: The scenario.
        at: The finding's line.
    """
    if not result.lines:
        return tag("p", "Nothing was exchanged.", class_="quiet")
    first = max(at - 1 - BEFORE, 0)
    shown = result.lines[first : at + AFTER]
    return joined(
        [
            _lines(shown, first, at, f"Messages around this finding in {result.id}"),
            tag("p", link("The whole exchange", f"#{anchor(result)}")),
        ]
    )


def whole(result: Result) -> Html:
    """A folded exchange from its beginning to its end.

    Args:
        result: The scenario.
    """
    lines = result.lines
    label = f"Messages of {result.id}"
    body = [_lines(lines, 0, 0, label)]
    if len(lines) > MOST:
        half = MOST // 2
        left = f"{len(lines) - MOST} lines are left out here; the JSON report has them."
        body = [
            _lines(lines[:half], 0, 0, label),
            tag("p", left),
            _lines(lines[-half:], len(lines) - half, 0, f"{label}, the end"),
        ]
    summary = tag("summary", f"{result.id}, {len(lines)} lines")
    return tag("details", summary, *body, id=anchor(result))


def anchor(result: Result) -> str:
    """Where the page has the whole exchange.

    Args:
        result: The scenario.
    """
    return "exchange-" + re.sub(r"[^a-z0-9]+", "-", result.id.lower())


def _lines(lines: list[Line], first: int, marked: int, label: str) -> Html:
    return tag(
        "ol",
        *(_line(line, number == marked) for number, line in enumerate(lines, first + 1)),
        class_="exchange",
        start=str(first + 1),
        aria_label=label,
    )


def _line(line: Line, marked: bool) -> Html:  # noqa: FBT001
    direction = tag("b", line.direction)
    here = tag("mark", "here") if marked else Html()
    text = line_text(line)
    said = tag("code", text)
    if len(text) > FOLD:
        start = tag("summary", tag("code", clipped(text, FOLD)))
        said = tag("details", start, tag("pre", Html(_spread(line))))
    return tag(
        "li",
        direction,
        Html(" "),
        here,
        Html(" "),
        said,
        class_="here" if marked else line.direction,
    )


def _spread(line: Line) -> str:
    """The whole line; a message with its own lines, so that it can be read."""
    if isinstance(line.said, dict):
        try:
            spread = json.dumps(line.said, indent=2)
        except RecursionError:
            spread = ""
        if 0 < len(spread) <= 2 * LONGEST:  # indentation is not counted as length
            return "\n".join(joined([row]) for row in spread.split("\n"))
    return joined([line_text(line)])
