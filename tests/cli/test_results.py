"""The end of a run, and the shaping of text."""

from __future__ import annotations

import io
from typing import Any

import pytest
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from inverted.cli.errors import HostProblem
from inverted.cli.events import Answered, Asked, Connected, RoundStarted
from inverted.cli.lines import ending
from inverted.cli.results import document, print_result
from inverted.cli.screen import Screen
from inverted.cli.text import (
    clean,
    clip,
    compact,
    duration,
    first_line,
    log_text,
    looks_like_markdown,
)
from inverted.cli.transcript import Transcript, estimate_tokens


def result(*texts: str, structured: Any = None) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text) for text in texts],
        structured_content=structured,
    )


def printed(found: CallToolResult, *, terminal: bool = False) -> str:
    file = io.StringIO()
    print_result(found, Screen(file=file, force_terminal=terminal, width=60, markup=False))
    return file.getvalue()


def test_text_is_printed_as_it_is_where_there_is_no_terminal() -> None:
    assert printed(result("# Title\n\n- **one**\n")) == "# Title\n\n- **one**\n"


def test_a_result_in_a_file_keeps_its_tabs_and_long_lines() -> None:
    text = "a\tb " + "c" * 200
    assert printed(result(text)) == text + "\n"


def test_markdown_is_rendered_on_a_terminal() -> None:
    shown = printed(result("# Title\n\n- **one** [link](https://example.org)"), terminal=True)
    assert "# Title" not in shown
    assert "• " in shown
    assert "https://example.org" in shown  # where a link goes is not hidden behind its text
    assert "\x1b]8" not in shown


def test_plain_text_is_not_taken_for_markdown_or_markup() -> None:
    assert "a_b * c [bold]" in printed(result("a_b * c [bold]"), terminal=True)


def test_structured_content_is_printed_when_the_text_is_its_copy() -> None:
    assert printed(result('{"a": 1}', structured={"a": 1})) == '{\n  "a": 1\n}\n'
    assert '"a"' in printed(result('{"a": 1}', structured={"a": 1}), terminal=True)


def test_structured_content_is_printed_when_there_is_no_text() -> None:
    assert printed(result(structured={"a": 1})) == '{\n  "a": 1\n}\n'


def test_text_that_says_more_than_the_structured_content_wins() -> None:
    assert printed(result("# Report", structured={"score": 1})) == "# Report\n"


def test_a_wrapped_value_is_unwrapped() -> None:
    assert printed(result("[1, 2]", structured={"result": [1, 2]})) == "[\n  1,\n  2\n]\n"
    assert printed(result("hello", structured={"result": "hello"})) == "hello\n"
    assert printed(result(structured={"result": "hello"})) == "hello\n"


def test_nothing_is_said_to_be_nothing() -> None:
    assert printed(result()) == "(the agent returned nothing)\n"


