"""A person at a browser, for agents that ask on pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2

OURS = {"Sec-Fetch-Site": "same-origin"}
APPROVE = {"action": "yes"}
DENY = {"action": "no"}


@dataclass
class Browser:
    """Opens pages and submits them. Implements `pages.local.Opener`.

    Attributes:
        forms: What is typed, one for each page; None looks and does nothing.
        opened: The addresses.
        read: The pages, before and after the answer.
    """

    forms: Sequence[dict[str, str] | None]
    opened: list[str] = field(default_factory=list[str])
    read: list[str] = field(default_factory=list[str])
    looked: anyio.Event = field(default_factory=anyio.Event)
    _visits: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    async def __call__(self, url: str) -> str | None:
        form = self.forms[len(self.opened)]
        self.opened.append(url)
        # The person is slower than the call that opened the page.
        self._visits.append(asyncio.get_running_loop().create_task(self.visit(url, form)))
        return None

    async def done(self) -> list[str]:
        """What the person has read, when every visit is over."""
        await asyncio.wait_for(asyncio.gather(*self._visits), 10)
        return self.read

    async def visit(self, url: str, form: dict[str, str] | None) -> None:
        """Look at a page, and submit it."""
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            self.read.append((await http.get(url)).text)
            self.looked.set()
            if form is not None:
                self.read.append((await http.post(url, data=form, headers=OURS)).text)


def page_of(params: dict[str, Any]) -> str:
    """The address in a question that a client opens."""
    assert params["mode"] == "url"
    return params["url"]
