"""What is checked, as lists."""

from __future__ import annotations

import io
import json

from rich.console import Console

from conformance.tests.reports.made_up import registry
from inverted_conformance.cli.selection import every
from inverted_conformance.reports.catalogue import (
    requirements_json,
    show_requirements,
    show_scenarios,
)


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80), out


def test_each_requirement_names_its_scenarios_or_why_it_has_none() -> None:
    where, out = console()
    show_requirements(where, registry())
    text = out.getvalue()
    assert "2026-07-28/server/rounds.state  MUST" in text
    assert "checked by: rounds/state@2026-07-28, tasks/both@2026-07-28" in text
    assert "cannot be observed: It happens inside the application." in text
    assert "checked by: nothing yet" in text
    assert "10 requirements; 2 cannot be observed; 6 of 8 observable ones" in text
    assert "2 observable MUSTs have none." in " ".join(text.split())


def test_the_unobservable_ones_can_be_listed_alone() -> None:
    where, out = console()
    show_requirements(where, registry(), unobservable=True)
    assert out.getvalue().count("cannot be observed:") == 2
    assert "checked by" not in out.getvalue()


def test_the_manifest_is_json_as_well() -> None:
    listed = {one["id"]: one for one in json.loads(requirements_json(registry()))}
    assert listed["2025-11-25/server/elicitation.flat"]["scenarios"] == [
        "elicitation/flat@2025-11-25"
    ]
    assert listed["2025-11-25/client/sampling.answer"]["scenarios"] == []
    unseen = json.loads(requirements_json(registry(), unobservable=True))
    assert {one["key"] for one in unseen} == {"elicitation.review"}


def test_scenarios_say_what_they_check_and_need() -> None:
    where, out = console()
    show_scenarios(where, every(registry()))
    text = out.getvalue()
    assert "elicitation/flat  2025-11-25, 2026-07-28\n  A form is asked for.\n" in text
    assert "  checks: elicitation.flat\n  needs: test_form\n" in text
    assert "4 scenarios, 7 with each revision counted." in text
