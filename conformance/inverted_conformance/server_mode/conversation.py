"""Conversations with a model: what is wrong with the messages of a sampling request."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.said import SAMPLE, Question, Reply
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message


def sampled(reply: Reply) -> list[Question]:
    """What a call asked the model, in order.

    Args:
        reply: The response to the call.
    """
    return [question for question in reply.questions if question.method == SAMPLE]


async def still_asks(client: Client) -> str | None:
    """Let `test_sampling` ask once more, after what a server should survive.

    Args:
        client: The connection.

    Returns:
        What went wrong instead, or `None` if the tool returned what the model said.
    """
    try:
        await client.request("tools/list")  # over HTTP, what was sent before is there by now
        reply = await client.call("test_sampling", answers=Script(["Good day."]))
        ok = not reply.failed and "Good day." in reply.text
    except PeerError as error:
        return str(error)
    return None if ok else reply.told


def messages(question: Question) -> list[Message]:
    """The messages of a sampling request.

    Args:
        question: The request.
    """
    return cast("list[Message]", question.params.get("messages", []))


def blocks(message: Message) -> list[Message]:
    """The content of a message, as a list.

    Args:
        message: The message.
    """
    content: Any = message.get("content", [])
    return cast("list[Message]", content if isinstance(content, list) else [content])


def ids(message: Message | None, kind: str, field: str) -> Counter[str]:
    """The ids in a message's blocks of one kind.

    Args:
        message: The message, if there is one.
        kind: The type of the blocks.
        field: The field that has the id.
    """
    found = [] if message is None else blocks(message)
    return Counter(str(block.get(field)) for block in found if block.get("type") == kind)


def mixed(conversation: list[Message]) -> str | None:
    """Which message has results of tools and something else.

    Args:
        conversation: The messages.

    Returns:
        Its position and its kinds of content, or `None`.
    """
    for number, message in enumerate(conversation):
        kinds = sorted({str(block.get("type")) for block in blocks(message)})
        if "tool_result" in kinds and kinds != ["tool_result"]:
            return f"message {number} has {' and '.join(kinds)}"
    return None


def unbalanced(conversation: list[Message]) -> str | None:
    """Which uses of tools are not followed by their results, or results that follow no use.

    Args:
        conversation: The messages.

    Returns:
        What is wrong with the first such pair of messages, or `None`.
    """
    used: Counter[str] = Counter()
    for number, message in enumerate(conversation):
        given = ids(message, "tool_result", "toolUseId")
        if given != used:
            return f"message {number} has results for {sorted(given)} after uses {sorted(used)}"
        if used and message.get("role") != "user":
            return f"message {number} with results has the role {message.get('role')!r}"
        used = ids(message, "tool_use", "id") if message.get("role") == "assistant" else Counter()
    return f"the last message uses {sorted(used)}, without results" if used else None
