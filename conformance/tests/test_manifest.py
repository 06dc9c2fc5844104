"""The manifest and the scenarios hold each other: nothing is asked that nobody looks at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from inverted_conformance.client_mode.scenarios import CLIENT
from inverted_conformance.manifest import GROUPS, REVISIONS, Requirement, manifest
from inverted_conformance.scenario import Registry
from inverted_conformance.server_mode.scenarios import SERVER

REGISTRIES = {"server": SERVER, "client": CLIENT}


def checked(registry: Registry) -> set[str]:
    return {
        requirement.id
        for scenario in registry
        for wire in scenario.wires
        for requirement in scenario.requirements(wire).values()
    }


@pytest.mark.parametrize("role", REGISTRIES)
def test_every_requirement_has_a_scenario_or_a_reason_why_nobody_can_see_it(role: str) -> None:
    seen = checked(REGISTRIES[role])
    neither = [
        requirement.id
        for requirement in manifest().values()
        if requirement.role == role and requirement.id not in seen and not requirement.unobservable
    ]
    assert neither == []


@pytest.mark.parametrize("role", REGISTRIES)
def test_every_scenario_checks_something_in_each_revision_that_it_is_for(role: str) -> None:
    for scenario in REGISTRIES[role]:
        for wire in scenario.wires:
            assert scenario.requirements(wire), f"{scenario.name} checks nothing on {wire}"


def test_every_group_of_requirements_has_scenarios() -> None:
    covered = {key.partition(".")[0] for r in REGISTRIES.values() for s in r for key in s.checks}
    assert covered == set(GROUPS)


def test_every_revision_has_requirements_for_both_roles() -> None:
    there = {(requirement.revision, requirement.role) for requirement in manifest().values()}
    assert there == {(revision, role) for revision in REVISIONS for role in REGISTRIES}


@pytest.mark.parametrize("requirement", manifest().values(), ids=lambda r: r.id)
def test_a_requirement_can_be_read_by_a_person(requirement: Requirement) -> None:
    assert requirement.sense.endswith(".")
    assert len(requirement.sense) < 300
    assert requirement.url.startswith("https://modelcontextprotocol.io/")
    assert requirement.unobservable is None or len(requirement.unobservable) > 20


@pytest.mark.parametrize("role", REGISTRIES)
def test_a_scenario_tells_in_a_sentence_what_it_does(role: str) -> None:
    for scenario in REGISTRIES[role]:
        assert scenario.about.endswith("."), scenario.name
        assert len(scenario.about) < 200, scenario.name


def test_sentences_are_found_and_named_alike_whatever_their_markup(tmp_path: Path) -> None:
    tool = Path(__file__).parents[1] / "tools" / "sentences.py"
    plain = "Servers MUST answer. They may rest.\n\n```\nClients MUST NOT read this.\n```\n"
    marked = "- Servers **MUST**\n  [answer](/there). They may rest.\n"
    said: list[str] = []
    for text in (plain, marked):
        page = tmp_path / "page.mdx"
        page.write_text(text, "utf-8")
        command = [sys.executable, str(tool), str(page)]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said[0].split(maxsplit=1)[1] == "Servers MUST answer.\n"
    assert said[0] == said[1]
