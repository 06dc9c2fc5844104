"""A person at a browser, who submits every page that a server opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2

from inverted.pages.local import Opener
from tests.pages.reading import Page


@asynccontextmanager
async def browser(words: str) -> AsyncGenerator[Opener]:
    """Open pages and submit them: with a yes, with the choice that is made already, or in words.

    Args:
        words: What is typed, or chosen, where the page suggests nothing.

    Yields:
        What opens a page. Its visits are over when the context is left.
    """
    visits: set[asyncio.Task[None]] = set()

    async def opener(url: str) -> None:
        # The person is slower than the call that opened the page.
        visits.add(asyncio.get_running_loop().create_task(_visit(url, words)))

    yield opener
    for each in visits:
        await each


async def _visit(url: str, words: str) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        page = Page((await http.get(url)).text)
        sent = {name: values[0] for name, values in page.sent().items()}
        fields = page.named("f0")
        if not fields:
            typed = {"action": "yes"}
        elif fields[0].attributes.get("type") == "radio":
            titles = [one.text for one in page.tags if one.tag == "span"]
            chosen = str(titles.index(words)) if words in titles else sent["f0"]
            typed = {"action": "accept", "f0": chosen}
        else:
            typed = {"action": "accept", "f0": sent["f0"] or words}
        headers = {"Sec-Fetch-Site": "same-origin"}
        (await http.post(url, data={**sent, **typed}, headers=headers)).raise_for_status()
