"""What the person sees of a run."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from inverted.cli.events import (
    Answered,
    Asked,
    Connected,
    Event,
    Logged,
    Progress,
    RoundStarted,
)
from inverted.cli.lines import Glyphs
from inverted.cli.transcript import Transcript
from inverted.cli.view import View

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

CONNECTED = Connected(
    server="tea",
    version="1.2",
    era="2026-07-28",
    transport="stdio",
    agent="brew",
    model="rehearsal",
    model_note="generic policy",
    run_key="abc",
    resumed=False,
)
TURN: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": {"type": "text", "text": "Plan the tea\nin detail"}},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "1", "name": "search", "input": {}},
                {"type": "tool_use", "id": "2", "name": "read", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "toolUseId": "1",
                    "content": [{"type": "text", "text": "\n3 places\nmore"}],
                },
                {
                    "type": "tool_result",
                    "toolUseId": "2",
                    "isError": True,
                    "content": [{"type": "text", "text": "no such file"}],
                },
            ],
        },
    ],
    "tools": [{"name": "search"}, {"name": "final_response"}],
}


class Screen:
    """A view, and what stands on its console."""

    def __init__(self, *, terminal: bool = False, width: int = 80, quiet: bool = False) -> None:
        self.file = io.StringIO()
        self.console = Console(
            file=self.file, force_terminal=terminal, width=width, markup=False, highlight=False
        )
        self.transcript = Transcript()
        self.view = View(self.console, self.transcript, quiet=quiet)

    def see(self, *events: Event) -> None:
        for event in events:
            self.transcript.watch(event)
            self.view.watch(event)

    @property
    def text(self) -> str:
        return self.file.getvalue()

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in CONTROL.sub("", self.text).splitlines()]


def asked(number: int = 1, **request: Any) -> Asked:
    return Asked(number, "model", request or TURN, at=10.0)


def text_answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "model": "m", "content": {"type": "text", "text": text}}


def test_the_header_says_who_runs_on_which_era_with_which_model() -> None:
    screen = Screen()
    screen.see(CONNECTED)
    assert screen.lines == [
        "tea 1.2 → brew",
        "2026-07-28 over stdio, model rehearsal (generic policy)",
        "run key abc",
    ]


def test_a_turn_of_the_model_shows_results_tools_calls_and_answer() -> None:
    answer = {
        "content": [
            {"type": "text", "text": "Let me look"},
            {"type": "tool_use", "name": "search", "input": {"query": "x", "n": 3}},
        ]
    }
    screen = Screen()
    screen.see(asked(), Answered(1, 12.5, response=answer))
    assert screen.lines == [
        "● model  Plan the tea  2.5 s",
        "         ← search: 3 places",
        "         ← read failed: no such file",
        "           may use search, final_response",
        "         → Let me look",
        '         → search(query="x", n=3)',
    ]


def test_a_question_to_the_person_shows_the_answer_and_who_gave_it() -> None:
    screen = Screen()
    question = Asked(1, "person", {"message": "Which\nseverity?"}, 0.0)
    screen.see(question, Answered(1, 0.1, response={}, summary="high", note="by --yes"))
    assert screen.lines == ["● you    Which  0.1 s", "         → high (by --yes)"]


def test_what_the_person_typed_is_not_printed_again() -> None:
    screen = Screen()
    question = Asked(1, "person", {"message": "Sure?"}, 0.0)
    screen.see(question, Answered(1, 0.1, response={}, summary="yes", typed=True))
    assert screen.text == ""


def test_roots_and_failures_have_their_lines_too() -> None:
    screen = Screen()
    screen.see(
        Asked(1, "roots", {}, 0.0),
        Answered(1, 0.0, response={"roots": [{"uri": "file:///src"}]}),
        asked(2, messages=[]),
        Answered(2, 10.0, error="no model\nat all"),
    )
    assert screen.lines == [
        "● roots  which directories may be used  0.0 s",
        "         → file:///src",
        "● model  (no text)  0.0 s",
        "         → failed: no model",
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"type": "image", "data": "", "mimeType": "image/png"}, "(image)"),
        ({"type": "text", "text": " "}, "(nothing)"),
        ([], "(nothing)"),
    ],
)
def test_an_answer_without_text_says_what_it_is(content: Any, line: str) -> None:
    screen = Screen()
    screen.see(asked(messages=[]), Answered(1, 10.0, response={"content": content}))
    assert screen.lines[-1].strip() == f"→ {line}"


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ({"content": []}, "← tool: (empty)"),
        ({"content": [], "structuredContent": {"n": 1}}, '← tool: {"n": 1}'),
        ({"content": [{"type": "image"}]}, "← tool: (image)"),
        ({"content": [{"type": "text", "text": ""}]}, "← tool: (empty)"),
    ],
)
def test_a_tool_result_without_text_says_what_it_is(result: dict[str, Any], line: str) -> None:
    message = {"role": "user", "content": [{"type": "tool_result", "toolUseId": "9", **result}]}
    screen = Screen()
    screen.see(asked(messages=[message]), Answered(1, 10.0, response=text_answer("ok")))
    assert screen.lines[1].strip() == line


def test_progress_is_a_line_where_there_is_no_terminal() -> None:
    screen = Screen()
    screen.see(Progress(3, 8, "reading b.py\nand more"), Progress(0.5, None, None))
    assert screen.lines == ["… 3/8 reading b.py", "… 0.5"]


def test_many_small_steps_of_progress_do_not_drown_the_rest() -> None:
    screen = Screen()
    screen.see(*(Progress(number, 1000, "reading") for number in range(1001)))
    assert screen.lines == ["… 0/1000 reading", "… 1000/1000 reading"]


def test_log_lines_say_where_they_come_from() -> None:
    screen = Screen()
    screen.see(Logged("log", "error", "disk full"), Logged("stderr", "info", "up"))
    assert screen.lines == ["  log error: disk full", "  server: up"]


def test_a_file_gets_whole_lines_and_no_control_codes() -> None:
    screen = Screen(width=40)
    prompt = {"role": "user", "content": {"type": "text", "text": "word " * 40}}
    screen.see(CONNECTED, asked(messages=[prompt]), Answered(1, 11.0, response=text_answer("x")))
    assert "\x1b" not in screen.text
    assert any(len(line) > 200 for line in screen.lines)


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_lines_that_fit(width: int) -> None:
    screen = Screen(terminal=True, width=width)
    prompt = {"role": "user", "content": {"type": "text", "text": "wörd 語 " * 40}}
    screen.see(
        CONNECTED, asked(messages=[prompt]), Answered(1, 11.0, response=text_answer("y" * 400))
    )
    block = screen.lines[4:]
    assert len(block) == 2
    assert block[0].endswith("…  1.0 s")
    assert all(len(line) <= width for line in screen.lines)


def test_a_server_cannot_use_the_terminal_through_the_view() -> None:
    evil = "\x1b[2J\x1b]0;title\x07over\x9bwritten"
    turn: dict[str, Any] = {
        "messages": [{"role": "user", "content": {"type": "text", "text": evil}}],
        "tools": [{"name": evil}],
    }
    screen = Screen()
    screen.see(
        asked(**turn),
        Answered(
            1, 11.0, response={"content": {"type": "tool_use", "name": evil, "input": {evil: 1}}}
        ),
        Progress(1, 2, evil),
        Logged("log", "warning", evil),
    )
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", screen.text)
    assert "overwritten" in screen.text


def test_quiet_shows_nothing() -> None:
    screen = Screen(quiet=True, terminal=True)
    screen.view.start("connecting")
    screen.see(CONNECTED, asked(), Answered(1, 11.0, response=text_answer("x")))
    screen.view.stop()
    assert screen.text == ""


def test_the_lines_below_show_what_is_waited_for() -> None:
    screen = Screen(terminal=True)
    screen.see(CONNECTED, RoundStarted(2, 8))
    for number in range(1, 9):
        screen.see(asked(number))
    screen.see(Progress(3, 8, "reading"))
    with screen.console.capture() as shown:
        screen.console.print(screen.view.render())
    lines = CONTROL.sub("", shown.get()).splitlines()
    assert sum("Plan the tea" in line for line in lines) == 6
    assert "  and 2 more" in lines
    assert any("3/8 reading" in line for line in lines)
    assert "round 2 · 8 model turns · ~" in lines[-1]
    assert "tokens (estimate)" in lines[-1]


def test_progress_that_is_complete_is_not_shown_as_running() -> None:
    screen = Screen(terminal=True)
    screen.see(CONNECTED, Progress(8, 8, "done"))
    with screen.console.capture() as shown:
        screen.console.print(screen.view.render())
    assert "8/8" not in shown.get()
    assert "running brew" in shown.get()


async def test_while_a_person_types_new_lines_wait() -> None:
    screen = Screen()
    screen.see(asked())
    async with screen.view.typing():
        screen.see(Answered(1, 11.0, response=text_answer("x")))
        assert screen.text == ""
    assert "● model  Plan the tea" in screen.text


async def test_one_person_answers_one_question_at_a_time() -> None:
    screen = Screen(terminal=True)
    screen.view.start("connecting")
    async with screen.view.typing():
        before = screen.text
        screen.see(Progress(1, 2, "working"))
        assert screen.text == before  # nothing is redrawn under the cursor
    screen.view.stop()
    screen.view.stop()


def test_an_encoding_without_the_marks_gets_plain_ones() -> None:
    assert Glyphs.for_encoding("UTF-8").dot == "●"
    plain = Glyphs.for_encoding("ascii")
    assert f"{plain.dot}{plain.asks}{plain.gets}{plain.progress}{plain.bar}".isascii()
