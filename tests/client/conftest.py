"""Toy servers for the tests of the tasks client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from tests.client.toy import Script, Toy

Make = Callable[..., Toy]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    """Make toy servers; their tasks end with the test."""
    made: list[Toy] = []

    def toy(script: Script, **settings: Any) -> Toy:
        made.append(Toy(script, **settings))
        return made[-1]

    yield toy
    for each in made:
        for running in each.running:
            running.cancel()
