"""What a host's model sends back: what is clear is taken, the rest is refused in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inverted.carriers.client import read_answer
from inverted.core.effects import Kind
from inverted.runtime.ladders import RELAY
from inverted.runtime.ports import Given, Question
from inverted.server.relay.answers import Read, read_answers


def sample(id: str, *, tools: bool = False) -> Question:
    params: dict[str, Any] = {"messages": [], "maxTokens": 9}
    return Question("run", id, Kind.SAMPLE, params | ({"tools": []} if tools else {}))


def form(id: str, *names: str) -> Question:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    params = {"mode": "form", "message": "?", "requestedSchema": schema}
    return Question("run", id, Kind.ELICIT, params)


def read(answers: Any, *questions: Question) -> Read:
    return read_answers(questions, answers, "host")


def text_of(found: Read, id: str) -> str:
    raw: Any = found.given[id].raw
    assert raw["stopReason"] == "endTurn"
    return raw["content"][0]["text"]


ONE: list[Any] = [
    "hi",
    '{"text": "hi"}',
    {"text": "hi"},
    {"id": "1", "text": "hi"},
    {"id": "1", "content": "hi"},
    {"1": "hi"},
    {"1": {"text": "hi"}},
    ["hi"],
    [{"text": "hi"}],
    [{"id": "1", "text": "hi", "calls": []}],
    '[{"id": "1", "text": "hi"}]',
]


@pytest.mark.parametrize("answers", ONE, ids=str)
def test_the_answer_to_the_only_question_is_taken_in_every_shape(answers: Any) -> None:
    found = read(answers, sample("1"))
    assert found.notes == []
    assert text_of(found, "1") == "hi"
    assert found.given["1"].via == RELAY
    assert found.given["1"].raw["model"] == "host"


@pytest.mark.parametrize(
    "answers",
    [
        [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}],
        {"1": "a", "2": "b"},
        {"2": {"text": "b"}, "1": {"text": "a"}},
        '{"1": "a", "2": "b"}',
    ],
    ids=str,
)
def test_several_questions_are_answered_by_their_ids(answers: Any) -> None:
    found = read(answers, sample("1"), sample("2"))
    assert found.notes == []
    assert [text_of(found, id) for id in ("1", "2")] == ["a", "b"]


def test_a_number_is_an_id_too() -> None:
    assert text_of(read([{"id": 1, "text": "a"}], sample("1"), sample("2")), "1") == "a"


@pytest.mark.parametrize("value", [{"severity": "high"}, [1, 2], 5, True])
def test_data_is_taken_as_the_text_that_it_stands_for(value: Any) -> None:
    found = read([{"id": "1", "text": value}], sample("1"))
    assert json.loads(text_of(found, "1")) == value


def test_fields_in_place_of_a_text_are_taken_as_data() -> None:
    found = read([{"id": "1", "severity": "high"}], sample("1"))
    assert json.loads(text_of(found, "1")) == {"severity": "high"}
    assert json.loads(text_of(read({"severity": "high"}, sample("1")), "1")) == {"severity": "high"}


@pytest.mark.parametrize(
    "calls",
    [
        [{"name": "add", "arguments": {"a": 1}}],
        {"name": "add", "arguments": {"a": 1}},
        {"name": "add", "input": {"a": 1}},
        {"name": "add", "arguments": '{"a": 1}'},
        '[{"name": "add", "arguments": {"a": 1}}]',
    ],
    ids=str,
)
def test_calls_are_taken_with_ids_of_our_own(calls: Any) -> None:
    found = read([{"id": "1", "text": "so", "calls": calls}], sample("1", tools=True))
    raw: Any = found.given["1"].raw
    assert found.notes == []
    assert raw["stopReason"] == "toolUse"
    assert raw["content"] == [
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "1#0", "name": "add", "input": {"a": 1}},
    ]


def test_a_call_without_arguments_has_none() -> None:
    found = read([{"id": "1", "calls": [{"name": "list"}]}], sample("1", tools=True))
    assert found.given["1"].raw["content"][0]["input"] == {}


FORMS: list[Any] = [
    [{"id": "1", "content": {"name": "Ann"}}],
    [{"id": "1", "content": "Ann"}],
    [{"id": "1", "text": "Ann"}],
    [{"id": "1", "name": "Ann"}],
    [{"id": "1", "action": "accept", "content": {"name": "Ann"}}],
    {"name": "Ann"},
    {"1": {"name": "Ann"}},
    "Ann",
    ["Ann"],
]


@pytest.mark.parametrize("answers", FORMS, ids=str)
def test_a_form_is_filled_in_every_shape(answers: Any) -> None:
    found = read(answers, form("1", "name"))
    assert found == Read({"1": Given({"action": "accept", "content": {"name": "Ann"}}, RELAY)}, [])


def test_a_choice_of_several_is_a_list() -> None:
    found = read([{"id": "1", "content": ["a", "b"]}], form("1", "tags"))
    assert found.given["1"].raw == {"action": "accept", "content": {"tags": ["a", "b"]}}


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_user_who_does_not_answer_gives_no_content(action: str) -> None:
    found = read([{"id": "1", "action": action, "content": {"name": "Ann"}}], form("1", "name"))
    assert found.given["1"].raw == {"action": action}


def test_a_form_without_fields_is_accepted_by_an_empty_answer() -> None:
    found = read([{"id": "1"}], form("1"))
    assert found.given["1"].raw == {"action": "accept", "content": {}}


REFUSED: list[tuple[Question, Any, str]] = [
    (sample("1"), [{"id": "1"}], 'it is empty. Give "text"'),
    (sample("1"), [{"id": "1", "text": ""}], "it is empty"),
    (sample("1"), [{"id": "1", "calls": [{"name": "add"}]}], "has no tools"),
    (sample("1", tools=True), [{"id": "1", "calls": "add"}], '"calls" is a list of'),
    (sample("1", tools=True), [{"id": "1", "calls": ["add"]}], '"calls" is a list of'),
    (sample("1", tools=True), [{"id": "1", "calls": [{"name": 1}]}], '"calls" is a list of'),
    (
        sample("1", tools=True),
        [{"id": "1", "calls": [{"name": "add", "arguments": "1 and 2"}]}],
        '"calls" is a list of',
    ),
    (
        sample("1", tools=True),
        [{"id": "1", "calls": [{"name": "add", "arguments": [1]}]}],
        '"calls" is a list of',
    ),
    (
        sample("1", tools=True),
        [{"id": "1", "calls": [{"name": "add", "arguments": '{"a": NaN}'}]}],
        '"calls" is a list of',
    ),
    (form("1", "a", "b"), "yes", 'give "content" with the fields a, b'),
    (form("1", "a", "b"), [{"id": "1", "content": "yes"}], 'give "content" with the fields a, b'),
    (form("1", "a"), [{"id": "1"}], 'give "content" with the fields a'),
    (form("1", "a"), [{"id": "1", "action": "ok"}], '"action" is accept, decline, cancel'),
    (form("1", "a"), [{"id": "1", "content": {"a": {"b": 1}}}], "content.a"),
]


@pytest.mark.parametrize(("question", "answers", "why"), REFUSED, ids=str)
def test_what_cannot_be_used_is_refused_with_the_way_to_say_it(
    question: Question, answers: Any, why: str
) -> None:
    found = read(answers, question)
    assert found.given == {}
    (note,) = found.notes
    assert note.startswith("The answer to 1 was not taken: ")
    assert why in note


def test_one_wrong_answer_does_not_cost_the_others() -> None:
    answers = [{"id": "1"}, {"id": "2", "text": "b"}, {"id": "9", "text": "c"}, {"text": "d"}]
    found = read(answers, sample("1"), sample("2"))
    assert list(found.given) == ["2"]
    assert found.notes == [
        'The answer to 1 was not taken: it is empty. Give "text", or "calls" to use tools.',
        "There is no open question 9. Open questions: 1, 2.",
        "An answer without id was not taken. Open questions: 1, 2.",
    ]


def test_an_answer_that_comes_twice_counts_once() -> None:
    found = read([{"id": "1", "text": "a"}, {"id": "1", "text": "b"}], sample("1"))
    assert text_of(found, "1") == "a"
    assert found.notes == ["Only the first answer to 1 was taken."]


def test_an_answer_where_nothing_is_asked_is_told_so() -> None:
    assert read("hi").notes == ["An answer without id was not taken. Open questions: none."]
    assert read([{"id": "1", "text": "a"}]).notes == [
        "There is no open question 1. Open questions: none."
    ]


@pytest.mark.parametrize("nothing", [None, [], {}, "", " \n", "null", "[]"])
def test_nothing_is_no_mistake(nothing: Any) -> None:
    assert read(nothing, sample("1")) == Read({}, [])


@pytest.mark.parametrize(
    "no_json", ["[" * 100_000, '["\\ud800"]', "[NaN]"], ids=["deep", "half", "NaN"]
)
def test_what_is_no_json_is_a_text(no_json: str) -> None:
    assert text_of(read(no_json, sample("1")), "1") == no_json


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "text", "calls", "content", "action", "name", "arguments", "1", "2"]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)
ASKED = [sample("1"), sample("2", tools=True), form("3", "name"), form("4", "a", "b")]


@given(st.lists(st.sampled_from(ASKED), unique_by=lambda each: each.id), JSON, st.booleans())
def test_whatever_a_model_sends_is_read_and_what_is_taken_is_an_answer(
    questions: list[Question],
    answers: Any,
    as_text: bool,  # noqa: FBT001 - drawn
) -> None:
    found = read(json.dumps(answers) if as_text else answers, *questions)
    asked = {each.id: each for each in questions}
    for id, answer in found.given.items():
        assert answer.via == RELAY
        read_answer(asked[id], answer.raw)
    assert all(note and "\n" not in note for note in found.notes)
