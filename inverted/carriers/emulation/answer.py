"""The model's text, read back as calls.

Linear in the text by construction: a text is searched for tags by the C library, every value is
scanned once, repairs have an allowance, and reading ends at the first call that is unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count, islice
from typing import Final, NamedTuple, cast

from inverted.carriers.emulation.repair import (
    ALLOWANCE,
    UnreadableError,
    check_amount,
    read_json,
    whole,
)
from inverted.carriers.emulation.syntax import INVALID, Tags, blocks_of, choice_of, tags_for
from inverted.core.effects import Json

CALLS: Final = 100
"""Calls of one answer that are read."""

TAGS: Final = 1000
"""Tags of one answer that are looked at."""

SHOWN: Final = 500
"""Characters of an unreadable call that are kept."""

_HOW: Final = 'Write one JSON object with "name" and "arguments" between the tags.'
_TAIL: Final = re.compile(r"[\s,`}\]]*+")
_NAMES: Final = ("name", "tool", "function")
_ARGUMENTS: Final = ("arguments", "input", "parameters", "args")


class _Call(NamedTuple):
    """A call in a text, and where the text before it ends."""

    before: int
    name: str
    input: dict[str, Json]


def from_text(params: dict[str, Json], answer: dict[str, Json]) -> dict[str, Json]:
    """Read the answer to a request that was said by `as_text`.

    Text before the calls stays; what stands between and after them is left out, since it was
    written before any result was known. With tool choice `none` nothing is a call.

    Args:
        params: The params with tools, as they were before `as_text`.
        answer: The fields of the client's result: `role`, `content`, `model`, `stopReason`.

    Returns:
        The answer with `tool_use` blocks and the stop reason `toolUse`; the same object if it holds
        no call. A call that is unreadable, or that misses where one was required, is a call of
        `INVALID`.
    """
    given = blocks_of(answer["content"])
    blocks = [_whole(block) for block in given]
    text = "\n".join(block["text"] for block in blocks if block["type"] == "text")
    others = [block for block in blocks if block["type"] != "text"]
    calls = list(islice(_calls(text, tags_for(params)), CALLS + 1))
    choice = choice_of(params)
    if calls:
        before = text[: calls[0].before].strip()
        if choice == "none":
            calls, blocks = [], [_text(before), *others] if before else blocks
        text = before
    elif choice == "required" and not any(block["type"] == "tool_use" for block in others):
        calls = [_invalid(0, "A tool must be called now, and none was called.", text)]
    if not calls:
        return answer if blocks == given else {**answer, "content": blocks}
    if len(calls) > CALLS:
        problem = f"Only {CALLS} calls fit in a message; from this one on nothing was called."
        calls[CALLS] = _invalid(0, problem, "")
    if answer.get("stopReason") == "maxTokens" and calls[-1].name == INVALID:
        calls[-1].input["problem"] += " The message reached its token limit: write a shorter one."
    uses = _tool_uses(calls, params["messages"], others)
    said = [_text(text)] if text else []
    return {**answer, "content": [*said, *others, *uses], "stopReason": "toolUse"}


def _whole(block: dict[str, Json]) -> dict[str, Json]:
    if block["type"] != "text" or (clean := whole(block["text"])) == block["text"]:
        return block
    return {**block, "text": clean}


def _text(text: str) -> dict[str, Json]:
    return {"type": "text", "text": text}


def _tool_uses(
    calls: list[_Call], messages: list[dict[str, Json]], others: list[dict[str, Json]]
) -> Iterator[dict[str, Json]]:
    """Blocks whose ids go on from those of the conversation, so that a replay gives the same."""
    past = [block for message in messages for block in blocks_of(message["content"])]
    taken = {block["id"] for block in [*past, *others] if block["type"] == "tool_use"}
    ids = (id for n in count(len(taken) + 1) if (id := f"call_{n}") not in taken)
    for call in calls:
        yield {"type": "tool_use", "id": next(ids), "name": call.name, "input": call.input}


def _calls(text: str, tags: Tags) -> Iterator[_Call]:
    """The calls of a text, up to the first that is unreadable: what follows may be a part of it."""
    begin = re.compile(rf"(?:\s*+{tags.opening})*+\s*+(?:```\w*+\s*+)?")
    position, fences, allowance = 0, 0, ALLOWANCE
    last_fence = text.rfind("```")
    checked = False
    for _ in range(TAGS):
        start = text.find(tags.opening, position)
        if start < 0:
            return
        fences += text.count("```", position, start)
        fence = text.rfind("```", position, start) if fences % 2 else None
        body = start + len(tags.opening)
        at = cast("re.Match[str]", begin.match(text, body)).end()
        before = _before(text, position, start, at, fence, closed=last_fence > start)
        position = body
        if before is None:
            continue
        try:
            if not checked:
                check_amount(text, at)
                checked = True
            while True:
                value, end, spent = read_json(text, at, tags.closing, allowance)
                allowance -= spent
                for each in _listed(value):
                    yield _call(before, each)
                at = cast("re.Match[str]", _TAIL.match(text, end)).end()
                if not text.startswith("{", at):
                    break
        except UnreadableError as error:
            written = text[at : at + SHOWN].partition(tags.closing)[0].strip()
            problem = f"It could not be read, and from here on nothing was called: {error}. {_HOW}"
            yield _invalid(before, problem, written)
            return
        position = at + (len(tags.closing) if text.startswith(tags.closing, at) else 0)


def _before(
    text: str, position: int, start: int, at: int, fence: int | None, *, closed: bool
) -> int | None:
    """Where the text before a call ends, or None for a tag that only stands in prose or code.

    Args:
        text: The text.
        position: Where the last tag was done with.
        start: Where the tag stands.
        at: Where its JSON would begin.
        fence: Inside of a code block, where that begins; -1 if before `position`.
        closed: Whether the code block ends.
    """
    if fence is not None:
        line = text.find("\n", fence, start) if fence >= 0 else position
        if text[line if line >= 0 else start : start].strip():  # more than calls in this block
            if closed:
                return None
        elif fence >= 0:
            return fence
    line = max(position, text.rfind("\n", position, start) + 1)
    if not text[line:start].strip(" \t`"):
        return line
    return start if text[at : at + 1] in ("{", "[") and text[start - 1] != "`" else None


def _listed(value: Json) -> list[Json]:
    """The calls within one pair of tags; an empty list is one that cannot be read."""
    return cast("list[Json]", value) if isinstance(value, list) and value else [value]


def _call(before: int, value: Json) -> _Call:
    try:
        return _Call(before, *_name_and_input(value))
    except UnreadableError as error:
        written = json.dumps(value, ensure_ascii=False)
        return _invalid(before, f"It was not called: {error}. {_HOW}", written)


def _name_and_input(value: Json) -> tuple[str, dict[str, Json]]:
    if not isinstance(value, dict):
        raise UnreadableError("it is no JSON object")
    call = cast("dict[str, Json]", value)
    if isinstance(call.get("function"), dict):  # as OpenAI's API writes it
        call = cast("dict[str, Json]", call["function"])
    name = next((call[key] for key in _NAMES if isinstance(call.get(key), str)), None)
    if not name:
        raise UnreadableError('it has no "name"')
    if name == INVALID:
        raise UnreadableError(f"{name} is no tool")
    given = next((call[key] for key in _ARGUMENTS if key in call), None)
    if given is None and not call.keys() <= {*_NAMES, *_ARGUMENTS, "id", "type"}:
        raise UnreadableError('its arguments belong into "arguments"')
    return name, _input(given)


def _input(given: Json) -> dict[str, Json]:
    try:
        if isinstance(given, str):  # JSON within JSON; it was repaired once, with the call
            written = given.strip() or "{}"
            given, end, _ = read_json(written, 0, closing="<", allowance=0)
            given = None if written[end:] else given
        elif given is None:
            given = {}
    except UnreadableError:
        given = None
    if not isinstance(given, dict):
        raise UnreadableError('its "arguments" are no JSON object')
    return cast("dict[str, Json]", given)


def _invalid(before: int, problem: str, written: str) -> _Call:
    return _Call(before, INVALID, {"problem": problem, "text": written[:SHOWN]})
