"""How calls and results are written, and the tags that mark them in one conversation."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import count
from typing import Final, cast

from inverted.core.effects import Json

INVALID: Final = "invalid_tool_call"
"""The reserved name of a call that could not be read.

Its input is `{"problem": …, "text": …}`: what is wrong, and the start of what was written.
"""

_MENTION: Final = re.compile(
    r"(?<!_)tool_(?:call|response)(_[0-9]+)?(?![a-z0-9_])", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of one conversation.

    Attributes:
        suffix: What makes them differ from every text in it; most often nothing.
    """

    suffix: str = ""

    @property
    def opening(self) -> str:
        """What a call begins with."""
        return f"<tool_call{self.suffix}>"

    @property
    def closing(self) -> str:
        """What a call ends with."""
        return f"</tool_call{self.suffix}>"

    @property
    def response(self) -> str:
        """The name of the tag around a result."""
        return f"tool_response{self.suffix}"

    def call(self, name: str, arguments: Json) -> str:
        """A call as the model shall write it."""
        return self.around(json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False))

    def around(self, body: str) -> str:
        """What the model wrote between the tags of a call."""
        return f"{self.opening}\n{body}\n{self.closing}"


def tags_for(params: dict[str, Json]) -> Tags:
    """Tags that occur in no text of a request, in no spelling that a model would repeat them in.

    Linear in the request, however many tags a hostile text tries.
    """
    said = [params.get("systemPrompt"), params.get("tools"), params["messages"]]
    text = json.dumps(said, ensure_ascii=False)
    lower = text.lower()
    if "tool_call" not in lower and "tool_response" not in lower:
        return Tags()
    taken = {mention[1] or "" for mention in _MENTION.finditer(text)}
    if "" not in taken:
        return Tags()
    return Tags(next(suffix for n in count(2) if (suffix := f"_{n}") not in taken))


def choice_of(params: dict[str, Json]) -> str:
    """`auto`, `required` or `none`. Without tools it is `none`."""
    if not params.get("tools"):
        return "none"
    choice: dict[str, Json] = params.get("toolChoice") or {}
    return choice.get("mode") or "auto"


def blocks_of(content: Json) -> list[dict[str, Json]]:
    """The content of a message as a list, whatever form it has."""
    return cast("list[dict[str, Json]]", content if isinstance(content, list) else [content])
