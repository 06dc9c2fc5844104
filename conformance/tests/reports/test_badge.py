"""Badges."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from conformance.tests.reports.made_up import bad, good, report, result
from inverted_conformance.reports.badge import COLORS, Badge, drawn, one_badge, write_badges
from inverted_conformance.verdicts import Result

SVG = "{http://www.w3.org/2000/svg}"


def kept() -> Result:
    return result("rounds/state", "2026-07-28", good("rounds.state"))


def nested() -> Result:
    return result("elicitation/flat", "2026-07-28", bad("elicitation.flat"))


def broken() -> Result:
    return result("tasks/both", "2026-07-28", bad("rounds.state"))


def lacking() -> Result:
    return result("tasks/both", "2026-07-28", not_offered="the tool")


@pytest.mark.parametrize(
    ("make", "message", "color"),
    [
        ([kept], "1/1", "brightgreen"),
        ([kept, nested], "1/2", "yellow"),
        ([kept, nested, broken], "1/3", "red"),
        ([lacking], "not offered", "lightgrey"),
        ([kept, lacking], "1/1", "brightgreen"),
    ],
)
def test_a_badge_says_passed_of_scored_and_is_green_only_when_all_is_right(
    make: list[Callable[[], Result]], message: str, color: str
) -> None:
    results = [one() for one in make]
    assert one_badge(report(*results)) == Badge("MCP 2026-07-28", message, color)


def test_one_badge_for_two_revisions_names_both() -> None:
    assert one_badge(report()) == Badge("MCP", "2025-11-25 1/1, 2026-07-28 1/4", "red")


def test_a_folder_gets_both_kinds_for_each_revision(tmp_path: Path) -> None:
    write_badges(report(), tmp_path / "badges")
    assert sorted(file.name for file in (tmp_path / "badges").iterdir()) == [
        "mcp-server-2025-11-25.json",
        "mcp-server-2025-11-25.svg",
        "mcp-server-2026-07-28.json",
        "mcp-server-2026-07-28.svg",
    ]
    said = json.loads((tmp_path / "badges" / "mcp-server-2025-11-25.json").read_text("utf-8"))
    assert said == {
        "schemaVersion": 1,
        "label": "MCP 2025-11-25",
        "message": "1/1",
        "color": "brightgreen",
    }


def test_a_file_gets_the_kind_of_its_ending(tmp_path: Path) -> None:
    write_badges(report(kept()), tmp_path / "a.svg")
    write_badges(report(kept()), tmp_path / "a.json")
    root = fromstring((tmp_path / "a.svg").read_text("utf-8"))  # noqa: S314 (it is our own)
    assert root.findtext(f"{SVG}title") == "MCP 2026-07-28: 1/1"
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["message"] == "1/1"


@pytest.mark.parametrize("color", COLORS)
def test_white_letters_have_contrast_on_every_colour(color: str) -> None:
    def light(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = bytes.fromhex(COLORS[color][1:])
    luminance = 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue)
    assert 1.05 / (luminance + 0.05) >= 4.5
    assert COLORS[color] in drawn(Badge("MCP", "1/1", color))
