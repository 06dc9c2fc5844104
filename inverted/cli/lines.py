"""The words of the view: every event as the lines that a person reads.

Pure text with styles. A width cuts lines to a screen; None leaves them whole, for a file or a
pipe. Who speaks is said by a word, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from rich.text import Text

from inverted.cli.events import Answered, Asked, Connected, Logged, Progress, TaskChanged, Wire
from inverted.cli.text import call_text, clean, clip, compact, count, duration, first_line, tokens
from inverted.cli.transcript import Transcript, blocks

_INDENT: Final = 9  # under the text of a block's first line
_WHO: Final = {"model": ("model", "cyan"), "person": ("you", "yellow"), "roots": ("roots", "blue")}


@dataclass(frozen=True)
class Glyphs:
    """The marks of the view, in what the terminal can show."""

    dot: str
    asks: str
    gets: str
    progress: str
    bar: str
    cursor: str
    spinner: str

    @classmethod
    def for_encoding(cls, encoding: str) -> Self:
        """Marks for an encoding: plain ASCII where it has no others."""
        if encoding.lower().replace("-", "").startswith("utf"):
            return cls("●", "→", "←", "…", "┃ ", "> ", "dots")
        return cls("*", "->", "<-", "..", "| ", "> ", "line")


def header_lines(event: Connected, glyphs: Glyphs, width: int | None) -> list[Text]:
    """Who runs, on which era, with which model, under which name."""
    server = f"{event.server} {event.version}".rstrip()
    resumed = ", resumed" if event.resumed else ""
    note = f" ({event.model_note})" if event.model_note else ""
    agent = event.agent or f"task {event.task}"
    lines = [
        Text.assemble((server, "bold"), f" {glyphs.asks} ", (agent, "bold")),
        Text(f"{event.era} over {event.transport}, model {event.model}{note}", "dim"),
    ]
    if event.agent:
        lines.append(Text(f"run key {event.run_key}{resumed}", "dim"))
    return [_cut(line, width) for line in lines]


def question_line(asked: Asked) -> Text:
    """A question that waits for its answer, on one line."""
    who, style = _WHO[asked.kind]
    return Text.assemble((f"{who:<6}", style), _subject(asked))


def answered_lines(
    asked: Asked, answered: Answered, glyphs: Glyphs, width: int | None
) -> list[Text]:
    """A question and its answer, as one block."""
    who, style = _WHO[asked.kind]
    head = Text.assemble((f"{glyphs.dot} ", style), (f"{who:<6} ", style), _subject(asked))
    seconds = f"  {duration(answered.at - asked.at)}"
    if width is not None:
        head.truncate(width - len(seconds), overflow="ellipsis")
        head.append(" " * (width - len(seconds) - head.cell_len))
    head.append(seconds, "dim")
    if asked.kind == "person" and answered.typed:
        return []  # the person has just seen the question and typed the answer
    body = [*_given(asked), *_offered(asked)] if asked.kind == "model" else []
    marks = {"gets": glyphs.gets, "asks": glyphs.asks, "": " " * len(glyphs.asks)}
    lines = [head]
    for mark, text, look in [*body, *_outcome(asked, answered)]:
        lines.append(_cut(Text(f"{' ' * _INDENT}{marks[mark]} {text}", look), width))
    return lines


def logged_line(event: Logged) -> Text:
    """A line of the server's log, of its stderr, or of this host."""
    who = {"log": f"log {event.level}", "stderr": "server", "host": "inverted"}[event.source]
    style = "red" if event.level in ("error", "critical", "alert", "emergency") else "dim"
    return Text(f"  {who}: {clean(event.text)}", style)


def task_words(event: TaskChanged) -> str:
    """Where a task stands, in words."""
    said = first_line(event.message)
    status = event.status.replace("_", " ")
    return f"{status}: {said}" if said else status


def progress_text(event: Progress) -> str:
    """Progress in words: `3/8 reviewing b.py`."""
    total = f"/{event.total:g}" if event.total else ""
    return f"{event.progress:g}{total} {first_line(event.message or '')}".rstrip()


