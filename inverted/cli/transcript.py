"""What was asked and answered in a run, kept for `--json` and counted for the status line.

The protocol reports no token usage for sampling, so tokens are estimated from the text that
travelled, and every output says that they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from inverted.cli.events import Answered, Asked, Connected, Event, RoundStarted, TaskChanged, Wire
from inverted.cli.text import CHARS_PER_TOKEN


@dataclass
class Transcript:
    """Watches a run and remembers its questions."""

    connected: Connected | None = None
    task: TaskChanged | None = None
    rounds: int = 0
    asked: dict[int, Asked] = field(default_factory=dict[int, Asked])
    answered: dict[int, Answered] = field(default_factory=dict[int, Answered])
    token_estimate: int = 0

    def watch(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case Connected():
                self.connected = event
            case TaskChanged():
                self.task = event
            case RoundStarted(number=number):
                self.rounds = number
            case Asked():
                self.asked[event.id] = event
                if event.kind == "model":
                    self.token_estimate += estimate_tokens(event.request)
            case Answered():
                self.answered[event.id] = event
                if self.asked[event.id].kind == "model" and event.response is not None:
                    self.token_estimate += estimate_tokens(event.response)
            case _:
                pass

    @property
    def model_turns(self) -> int:
        """How many turns the model was asked for."""
        return sum(1 for one in self.asked.values() if one.kind == "model")

    @property
    def questions(self) -> int:
        """How many questions the person was asked."""
        return sum(1 for one in self.asked.values() if one.kind == "person")

    @property
    def tool_calls(self) -> int:
        """How many tool calls the model asked for."""
        return sum(
            1
            for one in self.answered.values()
            if one.response is not None
            for block in blocks(one.response.get("content"))
            if block.get("type") == "tool_use"
        )

    def questions_json(self) -> list[dict[str, Any]]:
        """Every question with its answer in wire form, in the order of asking."""
        rows: list[dict[str, Any]] = []
        for asked in self.asked.values():
            row: dict[str, Any] = {"kind": asked.kind, "request": asked.request}
            answered = self.answered.get(asked.id)
            if answered is not None:
                row["seconds"] = round(answered.at - asked.at, 3)
                if answered.response is not None:
                    row["response"] = answered.response
                if answered.error is not None:
                    row["error"] = answered.error
                if answered.note:
                    row["note"] = answered.note
            rows.append(row)
        return rows

    def counts_json(self) -> dict[str, int]:
        """The figures of the status line."""
        return {
            "rounds": self.rounds,
            "modelTurns": self.model_turns,
            "toolCalls": self.tool_calls,
            "questions": self.questions,
            "tokensEstimate": self.token_estimate,
        }


def blocks(content: object) -> list[Wire]:
    """A message's content as a list of blocks: the wire allows a single block too."""
    if isinstance(content, Mapping):
        return [cast("Wire", content)]
    return list(cast("list[Wire]", content or []))


def estimate_tokens(message: Wire) -> int:
    """Tokens that a model reads or writes for a request or a result, by the length of its text.

    Binary content is left out: how a model counts an image has nothing to do with its bytes.
    """
    size = len(str(message.get("systemPrompt") or ""))
    size += len(json.dumps(message.get("tools") or []))
    turns: list[Wire] = [message] if "content" in message else list(message.get("messages") or [])
    for turn in turns:
        for block in blocks(turn.get("content")):
            if block.get("type") not in ("image", "audio"):
                size += len(json.dumps(block, ensure_ascii=False))
    return size // CHARS_PER_TOKEN
