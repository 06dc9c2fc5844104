"""Fixtures of the end-to-end suites."""

from __future__ import annotations

from pathlib import Path

import pytest

from inverted.testing import Way
from tests.agents import old_python as old

WAYS = [
    Way("2026-07-28", "memory", hot=False),
    Way("2026-07-28", "http"),
    Way("2025-11-25", "memory"),
    Way("2025-11-25", "http"),
]


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    """The ways that differ most. `test_everywhere` takes all of them."""
    return request.param


@pytest.fixture(scope="session")
def old_python(request: pytest.FixtureRequest) -> Path:
    """A Python that has PyPI `mcp` 1.26."""
    return old.made(request.config)
