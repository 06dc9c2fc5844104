"""The suite sees: each broken variant of the fixtures is noticed by the scenario that it names."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from inverted_conformance.client_mode.scenarios import CLIENT
from inverted_conformance.manifest import GROUPS
from inverted_conformance.server_mode.scenarios import SERVER
from mutants.mutant import MUTANTS, Mutant
from mutants.noticing import notice, quickly
from mutants.serve import load

load()
ENOUGH = 60
FIRST = {(mutant.role, mutant.noticed_by): mutant for mutant in reversed(MUTANTS.values())}
CHOSEN = MUTANTS.values() if os.environ.get("INVERTED_LONG") else FIRST.values()
"""One for each scenario; `scripts/mutants` runs them all."""


@pytest.fixture(scope="module", autouse=True)
def quick_fixtures() -> Iterator[None]:
    with quickly():
        yield


@pytest.mark.parametrize("mutant", CHOSEN, ids=lambda mutant: mutant.name)
async def test_a_mutant_is_noticed(mutant: Mutant) -> None:
    noticed = await notice(mutant)

    assert noticed.unseen == (), mutant.about


def test_every_scenario_can_be_failed_by_a_mutant() -> None:
    caught = {(mutant.role, mutant.noticed_by) for mutant in MUTANTS.values()}
    there = {(scenario.role, scenario.name) for scenario in [*SERVER, *CLIENT]}
    assert there - caught == set()


def test_every_group_of_requirements_is_broken_by_a_mutant() -> None:
    broken = {key.partition(".")[0] for mutant in MUTANTS.values() for key in mutant.keys}
    assert broken == set(GROUPS)


def test_there_are_enough_mutants() -> None:
    assert len(MUTANTS) >= ENOUGH
