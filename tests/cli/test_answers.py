"""Answers without a person: a file of them, and --yes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp_types import ElicitRequestFormParams, ElicitRequestURLParams

from inverted.cli.answers import assumed, read_answers, scripted
from inverted.cli.errors import UsageProblem
from inverted.cli.person import Person
from inverted.cli.prompts import Given


def schema(*, needed: bool = True, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if needed else [],
    }


SEVERITY = schema(value={"type": "string", "enum": ["low", "high"]})


def file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(content))
    return path


def test_a_list_is_used_in_order(tmp_path: Path) -> None:
    answers = read_answers(file(tmp_path, [1, None]))
    assert [answers.take("a"), answers.take("b"), answers.take("c")] == [(1,), (None,), None]


def test_an_object_answers_by_part_of_the_message(tmp_path: Path) -> None:
    answers = read_answers(file(tmp_path, {"severity": "low", "Which severity": "high"}))
    assert answers.take("What severity?") == ("low",)
    assert answers.take("Which severity?") == ("high",)
    assert answers.take("Which severity?") == ("high",)
    assert answers.take("Where?") is None


def test_a_list_under_a_message_answers_its_repetitions(tmp_path: Path) -> None:
    answers = read_answers(file(tmp_path, {"again": ["yes", "no"]}))
    assert [answers.take("again?") for _ in range(3)] == [("yes",), ("no",), None]


@pytest.mark.parametrize(("text", "words"), [("{", "is not JSON"), ("3", "neither a list")])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "answers.json"
    path.write_text(text)
    with pytest.raises(UsageProblem, match=words):
        read_answers(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"cannot read --answers .*: No such file"):
        read_answers(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        ("high", Given("accept", {"value": "high"})),
        ({"value": "high"}, Given("accept", {"value": "high"})),
        ({"action": "accept", "content": {"value": "low"}}, Given("accept", {"value": "low"})),
        ({"action": "decline"}, Given("decline")),
        ("decline", Given("decline")),
        ("cancel", Given("cancel")),
    ],
)
def test_an_answer_may_be_written_short_or_in_full(answer: object, given: Given) -> None:
    assert scripted(answer, "Which severity?", SEVERITY) == given


def test_a_field_called_action_is_a_field() -> None:
    asked = schema(action={"type": "string"})
    assert scripted({"action": "run"}, "What?", asked) == Given("accept", {"action": "run"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("medium", r"'Which severity\?' does not fit: value: 'medium' is not one of"),
        ({"value": 3}, "value: 3 is not"),
        ({}, "'value' is a required property"),
        ({"action": "maybe"}, "none of accept, decline, cancel"),
    ],
)
def test_an_answer_that_does_not_fit_is_an_error(answer: object, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        scripted(answer, "Which severity?", SEVERITY)


def test_a_bare_value_does_not_fit_a_form_of_several_fields() -> None:
    asked = schema(a={"type": "string"}, b={"type": "string"})
    with pytest.raises(UsageProblem, match="write an object with a, b"):
        scripted("x", "Both?", asked)


def test_a_form_that_the_protocol_does_not_know_cannot_be_scripted() -> None:
    with pytest.raises(UsageProblem, match="'a' is no text"):
        scripted({"a": {}}, "Odd?", schema(a={"type": "object"}))


def test_a_page_is_not_opened_by_a_script() -> None:
    with pytest.raises(UsageProblem, match="needs a person"):
        scripted("yes", "Sign in", None)
    assert scripted("decline", "Sign in", None) == Given("decline")


@pytest.mark.parametrize(
    ("asked", "content"),
    [
        (schema(), {}),
        (schema(ok={"type": "boolean"}), {"ok": True}),
        (schema(ok={"type": "boolean", "default": False}), {"ok": True}),
        (
            schema(ok={"type": "boolean", "default": False}, all={"type": "boolean"}),
            {"ok": False, "all": True},
        ),
        (schema(n={"type": "integer", "default": 3}), {"n": 3}),
        (schema(only={"type": "string", "enum": ["a"]}), {"only": "a"}),
        (schema(needed=False, name={"type": "string"}), {}),
    ],
)
def test_yes_fills_in_what_it_can(asked: dict[str, Any], content: dict[str, Any]) -> None:
    assert assumed(asked) == Given("accept", content)


@pytest.mark.parametrize(
    "asked",
    [
        SEVERITY,
        schema(name={"type": "string"}),
        schema(n={"type": "integer", "minimum": 1, "default": 0}),
        schema(odd={"type": "object"}),
    ],
)
def test_yes_makes_nothing_up(asked: dict[str, Any]) -> None:
    assert assumed(asked) is None


@asynccontextmanager
async def no_turn() -> AsyncGenerator[None]:
    yield


def form(message: str = "Which severity?", asked: dict[str, Any] = SEVERITY) -> Any:
    return ElicitRequestFormParams(message=message, requested_schema=asked)


async def test_a_file_is_asked_before_yes(tmp_path: Path) -> None:
    answers = read_answers(file(tmp_path, ["decline"]))
    person = Person(answers, yes=True, prompter=None, turn=no_turn)
    ok = schema(ok={"type": "boolean"})
    first = await person.answer("tea", form("Sure?", ok))
    second = await person.answer("tea", form("Sure?", ok))
    assert (first.result.action, first.summary) == ("decline", "declined")
    assert "answers.json" in first.note
    assert (second.result.content, second.note, second.summary) == ({"ok": True}, "by --yes", "yes")


async def test_with_nobody_to_ask_a_question_is_dismissed_and_it_is_said_why(
    tmp_path: Path,
) -> None:
    answers = read_answers(file(tmp_path, []))
    for person, words in [
        (Person(None, yes=False, prompter=None, turn=no_turn), "no --answers and no --yes"),
        (Person(None, yes=True, prompter=None, turn=no_turn), "--yes cannot fill it in"),
        (Person(answers, yes=False, prompter=None, turn=no_turn), "--answers has none for it"),
    ]:
        reply = await person.answer("tea", form())
        assert (reply.result.action, reply.summary) == ("cancel", "dismissed")
        assert words in reply.note


async def test_yes_never_opens_a_page() -> None:
    person = Person(None, yes=True, prompter=None, turn=no_turn)
    page = ElicitRequestURLParams(message="Sign in", url="https://example.org/")
    reply = await person.answer("tea", page)
    assert reply.result.action == "cancel"
    assert "opened by a person only" in reply.note


async def test_what_is_no_web_address_is_declined_unasked() -> None:
    person = Person(None, yes=False, prompter=None, turn=no_turn)
    page = ElicitRequestURLParams(message="Sign in", url="file:///etc/passwd")
    reply = await person.answer("tea", page)
    assert reply.result.action == "decline"
    assert "no web address" in reply.note
