"""The card's file: one piece that needs nothing from outside. `test_card_in_browser` runs it."""

from __future__ import annotations

import re

from inverted.pages.card import ASK, TOOL, card
from inverted.pages.shell import style
from inverted.pages.web import GONE
from tests.pages.reading import Page


def test_the_card_is_whole_in_one_file() -> None:
    page = Page(card())
    assert style() in card()
    assert [tag.tag for tag in page.tags if tag.tag in ("link", "img", "iframe")] == []
    assert [tag.attributes for tag in page.tags if tag.tag in ("script", "style")] == [{}, {}]
    assert not re.search(r"/\* [\w.]+ \*/", card())  # every part is in its place


def test_the_card_makes_no_markup_code_or_requests_of_text() -> None:
    forbidden = ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(")
    requests = ("fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "import(", "localStorage")
    assert [word for word in (*forbidden, *requests) if word in card()] == []


def test_the_card_and_the_server_call_things_the_same() -> None:
    assert f'_meta?.["{ASK}"]' in card()
    assert f'name: tool ?? "{TOOL}"' in card()
    block = card().partition("const GONE = {")[2].partition("};")[0]
    assert re.findall(r"^  (\w+):", block, re.MULTILINE) == list(GONE)
