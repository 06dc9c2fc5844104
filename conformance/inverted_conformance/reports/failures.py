"""Failures and warnings in the terminal: what is asked, what was seen, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from inverted_conformance.expected import Judgement
from inverted_conformance.reports.again import Again
from inverted_conformance.reports.paragraphs import indented, unbroken
from inverted_conformance.reports.plain import clipped, line_text, visible, visible_lines
from inverted_conformance.reports.tally import Shortfall, shortfalls
from inverted_conformance.verdicts import Result, Status

STYLES: Final[dict[Status, str]] = {
    Status.FAILED: "bold red",
    Status.WARNED: "yellow",
    Status.PASSED: "green",
    Status.NOT_OFFERED: "dim",
    Status.NOT_REACHED: "dim",
}
BEFORE: Final = 3
"""Lines of the exchange that are shown before the one that a finding is about."""

WIDEST: Final = 300
"""Characters of a line of the exchange; the other reports have the whole."""


def show_failures(
    console: Console,
    judgement: Judgement,
    results: Iterable[Result],
    *,
    again: Again,
    verbose: bool,
) -> None:
    """Print scenarios that failed. Those that only repeat what was told before come last.

    Args:
        console: Where to.
        judgement: The run.
        results: The scenarios.
        again: The command that runs a scenario again.
        verbose: Show the exchange before each finding as well.
    """
    told: dict[tuple[str | None, str], str] = {}
    repeated: dict[str, list[Result]] = {}
    for result in results:
        shorts = _once(shortfalls([result]))
        why = judgement.excused.get(result.id)
        if shorts and told.keys() >= shorts.keys() and not why:
            repeated.setdefault(told[next(iter(shorts))], []).append(result)
            continue
        _name(console, "EXPECTED" if why else "FAILED", result, result.id)
        if why:
            indented(console, f"Expected: {visible(why)}")
        indented(console, visible(result.scenario.about), "dim")
        _findings(console, list(shorts.values()), verbose=verbose)
        unbroken(console, f"again: {again(result)}")
        for known in shorts:
            told.setdefault(known, result.id)
    for first, others in repeated.items():
        _name(console, "FAILED", others[0], f"as {first}:")
        for result in others:
            indented(console, visible(result.id))


def show_warnings(console: Console, results: Iterable[Result]) -> None:
    """Print scenarios in which only a SHOULD was not followed.

    Args:
        console: Where to.
        results: The scenarios; those without a finding are passed over.
    """
    for result in results:
        shorts = _once(shortfalls([result]))
        if shorts:
            _name(console, "warned", result, result.id)
            _findings(console, list(shorts.values()), verbose=False)


def show_seen(console: Console, detail: str) -> None:
    """Print what was seen.

    Args:
        console: Where to.
        detail: A sentence; more lines may follow, such as the last words of a process.
    """
    first, *more = visible_lines(detail)
    indented(console, first)
    for line in more:  # further in, so that nothing a peer says can look like a line of ours
        indented(console, line, by=4)


def _once(shorts: Iterable[Shortfall]) -> dict[tuple[str | None, str], Shortfall]:
    """The findings without those that repeat another."""
    found: dict[tuple[str | None, str], Shortfall] = {}
    for short in shorts:
        found.setdefault((short.finding.key, short.finding.detail), short)
    return found


def _name(console: Console, word: str, result: Result, name: str) -> None:
    said = ("\n" + word, STYLES[result.status])
    console.print(Text.assemble(said, "  ", (visible(name), "bold")))


def _findings(console: Console, shorts: list[Shortfall], *, verbose: bool) -> None:
    key = None
    for at, short in enumerate(shorts):
        requirement = short.requirement
        if requirement is not None and requirement.key != key:
            said = f"{requirement.level}: {requirement.sense} [{requirement.key}]"
            indented(console, said, STYLES[short.status])
            unbroken(console, requirement.url)
        key = requirement.key if requirement else None
        show_seen(console, f"seen: {short.finding.detail}")
        after = shorts[at + 1 : at + 2]
        if verbose and not (after and after[0].finding.line == short.finding.line):
            _exchange(console, short)


def _exchange(console: Console, short: Shortfall) -> None:
    end = short.finding.line
    for line in short.result.lines[max(end - BEFORE - 1, 0) : end]:
        arrow = {"sent": "→", "received": "←", "note": "·"}[line.direction]
        indented(console, f"{arrow} {clipped(line_text(line), WIDEST)}", "dim", 4)
