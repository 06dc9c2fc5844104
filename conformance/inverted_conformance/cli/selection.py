"""Which scenarios run: words of the command line become scenarios, or a message with near ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from inverted_conformance.manifest import GROUPS
from inverted_conformance.scenario import WIRES, Scenario, Wire

Chosen = tuple[Scenario, Wire]


class SelectionError(ValueError):
    """The command line names what is not there."""


def every(scenarios: Iterable[Scenario]) -> list[Chosen]:
    """All scenarios in all their revisions, one revision after the other.

    Args:
        scenarios: The scenarios.
    """
    listed = list(scenarios)
    return [(scenario, wire) for wire in WIRES for scenario in listed if wire in scenario.wires]


def choose(
    scenarios: Iterable[Scenario],
    *,
    revisions: Sequence[str] = (),
    suites: Sequence[str] = (),
    names: Sequence[str] = (),
) -> list[Chosen]:
    """The scenarios that are asked for: those of the suites and those that are named.

    Args:
        scenarios: The scenarios that there are.
        revisions: Only these; none means all.
        suites: Suites to run.
        names: Scenarios to run; a revision may follow after an `@`. With no suite and no name, all
            run.

    Raises:
        SelectionError: A word is unknown, or nothing is left to run.
    """
    there = every(scenarios)
    ids = {f"{scenario.name}@{wire}" for scenario, wire in there}
    _known("revision", revisions, WIRES)
    _known("suite", suites, GROUPS)
    _known("scenario", names, [*{scenario.name for scenario, _ in there}, *ids])

    def asked(scenario: Scenario, wire: Wire) -> bool:
        if revisions and wire not in revisions:
            return False
        words = {scenario.name, f"{scenario.name}@{wire}"}
        return not (suites or names) or scenario.group in suites or not words.isdisjoint(names)

    chosen = [one for one in there if asked(*one)]
    if not chosen:
        what = ", ".join([*suites, *names]) or "any scenario"
        when = f" on {' and '.join(revisions)}" if revisions else ""
        raise SelectionError(f"There is nothing to run: no {what}{when}. See --list.")
    return chosen


def _known(what: str, said: Sequence[str], words: Iterable[str]) -> None:
    there = sorted(words)
    for word in said:
        if word in there:
            continue
        if word == "SEP-2663":
            raise SelectionError("SEP-2663 is an extension of 2026-07-28; name that revision.")
        near = difflib.get_close_matches(word, there, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else _all(there)
        raise SelectionError(f"There is no {what} {word!r}. {hint}")


def _all(there: list[str]) -> str:
    few = 12
    return f"There are {', '.join(there)}." if len(there) <= few else "See --list."
