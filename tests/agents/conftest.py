"""Fixtures of the end-to-end suites."""

from __future__ import annotations

import pytest

from inverted.testing import Way

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
