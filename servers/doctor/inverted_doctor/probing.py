"""Really asks: a model turn, one with a tool, a form and an approval.

Each question is asked as every agent asks it, on the first rung that is open. Called by the agent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple

from mcp_types import ToolUseContent

from inverted import AgentError, ApprovalDenied, CapabilityError, Run, SamplingResult
from inverted_doctor.findings import Outcome, Probed, Tried

UNATTENDED: Final = 500
"""Milliseconds in which nobody has read a question."""
WORD: Final = "periwinkle"
"""What the tool says. A model that did not call it does not say it."""

_LONGEST: Final = 200
_OUTCOMES: Final[dict[str, Outcome]] = {
    "accept": "answered",
    "decline": "declined",
    "cancel": "dismissed",
}


class _Came(NamedTuple):
    """What came back."""

    outcome: Outcome
    rung: str | None
    note: str


def secret_word() -> str:
    """Tell the secret word."""
    return WORD


async def model(run: Run) -> _Came:
    """Ask a model for a word."""
    answer = await run.sample("Reply with one word: ready", max_tokens=200)
    return _Came("answered", answer.via, _said(answer))


async def tools(run: Run) -> _Came:
    """Ask a model that has to call a tool."""
    answer = await run.sample(
        "Call the tool secret_word, then reply with the word that it told you.",
        tools=[secret_word],
        max_tokens=500,
        max_turns=3,
    )
    if not any(
        isinstance(part, ToolUseContent) for each in answer.history for part in each.content_as_list
    ):
        return _Came("odd", answer.via, f"It did not call the tool. {_said(answer)}")
    if WORD not in (answer.text or ""):
        return _Came(
            "odd", answer.via, f"It called the tool and did not pass its word on. {_said(answer)}"
        )
    return _Came("answered", answer.via, _said(answer))


async def form(run: Run) -> _Came:
    """Ask a person to choose."""
    answer = await run.elicit(
        "The doctor tries the forms of this client. Choose anything.",
        Literal["tea", "coffee"],
        response_title="What would you like?",
    )
    said = "" if answer.data is None else f"Chosen: {answer.data}."
    return _Came(_OUTCOMES[answer.action], answer.via, said)


async def approval(run: Run) -> _Came:
    """Ask a person for a yes."""
    try:
        await run.approve("Does this approval reach you?", "Nothing is done, whatever you answer.")
    except ApprovalDenied as denied:
        if isinstance(denied.__cause__, AgentError):
            raise denied.__cause__ from None
        return _Came("declined", None, denied.message)
    return _Came("answered", None, "Approved.")


PROBES: Final[dict[Probed, Callable[[Run], Awaitable[_Came]]]] = {
    "model": model,
    "tools": tools,
    "form": form,
    "approval": approval,
}


async def probe(run: Run) -> list[Tried]:
    """Ask every question, one after the other.

    Args:
        run: The run.
    """
    tried: list[Tried] = []
    for question, ask in PROBES.items():
        await run.report_progress(len(tried), len(PROBES), f"asking: {question}")
        started = await run.now()
        came = await _caught(run, ask)
        took = round((await run.now() - started).total_seconds() * 1000)
        came_back = came.outcome in ("answered", "declined", "dismissed")
        alone = question in ("form", "approval") and came_back and took < UNATTENDED
        tried.append(
            Tried(
                question=question,
                outcome=came.outcome,
                rung=came.rung,
                milliseconds=took,
                unattended=alone,
                note=came.note,
            )
        )
    return tried


async def _caught(run: Run, ask: Callable[[Run], Awaitable[_Came]]) -> _Came:
    try:
        return await ask(run)
    except CapabilityError as error:
        return _Came("impossible", None, error.message)
    except AgentError as error:
        return _Came("refused", None, error.message)


def _said(answer: SamplingResult[str]) -> str:
    text = (answer.text or "").strip()
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"{answer.model} said: {shown or '(nothing)'}"
