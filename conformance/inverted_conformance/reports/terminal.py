"""A run in the terminal: a table to see at a glance, what failed and how to see it again.

The order is that of what to do: failures, stale entries, warnings, what was not offered, and one
line that says it all, last, where the eye is when a command ends. Nothing depends on colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from inverted_conformance.expected import FAILED, SILENT, Judgement
from inverted_conformance.reports.again import Again
from inverted_conformance.reports.failures import (
    STYLES,
    show_failures,
    show_seen,
    show_warnings,
)
from inverted_conformance.reports.paragraphs import indented
from inverted_conformance.reports.plain import visible
from inverted_conformance.reports.tally import Tally, by_group, tally
from inverted_conformance.verdicts import Result, Status

SOME: Final = 8
"""Scenarios that are named when they lack the same thing; more are counted."""


def show(
    console: Console,
    judgement: Judgement,
    *,
    again: Again,
    quiet: bool = False,
    verbose: bool = False,
) -> None:
    """Print a run.

    Args:
        console: Where to.
        judgement: The run.
        again: The command that runs a scenario again.
        quiet: Only what fails the run, and the verdict.
        verbose: Show the exchange before each finding as well.
    """
    if not quiet:
        console.print(_heading(judgement), _table(judgement), sep="\n")
    results = judgement.report.results
    failing = judgement.failed
    if not quiet:
        failing = failing + [result for result in results if result.id in judgement.excused]
    if judgement.silence:
        _silence(console, results)
        failing = []
    show_failures(console, judgement, failing, again=again, verbose=verbose)
    if judgement.stale:
        console.print()
    for sentence in judgement.stale:
        console.print(Text.assemble(("STALE", STYLES[Status.FAILED]), "  ", visible(sentence)))
    if not quiet:
        told = {result.id for result in failing}
        if not judgement.silence:
            show_warnings(console, [result for result in results if result.id not in told])
        _not_offered(console, results, most=len(results) if verbose else SOME)
    if not quiet or failing or judgement.stale or judgement.silence:
        console.print()
    style = STYLES[Status.FAILED if judgement.code else Status.PASSED]
    console.print(Text(verdict(judgement), style), soft_wrap=True)


def verdict(judgement: Judgement) -> str:
    """The whole run in one line.

    Args:
        judgement: The run.
    """
    counts = tally(judgement.report.results)
    word = {FAILED: "FAILED", SILENT: "NOT TESTED"}.get(judgement.code, "PASSED")
    parts = [f"{counts.passed} of {counts.scored} scenarios passed"]
    for number, what in (
        (counts.failed, "failed"),
        (len(judgement.excused), "expected to fail"),
        (counts.warned, "warned"),
        (counts.not_offered, "not offered"),
        (len(judgement.stale), "stale in the list of expected failures"),
    ):
        parts += [f"{number} {what}"] if number else []
    why = f": {judgement.silence}" if judgement.silence else ""
    return f"{word}{why}. {', '.join(parts)}. {judgement.report.seconds:.1f} s"


def _heading(judgement: Judgement) -> Text:
    report = judgement.report
    peer = visible(report.peer) or "no name given"
    return Text.assemble(
        "\nMCP conformance of the ", report.role, " ", (peer, "bold"), "\n", visible(report.target)
    )


def _table(judgement: Judgement) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("suite", "revision"):
        table.add_column(name, no_wrap=True)
    for name in ("passed", "failed", "warned", "not offered"):
        table.add_column(name, justify="right", no_wrap=True)
    last = ""
    for (group, wire), counts in by_group(judgement.report).items():
        table.add_row(visible(group) if group != last else "", wire, *_cells(counts))
        last = group
    table.add_section()
    table.add_row("all", "", *_cells(tally(judgement.report.results)), style="bold")
    return table


def _cells(counts: Tally) -> Iterable[Text]:
    for number, status in (
        (counts.passed, Status.PASSED),
        (counts.failed, Status.FAILED),
        (counts.warned, Status.WARNED),
        (counts.not_offered, Status.NOT_OFFERED),
    ):
        yield Text(str(number), STYLES[status]) if number else Text("·", "dim")


def _silence(console: Console, results: Iterable[Result]) -> None:
    """Print why nothing was checked, once: every scenario has the same to say."""
    seen = dict.fromkeys(finding.detail for result in results for finding in result.failures)
    console.print()
    for detail in seen:
        show_seen(console, detail)


def _not_offered(console: Console, results: Iterable[Result], *, most: int) -> None:
    lacking: dict[str, dict[str, list[str]]] = {}
    for result in results:
        if result.not_offered is not None:
            without = lacking.setdefault(result.not_offered, {})
            without.setdefault(result.scenario.name, []).append(result.wire)
    if lacking:
        console.print("\nnot offered")
    for reason, without in lacking.items():
        indented(console, visible(reason), "bold")
        if len(without) > most:
            indented(console, f"{len(without)} scenarios; --verbose names them", "dim", 4)
            continue
        for name, wires in without.items():
            indented(console, visible(f"{name}@{','.join(wires)}"), "dim", 4)
