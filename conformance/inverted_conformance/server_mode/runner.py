"""A run of the suite against a server: one scenario after the other, each in bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import anyio

from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.server_mode.client import FULL, NotSpokenError
from inverted_conformance.server_mode.lab import Connections, Lab, NotOffered
from inverted_conformance.server_mode.receiver import SECONDS
from inverted_conformance.server_mode.target import Server, Target
from inverted_conformance.verdicts import Report, Result
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message, Transcript

__all__ = ["Target", "run"]

UNREADABLE: Final = (LookupError, TypeError, AttributeError, ValueError)
"""What a scenario raises when a message of the server lacks what it reads."""

PATIENT: Final = 3
HURRY: Final = 0.2
"""After so many scenarios one after the other that hung, the next ones get this part of their time:
a server that answers nothing shall not keep the suite for half an hour."""


async def run(
    target: Target,
    chosen: Sequence[tuple[Scenario, Wire]],
    *,
    told: Callable[[Result], None],
    factor: float = 1,
) -> Report:
    """Run scenarios against a server.

    Args:
        target: The server.
        chosen: The scenarios, each with the revision to speak.
        told: Called with each result as it is there.
        factor: How much longer than usual everything may take.

    Returns:
        What was found; a server that cannot be reached fails every scenario with the reason.
    """
    began = time.monotonic()
    results: list[Result] = []
    peers: dict[Wire, _Peer] = {}
    hangs = 0
    async with anyio.create_task_group() as tasks:
        server = Server(target, tasks, factor)
        connections = Connections(server, tasks, factor)
        try:
            for scenario, wire in chosen:
                if wire not in peers:
                    peers[wire] = await _meet(connections, wire, factor)
                patience = factor if hangs < PATIENT else factor * HURRY
                result = await _run(scenario, wire, connections, peers[wire], patience)
                hangs = hangs + 1 if _hung(result, scenario.seconds * patience) else 0
                results.append(result)
                told(result)
        finally:
            with anyio.CancelScope(shield=True):
                await connections.drop_all()
                await server.aclose()
            tasks.cancel_scope.cancel()
    name = next((peer.name for peer in peers.values() if peer.name), "")
    return Report("server", str(target), name, results, time.monotonic() - began)


def _hung(result: Result, seconds: float) -> bool:
    failed = any(finding.key is None for finding in result.failures)
    return failed and result.seconds >= min(seconds, SECONDS) * 0.5


class _Peer:
    """What the server says of itself in one revision."""

    def __init__(self) -> None:
        self.name = ""
        self.tools: dict[str, Message] = {}
        self.unreachable: str | None = None
        self.not_spoken: str | None = None


async def _meet(connections: Connections, wire: Wire, factor: float) -> _Peer:
    peer = _Peer()
    try:
        with anyio.fail_after(30 * factor):
            client = await connections.take(wire, FULL, Transcript(), "first", fresh=False, who="")
            opening = client.opening
            spoken = opening.get("protocolVersion", wire)
            versions = opening.get("supportedVersions", [spoken])
            if wire not in (spoken, *versions):
                peer.not_spoken = f"revision {wire} (it speaks {', '.join(map(str, versions))})"
            else:
                peer.tools = await client.tools()
            info = opening.get("serverInfo") or opening.get("_meta", {}).get(
                "io.modelcontextprotocol/serverInfo", {}
            )
            peer.name = " ".join(str(info[key]) for key in ("name", "version") if key in info)
            await connections.give_back(client)
    except NotSpokenError as error:
        peer.not_spoken = f"revision {wire} ({error})"
    except PeerError as error:
        peer.unreachable = str(error)
    except TimeoutError:
        peer.unreachable = f"The server did not open a connection within {30 * factor:g} s."
    except UNREADABLE as error:
        peer.unreachable = f"The server's first messages cannot be read: {error!r}"
    return peer


async def _run(
    scenario: Scenario, wire: Wire, connections: Connections, peer: _Peer, factor: float
) -> Result:
    lab = Lab(scenario, wire, connections, peer.tools)
    began = time.monotonic()
    missing = [tool for tool in scenario.needs if tool not in peer.tools]
    if peer.unreachable is not None:
        lab.ended(peer.unreachable)
    elif peer.not_spoken is not None:
        lab.result.not_offered = peer.not_spoken
    elif missing:
        lab.result.not_offered = f"the tool {' and '.join(missing)}"
    else:
        await _attempt(scenario, lab, factor)
    lab.result.seconds = time.monotonic() - began
    return lab.result


async def _attempt(scenario: Scenario, lab: Lab, factor: float) -> None:
    seconds = scenario.seconds * factor
    try:
        with anyio.fail_after(seconds):
            await scenario.run(lab)
    except NotOffered as error:
        lab.result.not_offered = str(error)
    except PeerError as error:
        lab.ended(str(error))
    except TimeoutError:
        lab.ended(f"The scenario was not over after {seconds:g} s.")
    except UNREADABLE as error:
        lab.ended(f"A message of the server lacks what it must have: {error!r}")
    finally:
        await lab.close()
