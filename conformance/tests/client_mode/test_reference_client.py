"""The reference client, on the stock SDK, meets everything that is asked of a client."""

from __future__ import annotations

import pytest

from inverted_conformance.client_mode.runner import run
from inverted_conformance.scenario import Wire
from inverted_conformance.verdicts import Status
from mutants.noticing import command, everything, quickly


@pytest.mark.parametrize("wire", ["2025-11-25", "2026-07-28"])
@pytest.mark.timeout(200)
async def test_the_reference_client_passes_every_scenario_and_every_check_is_reached(
    wire: Wire,
) -> None:
    chosen = [pair for pair in everything("client") if pair[1] == wire]

    with quickly():
        report = await run(command("client", None), chosen, told=lambda _: None, factor=2)

    assert report.peer == "inverted-conformance-fixture-client 1"
    wrong = {r.id: [f.detail for f in r.failures] for r in report.results if r.failures}
    assert wrong == {}
    assert [r.id for r in report.results if r.status is not Status.PASSED] == []
    unreached = {
        result.id: [key for key in result.requirements if result.of(key) is not Status.PASSED]
        for result in report.results
    }
    assert {id: keys for id, keys in unreached.items() if keys} == {}
