"""Handoff: several specialists share one conversation, and the model says who goes on.

A specialist is a system prompt and tools. It passes control by calling `transfer_to_NAME`. That
tool takes the run, so it is a part of the body and no step: a replay passes control again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mcp_types import SamplingMessage

from inverted.errors import LimitExceeded
from inverted.patterns.asking import at_least
from inverted.run import Run, SamplingTool
from inverted.run.run import Tool

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,52}")
"""Providers allow names of tools these characters, and 64 of them with `transfer_to_`."""


@dataclass(frozen=True, slots=True)
class Specialist:
    """One of those who can have the conversation.

    Attributes:
        system_prompt: Who it is and what it does.
        description: When to pass control to it; the others read this.
        tools: What it may call, as for `Run.sample`.
        to: Names of those whom it may pass control to; all others if None.
    """

    system_prompt: str
    description: str
    tools: Sequence[Tool] = ()
    to: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class HandedOff:
    """How a conversation ended.

    Attributes:
        text: The last answer.
        path: Who had control, in order; the last gave the answer.
        history: The whole conversation, tool calls included.
    """

    text: str
    path: tuple[str, ...]
    history: list[SamplingMessage] = field(repr=False)


async def handoff(
    run: Run,
    agents: Mapping[str, Specialist],
    start: str,
    task: str,
    *,
    hops: int = 5,
    turns: int = 25,
) -> HandedOff:
    """Let specialists work on a task until one of them answers.

    It costs a model call for each turn: one for each handoff, one for each turn with tool calls,
    and one for the answer.

    Args:
        run: The run.
        agents: The specialists, by name.
        start: Who begins.
        task: What is wanted.
        hops: Most handoffs. Whoever has control then is offered no other and must answer.
        turns: Most model turns of all together. The last is asked with tool choice `none`.

    Returns:
        The answer, who had control, and the conversation.

    Raises:
        ValueError: A bound is too small, a name is none of the specialists, or none for a tool.
        LimitExceeded: The last turn still called a tool.
        AgentError: As `Run.sample_step`.
    """
    at_least(0, hops=hops)
    at_least(1, turns=turns)
    named = {start}.union(*(specialist.to or () for specialist in agents.values()))
    unknown = sorted(named - agents.keys())
    if unknown:
        raise ValueError(f"No specialist is called {unknown[0]!r}. There are: {', '.join(agents)}.")
    unfit = [name for name in agents if not NAME.fullmatch(name)]
    if unfit:
        raise ValueError(
            f"{unfit[0]!r} cannot be the name of a specialist, because it is a part of a tool's "
            "name. Use letters, digits, _ and -, at most 52 of them."
        )
    path, history = [start], [task]
    for turn in range(1, turns + 1):
        last, name = turn == turns, path[-1]
        called: list[str] = []
        others = _transfers(agents, name, called) if len(path) <= hops else []
        step = await run.sample_step(
            history,
            system_prompt=agents[name].system_prompt,
            tools=[*agents[name].tools, *others],
            tool_choice="none" if last else None,
            execute_tools=not last,
        )
        if not step.is_tool_use:
            return HandedOff(step.text or "", tuple(path), step.history)
        path, history = path + called, step.history
    raise LimitExceeded(
        f"The specialists did not give an answer within turns={turns}; control went "
        f"{' > '.join(path)}. Raise turns, or give each of them less to do."
    )


def _transfers(
    agents: Mapping[str, Specialist], here: str, called: list[str]
) -> list[SamplingTool]:
    """The tools with which control leaves a specialist. The first one called in a turn counts."""
    to = agents[here].to
    return [
        _transfer(name, agents[name].description, called)
        for name in (agents if to is None else to)
        if name != here
    ]


def _transfer(name: str, description: str, called: list[str]) -> SamplingTool:
    async def transfer(_: Run) -> str:
        if called:
            return f"Not done: control goes to {called[0]}, who was called first."
        called.append(name)
        return f"Control is with {name} now."

    return SamplingTool.from_function(
        transfer,
        name=f"transfer_to_{name}",
        description=f"Pass control of this conversation to {name}: {description}",
        run_type=Run,
    )
