"""Badges: how many of the scored scenarios passed, in each revision.

As JSON for the endpoint badge of shields.io (https://shields.io/badges/endpoint-badge), and drawn
here, for a repository that wants to load nothing from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from inverted_conformance.reports.tally import Tally, by_revision
from inverted_conformance.verdicts import Report

COLORS: Final = {
    "brightgreen": "#2a7d2e",
    "yellow": "#8a6100",
    "red": "#b3261e",
    "lightgrey": "#5f6368",
}
"""The names that shields.io knows, and what we draw: dark enough for white letters."""

ENDINGS: Final = (".json", ".svg")


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says."""

    label: str
    message: str
    color: str
    """One of `COLORS`."""


def badges(report: Report) -> dict[str, Badge]:
    """A badge for each revision, by the name of its file without its ending.

    Args:
        report: The run.
    """
    return {
        f"mcp-{report.role}-{wire}": Badge(f"MCP {wire}", _message(counts), _color([counts]))
        for wire, counts in by_revision(report).items()
    }


def one_badge(report: Report) -> Badge:
    """One badge for the whole run.

    Args:
        report: The run.
    """
    counts = by_revision(report)
    if len(counts) == 1:
        return next(iter(badges(report).values()))
    message = ", ".join(f"{wire} {_message(one)}" for wire, one in counts.items())
    return Badge("MCP", message or "not tested", _color(counts.values()))


def endpoint(badge: Badge) -> str:
    """A badge as shields.io reads it.

    Args:
        badge: What it says.
    """
    said = {"schemaVersion": 1, "label": badge.label, "message": badge.message}
    return json.dumps(said | {"color": badge.color}) + "\n"


def drawn(badge: Badge) -> str:
    """A badge as an SVG document.

    Args:
        badge: What it says.
    """
    left, right = _width(badge.label), _width(badge.message)
    width = left + right
    name = escape(f"{badge.label}: {badge.message}")

    def text(said: str, start: int, room: int) -> str:
        middle = start + room / 2
        return (
            f'<text x="{middle:g}" y="14" text-anchor="middle" textLength="{room - 12}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(said)}</text>'
        )

    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
        f'aria-label="{name}"><title>{name}</title>'
        f'<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLORS[badge.color]}"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{text(badge.label, 0, left)}{text(badge.message, left, right)}</g></svg>\n"
    )


def write_badges(report: Report, place: Path) -> None:
    """Write one file, or a folder with both kinds for each revision.

    Args:
        report: The run.
        place: A file that ends in `.json` or `.svg`; anything else is a folder.
    """
    if place.suffix in ENDINGS:
        _write(one_badge(report), place)
        return
    place.mkdir(parents=True, exist_ok=True)
    for name, badge in badges(report).items():
        for ending in ENDINGS:
            _write(badge, place / f"{name}{ending}")


def _write(badge: Badge, file: Path) -> None:
    file.write_text(endpoint(badge) if file.suffix == ".json" else drawn(badge), "utf-8")


def _message(counts: Tally) -> str:
    return f"{counts.passed}/{counts.scored}" if counts.scored else "not offered"


def _color(counts: Iterable[Tally]) -> str:
    every = list(counts)
    if any(one.failed for one in every):
        return "red"
    if any(one.warned for one in every):
        return "yellow"
    return "brightgreen" if any(one.passed for one in every) else "lightgrey"


def _width(text: str) -> int:
    """Room for a text in Verdana of 11 pixels, near enough; `textLength` does the rest."""
    return round(sum(4.2 if char in " .,/-:|1il" else 7 for char in text)) + 12
