"""The command that runs one scenario again."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from inverted_conformance.verdicts import Report, Result

Again = Callable[[Result], str]


def again_from(report: Report) -> Again:
    """How to run a scenario of this run again, from what the run knows about itself.

    Args:
        report: The run. Its target is an address, a command, or both; headers are not in it.
    """
    first, _, rest = report.target.partition(" ")
    if first.startswith(("http://", "https://")):
        return again(report.role, f"--url {shlex.quote(first)}", rest)
    return again(report.role, "", report.target)


def again(role: str, options: str, command: str = "") -> Again:
    """How to run a scenario again.

    Args:
        role: The subcommand.
        options: What stands before the scenario's name, as a shell reads it.
        command: What starts the peer, as a shell reads it.
    """

    def line(result: Result) -> str:
        parts = ["inverted-conformance", role]
        parts += [options] if options else []
        parts += ["--revision", result.wire, "--scenario", result.scenario.name]
        return " ".join([*parts, "--", command] if command else parts)

    return line
