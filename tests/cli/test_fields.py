"""The fields of a form, and what each of them takes."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from inverted.cli.fields import Field, UnsupportedForm, check_content, form_fields, review


def field(schema: dict[str, Any], *, required: bool = True) -> Field:
    whole = {
        "type": "object",
        "properties": {"answer": schema},
        "required": ["answer"] if required else [],
    }
    (only,) = form_fields(whole)
    return only


COLOURS = {
    "type": "string",
    "oneOf": [{"const": "#f00", "title": "Bright red"}, {"const": "#0f0", "title": "Green"}],
}
SEVERAL = {"type": "array", "items": {"anyOf": COLOURS["oneOf"]}, "minItems": 1, "maxItems": 1}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "hello", "hello"),
        ({"type": "string", "minLength": 2, "maxLength": 3}, "abc", "abc"),
        ({"type": "string", "format": "email"}, "ada@example.org", "ada@example.org"),
        ({"type": "string", "format": "uri"}, "https://example.org", "https://example.org"),
        ({"type": "string", "format": "date"}, "2026-07-28", "2026-07-28"),
        (
            {"type": "string", "format": "date-time"},
            "2026-07-28T14:00:00Z",
            "2026-07-28T14:00:00Z",
        ),
        ({"type": "string", "format": "hostname"}, "any thing", "any thing"),
        ({"type": "integer", "minimum": 1, "maximum": 5}, "5", 5),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "number"}, "2", 2),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "boolean"}, "n", False),
        ({"type": "string", "enum": ["low", "high"]}, "high", "high"),
        ({"type": "string", "enum": ["low", "high"]}, "HIGH", "high"),
        ({"type": "string", "enum": ["low", "high"]}, "2", "high"),
        ({"type": "string", "enum": ["10", "2"]}, "2", "2"),
        ({"type": "string", "enum": ["a", "b"], "enumNames": ["First", "Second"]}, "second", "b"),
        ({"type": "string", "const": "only"}, "1", "only"),
        (COLOURS, "bright red", "#f00"),
        (COLOURS, "#0f0", "#0f0"),
        (COLOURS, "2", "#0f0"),
        (SEVERAL, "Bright red", ["#f00"]),
        ({**SEVERAL, "maxItems": 2}, "1, green", ["#f00", "#0f0"]),
        ({**SEVERAL, "maxItems": 2}, "2 1 2", ["#0f0", "#f00"]),
        ({"type": "array", "items": {"type": "string", "enum": ["S", "M"]}}, "s m", ["S", "M"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "3", 3),
        ({"type": ["string", "null"]}, "x", "x"),
    ],
)
def test_a_line_becomes_the_value_that_its_field_takes(
    schema: dict[str, Any], text: str, value: object
) -> None:
    assert field(schema).read(text) == value


@pytest.mark.parametrize(
    ("schema", "text", "words"),
    [
        ({"type": "string", "minLength": 2, "maxLength": 3}, "a", "from 2 to 3 characters"),
        ({"type": "string", "minLength": 2}, "a", "at least 2 characters"),
        ({"type": "string", "maxLength": 1}, "ab", "at most 1 character"),
        ({"type": "string", "pattern": "^a"}, "b", "does not match"),
        ({"type": "string", "format": "email"}, "ada", "that is not an email address"),
        ({"type": "string", "format": "uri"}, "example", "that is not an address"),
        ({"type": "string", "format": "date"}, "20260728", "that is not a date"),
        ({"type": "string", "format": "date"}, "2026-02-30", "that is not a date"),
        ({"type": "string", "format": "date-time"}, "2026-07-28", "that is not a date and time"),
        ({"type": "integer"}, "1.5", "that is not a whole number"),
        ({"type": "integer", "minimum": 1}, "0", "a whole number, at least 1"),
        ({"type": "integer", "enum": [1, 3]}, "2", "a whole number, one of 1, 3"),
        ({"type": "number", "maximum": 2}, "3", "a number, at most 2"),
        ({"type": "number"}, "nan", "that is not a number"),
        ({"type": "number"}, "1e999", "that is not a number"),
        ({"type": "number"}, "much", "that is not a number"),
        ({"type": "boolean"}, "perhaps", "answer yes or no"),
        ({"type": "string", "enum": ["low", "high"]}, "3", "'3' is not in the list"),
        ({"type": "string", "enum": ["10", "2"]}, "1", "'1' is not in the list"),
        (SEVERAL, "1 2", "from 1 to 1 choice"),
    ],
)
def test_a_line_that_does_not_fit_says_what_would(
    schema: dict[str, Any], text: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        field(schema).read(text)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {}},
        {"type": "array", "items": {"type": "string"}},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {},
    ],
)
def test_what_no_form_of_the_protocol_holds_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedForm, match="'answer'"):
        field(schema)


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


class Order(BaseModel):
    size: Size
    count: int = 1
    note: str | None = None
    wrap: Literal["paper", "cloth"] = "paper"


def test_a_form_from_a_pydantic_model_is_understood() -> None:
    fields = form_fields(Order.model_json_schema())
    assert [(one.name, one.kind, one.required, one.default) for one in fields] == [
        ("size", "one", True, None),
        ("count", "integer", False, 1),
        ("note", "text", False, None),
        ("wrap", "one", False, "paper"),
    ]
    assert fields[0].read("L") == "L"


def test_a_whole_answer_is_held_to_the_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"mail": {"type": "string", "format": "email"}, "n": {"type": "integer"}},
        "required": ["mail"],
    }
    check_content({"mail": "a@example.org", "n": 1}, schema)
    wrong: list[tuple[object, str]] = [
        ({"mail": "a@example.org", "n": "1"}, "n: '1' is not of type 'integer'"),
        ({}, "'mail' is a required property"),
        ({"mail": "nobody"}, "that is not an email address"),
        ([], "is not of type 'object'"),
    ]
    for content, words in wrong:
        with pytest.raises(ValueError, match=words):
            check_content(content, schema)


def test_an_answer_is_reviewed_in_the_persons_words() -> None:
    fields = form_fields(
        {
            "properties": {
                "ok": {"type": "boolean"},
                "colour": COLOURS,
                "tags": SEVERAL,
                "x": COLOURS,
            }
        }
    )
    content: dict[str, Any] = {"ok": True, "colour": "#f00", "tags": []}
    assert review(fields, content) == "ok: yes, colour: Bright red, tags: none"
    assert review(fields[:1], {"ok": False}) == "no"
    assert review((), {}) == "accepted"


def test_control_sequences_in_titles_do_not_reach_the_terminal() -> None:
    only = field({"type": "string", "title": "Na\x1b[2Jme", "description": "\x1b]0;x\x07Who?\n"})
    assert (only.title, only.description) == ("Name", "Who?")
