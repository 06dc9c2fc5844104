"""The MCP Apps card: the form of `form` inside of the client's own window.

The host shows the resource `URI` beside the result of a tool and passes the result on to it. The
result's `_meta[ASK]` holds the questions; the model does not see it:

    {"token": "...", "tool": "...", "server": "...", "agent": "...", "then": "...",
     "questions": [{"id": "...", "message": "...", "requestedSchema": {...}}, ...]}

For each answer the card calls `tool` (`TOOL`, or what a server that mounts ours calls it) with
`{"token", "question", "action", "content"}` (no content unless the action is "accept"), and reads
what became of it from the result's structured content: `{"state": ...}` as `desk.State` has it, or
`{"problems": {field: words}}` for an answer to be corrected ("" is the whole form). An error's text
is shown, and the person may try again. When no question is left, `then` is said to the model.

Source: MCP Apps (SEP-1865), specification 2026-01-26; extension `io.modelcontextprotocol/ui`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from inverted.pages.shell import style

URI: Final = "ui://inverted/answer"
MIME_TYPE: Final = "text/html;profile=mcp-app"
ASK: Final = "inverted/ask"
"""The key of the questions in the `_meta` of a tool's result."""
TOOL: Final = "answer_card"
"""The tool that the card calls. Only apps see it: `_meta.ui.visibility` is `["app"]`."""


@cache
def card() -> str:
    """The card's resource: one HTML file that needs nothing else."""
    html = _part("card.html").replace("/* style.css */", style())
    for name in ("card_fields.js", "card.js"):
        html = html.replace(f"/* {name} */", _part(name))
    return html


def _part(name: str) -> str:
    return files("inverted.pages").joinpath(name).read_text(encoding="utf-8")
