"""How far a run is, while it runs: a bar for a person who watches, a line each for a log."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from inverted_conformance.reports.failures import STYLES
from inverted_conformance.reports.plain import visible
from inverted_conformance.verdicts import Result

Told = Callable[[Result], None]


@contextmanager
def progress(
    console: Console, total: int, *, quiet: bool = False, verbose: bool = False
) -> Generator[Told]:
    """Something to tell as each scenario ends.

    Args:
        console: Where to.
        total: How many scenarios there will be.
        quiet: Say nothing.
        verbose: A line for each scenario, also in a terminal.
    """
    if quiet:
        yield lambda _: None
    elif verbose or not console.is_terminal:
        yield partial(_line, console)
    else:
        columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
        what = TextColumn("{task.description}", markup=False)
        with Progress(*columns, what, console=console, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda result: bar.update(task, advance=1, description=visible(result.id))


def _line(console: Console, result: Result) -> None:
    status = (f"{result.status:11}", STYLES[result.status])
    told = Text.assemble(status, "  ", visible(result.id), (f"  {result.seconds:.1f} s", "dim"))
    console.print(told, soft_wrap=True)