def test_what_no_terminal_shows_is_named() -> None:
    found = CallToolResult(
        content=[
            ImageContent(type="image", data="QUJD", mime_type="image/png"),
            AudioContent(type="audio", data="QUJD", mime_type="audio/wav"),
            ResourceLink(type="resource_link", name="log", uri="file:///log"),
            EmbeddedResource(
                type="resource", resource=TextResourceContents(uri="file:///t", text="inside")
            ),
            EmbeddedResource(
                type="resource", resource=BlobResourceContents(uri="file:///b", blob="QUJD")
            ),
        ]
    )
    assert printed(found).split("\n\n") == [
        "[image/png, 3 bytes; --json has it]",
        "[audio/wav, 3 bytes; --json has it]",
        "[log: file:///log]",
        "inside",
        "[resource at file:///b; --json has it]\n",
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_result_cannot_use_the_terminal(terminal: bool) -> None:  # noqa: FBT001 - a parameter
    shown = printed(result("# a\x1b[2Jb\x9b", structured=None), terminal=terminal)
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown


def run() -> Transcript:
    transcript = Transcript()
    about = Connected("tea", "1", "2026-07-28", "stdio", "brew", "rehearsal", "", "abc", False)  # noqa: FBT003 - positional for brevity
    request: dict[str, Any] = {
        "systemPrompt": "x" * 40,
        "messages": [{"role": "user", "content": []}],
    }
    response: dict[str, Any] = {"content": [{"type": "tool_use", "name": "search", "input": {}}]}
    for event in (
        about,
        RoundStarted(1, 2),
        Asked(1, "model", request, 1.0),
        Asked(2, "person", {"message": "Sure?"}, 1.0),
        Answered(2, 3.5, response={"action": "accept"}, note="by --yes"),
        Answered(1, 2.0, response=response),
        Asked(3, "roots", {}, 4.0),
        Asked(4, "model", {"messages": []}, 4.0),
        Answered(4, 4.0, error="no model"),
    ):
        transcript.watch(event)
    return transcript


def test_the_document_has_the_result_the_questions_and_the_counts() -> None:
    found = document(run(), result("hello", structured={"result": "hello"}), None, 1.23456)
    assert (found["result"], found["isError"], found["seconds"]) == ("hello", False, 1.235)
    assert found["structuredContent"] == {"result": "hello"}
    assert found["content"] == [{"type": "text", "text": "hello"}]
    assert (found["era"], found["model"], found["runKey"]) == ("2026-07-28", "rehearsal", "abc")
    assert found["counts"]["rounds"] == 1
    assert (found["counts"]["modelTurns"], found["counts"]["toolCalls"]) == (2, 1)
    assert found["counts"]["questions"] == 1
    assert "error" not in found
    first, second, third, fourth = found["transcript"]
    assert (first["kind"], first["seconds"], first["request"]["systemPrompt"]) == (
        "model",
        1.0,
        "x" * 40,
    )
    assert (second["kind"], second["response"], second["note"]) == (
        "person",
        {"action": "accept"},
        "by --yes",
    )
    assert third == {"kind": "roots", "request": {}}
    assert fourth["error"] == "no model"


def test_the_document_of_a_run_without_a_result_says_why() -> None:
    found = document(Transcript(), None, HostProblem("no model", ["line"]), 0.1)
    assert (found["result"], found["isError"]) == (None, True)
    assert found["error"] == {"message": "no model", "details": ["line"], "exitCode": 4}
    assert "server" not in found


def test_tokens_are_estimated_from_text_and_not_from_pictures() -> None:
    text = {"messages": [{"role": "user", "content": {"type": "text", "text": "a" * 400}}]}
    picture = {"messages": [{"role": "user", "content": {"type": "image", "data": "a" * 400}}]}
    assert 100 <= estimate_tokens(text) <= 115
    assert estimate_tokens(picture) == 0
    assert estimate_tokens({"content": {"type": "text", "text": "a" * 400}}) >= 100
    assert estimate_tokens({"messages": [], "tools": [{"name": "x" * 400}]}) >= 100


def test_the_ending_labels_its_estimate() -> None:
    assert ending(run(), 75.0).startswith("1:15 · model rehearsal · round 1 · 2 model turns")
    assert "tokens (estimate)" in ending(run(), 1.0)
    assert ending(Transcript(), 0.0) == "0.0 s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.9, "59 s"), (60, "1:00"), (3607, "1:00:07")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_first_line_is_the_first_that_says_something() -> None:
    assert first_line('\n{\n  "a": 1\n}') == '"a": 1'
    assert first_line(" \n---\n") == "---"
    assert first_line("") == ""


def test_text_is_clipped_with_an_ellipsis() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("abc", 3) == "abc"
    assert compact({"a": "é\n"}, 8) == '{"a": "…'


@pytest.mark.parametrize(
    "text", ["# T", "- a", "1. a", "> a", "```\nx\n```", "| a | b |", "**b**", "[t](u)", "a\n---"]
)
def test_markdown_is_recognised(text: str) -> None:
    assert looks_like_markdown(text)


@pytest.mark.parametrize("text", ["hello", "a - b", "2 * 3 * 4", "1.5", "#hashtag", "a|b"])
def test_ordinary_text_is_not_markdown(text: str) -> None:
    assert not looks_like_markdown(text)


@pytest.mark.parametrize(
    ("data", "line"),
    [("a\nb", "a"), ({"msg": "said", "extra": None}, "said"), ({"n": 1}, '{"n": 1}'), (3, "3")],
)
def test_a_log_message_is_one_line(data: object, line: str) -> None:
    assert log_text(data) == line


def test_cleaning_keeps_text_tabs_and_lines() -> None:
    assert clean("a\tb\r\nc\x00d\x1b[31mé\x1b[0m") == "a\tb\ncdé"
