"""Does the suite notice a mutant? The scenario that the mutant names is run against it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inverted_conformance.client_mode import runner as clients
from inverted_conformance.client_mode.scenarios import CLIENT
from inverted_conformance.scenario import WIRES, Scenario, Wire
from inverted_conformance.server_mode import runner as servers
from inverted_conformance.server_mode.scenarios import SERVER
from inverted_conformance.server_mode.target import Target
from inverted_conformance.verdicts import Report, Result, Status
from mutants.mutant import Mutant
from mutants.serve import UNBROKEN
from mutants.zygote import zygote

PREFIX: Final = [sys.executable, "-m", "mutants.serve"]
"""What starts a fixture."""

HERE: Final = Path(__file__).parents[1]
NOTICED: Final = (Status.FAILED, Status.WARNED)
BY_NAME: Final = {(scenario.role, scenario.name): scenario for scenario in [*SERVER, *CLIENT]}


@dataclass(frozen=True, slots=True)
class Noticed:
    """How the suite judged a mutant."""

    mutant: Mutant
    unseen: tuple[str, ...]
    """What should have been noticed and was not, with what was seen instead; empty if all was."""


async def notice(mutant: Mutant) -> Noticed:
    """Run the scenario that must notice a mutant.

    Args:
        mutant: The mutant.
    """
    scenario = BY_NAME.get((mutant.role, mutant.noticed_by))
    if scenario is None:
        return Noticed(mutant, (f"there is no scenario {mutant.noticed_by}",))
    chosen: list[tuple[Scenario, Wire]] = [(scenario, wire) for wire in mutant.wires]
    report = await judge(mutant.name, chosen)
    if all(result.not_offered == "pipes" for result in report.results):
        report = await servers.run(
            Target(command=command("server", mutant.name)), chosen, told=_mute
        )
    return Noticed(mutant, tuple(_unseen(mutant, report.results)))


async def judge(name: str | None, chosen: Sequence[tuple[Scenario, Wire]]) -> Report:
    """Run scenarios against a fixture.

    Args:
        name: The mutant; `None` for the unbroken fixture of the scenarios' role.
        chosen: The scenarios, all of one role.
    """
    os.environ["PYTHONPATH"] = str(HERE)  # for what is started: `mutants` is not installed
    if chosen[0][0].role == "client":
        return await clients.run(command("client", name), chosen, told=_mute)
    target = serving(name)
    return await servers.run(target, chosen, told=_mute)


def serving(name: str | None) -> Target:
    """The fixture server over HTTP, on a port that is free now.

    Args:
        name: The mutant; `None` for the unbroken fixture.
    """
    port = free_port()
    return Target(
        url=f"http://127.0.0.1:{port}/mcp",
        command=(*command("server", name), "--http", str(port)),
        headers={"Authorization": "Bearer alice"},
        other_headers={"Authorization": "Bearer bob"},
    )


def command(role: str, name: str | None) -> tuple[str, ...]:
    """The command line of a fixture.

    Args:
        role: `server` or `client`.
        name: The mutant; `None` for the unbroken one.
    """
    return (*PREFIX, role, name or UNBROKEN)


@contextmanager
def quickly() -> Generator[None]:
    """Let fixtures start at once, as long as this lasts."""
    with zygote() as prefix:
        before, PREFIX[:] = PREFIX[:], prefix or PREFIX
        try:
            yield
        finally:
            PREFIX[:] = before


def everything(role: str) -> list[tuple[Scenario, Wire]]:
    """Every scenario of a role in every revision.

    Args:
        role: `server` or `client`.
    """
    registry = CLIENT if role == "client" else SERVER
    return [(scenario, wire) for wire in WIRES for scenario in registry if wire in scenario.wires]


def _mute(result: Result) -> None:
    """Tell nobody about a result."""
    del result


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unseen(mutant: Mutant, results: Sequence[Result]) -> list[str]:
    unseen: list[str] = []
    for result in results:
        if result.status not in NOTICED:
            unseen.append(f"{result.id} came out as {result.status}")
            continue
        for key in mutant.keys:
            if key in result.requirements and result.of(key) not in NOTICED:
                why = "; ".join(finding.detail for finding in result.failures)
                unseen.append(f"{result.id} says that {key} is {result.of(key)} ({why})")
    return unseen
