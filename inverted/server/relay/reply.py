"""The tool result for a run that goes on in another call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastmcp.tools.base import ToolResult

from inverted.carriers.client import METHODS
from inverted.carriers.hosts import host_of
from inverted.core.effects import Json
from inverted.runtime.ladders import RELAY
from inverted.runtime.ports import Parked
from inverted.server.means import Wire, client_name
from inverted.server.person import AgentPages
from inverted.server.relay.card import ASK, drawn
from inverted.server.relay.card import TOOL as CARD
from inverted.server.relay.schema import UNFINISHED
from inverted.server.relay.words import say

CONTINUE: Final = "inverted/continue"
"""The `_meta` entry that tells a program how to go on.

In a result: `tool` and `handle`, how many `questions` there are to answer, and how many characters
of the text are `framing`. In `tools/list` it marks that tool.
"""
QUESTIONS: Final = "inverted/questions"
"""A program that goes on by itself sets this `_meta` entry of its call to true, and is given the
questions as data in the same entry of the result."""
TOOL: Final = "continue_run"
SHORT: Final = "See the text."


def unfinished(
    wire: Wire,
    pages: AgentPages,
    parked: Parked,
    notes: Sequence[str],
    *,
    structured: bool,
) -> ToolResult:
    """Say what is needed, and how to go on.

    Args:
        wire: The request.
        pages: The pages of the agent.
        parked: Where the run stands.
        notes: What was wrong with the last answers of the host's model.
        structured: Whether the tool that was called has an output schema.
    """
    tool = sibling(wire, pages.agent)
    elsewhere = {"relay", "card", "page", "url"}
    questions = [
        each
        for each in parked.questions
        if each.id in parked.rungs
        and parked.rungs[each.id].name in elsewhere
        and (parked.rungs[each.id].name != "url" or parked.rungs[each.id].mode == "hold")
    ]
    said = say(tool, parked.run_id, questions, parked.rungs, parked.told, notes=notes)
    mine = [each for each in questions if parked.rungs[each.id].name == RELAY]
    meta: dict[str, Any] = {
        CONTINUE: {
            "tool": tool,
            "handle": parked.run_id,
            "questions": len(mine),
            "framing": said.framing,
        }
    }
    wanted: Mapping[str, Json] = (wire.params or {}).get("_meta") or {}
    if wanted.get(QUESTIONS) is True:
        meta[QUESTIONS] = {
            each.id: {"method": METHODS[each.kind], "params": each.params} for each in mine
        }
    cards = [each for each in questions if parked.rungs[each.id].name == "card"]
    if cards:
        meta[ASK] = drawn(
            pages,
            sibling(wire, pages.agent, CARD),
            f'I have answered. Call {tool} with {{"handle": "{parked.run_id}"}}.',
            cards,
        )
    return ToolResult(
        content=said.content,
        structured_content=_structured(wire, said.text) if structured else None,
        meta=meta,
    )


def sibling(wire: Wire, agent: str, tool: str = TOOL) -> str:
    """What the client calls another tool of ours: a server that mounts this one may rename it.

    Args:
        wire: The request, which names one of our tools.
        agent: The agent's name.
        tool: The other tool.
    """
    called: str = (wire.params or {}).get("name", agent)
    for name in (agent, TOOL):
        if called.endswith(name):
            return called.removesuffix(name) + tool
    return tool


def _structured(wire: Wire, text: str) -> dict[str, Json]:
    """Hosts differ in what they show to their model; what is shown twice is paid for twice."""
    host = host_of(client_name(wire))
    twice = host is not None and host.sees in ("content", "both")
    return {UNFINISHED: SHORT if twice else text}
