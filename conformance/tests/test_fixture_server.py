"""The ready fixture conforms, over pipes and over HTTP; and every check is really made."""

from __future__ import annotations

import pytest

from inverted_conformance.scenario import Wire
from inverted_conformance.server_mode.runner import run
from inverted_conformance.server_mode.target import Target
from inverted_conformance.verdicts import Status
from mutants.noticing import command, everything, quickly, serving

RIGHTLY = (None, "pipes")
"""Why a scenario need not be offered over HTTP: there the stream of a cancelled call is closed."""


@pytest.mark.parametrize("over", ["pipes", "http"])
@pytest.mark.parametrize("wire", ["2025-11-25", "2026-07-28"])
@pytest.mark.timeout(120)
async def test_the_fixture_passes_every_scenario_and_every_check_is_reached(
    over: str, wire: Wire
) -> None:
    chosen = [pair for pair in everything("server") if pair[1] == wire]

    with quickly():
        target = serving(None) if over == "http" else Target(command=command("server", None))
        report = await run(target, chosen, told=lambda _: None)

    wrong = {r.id: [f.detail for f in r.failures] for r in report.results if r.failures}
    assert wrong == {}
    unreached = {
        result.id: [key for key in result.requirements if result.of(key) is Status.NOT_REACHED]
        for result in report.results
    }
    assert {id: keys for id, keys in unreached.items() if keys} == {}
    if over == "http":  # pipes have no second principal, and no HTTP status
        assert {r.id: r.not_offered for r in report.results if r.not_offered not in RIGHTLY} == {}
