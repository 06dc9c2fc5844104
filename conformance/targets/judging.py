"""Runs the suite against one of the others."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from inverted_conformance.client_mode import runner as clients
from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.server_mode import runner as servers
from inverted_conformance.server_mode.target import Target
from inverted_conformance.verdicts import Report, Result
from mutants.noticing import everything, free_port
from targets.others import Command, Other

ROOTS: Final = (Path(__file__).parents[1], Path(__file__).parents[2])
"""Where the modules are found that are in no distribution."""

PIPES: Final = "pipes"
"""What a scenario says of a server over HTTP when only pipes can show what it wants to see."""

FACTOR: Final = 2
"""Everything may take longer than usual: the machine may have other work."""


async def judge(other: Other, *, told: bool = False) -> Report:
    """Run every scenario of its role in every revision.

    A server is asked over HTTP, and on pipes about what only they can show.

    Args:
        other: The server or client.
        told: Whether to print each result as it comes.

    Raises:
        UnavailableError: It cannot be had here.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, ROOTS))
    tell = _tell if told else _mute
    with other.ready() as command:
        chosen = everything(other.role)
        if other.role == "client":
            return await clients.run(command, chosen, told=tell, factor=FACTOR)
        report = await servers.run(_http(command), chosen, told=tell, factor=FACTOR)
        left: list[tuple[Scenario, Wire]] = [
            (result.scenario, result.wire)
            for result in report.results
            if result.not_offered == PIPES
        ]
        more = await servers.run(Target(command=tuple(command)), left, told=tell, factor=FACTOR)
    found = {result.id: result for result in more.results}
    report.results = [found.get(result.id, result) for result in report.results]
    return report


def _http(command: Command) -> Target:
    port = free_port()
    return Target(
        url=f"http://127.0.0.1:{port}/mcp",
        command=(*command, "--http", str(port)),
        headers={"Authorization": "Bearer alice"},
        other_headers={"Authorization": "Bearer bob"},
    )


def _tell(result: Result) -> None:
    sys.stdout.write(f"  {result.status:12}{result.id}\n")
    for finding in result.failures:
        sys.stdout.write(f"    {finding.key}: {finding.detail[:300]}\n")
    sys.stdout.flush()


def _mute(result: Result) -> None:
    del result
