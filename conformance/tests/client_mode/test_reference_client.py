"""The reference client, on the stock SDK, meets everything that is asked of a client."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

import anyio
import pytest

from inverted_conformance.client_mode.runner import run
from inverted_conformance.client_mode.scenarios import CLIENT
from inverted_conformance.manifest import manifest
from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.verdicts import Result, Status

COMMAND = (sys.executable, "-m", "inverted_conformance.fixture.client")
EVERYTHING: Final[list[tuple[Scenario, Wire]]] = [
    (scenario, wire) for scenario in CLIENT for wire in scenario.wires
]

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def results() -> Mapping[str, Result]:
    report = anyio.run(lambda: run(COMMAND, EVERYTHING, told=lambda _: None, factor=2))
    assert report.peer == "inverted-conformance-fixture-client 1"
    return {result.id: result for result in report.results}


@pytest.mark.parametrize("id", [f"{scenario.name}@{wire}" for scenario, wire in EVERYTHING])
def test_the_reference_client_passes_and_every_check_is_reached(
    id: str, results: Mapping[str, Result]
) -> None:
    result = results[id]

    assert [finding.detail for finding in result.failures] == []
    assert result.status is Status.PASSED, result.not_offered
    assert [key for key in result.requirements if result.of(key) is not Status.PASSED] == []


def test_every_observable_requirement_of_clients_has_a_scenario() -> None:
    checked = {
        each.id for scenario, wire in EVERYTHING for each in scenario.requirements(wire).values()
    }
    observable = {
        requirement.id
        for requirement in manifest().values()
        if requirement.role == "client" and requirement.unobservable is None
    }

    assert observable - checked == set()
