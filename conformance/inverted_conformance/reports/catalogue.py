"""What the suite asks and how it looks: the manifest with its scenarios, the scenarios with theirs.

For `inverted-conformance requirements` and `--list`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from inverted_conformance.manifest import Requirement, manifest
from inverted_conformance.reports.paragraphs import indented, unbroken
from inverted_conformance.scenario import Scenario, Wire


def lookers(scenarios: Iterable[Scenario]) -> dict[str, list[str]]:
    """Which scenarios check a requirement, by its id; those of no scenario have an empty list.

    Args:
        scenarios: All scenarios of both roles.
    """
    found: dict[str, list[str]] = {id: [] for id in manifest()}
    for scenario in scenarios:
        for wire in scenario.wires:
            for requirement in scenario.requirements(wire).values():
                found[requirement.id].append(f"{scenario.name}@{wire}")
    return found


def requirements_json(scenarios: Iterable[Scenario], *, unobservable: bool = False) -> str:
    """The manifest as JSON: a list of requirements, each with its scenarios.

    Args:
        scenarios: All scenarios of both roles.
        unobservable: Only what cannot be observed.
    """
    looked = lookers(scenarios)
    listed = [
        {
            "id": requirement.id,
            "key": requirement.key,
            "level": requirement.level,
            "role": requirement.role,
            "revision": requirement.revision,
            "sense": requirement.sense,
            "url": requirement.url,
            "unobservable": requirement.unobservable,
            "scenarios": looked[requirement.id],
        }
        for requirement in _chosen(unobservable=unobservable)
    ]
    return json.dumps(listed, indent=1, ensure_ascii=False)


def show_requirements(
    console: Console, scenarios: Iterable[Scenario], *, unobservable: bool = False
) -> None:
    """Print the manifest.

    Args:
        console: Where to.
        scenarios: All scenarios of both roles.
        unobservable: Only what cannot be observed.
    """
    looked = lookers(scenarios)
    for requirement in _chosen(unobservable=unobservable):
        level = Text.assemble((requirement.id, "bold"), "  ", requirement.level)
        console.print(level, soft_wrap=True)
        indented(console, requirement.sense)
        unbroken(console, requirement.url)
        if requirement.unobservable is not None:
            indented(console, f"cannot be observed: {requirement.unobservable}")
        else:
            by = looked[requirement.id]
            indented(console, f"checked by: {', '.join(by) or 'nothing yet'}")
    console.print()
    indented(console, _count(looked), by=0)


def show_scenarios(console: Console, chosen: Sequence[tuple[Scenario, Wire]]) -> None:
    """Print scenarios, with what they check and what they need.

    Args:
        console: Where to.
        chosen: The scenarios, each with its revision.
    """
    wires: dict[str, list[Wire]] = {}
    for scenario, wire in chosen:
        wires.setdefault(scenario.name, []).append(wire)
    for scenario in {scenario.name: scenario for scenario, _ in chosen}.values():
        name = Text.assemble((scenario.name, "bold"), "  ", ", ".join(wires[scenario.name]))
        console.print(name, soft_wrap=True)
        indented(console, scenario.about)
        indented(console, f"checks: {', '.join(scenario.checks)}")
        if scenario.needs:
            indented(console, f"needs: {', '.join(scenario.needs)}")
    console.print(f"\n{len(wires)} scenarios, {len(chosen)} with each revision counted.")


def _chosen(*, unobservable: bool) -> list[Requirement]:
    return [one for one in manifest().values() if one.unobservable is not None or not unobservable]


def _count(looked: dict[str, list[str]]) -> str:
    every = manifest()
    seen = [one for one in every.values() if one.unobservable is None]
    bare = [one for one in seen if not looked[one.id]]
    musts = [one for one in bare if one.level.startswith("MUST")]
    return (
        f"{len(every)} requirements; {len(every) - len(seen)} cannot be observed; "
        f"{len(seen) - len(bare)} of {len(seen)} observable ones have a scenario; "
        f"{len(musts)} observable MUSTs have none."
    )
