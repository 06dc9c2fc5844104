"""What the package exports. Who adds a name adds it to docs/patterns.md as well."""

from __future__ import annotations

from inverted import patterns

NAMES = [
    "Chained",
    "Failed",
    "Result",
    "Route",
    "Step",
    "Succeeded",
    "ask",
    "chain",
    "classify",
    "parallel",
    "route",
]


def test_the_public_names_are_these() -> None:
    assert sorted(patterns.__all__) == sorted(NAMES)
    assert all(hasattr(patterns, name) for name in NAMES)
