"""One scenario with one client over one transport, and how it went."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import anyio

from tests.agents.processes import http_server, stdio_command
from tests.real_clients.client import SERVER, Era, RealClient, Transport
from tests.real_clients.scenarios import Scenario

SECONDS = 40


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


async def play(client: RealClient, era: Era, transport: Transport, scenario: Scenario) -> None:
    """Play a scenario with a server of its own.

    Raises:
        Exception: It did not go as it must. Clients raise what they like.
    """
    with _serving(transport) as where, anyio.fail_after(SECONDS):
        async with client.open(era, where, scenario.hands) as connected:
            if connected.version not in (None, era):
                raise AssertionError(f"it speaks {connected.version}, not {era}")
            await scenario.play(connected, client)


async def tried(client: RealClient, era: Era, transport: Transport, scenario: Scenario) -> Cell:
    """Play it, and say how it went."""
    names = (client.name, era, transport, scenario.name)
    if scenario.name in client.lacks:
        return Cell(*names, "not offered", client.lacks[scenario.name])
    try:
        await play(client, era, transport, scenario)
    except Exception as error:  # noqa: BLE001 - whatever a client does is its result
        return Cell(*names, "failed", _said(error))
    return Cell(*names, "passed")


def _said(error: Exception) -> str:
    group = cast("ExceptionGroup[Exception]", error)
    return _said(group.exceptions[0]) if isinstance(error, ExceptionGroup) else repr(error)


@contextlib.contextmanager
def _serving(transport: Transport) -> Generator[list[str] | str]:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs.sqlite3"
        if transport == "stdio":
            yield stdio_command(SERVER, store)
        else:
            with http_server(SERVER, store) as server:
                yield server.url
