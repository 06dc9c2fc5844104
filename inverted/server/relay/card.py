"""The card of MCP Apps hosts: its resource, and the tool with which it answers.

The token in the result's `_meta` is what lets a card answer. Hosts do not show `_meta` to their
model, nor a tool that is for apps only; a model that calls the tool all the same has no token.

Source: MCP Apps (SEP-1865), specification 2026-01-26.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastmcp import FastMCP
from fastmcp.apps import AppConfig
from fastmcp.tools.base import ToolResult
from pydantic import Field

from inverted.core.effects import Json
from inverted.pages.card import ASK, MIME_TYPE, TOOL, URI, card
from inverted.runtime.ports import Question
from inverted.server.person import AgentPages, Pages

FOR_CARDS: Final[dict[str, Any]] = {"resourceUri": URI}
"""The `_meta.ui` of a tool whose results may have a card."""


def add_card(server: FastMCP[Any], pages: Pages) -> None:
    """Add the card and its tool to a server.

    Args:
        server: The server.
        pages: Where the answers go.
    """

    async def answer_card(
        token: Annotated[str, Field(description="Of the card.")],
        question: Annotated[str, Field(description="Id of the question.")],
        action: Literal["accept", "decline", "cancel"],
        content: dict[str, Any] | None = None,
    ) -> ToolResult:
        """Record what the user answered on a card. For the card only."""
        result: dict[str, Json] = {"action": action}
        if action == "accept":
            result["content"] = content or {}
        state = await pages.answer(token, question, result)
        return ToolResult(content=state, structured_content={"state": state})

    server.resource(URI, name="answer", mime_type=MIME_TYPE)(card)
    server.tool(answer_card, name=TOOL, app=AppConfig(visibility=["app"]))


def drawn(pages: AgentPages, tool: str, then: str, questions: Sequence[Question]) -> Json:
    """What a card is drawn from.

    Args:
        pages: The pages of the agent that asks.
        tool: What the client calls the tool of the card.
        then: What the host's model is told in the end.
        questions: What is asked.
    """
    for question in questions:
        pages.agreed(question)  # from now on the run waits for it
    return {
        "token": pages.pages.put_card(pages.agent, questions),
        "tool": tool,
        "server": pages.pages.server,
        "agent": pages.agent,
        "then": then,
        "questions": [
            {"id": each.id, **{key: each.params[key] for key in ("message", "requestedSchema")}}
            for each in questions
        ],
    }


__all__ = ["ASK", "FOR_CARDS", "TOOL", "add_card", "drawn"]
