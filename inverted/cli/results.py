"""The end of a run: the agent's result on the screen, or the one JSON document of `--json`.

Text that looks like Markdown is rendered on a terminal and printed as it is elsewhere, so that
`inverted run … > report.md` gives Markdown. Structured content is printed as JSON when the text
beside it is only its copy.
"""

from __future__ import annotations

import json
from typing import Any, cast

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from rich.json import JSON
from rich.markdown import Markdown

from inverted.cli.conversation import wire
from inverted.cli.errors import CliError
from inverted.cli.screen import Screen
from inverted.cli.text import clean, count, looks_like_markdown
from inverted.cli.transcript import Transcript


def print_result(result: CallToolResult, console: Screen) -> None:
    """Print what the agent returned.

    Args:
        result: The result; an error's text is printed like any other.
        console: Where.
    """
    text = result_text(result)
    if text is None:
        value = _unwrapped(cast("dict[str, Any]", result.structured_content))
        written = clean(json.dumps(value, ensure_ascii=False, indent=2))
        if console.is_terminal:
            console.print(JSON(written), soft_wrap=True)
        else:
            console.write_exactly(written)
    elif console.is_terminal and looks_like_markdown(text):
        console.print(Markdown(clean(text), hyperlinks=False))
    else:
        console.write_exactly(clean(text))


def result_text(result: CallToolResult) -> str | None:
    """The result as text; None when its structured content says the same and says it better."""
    parts = [_block_text(block).rstrip() for block in result.content]
    text = "\n\n".join(part for part in parts if part)
    structured = result.structured_content
    if structured is None:
        return text or "(the agent returned nothing)"
    value = _unwrapped(structured)
    if isinstance(value, str):
        return text or value
    return text if text and not _is_copy(text, structured) else None


def document(
    transcript: Transcript, result: CallToolResult | None, problem: CliError | None, seconds: float
) -> dict[str, Any]:
    """The JSON document of a run.

    Args:
        transcript: What was asked and answered.
        result: What the agent returned, if it did.
        problem: What ended the run early, if something did.
        seconds: How long the run took.

    Returns:
        `result` and `structuredContent` (null without one), `isError`, `transcript`, `counts`, the
        run's names, and `error` when there is no result.
    """
    about = transcript.connected
    found: dict[str, Any] = {
        "result": None if result is None else _plain_text(result),
        "structuredContent": None if result is None else result.structured_content,
        "content": [] if result is None else [wire(block) for block in result.content],
        "isError": problem is not None or (result is not None and bool(result.is_error)),
    }
    if problem is not None:
        found["error"] = {
            "message": problem.message,
            "details": list(problem.details),
            "exitCode": problem.exit_code,
        }
    if about is not None:
        found |= {
            "server": {"name": about.server, "version": about.version},
            "agent": about.agent,
            "era": about.era,
            "transport": about.transport,
            "model": about.model,
            "runKey": about.run_key,
            "taskId": transcript.task.id if transcript.task else about.task or None,
            "taskStatus": transcript.task.status if transcript.task else None,
        }
    return found | {
        "seconds": round(seconds, 3),
        "counts": transcript.counts_json(),
        "transcript": transcript.questions_json(),
    }


def _plain_text(result: CallToolResult) -> str:
    return "\n\n".join(block.text for block in result.content if isinstance(block, TextContent))


def _unwrapped(structured: dict[str, Any]) -> Any:
    """FastMCP wraps what is no object as {"result": …}."""
    return structured["result"] if set(structured) == {"result"} else structured


def _is_copy(text: str, structured: dict[str, Any]) -> bool:
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return found in (structured, _unwrapped(structured))


def _block_text(block: ContentBlock) -> str:
    match block:
        case TextContent(text=text):
            return text
        case ImageContent(mime_type=kind, data=data) | AudioContent(mime_type=kind, data=data):
            return f"[{kind}, {count(len(data) * 3 // 4, 'byte')}; --json has it]"
        case ResourceLink(uri=uri, name=name):
            return f"[{name}: {uri}]"
        case EmbeddedResource(resource=TextResourceContents(text=text)):
            return text
        case EmbeddedResource(resource=resource):
            return f"[{resource.mime_type or 'resource'} at {resource.uri}; --json has it]"
