"""A host's own model that is told what to do by the result of a tool, and does it.

It answers as the script says, and sees to it that the reply was enough to answer from. A card is
answered by the script's person.

Called by `host`.
"""

from __future__ import annotations

from typing import cast

from mcp_types import CallToolResult, TextContent

from inverted.pages.card import ASK
from inverted.server.relay.reply import CONTINUE, QUESTIONS
from inverted.testing.answers import ScriptError, Wire
from inverted.testing.connection import Call, Connection
from inverted.testing.script import Kind, Script


async def follow_relay(
    script: Script, connection: Connection, result: CallToolResult
) -> Call | None:
    """The next call after a result; None after one that is the outcome.

    Args:
        script: Who answers.
        connection: The connection, over which a card sends the answers of the person.
        result: The result.

    Raises:
        ScriptError: The script has no answer, or the reply is not enough to answer from.
    """
    meta: Wire = result.meta or {}
    if CONTINUE not in meta:
        return None
    said = "\n".join(each.text for each in result.content if isinstance(each, TextContent))
    answers: list[Wire] = []
    asked: dict[str, Wire] = meta.get(QUESTIONS) or {}
    for id, request in asked.items():
        check_said(said, id, request["params"])
        kind: Kind = "sample" if request["method"] == "sampling/createMessage" else "elicit"
        answer = await script.elsewhere(kind, request["params"])
        answers.append({"id": id, **relayed(answer)})
    if ASK in meta:
        await _answer_card(script, connection, meta[ASK])
    arguments: Wire = {"handle": meta[CONTINUE]["handle"]}
    if answers:
        arguments["answers"] = answers
    return Call(meta[CONTINUE]["tool"], arguments)


async def _answer_card(script: Script, connection: Connection, ask: Wire) -> None:
    """The person answers every question of a card, which calls a tool for each."""
    for question in ask["questions"]:
        params = {"mode": "form", **{key: question[key] for key in ("message", "requestedSchema")}}
        answer = await script.elsewhere("elicit", params)
        arguments = {"token": ask["token"], "question": question["id"], **answer}
        await connection.send(Call(ask["tool"], arguments))


def relayed(answer: Wire) -> Wire:
    """An answer of the script in the words in which the relay is answered."""
    if "action" in answer:
        return {key: answer[key] for key in ("action", "content") if key in answer}
    content = answer["content"]
    blocks = cast("list[Wire]", content if isinstance(content, list) else [content])
    said: Wire = {}
    texts = [each["text"] for each in blocks if each["type"] == "text"]
    calls = [
        {"name": each["name"], "arguments": each["input"]}
        for each in blocks
        if each["type"] == "tool_use"
    ]
    if texts:
        said["text"] = "\n".join(texts)
    if calls:
        said["calls"] = calls
    return said


def check_said(said: str, id: str, params: Wire) -> None:
    """Refuse a reply from which a model could not know what it is asked.

    Raises:
        ScriptError: The question, or the last thing that was said in it, is missing.
    """
    last = params["messages"][-1]["content"] if "messages" in params else params["message"]
    if f"## {id}\n" not in said or any(text not in said for text in _texts(last)):
        raise ScriptError(
            f"The server relays question {id}, and its reply does not say what it is: {said!r}"
        )


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, list):
        return [text for each in cast("list[object]", content) for text in _texts(each)]
    block = cast("Wire", content)
    if block["type"] == "text":
        return [block["text"].strip()]
    return _texts(block["content"]) if block["type"] == "tool_result" else []
