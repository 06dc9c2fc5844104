"""What the host's model is told when a run needs it, or somebody else, before it can go on.

Short, because it is paid for in every turn: what the model has heard in this run is not said again
(`Live.told`), tools are listed once, and how to answer is explained with the first question only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from mcp_types import AudioContent, ContentBlock, ImageContent, TextContent

from inverted.core.effects import Json, Kind
from inverted.runtime.ladders import RELAY, Rung
from inverted.runtime.live import digest
from inverted.runtime.ports import Question

_ROLES: Final = {"user": "", "assistant": "[You said earlier] "}
_CHOICES: Final = {
    "required": "You have to call a tool.",
    "none": "Call no tool now: answer with text.",
}


class Said(NamedTuple):
    """A reply.

    Attributes:
        text: What is said.
        media: Images and sounds of the questions.
        framing: Characters of the text that are ours and not the questions' own.
    """

    text: str
    media: list[ContentBlock]
    framing: int

    @property
    def content(self) -> list[ContentBlock]:
        """As the content of a tool result."""
        return [TextContent(text=self.text), *self.media]


class _Text:
    """Text in the making, which knows what of it is ours.

    Args:
        ids: Of the questions: no other text may stand as the heading of one of them.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self._headings = frozenset(f"## {id}" for id in ids)
        self._parts: list[str] = []
        self._framing = 0
        self.media: list[ContentBlock] = []

    def ours(self, text: str) -> None:
        self._parts.append(text)
        self._framing += len(text)

    def theirs(self, text: str) -> None:
        if "## " in text:
            lines = text.split("\n")
            text = "\n".join(f"\\{each}" if self._poses(each) else each for each in lines)
        self._parts.append(text)

    def _poses(self, line: str) -> bool:
        return line.strip() in self._headings

    def done(self) -> Said:
        return Said("".join(self._parts).rstrip("\n"), self.media, self._framing)


def say(
    tool: str,
    handle: str,
    questions: Sequence[Question],
    rungs: Mapping[str, Rung],
    told: Collection[str],
    *,
    notes: Sequence[str] = (),
) -> Said:
    """The reply for a run that cannot go on by itself.

    Args:
        tool: The tool with which it goes on.
        handle: Its name for the run.
        questions: What the run asks.
        rungs: How each is asked.
        told: Digests of what the model has heard in this run.
        notes: What was wrong with the last answers.
    """
    text = _Text([each.id for each in questions])
    for note in notes:
        text.ours(f"{note}\n")
    mine = [each for each in questions if rungs[each.id].name == RELAY]
    others = [each for each in questions if rungs[each.id].name != RELAY]
    for question in others:
        _say_other(text, question, rungs[question.id].name)
    if mine:
        _say_how(text, tool, handle, mine, first=not told)
        listed: dict[str, str] = {}
        for question in mine:
            _say_question(text, question, told, listed)
    elif others:
        text.ours(f'Then, or to wait for them, call {tool} with {{"handle": "{handle}"}}.')
    else:
        text.ours(f'Not finished yet. To go on, call {tool} with {{"handle": "{handle}"}}.')
    return text.done()


def _say_other(text: _Text, question: Question, rung: str) -> None:
    where = "on the card above" if rung == "card" else "on a page in their browser"
    text.ours(f"The user is being asked {where}; you cannot answer for them: ")
    text.theirs(question.params["message"])
    text.ours("\n")


def _say_how(
    text: _Text, tool: str, handle: str, questions: Sequence[Question], *, first: bool
) -> None:
    if not first:
        text.ours(f'Next, for {tool} with handle "{handle}":\n')
        return
    example: dict[str, Json] = {"handle": handle, "answers": [{"id": questions[0].id}]}
    answer = example["answers"][0]
    if questions[0].kind is Kind.ELICIT:
        answer["content"] = {}
    else:
        answer["text"] = "..."
    several = " (all questions in one call)" if len(questions) > 1 else ""
    text.ours(
        "This tool is not finished and needs your help. Answer what is asked below, and call "
        f"{tool} with {json.dumps(example)}{several}. Repeat until it returns the result.\n"
    )
    if any("tools" in each.params for each in questions):
        text.ours(
            "Tools listed here are run for you: to use them, give "
            '"calls": [{"name": "...", "arguments": {}}] in place of "text".\n'
        )


def _say_question(
    text: _Text, question: Question, told: Collection[str], listed: dict[str, str]
) -> None:
    """One question.

    Args:
        text: The reply so far.
        question: The question.
        told: Digests of what the model has heard before.
        listed: What this reply has said already, and with which question.
    """
    text.ours(f"\n## {question.id}\n")
    if question.kind is Kind.ELICIT:
        _say_form(text, question.params)
        return
    params = question.params
    tools = params.get("tools")
    for part in ("systemPrompt", "tools"):
        if part not in params or (name := digest(params[part])) in told:
            continue
        if name in listed:
            text.ours(f"({part} as for {listed[name]})\n")
            continue
        listed[name] = question.id
        if part == "systemPrompt":
            text.theirs(f"{params[part]}\n")
            continue
        text.ours("Tools:\n")
        for each in params[part]:
            text.theirs(f"{_compact(each)}\n")
    for message in _new(params["messages"], told):
        text.ours(_ROLES[message["role"]])
        for block in _blocks(message["content"]):
            _say_block(text, block)
    wanted: dict[str, Json] = params.get("toolChoice") or {}
    choice = _CHOICES.get(str(wanted.get("mode"))) if tools else None
    if choice is not None:
        text.ours(f"{choice}\n")


def _say_form(text: _Text, params: dict[str, Json]) -> None:
    text.ours('Ask the user, and give what they say as "content", or "action": "decline":\n')
    text.theirs(f"{params['message']}\n")
    fields: dict[str, Json] = params["requestedSchema"]
    text.ours("Fields: ")
    text.theirs(f"{_compact(fields.get('properties') or {})}\n")


def _new(messages: list[Json], told: Collection[str]) -> list[Json]:
    """The messages that the model has not heard, nor said itself. The last one is always said."""
    for count in range(len(messages) - 1, 0, -1):
        if digest(messages[:count]) in told:
            return messages[count:]
    return messages


def _say_block(text: _Text, block: dict[str, Json]) -> None:
    match block["type"]:
        case "text":
            text.theirs(f"{block['text']}\n")
        case "image" | "audio":
            kind: Any = ImageContent if block["type"] == "image" else AudioContent
            text.media.append(kind.model_validate(block, by_name=False))
            text.ours(f"[{block['type']} {len(text.media)}, attached]\n")
        case "tool_use":
            text.ours("[You called] ")
            text.theirs(f"{block['name']} {_compact(block['input'])}\n")
        case "tool_result":
            text.ours("[Failed] " if block.get("isError") else "[Result] ")
            for each in _blocks(block["content"]):
                _say_block(text, each)
        case _:
            text.theirs(f"{_compact(block)}\n")


def _blocks(content: Json) -> Iterator[dict[str, Json]]:
    yield from cast("list[dict[str, Json]]", content if isinstance(content, list) else [content])


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
