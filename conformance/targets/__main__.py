"""`python -m targets`: run the suite against the servers and clients of others."""

# ruff: noqa: T201 - it is a command, and tells how it goes

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio

from inverted_conformance.reports.tally import by_revision
from inverted_conformance.verdicts import Report
from targets import reasons
from targets.judging import judge
from targets.others import Other, others
from targets.results import Section, page, section
from tests.conformance.install import InstallError, UnavailableError

PAGE: Final = Path(__file__).parents[1] / "RESULTS.md"
NOT_RUN: Final = 77
"""Exit code of a test that could not run, as automake and meson have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite, and write the page.

    Args:
        arguments: The command line without the program's name.

    Returns:
        0 if all were run and everything that is wrong has a reason, 1 if something has none or a
        reason is stale, 77 if one could not be run.
    """
    targets = others()
    parser = argparse.ArgumentParser(
        prog="scripts/results",
        description="Run the suite against servers and clients of others, and write RESULTS.md.",
        epilog=f"Exit code {NOT_RUN}: npm or PyPI is out of reach; what the page says of those "
        "that need it stays.",
    )
    parser.add_argument(
        "--only", action="append", choices=[one.name for one in targets], help="may be repeated"
    )
    parser.add_argument("--verbose", action="store_true", help="also print each result")
    options = parser.parse_args(arguments)
    whys = reasons.read(reasons.FILE.read_text("utf-8"))
    made: dict[str, Section] = {}
    code = 0
    for other in targets:
        if options.only and other.name not in options.only:
            continue
        try:
            report = anyio.run(_judge, other, options.verbose)
        except UnavailableError as error:
            print(f"{other.name}: NOT RUN, so nothing new is known: {error}", file=sys.stderr)
            code = code or NOT_RUN
            continue
        except InstallError as error:
            print(f"{other.name}: NOT RUN: {error}", file=sys.stderr)
            code = 1
            continue
        made[other.name] = section(other, report, whys)
        for wire, tally in by_revision(report).items():
            print(f"{other.name} {wire}: {tally}")
        for problem in reasons.problems(report, other.name, whys):
            code = 1
            print(problem)
    old = PAGE.read_text("utf-8") if PAGE.exists() else ""
    PAGE.write_text(page(targets, made, old), "utf-8")
    return code


async def _judge(other: Other, verbose: bool) -> Report:  # noqa: FBT001
    return await judge(other, told=verbose)


if __name__ == "__main__":
    sys.exit(main())
