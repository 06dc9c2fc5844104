"""Short ways to write conversations with tools, and to read and show them."""

from __future__ import annotations

from typing import Any, cast

from inverted.carriers.emulation import INVALID, as_text, from_text

TOOLS: list[dict[str, Any]] = [
    {
        "name": "search",
        "description": "Search the web.",
        "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}},
    },
    {"name": "now", "inputSchema": {"type": "object"}},
]
IMAGE = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
SEARCH = '<tool_call>\n{"name": "search", "arguments": {"query": "tea"}}\n</tool_call>'


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if len(content) == 1 else list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content[0] if len(content) == 1 else list(content)}


def use(number: int, name: str = "search", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"call_{number}", "name": name, "input": arguments}


def result(number: int, *content: Any, **more: Any) -> dict[str, Any]:
    blocks = [text(each) if isinstance(each, str) else each for each in content]
    return {"type": "tool_result", "toolUseId": f"call_{number}", "content": blocks, **more}


def request(*messages: dict[str, Any], choice: str | None = None, **more: Any) -> dict[str, Any]:
    params: dict[str, Any] = {"messages": list(messages) or [user(text("go"))], "tools": TOOLS}
    if choice is not None:
        params["toolChoice"] = {"mode": choice}
    return {**params, "maxTokens": 100, **more}


def said(words: Any, **more: Any) -> dict[str, Any]:
    content = text(words) if isinstance(words, str) else words
    return {"role": "assistant", "content": content, "model": "m", "stopReason": "endTurn", **more}


def listed(content: Any) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", content if isinstance(content, list) else [content])


def read(words: Any, *messages: dict[str, Any], choice: str | None = None, **more: Any) -> Any:
    """The content that some words are read as."""
    return from_text(request(*messages, choice=choice), said(words, **more))["content"]


def calls(words: Any, *messages: dict[str, Any], choice: str | None = None) -> Any:
    """The name and input of each call in some words."""
    blocks = listed(read(words, *messages, choice=choice))
    return [(each["name"], each["input"]) for each in blocks if each["type"] == "tool_use"]


def problem(words: Any, **more: Any) -> str:
    """What is wrong with the only call in some words."""
    (block,) = read(words, **more)
    assert block["name"] == INVALID
    return block["input"]["problem"]


def shown(*messages: dict[str, Any], **more: Any) -> list[Any]:
    """What a conversation is said as: the content of each message."""
    return [message["content"] for message in as_text(request(*messages, **more))["messages"]]
