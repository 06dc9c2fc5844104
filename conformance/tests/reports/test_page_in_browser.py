"""The page in a real browser: it fits a phone, and its text has contrast in light and dark."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from conformance.tests.reports.made_up import HOSTILE, bad, exchange, report, result
from inverted_conformance.expected import Expected, judge
from inverted_conformance.reports.again import again_from
from inverted_conformance.reports.page import page
from tests.pages.chromium import FOUND, Chromium, chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        FOUND is None, reason="no Chromium on PATH; install the package chromium to run this"
    ),
]

CONTRAST = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
  };
  const own = (element) => [...element.childNodes].some((node) =>
    node.nodeType === Node.TEXT_NODE && node.data.trim());
  const texts = [...document.querySelectorAll("main *")].filter(own);
  return Math.min(...texts.map((element) => {
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }));
})()
"""
"""The least contrast of any text on the page."""

OPEN = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncGenerator[Chromium]:
    async with chromium(tmp_path / "profile") as running:
        yield running


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A page with everything that a page can have, by a peer that means no good."""
    unbroken = "x" * 500
    broken = result(
        "tasks/both",
        "2026-07-28",
        bad("rounds.state", HOSTILE + unbroken),
        bad(None, unbroken),
        lines=exchange(unbroken, HOSTILE),
    )
    lacking = result("elicitation/flat", "2025-11-25", not_offered=unbroken)
    ran = report(*report().results, broken, lacking, peer=f"peer-{unbroken} {HOSTILE}")
    entry = Expected("scenario", "rounds/state@2026-07-28", "It was known.")
    file = tmp_path / "page.html"
    text = page(judge(ran, [entry]), again=again_from(ran), written="2026-08-01T12:00:00+00:00")
    file.write_text(text, "utf-8")
    return file.as_uri()


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("dark", [False, True])
async def test_it_fits_and_has_contrast(
    browser: Chromium,
    address: str,
    width: int,
    dark: bool,  # noqa: FBT001
) -> None:
    tab = await browser.tab(width=width, dark=dark)
    await tab.open(address)
    await tab.evaluate(OPEN)
    assert await tab.evaluate("document.documentElement.scrollWidth") <= width
    assert await tab.evaluate(CONTRAST) >= 4.5
    back = await tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(27, 28, 31)" if dark else "rgb(255, 255, 255)")


async def test_it_asks_for_nothing(browser: Chromium, address: str) -> None:
    tab = await browser.tab()
    await tab.open(address)
    assert await tab.evaluate("performance.getEntriesByType('resource').length") == 0
    assert await tab.evaluate("document.scripts.length") == 0