def figures(transcript: Transcript) -> list[str]:
    """The figures of a run, those that are not zero."""
    words = [
        f"round {transcript.rounds}" if transcript.rounds else "",
        count(transcript.model_turns, "model turn") if transcript.model_turns else "",
        count(transcript.tool_calls, "tool call") if transcript.tool_calls else "",
        count(transcript.questions, "question") if transcript.questions else "",
        tokens(transcript.token_estimate) if transcript.token_estimate else "",
    ]
    return [word for word in words if word]


def _subject(asked: Asked) -> str:
    match asked.kind:
        case "model":
            return first_line(prompt(asked.request)) or "(no text)"
        case "person":
            return first_line(str(asked.request.get("message", "")))
        case "roots":
            return "which directories may be used"


def prompt(request: Wire) -> str:
    """The text of the last message that is no tool result."""
    for message in reversed(list(request.get("messages") or [])):
        texts = [
            str(block.get("text"))
            for block in blocks(message.get("content"))
            if block.get("type") == "text"
        ]
        if message.get("role") == "user" and texts:
            return texts[0]
    return ""


def _given(asked: Asked) -> list[tuple[str, str, str]]:
    """The tool results that this turn of the model begins with."""
    messages: list[Wire] = list(asked.request.get("messages") or [])
    if not messages:
        return []
    names = {
        str(block.get("id")): str(block.get("name"))
        for message in messages
        for block in blocks(message.get("content"))
        if block.get("type") == "tool_use"
    }
    return [
        (
            "gets",
            (
                f"{clean(names.get(str(block.get('toolUseId')), 'tool'))}"
                f"{' failed' if block.get('isError') else ''}: {_result_text(block)}"
            ),
            "red" if block.get("isError") else "",
        )
        for block in blocks(messages[-1].get("content"))
        if block.get("type") == "tool_result"
    ]


def _result_text(block: Wire) -> str:
    for part in blocks(block.get("content")):
        if part.get("type") == "text":
            return first_line(str(part.get("text"))) or "(empty)"
        return f"({clean(str(part.get('type')))})"
    structured = block.get("structuredContent")
    return "(empty)" if structured is None else compact(structured)


def _offered(asked: Asked) -> list[tuple[str, str, str]]:
    tools: list[Wire] = list(asked.request.get("tools") or [])
    names = [clean(str(tool.get("name"))) for tool in tools]
    return [("", f"may use {', '.join(names)}", "dim")] if names else []


def _outcome(asked: Asked, answered: Answered) -> list[tuple[str, str, str]]:
    if answered.error is not None or answered.response is None:
        return [("asks", f"failed: {first_line(answered.error or '')}", "red")]
    if asked.kind == "person":
        note = f" ({answered.note})" if answered.note else ""
        return [("asks", f"{first_line(answered.summary)}{note}", "")]
    if asked.kind == "roots":
        roots: list[Mapping[str, Any]] = list(answered.response.get("roots") or [])
        uris = ", ".join(clean(str(root.get("uri"))) for root in roots)
        return [("asks", uris or "none", "")]
    said = said_by_model(answered.response)
    return [("asks", text, look) for text, look in said] or [("asks", "(nothing)", "dim")]


def said_by_model(response: Wire) -> list[tuple[str, str]]:
    """What a model's turn holds, each part as a line with its style."""
    lines: list[tuple[str, str]] = []
    for block in blocks(response.get("content")):
        match block.get("type"):
            case "text":
                text = first_line(str(block.get("text")))
                if text:
                    lines.append((text, ""))
            case "tool_use":
                called = call_text(str(block.get("name")), block.get("input") or {})
                lines.append((called, "magenta"))
            case kind:
                lines.append((f"({clean(str(kind))})", ""))
    return lines


def _cut(line: Text, width: int | None) -> Text:
    if width is not None:
        line.truncate(width, overflow="ellipsis")
    return line


def ending(transcript: Transcript, seconds: float) -> str:
    """The last line of a run: how long it took and what it needed."""
    words = [duration(seconds), *figures(transcript)]
    if transcript.connected is not None:
        words.insert(1, f"model {transcript.connected.model}")
    return clip(" · ".join(words), 400)
