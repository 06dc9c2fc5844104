"""The browser that the tests of the page and of the card share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.pages.chromium import Chromium, chromium


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncGenerator[Chromium]:
    async with chromium(tmp_path) as running:
        yield running
