"""The page in a real browser, by keyboard alone. Skipped where no Chromium is installed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from inverted.pages.desk import Desk, Posted
from inverted.pages.form import Shown
from inverted.pages.local import LocalPages
from inverted.testing.serving import serve_app
from tests.pages.cases import APPROVAL, HOSTILE, ORDER
from tests.pages.chromium import CONTRAST, FOUND, Chromium, Tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        FOUND is None, reason="no Chromium on PATH; install the package chromium to run this"
    ),
]


class Asking:
    """Pages of this machine, and the answers that came by them."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.pages = LocalPages(Desk(self._post), self._open)

    async def _post(self, asked: Shown, result: dict[str, Any]) -> Posted:
        self.taken.append(result)
        return "recorded"

    async def _open(self, url: str) -> None:
        return None

    async def url(self, schema: dict[str, Any], message: str = "Well?") -> str:
        question = Shown("r", str(len(self.taken)), "café", "order", message, schema)
        return (await self.pages.open(question)).url


@pytest.fixture
async def asking() -> AsyncGenerator[Asking]:
    site = Asking()
    yield site
    await site.pages.aclose()


async def heading(tab: Tab) -> str:
    return await tab.evaluate("document.querySelector('h1').innerText")


async def test_a_page_is_answered_by_keyboard_after_a_mistake(
    browser: Chromium, asking: Asking
) -> None:
    tab = await browser.tab()
    url = await asking.url(ORDER, "What shall it be?\n\nTea\nCoffee")
    await tab.open(url)
    assert await heading(tab) == "What shall it be?"
    await tab.until("document.activeElement.id === 'f0'")
    await tab.type("Ann")
    await tab.press("Tab")
    await tab.type("twelve")
    # Enter in a field submits, as everywhere.
    await tab.submit("Enter")
    assert asking.taken == []
    await tab.until("document.activeElement.className === 'summary'")
    assert await tab.evaluate("document.activeElement.innerText.split('\\n')") == [
        "This answer could not be sent",
        "Age: must be a whole number",
        "Size: is required",
    ]
    # The first link leads to the field that is wrong; what was typed is there.
    await tab.press("Tab", "Enter")
    await tab.until("location.hash === '#f1'")
    assert await tab.evaluate("document.querySelector('#f0').value") == "Ann"
    assert await tab.evaluate("document.querySelector('#f1').value") == "twelve"
    await tab.evaluate("document.querySelector('#f1').select()")
    await tab.type("20")
    await tab.press("Tab", "ArrowDown", "Tab", "Tab", " ", "Tab")
    await tab.type("no ice")
    await tab.submit("Tab", "Enter")
    assert await heading(tab) == "Recorded"
    assert "café has your answer. You can close this page." in await tab.evaluate(
        "document.body.innerText"
    )
    content = {"name": "Ann", "age": 20, "size": "medium", "extras": ["sugar"], "note": "no ice"}
    assert asking.taken == [{"action": "accept", "content": content}]
    await tab.open(url)
    assert await heading(tab) == "Already answered"


@pytest.mark.parametrize(
    ("tabs", "label", "result"),
    [
        (2, "Approve", {"action": "accept", "content": {"value": True}}),
        (3, "Deny", {"action": "accept", "content": {"value": False}}),
        (4, "Cancel", {"action": "cancel"}),
    ],
)
async def test_an_approval_takes_a_step_to_a_button_and_enter_alone_does_nothing(
    browser: Chromium, asking: Asking, tabs: int, label: str, result: dict[str, Any]
) -> None:
    tab = await browser.tab()
    await tab.open(await asking.url(APPROVAL, "Delete it?\n\nAll of it."))
    await tab.press("Enter", " ")
    assert await heading(tab) == "Delete it?"
    await tab.press(*["Tab"] * tabs)
    assert await tab.evaluate("document.activeElement.innerText") == label
    assert asking.taken == []
    await tab.submit("Enter")
    assert await heading(tab) == "Recorded"
    assert asking.taken == [result]


async def test_a_hostile_question_stays_text_and_the_page_loads_nothing(
    browser: Chromium, asking: Asking
) -> None:
    tab = await browser.tab()
    schema = {
        "type": "object",
        "properties": {HOSTILE: {"type": "string", "title": HOSTILE, "default": HOSTILE}},
    }
    await tab.open(await asking.url(schema, f"{HOSTILE}\n\n{HOSTILE}"))
    assert await heading(tab) == HOSTILE.replace("\u202e", "\ufffd")
    assert await tab.evaluate("document.scripts.length + document.images.length") == 0
    assert await tab.evaluate("performance.getEntriesByType('resource').length") == 0
    await tab.submit("Tab", "Enter")
    assert asking.taken == [{"action": "accept", "content": {HOSTILE: HOSTILE}}]


@asynccontextmanager
async def another_site(html: str) -> AsyncGenerator[str]:
    """A page of another origin: another port of this machine, the closest that there is."""

    async def show(request: Request) -> HTMLResponse:
        return HTMLResponse(html)

    # A real server: a browser opens more connections than it uses, and they want to be closed.
    async with serve_app(Starlette(routes=[Route("/", show)])) as url:
        yield f"{url}/"


async def test_a_page_of_another_origin_cannot_send_the_form(
    browser: Chromium, asking: Asking
) -> None:
    tab = await browser.tab()
    html = f"""<form method="post" action="{await asking.url(APPROVAL)}">
        <button name="action" value="yes">Win a prize</button></form>"""
    async with another_site(html) as site:
        await tab.open(site)
        await tab.submit("Tab", "Enter")
    assert await heading(tab) == "Not taken"
    assert asking.taken == []


async def test_a_page_of_another_origin_cannot_frame_the_form(
    browser: Chromium, asking: Asking
) -> None:
    tab = await browser.tab()
    async with another_site(f'<iframe src="{await asking.url(APPROVAL)}"></iframe>') as site:
        await tab.open(site)
        tree = (await tab.call("Page.getFrameTree"))["frameTree"]
    [framed] = tree["childFrames"]
    assert framed["frame"]["url"] == "chrome-error://chromewebdata/"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 1000])
async def test_a_page_fits_its_window_and_its_contrast_is_enough(
    browser: Chromium, asking: Asking, *, dark: bool, width: int
) -> None:
    tab = await browser.tab(width=width, dark=dark)
    await tab.open(await asking.url(ORDER, "What shall it be?\n\n" + "Supercalifragilistic" * 9))
    await tab.submit("Tab", "Tab", "Tab", "Tab", "Tab", "Tab", "Enter")
    assert await tab.evaluate("document.querySelectorAll('.problem').length") == 3
    assert await tab.evaluate("document.documentElement.scrollWidth") == width
    # WCAG 2.2 AA, 1.4.3: text 4.5 to 1.
    assert await tab.evaluate(f"(() => {{ {CONTRAST} }})()") >= 4.5
