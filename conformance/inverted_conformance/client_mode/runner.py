"""Runs scenarios against a command that starts a client."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable, Sequence
from typing import Final

import anyio

from inverted_conformance.client_mode.server import Server
from inverted_conformance.client_mode.site import Site, serving
from inverted_conformance.client_mode.stage import START, NotOffered, Over, Stage
from inverted_conformance.client_mode.stdio import listen
from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.verdicts import Finding, Report, Result
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.process import Command
from inverted_conformance.wire.transcript import Transcript

AT_ONCE: Final = min(4, os.cpu_count() or 1)
"""Clients that run beside each other; a scenario is mostly the time that one takes to start."""

MUTE: Final = 3
"""Scenarios in which the client never said a word, after which the others are not tried."""

Chosen = tuple[Scenario, Wire]


class _Run:
    def __init__(self, command: Sequence[str], site: Site, factor: float) -> None:
        self.command = command
        self.site = site
        self.factor = factor
        self.peer = ""
        self.spoke = False
        self.mute = 0

    async def one(self, number: int, scenario: Scenario, wire: Wire) -> Result:
        transcript = Transcript()
        result = Result(scenario, wire, lines=transcript.lines)
        if self.mute >= MUTE and not self.spoke:
            said = f"Not tried: the client never sent anything in {MUTE} scenarios before."
            result.findings.append(Finding(None, ok=False, detail=said))
            return result
        began = time.monotonic()
        name = f"s{number}"
        server = Server(wire, transcript)
        async with anyio.create_task_group() as group:
            play = _Play(self, group, server, name, result)
            stage = Stage(
                server, result, play.start, lambda path: self.site.url(name, path), self.factor
            )
            play.stage = stage
            self.site.rooms[name] = server
            try:
                await self._within(stage, scenario, result)
            finally:
                server.close()
                await play.stop()
                group.cancel_scope.cancel()
        del self.site.rooms[name]
        result.seconds = time.monotonic() - began
        self.peer = self.peer or server.peer
        self.spoke = self.spoke or bool(server.requests)
        self.mute += not server.requests and result.not_offered is None
        return result

    async def _within(self, stage: Stage, scenario: Scenario, result: Result) -> None:
        limit = (START + scenario.seconds) * self.factor
        try:
            with anyio.fail_after(limit):
                await scenario.run(stage)
                await stage.exit()
        except NotOffered as missing:
            # What was wrong until then stays wrong.
            if not result.failures:
                result.not_offered = str(missing)
        except (Over, PeerError) as over:
            stage.over(str(over))
        except TimeoutError:
            stage.fault(f"The scenario took more than {limit:g} seconds.")
        except Exception as error:  # noqa: BLE001 - what a stranger sends must not end the run
            stage.fault(f"The suite could not go on: {type(error).__name__}: {error}")


class _Play:
    """The client's process during one scenario."""

    def __init__(
        self,
        run: _Run,
        group: anyio.abc.TaskGroup,
        server: Server,
        name: str,
        result: Result,
    ) -> None:
        self.stage: Stage | None = None
        self._run = run
        self._group = group
        self._server = server
        self._name = name
        self._result = result
        self._command: Command | None = None

    async def start(self, without: Sequence[str], stdio: bool) -> Command:  # noqa: FBT001 - a `Start`
        scenario = self._result.scenario.name
        environment = {
            "MCP_CONFORMANCE_SCENARIO": scenario,
            "MCP_CONFORMANCE_PROTOCOL_VERSION": self._result.wire,
            "MCP_CONFORMANCE_CONTEXT": json.dumps({"name": scenario, "without": list(without)}),
        }
        server = self._run.site.url(self._name)
        if stdio:
            environment["MCP_CONFORMANCE_TRANSPORT"] = "stdio"
            server = json.dumps(await listen(self._server, self._group))
        command = [*self._run.command, server]
        self._command = await Command.start(
            command, self._group, environment=environment, piped=False
        )
        self._group.start_soon(self._watch, self._command)
        return self._command

    async def _watch(self, command: Command) -> None:
        await command.process.wait()
        if self.stage is not None:
            self.stage.ended()

    async def stop(self) -> None:
        if self._command is not None:
            await self._command.stop()


async def run(
    command: Sequence[str],
    chosen: Sequence[Chosen],
    *,
    told: Callable[[Result], None],
    factor: float = 1.0,
) -> Report:
    """Run scenarios against a client.

    Args:
        command: What starts it; the address of the server becomes its last argument.
        chosen: The scenarios, each with a revision.
        told: Told of each result as it comes.
        factor: How much longer than usual everything may take.

    Returns:
        What was found, in the order of `chosen`.
    """
    began = time.monotonic()
    site = Site()
    state = _Run(command, site, factor)
    results: dict[int, Result] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def one(number: int, scenario: Scenario, wire: Wire) -> None:
        async with limiter:
            results[number] = await state.one(number, scenario, wire)
        told(results[number])

    async with serving(site), anyio.create_task_group() as group:
        for number, (scenario, wire) in enumerate(chosen):
            group.start_soon(one, number, scenario, wire)
    return Report(
        role="client",
        target=shlex.join(command),
        peer=state.peer,
        results=[results[number] for number in sorted(results)],
        seconds=time.monotonic() - began,
    )
