"""Replays a run's journal against the agent's code in this process, without running anything.

The file with the server is imported, which runs its top level. The agent's body runs again as far
as the journal goes; answers come from the journal, no step is called, no question is sent, nothing
is written. Called by `runs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from inverted.cli.errors import CliError, UsageProblem
from inverted.cli.serve import NotServable, load_file, named_server, servers_of
from inverted.cli.stored import Journal, Written
from inverted.cli.text import clean, first_line
from inverted.core.effects import Json, Kind
from inverted.core.journal import Checkpointed, Failure, Finished
from inverted.core.machine import Machine
from inverted.runtime.live import Live, load
from inverted.runtime.ports import Agent
from inverted.server import AgentServer
from inverted.server.tool import AgentTool
from inverted.stores import RunRecord


class Wanted(NamedTuple):
    """An effect that a body is parked at."""

    id: str
    kind: Kind
    question: Json


class Replayed(NamedTuple):
    """Where a body stands after a replay.

    Attributes:
        first: Position of the entry that the replay began with: 0, or a checkpoint.
        last: Position of the last entry that was replayed.
        waits: What it waits for, and the journal has already.
        asks: What it asks next: not in the journal, or not before `last`.
        checkpoint: Whether it would make a checkpoint next.
        end: How the body ended; None while it goes on.
        recorded: How the journal says that it ended, when that was replayed and is different.
    """

    first: int
    last: int
    waits: list[Wanted]
    asks: list[Wanted]
    checkpoint: bool
    end: Finished | None
    recorded: Finished | None


def load_servers(target: str) -> list[AgentServer]:
    """The agent servers of a Python file.

    Args:
        target: `server.py`, or `server.py:object`.

    Raises:
        UsageProblem: There is no such file or object, or it holds no `AgentServer`.
        CliError: The file cannot be imported.
    """
    path, name = _file_and_name(target)
    try:
        module = load_file(path)
        found = list(servers_of(module).values()) if name is None else []
        found += [] if name is None else [named_server(module, path, name)]
    except NotServable as problem:
        raise UsageProblem(f"--target: {problem}.") from None
    except (Exception, SystemExit) as error:
        raise CliError(
            f"{path} cannot be imported: {type(error).__name__}: {first_line(str(error))}. Run "
            "this in the environment of the server."
        ) from error
    servers = [one for one in found if isinstance(one, AgentServer)]
    if not servers:
        raise UsageProblem(
            f"--target {target} holds no AgentServer at its top level. Name the object or the "
            f"function that makes it: --target {path}:NAME."
        )
    return list({id(one): one for one in servers}.values())


async def find_agent(servers: Sequence[AgentServer], name: str) -> tuple[Agent, AgentServer]:
    """The agent of this name, and its server.

    Raises:
        UsageProblem: None of the servers has it.
    """
    names: list[str] = []
    for server in servers:
        tools = [tool for tool in await server.list_tools() if isinstance(tool, AgentTool)]
        for tool in tools:
            agent = cast("Agent", tool.served.agent)
            if agent.name == name:
                return agent, server
            names.append(clean(agent.name))
    raise UsageProblem(
        f"--target has no agent {name!r}. It has: {', '.join(names) or 'none'}. Name the file of "
        "the server that ran it."
    )


def replay_run(
    record: RunRecord,
    journal: Journal,
    lines: Sequence[bytes],
    to: int | None,
    found: tuple[Agent, AgentServer],
) -> Replayed:
    """Replay a journal.

    Args:
        record: The run.
        journal: Its entries.
        lines: Its lines as stored.
        to: The last entry to replay; None for all.
        found: The agent and its server.

    Raises:
        DeterminismError: The agent's code does not follow the journal.
        JournalError: The journal cannot be read that far.
        UsageProblem: There is no entry `to`.
    """
    agent, server = found
    entries = journal.entries
    last = len(lines) - 1 if to is None else to
    if not 0 <= last < len(lines):
        raise UsageProblem(f"--to {to}: the journal has the entries 0 to {len(lines) - 1}.")
    if last >= len(entries):
        raise CliError(f"the journal cannot be read: {journal.damage}")
    first = _segment_start(entries, last)
    finished = entries[last].entry
    end = last if isinstance(finished, Finished) else last + 1
    runtime: Any = server.runtime
    live = load(agent, record, lines[0], list(lines[first:end]), runtime.sealer)
    assert isinstance(live, Live)  # noqa: S101 - its last line is no end
    try:
        return _standing(live, agent, first, last, finished)
    finally:
        live.machine.close()


def _file_and_name(target: str) -> tuple[Path, str | None]:
    for text, name in ((target, None), (target.rpartition(":")[0], target.rpartition(":")[2])):
        if text.endswith(".py"):
            path = Path(text).expanduser()
            if path.is_file():
                return path, name
            raise UsageProblem(f"--target: there is no file {text}.")
    raise UsageProblem(
        f"--target {target} is no Python file. Write server.py, or server.py:NAME for one object "
        "in it."
    )


def _segment_start(entries: Sequence[Written], last: int) -> int:
    return next(
        (
            position
            for position in range(last, 0, -1)
            if isinstance(entries[position].entry, Checkpointed)
        ),
        0,
    )


def _standing(live: Live, agent: Agent, first: int, last: int, finished: object) -> Replayed:
    machine = live.machine
    asked = [one for one in machine.asked if not isinstance(one, Checkpointed)]
    fresh = {id for id, _, _ in asked}
    waits = [
        Wanted(id, effect.kind, effect.question)
        for id, effect, _ in machine.parked.values()
        if id not in fresh
    ]
    asks = [Wanted(id, effect.kind, effect.question) for id, effect, _ in asked]
    end = _end(machine, agent)
    recorded = finished if isinstance(finished, Finished) else None
    same = recorded is None or (end is not None and _said(end) == _said(recorded))
    return Replayed(
        first, last, waits, asks, len(asked) < len(machine.asked), end, None if same else recorded
    )


def _end(machine: Machine, agent: Agent) -> Finished | None:
    if not machine.done:
        return None
    if machine.cancelled:
        return Finished("cancelled")
    if machine.error is not None:
        return Finished("failed", None, Failure.of(machine.error))
    try:
        return Finished("completed", agent.encode(machine.result))
    except Exception as error:  # noqa: BLE001 - as the runtime does: the run fails with it
        return Finished("failed", None, Failure.of(error))


def _said(finished: Finished) -> Finished:
    """The end without what the protocol's libraries add, which changes with their versions."""
    if not isinstance(finished.result, dict):
        return finished
    result = cast("dict[str, Json]", finished.result)
    kept = {name: result.get(name) for name in ("content", "structuredContent", "isError")}
    return finished._replace(result=kept)
