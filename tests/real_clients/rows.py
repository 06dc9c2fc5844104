"""A client goes through every scenario over one transport: what came of it, cell by cell."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import anyio

from tests.agents.processes import http_server, stdio_command
from tests.real_clients.client import SERVER, Connected, Era, RealClient, Transport
from tests.real_clients.scenarios import SCENARIOS, Scenario, Wrong

SECONDS = 100
"""For one scenario. Most take less than one. For a relay MCP Inspector starts ten processes, which
took 40 s on a machine with much else to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One client on one revision over one transport."""

    client: RealClient
    era: Era
    transport: Transport

    def __str__(self) -> str:
        return f"{self.client.name}, {self.era}, {self.transport}"


@dataclass(frozen=True, slots=True)
class Cell:
    """How a scenario went.

    Attributes:
        client: The client.
        era: The revision that it spoke.
        transport: What it spoke over.
        scenario: The scenario.
        verdict: How it went.
        why: What is missing, or went wrong.
    """

    client: str
    era: str
    transport: str
    scenario: str
    verdict: Literal["passed", "not offered", "failed"]
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """The cell for programs."""
        return asdict(self)


async def played(row: Row, where: list[str] | str) -> list[Cell]:
    """Play every scenario, those with the same hands over the same connection.

    Args:
        row: The client.
        where: A command, or a URL.
    """
    wanted = [each for each in SCENARIOS if each.name not in row.client.lacks]
    groups = itertools.groupby(sorted(wanted, key=_hands), key=_hands)
    found = {
        scenario.name: problem
        for _, group in groups
        for scenario, problem in (await _together(row, where, list(group))).items()
    }
    return [_cell(row, each, found) for each in SCENARIOS]


async def _together(
    row: Row, where: list[str] | str, group: Sequence[Scenario]
) -> dict[Scenario, str]:
    """What went wrong in each scenario; nothing is empty text."""
    found: dict[Scenario, str] = {}
    try:
        with anyio.fail_after(SECONDS * len(group)):
            async with row.client.open(row.era, where, group[0].hands) as connected:
                _check_era(row, connected)
                for scenario in group:
                    try:
                        with anyio.fail_after(SECONDS):
                            await scenario.play(connected, row.client)
                    except Exception as error:  # noqa: BLE001 - whatever a client raises is its result
                        found[scenario] = _said(error)
                    else:
                        found[scenario] = ""
    except Exception as error:  # noqa: BLE001 - the same
        return {each: found.get(each) or _said(error) for each in group}
    return found


def _check_era(row: Row, connected: Connected) -> None:
    if connected.version not in (None, row.era):
        raise Wrong(f"it speaks {connected.version}, not {row.era}")


def _hands(scenario: Scenario) -> str:
    return str(scenario.hands)


def _cell(row: Row, scenario: Scenario, found: dict[str, str]) -> Cell:
    names = (row.client.name, row.era, row.transport, scenario.name)
    if scenario.name in row.client.lacks:
        return Cell(*names, "not offered", row.client.lacks[scenario.name])
    problem = found[scenario.name]
    return Cell(*names, "failed" if problem else "passed", problem)


def _said(error: Exception) -> str:
    group = cast("ExceptionGroup[Exception]", error)
    return _said(group.exceptions[0]) if isinstance(error, ExceptionGroup) else repr(error)


@contextlib.contextmanager
def serving() -> Generator[dict[Transport, list[str] | str]]:
    """Where the server is for each transport. Its runs go when this ends."""
    with tempfile.TemporaryDirectory() as folder:
        stdio = stdio_command(SERVER, Path(folder) / "stdio.sqlite3")
        with http_server(SERVER, Path(folder) / "http.sqlite3") as server:
            yield {"stdio": stdio, "http": server.url}
