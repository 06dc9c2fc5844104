"""The questions that the suite asks, with the directives that script the client's model and person.

`CLIENT_CONTRACT.md` says what a directive means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from inverted_conformance.wire.transcript import Message


def text(said: str) -> Message:
    """A block of text.

    Args:
        said: The text.
    """
    return {"type": "text", "text": said}


def tool(name: str, **more: Any) -> Message:
    """A tool without arguments, for a listing.

    Args:
        name: Its name.
        more: Other fields.
    """
    return {
        "name": name,
        "description": "A tool of the conformance suite. Call it once, without arguments.",
        "inputSchema": {"type": "object", "properties": {}},
        **more,
    }


def say(said: str, **more: Any) -> Message:
    """A step of the model: it says something.

    Args:
        said: What.
        more: Other fields of the step, such as `think`.
    """
    return {"say": said, **more}


def use(*names: str, **more: Any) -> Message:
    """A step of the model: it uses tools, each with its own name as `it`.

    Args:
        names: The tools; one that stands twice is used twice.
        more: Other fields of the step.
    """
    return {"use": [{"name": name, "input": {"it": name}} for name in names], **more}


REJECT: Message = {"reject": True}
"""A step of the model: the person does not let it answer."""


def user(content: Any) -> Message:
    """A message of the user.

    Args:
        content: A block, several, or a text.
    """
    return {"role": "user", "content": text(content) if isinstance(content, str) else content}


def assistant(content: Any) -> Message:
    """A message of the model.

    Args:
        content: A block, several, or a text.
    """
    return {"role": "assistant", "content": text(content) if isinstance(content, str) else content}


def directive(*steps: Message) -> str:
    """The text that scripts the model.

    Args:
        steps: What it does, one after another.
    """
    return json.dumps(list(steps))


def sample(*steps: Message, **params: Any) -> Message:
    """A request for a message of the model.

    Args:
        steps: What the model shall do. None if `messages` says it.
        params: Other parameters, as on the wire.
    """
    messages = [user(directive(*steps))]
    return {
        "method": "sampling/createMessage",
        "params": {"messages": messages, "maxTokens": 100, **params},
    }


def tools(*names: str) -> list[Message]:
    """Tools for the model.

    Args:
        names: Their names.
    """
    schema = {"type": "object", "properties": {"it": {"type": "string"}}}
    return [{"name": name, "description": name, "inputSchema": schema} for name in names]


def results(uses: Sequence[Message]) -> Message:
    """The message of the user that carries the results of tools.

    Args:
        uses: The calls that the model made.
    """
    return user(
        [
            {
                "type": "tool_result",
                "toolUseId": each.get("id"),
                "content": [text(f"result of {each.get('name')}")],
            }
            for each in uses
        ]
    )


def form(act: Message, properties: Message, required: Sequence[str] = (), **params: Any) -> Message:
    """A form for the person.

    Args:
        act: What the person does: `action`, and `content` where something is typed.
        properties: The fields of the form.
        required: Those that must be filled in.
        params: Other parameters, as on the wire.
    """
    schema: Message = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return {
        "method": "elicitation/create",
        "params": {"message": json.dumps(act), "requestedSchema": schema, **params},
    }


def accept(**content: Any) -> Message:
    """The person types something into a form and accepts it.

    Args:
        content: What is typed, by field; the other fields stay as the form shows them.
    """
    return {"action": "accept", "content": content}


DECLINE: Message = {"action": "decline"}
CANCEL: Message = {"action": "cancel"}


def page(act: Message, url: str, id: str | None, **params: Any) -> Message:
    """A page that the person shall visit.

    Args:
        act: What the person does.
        url: The page.
        id: The id of the elicitation; only 2025-11-25 has one.
        params: Other parameters, as on the wire.
    """
    return {
        "method": "elicitation/create",
        "params": {
            "mode": "url",
            "message": json.dumps(act),
            "url": url,
            **({} if id is None else {"elicitationId": id}),
            **params,
        },
    }
