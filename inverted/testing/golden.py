"""Golden journals: runs that were recorded once and must replay for ever.

A journal is committed beside the tests. Whoever changes an agent, or the engine, learns at once
that parked runs would break:

    await record_golden(server, "tests/golden/triage.jsonl")      # once
    await check_golden(server, "tests/golden/triage.jsonl")       # in a test

The file holds the lines of the store as they are, one journal line in each.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from inverted.core.effects import Json
from inverted.core.journal import Checkpointed, Codec, Entry, Failure, Finished, Started
from inverted.core.machine import Machine
from inverted.core.replay import replay
from inverted.errors import DeterminismError, JournalError
from inverted.runtime.ports import Agent, RunInfo
from inverted.server import AgentServer
from inverted.server.tool import AgentTool


class GoldenError(AssertionError):
    """A golden journal does not fit its agent any more."""


async def record_golden(
    server: AgentServer, path: Path | str, *, run_id: str | None = None
) -> None:
    """Write the journal of a run to a file.

    Args:
        server: The server that ran it.
        path: The file; it is replaced.
        run_id: The run; the newest one if not given.

    Raises:
        LookupError: There is no such run.
        JournalError: It holds the result of a secret step, which only one server's key opens.
    """
    store = server.runtime.store
    if run_id is None:
        newest = await store.list(limit=1)
        run_id = newest[0].id if newest else ""
    lines = await store.read(run_id)
    if not lines:
        raise LookupError("There is no run to record. Call the agent first, through a client.")
    if any(getattr(entry, "sealed", False) for entry in _entries(lines)):
        raise JournalError(
            "This run holds the result of a secret step, which nobody can replay without the "
            "server's sealing key. Record a run without one."
        )
    Path(path).write_bytes(b"".join(line + b"\n" for line in lines))  # noqa: ASYNC240 # a small file


async def check_golden(server: AgentServer, path: Path | str) -> None:
    """Replay a recorded journal against the agent as it is now.

    Every segment is replayed, and the result compared.

    Args:
        server: The server that has the agent.
        path: The file.

    Raises:
        DeterminismError: The agent asks something else than was recorded; both sides are shown.
        GoldenError: It ends otherwise than was recorded, or the server has no such agent.
        JournalError: The file cannot be read.
    """
    lines = Path(path).read_bytes().splitlines()  # noqa: ASYNC240 # a small file
    entries = _entries(lines)
    started = entries[0] if entries else None
    if not isinstance(started, Started):
        raise JournalError(f"{path} is no journal: it does not begin with the start of a run.")
    tool = await server.get_tool(started.agent)
    if not isinstance(tool, AgentTool):
        raise GoldenError(f"{path} is of the agent {started.agent!r}, which this server lacks.")
    finished = entries.pop() if isinstance(entries[-1], Finished) else None
    agent: Agent = tool.served.agent
    machine: Machine | None = None
    try:
        for segment in _segments(entries):
            if machine is not None:
                machine.close()
            machine = _replayed(agent, started, segment, path)
        if machine is not None and isinstance(finished, Finished):
            _compare(agent, machine, finished, path)
    finally:
        if machine is not None:
            machine.close()


def _entries(lines: list[bytes]) -> list[Entry]:
    codec = Codec()
    return [codec.decode(line)[0] for line in lines]


def _segments(entries: list[Entry]) -> list[list[Entry]]:
    """The parts that replay separately: a checkpoint ends one and begins the next."""
    segments: list[list[Entry]] = [[]]
    for entry in entries:
        segments[-1].append(entry)
        if isinstance(entry, Checkpointed):
            segments.append([entry])
    return segments


def _replayed(agent: Agent, started: Started, segment: list[Entry], path: Path | str) -> Machine:
    info = RunInfo("golden", agent.name, agent.limits)
    try:
        return replay(lambda restored: agent.body(info, started.arguments, restored), segment)
    except DeterminismError as error:
        error.add_note(f"The golden journal is {path}.")
        raise


def _compare(agent: Agent, machine: Machine, finished: Finished, path: Path | str) -> None:
    if not machine.done:
        raise GoldenError(
            f"{path} ends as {finished.status}, and the agent now goes on: it asks "
            f"{[effect.kind.value for _, effect, _ in machine.parked.values()]}."
        )
    if machine.cancelled:
        now = Finished("cancelled")
    elif machine.error is not None:
        now = Finished("failed", None, Failure.of(machine.error))
    else:
        now = Finished("completed", agent.encode(machine.result))
    if _said(now) != _said(finished):
        raise GoldenError(f"{path} ends with\n  {finished}\nand the agent now with\n  {now}")


def _said(finished: Finished) -> Finished:
    """The end without what the protocol's libraries add, which changes with their versions."""
    if not isinstance(finished.result, dict):
        return finished
    result = cast("dict[str, Json]", finished.result)
    kept = {name: result.get(name) for name in ("content", "structuredContent", "isError")}
    return finished._replace(result=kept)
