"""Servers in processes of their own on one SQLite file: killed, replaced, and raced."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import CallToolResult, InputRequiredResult

from inverted.testing import Call, Connection, ScriptedHost
from inverted.testing.host import Era
from inverted.testing.serving import Target
from tests.agents.everything import ARGUMENTS, EFFECTS, EXPECTED, Effects, model, person
from tests.agents.processes import HttpServer, http_server, kill_newest, stdio_command

RACES = 200


@contextmanager
def gated(effects: Effects) -> Generator[int]:
    """The first step that passes the gate stays there. Gives what becomes readable then."""
    reached, gate = effects.gate
    os.mkfifo(reached)
    os.mkfifo(gate)
    # Opened for both, so that opening does not wait for the other side.
    descriptor = os.open(reached, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Killer:
    """Kills the server twice: when the person is asked, and during a step."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.kills = 0
        self.server: HttpServer | None = None

    def kill(self) -> None:
        self.kills += 1
        if self.server is None:
            kill_newest(self.effects.lines)
        else:
            # The socket lives on, so the next process must be there to answer.
            self.server.kill()
            self.server.start()

    def person(self, params: dict[str, Any]) -> Any:
        """Answer, but the first time the server is dead before it hears the answer."""
        if self.kills == 0:
            self.kill()
        return person(params)

    async def kill_at_the_gate(self, reached: int) -> None:
        await anyio.wait_readable(reached)
        for each in self.effects.gate:
            each.unlink()
        self.kill()


@contextmanager
def served(transport: str, killer: Killer, *arguments: str | Path) -> Generator[Target]:
    """What a host connects to: a command, or the URL of a server that the killer knows."""
    if transport == "stdio":
        yield stdio_command(*arguments)
        return
    with http_server(*arguments) as killer.server:
        yield killer.server.url


@pytest.mark.timeout(180)  # a process may take long to start on a busy machine
@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_killed_server_is_continued_by_the_next_process(
    era: Era, transport: str, tmp_path: Path
) -> None:
    effects = Effects(tmp_path / "effects")
    arguments = ("everything.py", tmp_path / "runs.sqlite3", tmp_path / "effects")
    killer = Killer(effects)
    host = ScriptedHost(model=model, person=killer.person, era=era, timeout=150)
    with gated(effects) as reached, served(transport, killer, *arguments) as target:
        killing = asyncio.create_task(killer.kill_at_the_gate(reached))
        outcome = await host.run(target, "triage", ARGUMENTS, run_key="r", restart=lambda: target)
        await killing
    assert outcome.result == EXPECTED
    assert killer.kills == 2
    done = [line for line in effects.lines if not line.startswith("process")]
    # The step that was killed had not finished; every other ran once.
    assert done == [*EFFECTS[:3], EFFECTS[2], *EFFECTS[3:]]
    samples = [str(each.params) for each in outcome.questions if each.kind == "sample"]
    assert len(samples) == len(set(samples)), "a completed model call was bought again"


@pytest.mark.timeout(180)
async def test_a_retry_that_reaches_two_processes_at_once_runs_every_step_once(
    tmp_path: Path,
) -> None:
    effects = Effects(tmp_path / "effects")
    arguments = ("everything.py", tmp_path / "runs.sqlite3", tmp_path / "effects")
    host = ScriptedHost(person=lambda _: True)
    with http_server(*arguments) as one, http_server(*arguments) as other:
        async with host.connect(one.url) as left, host.connect(other.url) as right:
            for number in range(RACES):
                await race(number, left, right)
    done = Counter(line for line in effects.lines if not line.startswith("process"))
    assert len(done) == 3 * RACES
    assert set(done.values()) == {1}


async def race(number: int, left: Connection, right: Connection) -> None:
    first = await left.send(Call("ship", {"number": number}))
    assert isinstance(first, InputRequiredResult)
    retry = await left.answered(Call("ship", {"number": number}), first)
    replies: list[CallToolResult] = []

    async def send(connection: Connection) -> None:
        reply = await connection.send(retry)
        assert isinstance(reply, CallToolResult)
        replies.append(reply)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send, left)
        tasks.start_soon(send, right)
    expected = [f"{number} packed", f"{number} labelled", f"{number} weighed"]
    assert [reply.structured_content for reply in replies] == [{"result": expected}] * 2
