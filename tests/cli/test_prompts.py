"""Asking the person: what is shown, what each typed line does."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from inverted.cli import prompts
from inverted.cli.fields import UnsupportedForm
from inverted.cli.keyboard import EndOfInput, PromptCancelled
from inverted.cli.prompts import Given, Prompter, open_in_browser, unfit_url, url_warnings

CTRL_C = object()


class Typed:
    """A person who types these lines, and then closes the input."""

    def __init__(self, *lines: object) -> None:
        self.lines = list(lines)
        self.discarded = 0

    def discard(self) -> None:
        self.discarded += 1

    async def line(self) -> str:
        if not self.lines:
            raise EndOfInput
        found = self.lines.pop(0)
        if found is CTRL_C:
            raise PromptCancelled
        return str(found)


class Desk:
    """A prompter, what it printed, and the pages that it opened."""

    def __init__(self, *lines: object, width: int = 80, can_browse: bool = True) -> None:
        self.screen = io.StringIO()
        self.opened: list[str] = []
        self.typed = Typed(*lines)
        self.can_browse = can_browse
        console = Console(file=self.screen, width=width, markup=False, highlight=False)
        self.prompter = Prompter(console, self.typed, self.browse)

    def browse(self, url: str) -> bool:
        self.opened.append(url)
        return self.can_browse

    @property
    def text(self) -> str:
        return self.screen.getvalue()

    async def form(self, **properties: dict[str, Any]) -> Given:
        needed = [name for name, part in properties.items() if not part.pop("optional", False)]
        schema = {"type": "object", "properties": properties, "required": needed}
        return await self.prompter.form("tea", "What shall it be?", schema)

    async def page(self, url: str) -> Given:
        return await self.prompter.page("tea", "Please sign in", url)


async def test_a_question_says_who_asks_and_how_to_refuse() -> None:
    desk = Desk("green")
    assert await desk.form(kind={"type": "string"}) == Given("accept", {"kind": "green"})
    assert "tea asks   !decline refuses · !cancel or Ctrl-C dismisses" in desk.text
    assert "What shall it be?" in desk.text


async def test_what_was_typed_before_the_question_is_no_answer_to_it() -> None:
    desk = Desk("green")
    await desk.form(kind={"type": "string"})
    assert desk.typed.discarded == 1


async def test_a_wrong_value_is_asked_for_again_with_the_reason() -> None:
    desk = Desk("many", "0", "3")
    given = await desk.form(cups={"type": "integer", "minimum": 1})
    assert given.content == {"cups": 3}
    assert "that is not a whole number" in desk.text
    assert desk.text.count("a whole number, at least 1") == 2  # the hint, and the refusal of 0


async def test_choices_are_numbered_and_titled() -> None:
    desk = Desk("2")
    entries = [{"const": "g", "title": "Green"}, {"const": "b", "title": "Black"}]
    given = await desk.form(kind={"type": "string", "oneOf": entries, "default": "g"})
    assert given.content == {"kind": "b"}
    assert "1  Green  g" in desk.text
    assert "2  Black  b" in desk.text
    assert "number or name · Enter for Green" in desk.text


async def test_choices_that_are_numbers_are_not_numbered() -> None:
    desk = Desk("5")
    given = await desk.form(minutes={"type": "string", "enum": ["3", "5"]})
    assert given.content == {"minutes": "5"}
    assert "one of these" in desk.text


async def test_several_choices_are_taken_with_commas() -> None:
    desk = Desk("milk, sugar")
    items = {"type": "string", "enum": ["milk", "sugar"]}
    given = await desk.form(extras={"type": "array", "items": items})
    assert given.content == {"extras": ["milk", "sugar"]}
    assert "numbers or names with commas" in desk.text


async def test_enter_takes_the_default() -> None:
    given = await Desk("").form(hot={"type": "boolean", "default": True})
    assert given.content == {"hot": True}


async def test_a_default_that_breaks_its_own_rules_is_not_taken() -> None:
    desk = Desk("", "3")
    given = await desk.form(cups={"type": "integer", "minimum": 1, "default": 0})
    assert given.content == {"cups": 3}


async def test_a_required_field_cannot_be_left_out() -> None:
    desk = Desk("", "!skip", "green")
    assert (await desk.form(kind={"type": "string"})).content == {"kind": "green"}
    assert desk.text.count("this one is needed") == 2


async def test_an_optional_field_is_left_out_by_enter_or_by_skip() -> None:
    desk = Desk("", "!skip", "")
    given = await desk.form(
        note={"type": "string", "optional": True},
        hot={"type": "boolean", "default": True, "optional": True},
    )
    assert given == Given("accept", {})
    assert "Enter leaves it out" in desk.text
    assert "!skip leaves this one out" in desk.text


async def test_a_form_of_several_fields_is_reviewed_and_can_be_changed() -> None:
    desk = Desk("green", "3", "9", "2", "4", "1", "", "")
    given = await desk.form(kind={"type": "string"}, cups={"type": "integer"})
    assert given.content == {"kind": "green", "cups": 4}
    assert "1 of 2  kind" in desk.text
    assert "'9' is no field of this form" in desk.text
    assert "2  cups: 3" in desk.text
    assert "2  cups: 4" in desk.text


async def test_a_form_without_fields_only_wants_to_be_accepted() -> None:
    assert await Desk("").form() == Given("accept", {})
    assert await Desk("!decline").form() == Given("decline")


@pytest.mark.parametrize(
    ("line", "action", "word"),
    [
        ("!decline", "decline", "declined"),
        (" !DECLINE ", "decline", "declined"),
        ("!cancel", "cancel", "dismissed"),
        (CTRL_C, "cancel", "dismissed"),
    ],
)
async def test_a_question_can_be_refused_and_dismissed(
    line: object, action: str, word: str
) -> None:
    desk = Desk(line)
    given = await desk.form(kind={"type": "string"})
    assert (given.action, given.content) == (action, None)
    assert word in desk.text


async def test_the_end_of_input_dismisses() -> None:
    assert (await Desk().form(kind={"type": "string"})).action == "cancel"


async def test_a_review_can_be_refused_too() -> None:
    desk = Desk("a", "b", "!decline")
    given = await desk.form(kind={"type": "string"}, cup={"type": "string"})
    assert given == Given("decline")


async def test_two_exclamation_marks_write_one() -> None:
    assert (await Desk("!!decline").form(kind={"type": "string"})).content == {"kind": "!decline"}


async def test_a_form_that_cannot_be_shown_is_left_to_the_caller() -> None:
    with pytest.raises(UnsupportedForm):
        await Desk().form(kind={"type": "object"})


async def test_a_server_cannot_move_the_cursor_or_fake_a_prompt() -> None:
    desk = Desk("x")
    schema = {"type": "object", "properties": {"k\x1b[A": {"type": "string"}}}
    await desk.prompter.form("tea", "line\x1b[2J one\r\nline\x9b two \u202etxt", schema)
    assert not any(mark in desk.text for mark in ("\x1b", "\x9b", "\r", "\u202e"))


async def test_every_line_of_a_question_bears_the_bar_also_when_it_is_folded() -> None:
    desk = Desk("x", width=40)
    await desk.prompter.form("tea", "word " * 40, {"properties": {"k": {"type": "string"}}})
    lines = [line for line in desk.text.splitlines() if line]
    assert all(line.startswith("┃ ") for line in lines)
    assert max(map(len, lines)) <= 40


async def test_a_page_is_opened_only_after_a_yes() -> None:
    desk = Desk("hm", "yes")
    assert await desk.page("https://example.org/login?a=1") == Given("accept")
    assert desk.opened == ["https://example.org/login?a=1"]
    assert "https://example.org/login?a=1" in desk.text
    assert "host  example.org" in desk.text
    assert "answer yes or no" in desk.text


@pytest.mark.parametrize(
    ("line", "action"),
    [("no", "decline"), ("!decline", "decline"), ("!cancel", "cancel"), (CTRL_C, "cancel")],
)
async def test_a_page_is_not_opened_without_consent(line: object, action: str) -> None:
    desk = Desk(line)
    assert (await desk.page("https://example.org/")).action == action
    assert desk.opened == []


async def test_without_a_browser_the_person_is_told_to_go_there() -> None:
    desk = Desk("y", can_browse=False)
    assert (await desk.page("https://example.org/")).action == "accept"
    assert "open the address yourself" in desk.text


async def test_a_long_address_is_shown_in_full() -> None:
    url = "https://example.org/" + "a" * 200
    desk = Desk("no", width=40)
    await desk.page(url)
    assert url in desk.text.replace("\n┃ ", "")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/", "not https"),
        ("https://xn--e1awd7f.com/", "letters of other scripts"),
        ("https://\u0435xample.org/", "letters of other scripts"),
        ("https://bank.com@evil.org/", "The host is evil.org"),
    ],
)
def test_a_suspicious_address_comes_with_a_warning(url: str, words: str) -> None:
    assert words in " ".join(url_warnings(url))


@pytest.mark.parametrize("url", ["https://example.org/", "http://localhost:8000/callback"])
def test_an_ordinary_address_comes_without(url: str) -> None:
    assert url_warnings(url) == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "javascript:alert(1)", "https:///x", "https://a.org/\x1b[2J"]
)
def test_what_is_no_web_address_is_never_opened(url: str) -> None:
    assert unfit_url(url) is not None
    assert unfit_url("https://example.org/") is None


def test_a_browser_is_opened_only_where_there_is_a_display(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []

    def open_page(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(prompts.webbrowser, "open", open_page)
    monkeypatch.setattr(prompts.sys, "platform", "linux")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not open_in_browser("https://example.org/")
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    assert open_in_browser("https://example.org/")
    assert opened == ["https://example.org/"]
