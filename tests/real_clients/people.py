"""The model and the person behind every client, and the host's model that reads a relayed reply.

They answer by a fixed rule, in the words of the wire, so that clients of every language have the
same ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, cast

Wire = dict[str, Any]

_RESULT: Final = re.compile(r"(?:\[Result\] |<tool_response[^>]*>\n?)(.+)")
_ASKED: Final = re.compile(r"(Say|Research) (\w+)\.")
_CONTINUE: Final = re.compile(r'(\w+) with (?:handle "([^"]+)"|(?=\{))')


def answer(method: str, params: Wire) -> Wire:
    """The result of a request of the server."""
    return model(params) if method == "sampling/createMessage" else person(params)


def model(params: Wire) -> Wire:
    """One turn: it uses a tool where it has one, and says what it was asked to say."""
    said = [_text(each["content"]) for each in params["messages"]]
    found = _RESULT.search(said[-1])
    topic = _asked(said[0])
    content: Wire = {"type": "text", "text": found[1] if found else f"said {topic}"}
    if not found and params.get("tools"):
        content = {"type": "tool_use", "id": "1", "name": "look_up", "input": {"topic": topic}}
    elif not found and "look_up" in (params.get("systemPrompt") or ""):
        content["text"] = _call_in_words(params["systemPrompt"], topic)
    called = content["type"] == "tool_use"
    stop = "toolUse" if called else "endTurn"
    return {"role": "assistant", "model": "fixed", "stopReason": stop, "content": content}


def person(params: Wire) -> Wire:
    """A person who takes the small one, and approves."""
    (name,) = params["requestedSchema"]["properties"]
    value = "small" if "size" in params["message"] else True
    return {"action": "accept", "content": {name: value}}


def follow(reply: str) -> tuple[str, Wire] | None:
    """What the host's model does after the text of a tool result: the next tool and its arguments.

    Args:
        reply: The text, which is all that it has.

    Returns:
        None if nothing is to be done.
    """
    place = _CONTINUE.search(reply)
    if place is None:
        return None
    handle = place[2]
    if handle is None:
        example, _ = cast("tuple[Wire, int]", json.JSONDecoder().raw_decode(reply, place.end()))
        handle = example["handle"]
    answers = [{"id": name, **_answered(asked)} for name, asked in _questions(reply)]
    return place[1], {"handle": handle, **({"answers": answers} if answers else {})}


def _questions(reply: str) -> Iterator[tuple[str, str]]:
    _, *parts = re.split(r"^## (.+)\n", reply, flags=re.MULTILINE)
    yield from zip(parts[::2], parts[1::2], strict=True)


def _answered(asked: str) -> Wire:
    if found := _RESULT.search(asked):
        return {"text": found[1]}
    topic = _asked(asked)
    if "Tools:\n" in asked:
        return {"calls": [{"name": "look_up", "arguments": {"topic": topic}}]}
    return {"text": f"said {topic}"}


def _call_in_words(instructions: str, topic: str) -> str:
    """A tool call written as the instructions say: between the tags of their example."""
    example = re.search(r"^<(\w+)>\s*\{.*\}\s*</\1>$", instructions, re.MULTILINE)
    assert example is not None, instructions
    call = json.dumps({"name": "look_up", "arguments": {"topic": topic}})
    return f"<{example[1]}>\n{call}\n</{example[1]}>"


def _asked(text: str) -> str:
    asked = _ASKED.search(text)
    assert asked is not None, f"nothing was asked: {text!r}"
    return asked[2]


def _text(content: Any) -> str:
    """What a message says; the result of a tool marked as in a relayed reply."""
    if isinstance(content, list):
        return "\n".join(_text(each) for each in cast("list[Any]", content))
    if content["type"] == "tool_result":
        return f"[Result] {_text(content['content'])}"
    return content.get("text", "")
