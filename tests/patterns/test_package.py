"""What the package exports. Who adds a name adds it to docs/patterns.md as well."""

from __future__ import annotations

from inverted import patterns

NAMES = [
    "Chained",
    "Draft",
    "Elected",
    "Executed",
    "Failed",
    "HandedOff",
    "Note",
    "Notes",
    "Optimised",
    "Piece",
    "Plan",
    "PlannedStep",
    "Result",
    "Route",
    "Specialist",
    "Step",
    "Succeeded",
    "Verdict",
    "ask",
    "chain",
    "classify",
    "evaluator_optimizer",
    "handoff",
    "longer_than",
    "map_reduce",
    "orchestrator_workers",
    "parallel",
    "plan_and_execute",
    "route",
    "same_text",
    "vote",
]


def test_the_public_names_are_these() -> None:
    assert sorted(patterns.__all__) == sorted(NAMES)
    assert all(hasattr(patterns, name) for name in NAMES)
