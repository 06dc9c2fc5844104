"""Writing the files that a run was asked for."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from inverted_conformance.expected import Judgement
from inverted_conformance.reports import badge, data
from inverted_conformance.reports.again import Again
from inverted_conformance.reports.junit import junit
from inverted_conformance.reports.page import page
from inverted_conformance.reports.terminal import show


class OutputError(ValueError):
    """A report cannot be written where it was asked for."""


def prepare(options: Namespace) -> None:
    """Make the folders of the reports before the run, as a run may take minutes.

    Args:
        options: The command line.

    Raises:
        OutputError: A place cannot hold a file.
    """
    for place in (options.json, options.junit, options.html, options.badge):
        if place is None:
            continue
        folder = place is options.badge and place.suffix not in badge.ENDINGS
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            wrong = place.is_file() if folder else place.is_dir()
        except OSError as error:
            raise OutputError(f"{place} cannot be written: {error.strerror}.") from error
        if wrong:
            raise OutputError(f"{place} is a {'file' if folder else 'folder'}; name another place.")


def deliver(
    judgement: Judgement, options: Namespace, *, console: Console, again: Again, written: str
) -> None:
    """Print a run, and write the files that were asked for.

    Args:
        judgement: The run.
        options: The command line.
        console: Where to print.
        again: The command that runs a scenario again.
        written: When the run was.

    Raises:
        OutputError: A file could not be written; the others are.
    """
    show(console, judgement, again=again, quiet=options.quiet, verbose=options.verbose)
    report = judgement.report
    made: list[tuple[Path | None, Callable[[Path], object]]] = [
        (options.json, _text(lambda: data.write(report, written))),
        (options.junit, _text(lambda: junit(judgement, again=again))),
        (options.html, _text(lambda: page(judgement, again=again, written=written))),
        (options.badge, lambda place: badge.write_badges(report, place)),
    ]
    problems: list[str] = []
    for place, make in made:
        try:
            if place is not None:
                make(place)
        except OSError as error:
            problems.append(f"{place} cannot be written: {error.strerror}.")
    if problems:
        raise OutputError(" ".join(problems))


def _text(make: Callable[[], str]) -> Callable[[Path], object]:
    return lambda place: place.write_text(make(), "utf-8")
