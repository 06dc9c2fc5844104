"""A model that has no tools of its own, and does what the text of its request says about them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from mcp_types import CreateMessageResultWithTools

from inverted.carriers.emulation.syntax import blocks_of
from inverted.testing.answers import model_result
from inverted.testing.script import ModelReply

Wire = dict[str, Any]

_CALL: Final = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)
_RESPONSE: Final = re.compile(r"<tool_response name=\"(.*?)\">\n(.*?)\n</tool_response>", re.DOTALL)


def in_words(model: Callable[[Wire], ModelReply]) -> Callable[[Wire], ModelReply]:
    """The same model where tools are written as text: it reads them there, and writes its calls.

    Args:
        model: A model that uses tools as the protocol has them.

    Returns:
        A model for either; it uses the written ones only where its request describes them.
    """

    def answer(params: Wire) -> ModelReply:
        if "tools" in params or "# Tools" not in params.get("systemPrompt", ""):
            return model(params)
        asked = _with_tools(params)
        wire = model_result(asked, model(asked), count())
        text = "\n".join(_written(block) for block in blocks_of(wire["content"]))
        made = {**wire, "content": {"type": "text", "text": text}, "stopReason": "endTurn"}
        return CreateMessageResultWithTools.model_validate(made, by_name=False)

    return answer


def _written(block: Wire) -> str:
    if block["type"] == "text":
        return block["text"]
    call = {"name": block["name"], "arguments": block["input"]}
    return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"


def _with_tools(params: Wire) -> Wire:
    """The request as the protocol has it, read back from its text."""
    listed = params["systemPrompt"].partition("# Tools")[2].splitlines()
    tools = [json.loads(line) for line in listed if line.startswith('{"name":') and "param" in line]
    ids = count()
    open_calls: list[str] = []
    messages: list[Wire] = []
    for message in params["messages"]:
        text = message["content"]["text"]
        if message["role"] == "assistant":
            calls = [json.loads(call) for call in _CALL.findall(text)]
            open_calls = [f"w{next(ids)}" for _ in calls]
            content = [
                {"type": "tool_use", "id": id, "name": call["name"], "input": call["arguments"]}
                for id, call in zip(open_calls, calls, strict=True)
            ]
        else:
            content = [
                {
                    "type": "tool_result",
                    "toolUseId": id,
                    "content": [{"type": "text", "text": result}],
                }
                for id, (_, result) in zip(open_calls, _RESPONSE.findall(text), strict=False)
            ]
            open_calls = []
        messages.append({**message, "content": content or message["content"]})
    choice = {"toolChoice": {"mode": "none"}} if "No tool may be called now" in str(params) else {}
    return {**params, "messages": messages, "tools": tools, **choice}
