"""Forms: what is asked for a type, and what is made of the answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict, cast

import pytest
import typing_extensions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp_types import ElicitRequestFormParams
from pydantic import (
    AnyUrl,
    BaseModel,
    EmailStr,
    Field,
    FutureDate,
    HttpUrl,
    Json,
    RootModel,
    SecretStr,
    create_model,
    field_validator,
    model_validator,
)

from inverted.carriers.revisions import form_for
from inverted.run.forms import Form, FormError, Titles, form_of

# The protocol's PrimitiveSchemaDefinition, closed: a key that it does not name is an error.
_TEXT = {"type": "string"}
_WORDS = {"title": _TEXT, "description": _TEXT}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_CONSTANTS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {"const": _TEXT, "title": _TEXT},
        "required": ["const", "title"],
        "additionalProperties": False,
    },
}


def closed(kind: str | list[str], needed: list[str], **properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"enum": [kind] if isinstance(kind, str) else kind},
            **_WORDS,
            **properties,
        },
        "required": ["type", *needed],
        "additionalProperties": False,
    }


def several(**items: object) -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    body = {"type": "object", "properties": items, "required": [*items]}
    return closed(
        "array",
        ["items"],
        items={**body, "additionalProperties": False},
        minItems=count,
        maxItems=count,
        default={"type": "array", "items": _TEXT},
    )


REQUESTED_SCHEMA: Any = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "type": {"const": "object"},
            "properties": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "anyOf": [
                        closed(
                            "string",
                            [],
                            minLength={"type": "integer"},
                            maxLength={"type": "integer"},
                            format={"enum": ["email", "uri", "date", "date-time"]},
                            default=_TEXT,
                        ),
                        closed(
                            ["number", "integer"],
                            [],
                            minimum={"type": "number"},
                            maximum={"type": "number"},
                            default={"type": "number"},
                        ),
                        closed("boolean", [], default={"type": "boolean"}),
                        closed("string", ["enum"], enum=_TEXTS, default=_TEXT),
                        closed("string", ["oneOf"], oneOf=_CONSTANTS, default=_TEXT),
                        several(type={"const": "string"}, enum=_TEXTS),
                        several(anyOf=_CONSTANTS),
                    ]
                },
            },
            "required": _TEXTS,
        },
        "required": ["type", "properties"],
        "additionalProperties": False,
    }
)


class Priority(Enum):
    LOW = "low"
    HIGH = "high"


class Colour(StrEnum):
    """The colour of the bike shed."""

    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    INFO = 10
    ERROR = 40


class Contact(BaseModel):
    name: Annotated[str, Field(min_length=2, max_length=9, description="What to call you")]
    email: EmailStr
    age: Annotated[int, Field(ge=18, le=120, title="Your age")]
    height: float | None = None
    newsletter: bool = False


@dataclass
class Task:
    title: str
    priority: Literal["low", "high"] = "low"
    labels: list[Colour] = field(default_factory=list[Colour])
    done: bool = field(init=False, default=False)


class Ticket(TypedDict):
    summary: Required[str]
    due: NotRequired[date]


class Filter(TypedDict, total=False):
    text: Required[str]
    limit: int


class NewerTicket(typing_extensions.TypedDict):
    summary: str


def accepts(schema: dict[str, Any], value: object) -> bool:
    validator: Any = Draft202012Validator(schema)
    return bool(validator.is_valid(value))


def value_schema(kind: object) -> dict[str, Any]:
    """The schema of the only field of a form for a type that is not an object."""
    schema = form_of(kind).schema
    assert [*schema["properties"]] == ["value"]
    return schema["properties"]["value"]


def problems(form: Form[Any], content: Mapping[str, Any] | None) -> dict[str, str]:
    with pytest.raises(FormError) as caught:
        form.read(content)
    return caught.value.problems


def refusal(kind: object) -> str:
    with pytest.raises(TypeError) as caught:
        form_of(kind)
    return str(caught.value)


def test_a_model_becomes_a_flat_form_and_an_answer_becomes_the_model() -> None:
    form = form_of(Contact)
    assert form.schema == {
        "type": "object",
        "properties": {
            "name": {
                "type": "string",
                "title": "Name",
                "description": "What to call you",
                "minLength": 2,
                "maxLength": 9,
            },
            "email": {"type": "string", "title": "Email", "format": "email"},
            "age": {"type": "integer", "title": "Your age", "minimum": 18, "maximum": 120},
            "height": {"type": "number", "title": "Height"},
            "newsletter": {"type": "boolean", "title": "Newsletter", "default": False},
        },
        "required": ["name", "email", "age"],
    }
    answer = form.read({"name": "Ada", "email": "ada@example.com", "age": 36})
    assert answer == Contact(name="Ada", email="ada@example.com", age=36)


def test_a_dataclass_is_a_form_of_what_its_constructor_takes() -> None:
    form = form_of(Task)
    assert [*form.schema["properties"]] == ["title", "priority", "labels"]
    assert form.schema["required"] == ["title"]
    answer = form.read({"title": "Paint", "labels": ["red"], "done": True})
    assert answer == Task("Paint", labels=[Colour.RED])


@pytest.mark.parametrize(
    ("kind", "required", "content", "value"),
    [
        (
            Ticket,
            ["summary"],
            {"summary": "It broke", "due": "2026-07-28"},
            {"summary": "It broke", "due": date(2026, 7, 28)},
        ),
        (Filter, ["text"], {"text": "x", "limit": 3}, {"text": "x", "limit": 3}),
        (NewerTicket, ["summary"], {"summary": "It broke"}, {"summary": "It broke"}),
    ],
)
def test_a_typed_dict_is_a_form_of_its_keys(
    kind: object, required: list[str], content: dict[str, Any], value: object
) -> None:
    form = form_of(kind)
    assert form.schema["required"] == required
    assert form.read(content) == value
    assert form.read({key: content[key] for key in required}) == {
        key: content[key] for key in required
    }


@pytest.mark.parametrize(
    ("kind", "shape", "wire", "value"),
    [
        (str, {"type": "string"}, "x", "x"),
        (int, {"type": "integer"}, 5, 5),
        (int, {"type": "integer"}, 5.0, 5),
        (float, {"type": "number"}, 5, 5.0),
        (bool, {"type": "boolean"}, True, True),
        (date, {"type": "string", "format": "date"}, "2026-07-28", date(2026, 7, 28)),
        (
            datetime,
            {"type": "string", "format": "date-time"},
            "2026-07-28T09:30:00Z",
            datetime(2026, 7, 28, 9, 30, tzinfo=UTC),
        ),
        (EmailStr, {"type": "string", "format": "email"}, "a@example.com", "a@example.com"),
        (
            HttpUrl,
            {"type": "string", "minLength": 1, "maxLength": 2083, "format": "uri"},
            "https://example.com/",
            HttpUrl("https://example.com/"),
        ),
        (
            AnyUrl,
            {"type": "string", "minLength": 1, "format": "uri"},
            "ftp://example.com/",
            AnyUrl("ftp://example.com/"),
        ),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, "b", "b"),
        (Literal["a"], {"type": "string", "enum": ["a"]}, "a", "a"),
        (Literal[1, 2], {"type": "string", "enum": ["1", "2"]}, "2", 2),
        (Priority, {"type": "string", "enum": ["low", "high"]}, "high", Priority.HIGH),
        (
            Literal[Colour.RED],
            {"type": "string", "enum": ["red"]},
            "red",
            Colour.RED,
        ),
        (Level, {"type": "string", "enum": ["INFO", "ERROR"]}, "ERROR", Level.ERROR),
        (
            list[Priority],
            {"type": "array", "items": {"type": "string", "enum": ["low", "high"]}},
            ["high", "low"],
            [Priority.HIGH, Priority.LOW],
        ),
        (
            Annotated[list[Literal["a", "b"]], Field(min_length=1, max_length=2)],
            {
                "type": "array",
                "minItems": 1,
                "maxItems": 2,
                "items": {"type": "string", "enum": ["a", "b"]},
            },
            ["a"],
            ["a"],
        ),
        (["low", "high"], {"type": "string", "enum": ["low", "high"]}, "low", "low"),
        (
            [["low", "high"]],
            {"type": "array", "items": {"type": "string", "enum": ["low", "high"]}},
            ["low"],
            ["low"],
        ),
        (
            {"low": {"title": "Low"}},
            {"type": "string", "oneOf": [{"const": "low", "title": "Low"}]},
            "low",
            "low",
        ),
        (
            [{"low": {"title": "Low"}}],
            {"type": "array", "items": {"anyOf": [{"const": "low", "title": "Low"}]}},
            ["low"],
            ["low"],
        ),
    ],
)
def test_any_other_type_is_one_field_that_is_unwrapped_again(
    kind: object, shape: dict[str, Any], wire: object, value: object
) -> None:
    form = form_of(kind)
    REQUESTED_SCHEMA.validate(form.schema)
    assert value_schema(kind) == {"title": "Value", **shape}
    assert form.schema["required"] == ["value"]
    answer = form.read({"value": wire})
    assert answer == value
    assert type(answer) is type(value)


def test_none_asks_for_nothing_but_has_a_field_for_clients_that_need_one() -> None:
    form = form_of(None)
    REQUESTED_SCHEMA.validate(form.schema)
    assert "required" not in form.schema
    assert form.read(None) is None
    assert form.read({}) is None
    assert form.read({"ok": True}) is None


def test_an_acceptance_that_says_no_inside_is_refused() -> None:
    assert problems(form_of(None), {"ok": False}) == {
        "ok": "must be yes in an answer that accepts; to say no, decline"
    }


def test_the_only_field_can_be_given_a_title_and_a_description() -> None:
    form = form_of(Annotated[float, Field(gt=0)], title="Speed", description="In knots")
    assert form.schema["properties"]["value"] == {
        "type": "number",
        "title": "Speed",
        "description": "In knots (greater than 0)",
    }
    assert form_of(None, title="Go on").schema["properties"]["ok"]["title"] == "Go on"


def test_a_title_for_a_form_of_several_fields_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Contact: a title .* Label the fields of this one with"):
        form_of(Contact, title="You")


@pytest.mark.parametrize("inner", [True, False])
def test_titles_name_the_choices_of_a_literal_or_an_enum(*, inner: bool) -> None:
    titles = Titles({Level.INFO: "Everything", Level.ERROR: "Errors only"})
    listed = [
        {"const": "INFO", "title": "Everything"},
        {"const": "ERROR", "title": "Errors only"},
    ]
    assert value_schema(Annotated[Level, titles])["oneOf"] == listed
    kind = list[Annotated[Level, titles]] if inner else Annotated[list[Level], titles]
    assert value_schema(kind)["items"] == {"anyOf": listed}
    assert form_of(kind).read({"value": ["ERROR"]}) == [Level.ERROR]


@pytest.mark.parametrize(
    ("kind", "titles"),
    [
        (Literal["a", "b"], {"b": "Bee"}),
        (Priority, {"low": "Bee"}),
        (Priority, {Priority.LOW: "Bee"}),
        (Level, {"INFO": "Bee"}),
        (Level, {10: "Bee"}),
    ],
)
def test_a_title_is_found_by_member_or_value_and_a_choice_without_one_shows_itself(
    kind: Any, titles: dict[Any, str]
) -> None:
    listed = value_schema(Annotated[kind, Titles(titles)])["oneOf"]
    assert {one["title"] for one in listed} > {"Bee"}
    assert [one["title"] for one in listed if one["title"] != "Bee"] == [
        one["const"] for one in listed if one["title"] != "Bee"
    ]


def test_titles_of_one_field_do_not_show_on_another_of_the_same_enum() -> None:
    class Both(BaseModel):
        one: Annotated[Colour, Titles({"red": "Rouge"})]
        other: Colour

    properties = form_of(Both).schema["properties"]
    assert properties["one"]["oneOf"][0] == {"const": "red", "title": "Rouge"}
    assert properties["other"]["enum"] == ["red", "blue"]


def test_a_field_is_titled_by_its_own_name_and_described_by_its_enum() -> None:
    class Shed(BaseModel):
        first_coat: Colour

    assert form_of(Shed).schema["properties"]["first_coat"] == {
        "type": "string",
        "title": "First Coat",
        "description": "The colour of the bike shed.",
        "enum": ["red", "blue"],
    }


def test_every_kind_of_field_can_have_a_default_and_need_not_be_answered() -> None:
    class Defaults(BaseModel):
        text: str = "x"
        number: float = 1.5
        whole: int = 3
        flag: bool = True
        day: date = date(2026, 7, 28)
        one: Priority = Priority.HIGH
        level: Level = Level.ERROR
        digit: Literal[1, 2] = 2
        several: list[Priority] = [Priority.LOW]
        levels: list[Level] | None = [Level.INFO]
        made: list[Priority] = Field(default_factory=list[Priority])
        nothing: str | None = None

    form = form_of(Defaults)
    REQUESTED_SCHEMA.validate(form.schema)
    assert "required" not in form.schema
    shown = {
        name: one["default"] for name, one in form.schema["properties"].items() if "default" in one
    }
    assert shown == {
        "text": "x",
        "number": 1.5,
        "whole": 3,
        "flag": True,
        "day": "2026-07-28",
        "one": "high",
        "level": "ERROR",
        "digit": "2",
        "several": ["low"],
        "levels": ["INFO"],
    }
    assert form.read(shown) == form.read(None) == Defaults()


def test_a_default_that_cannot_be_written_as_json_is_not_shown() -> None:
    class Odd(BaseModel):
        text: str = cast("str", object())

    assert form_of(Odd).schema["properties"] == {"text": {"type": "string", "title": "Text"}}


def test_a_field_that_takes_none_may_be_left_empty() -> None:
    class Optionals(BaseModel):
        plain: int | None
        named: Annotated[Colour | None, Field(description="Or none")]
        filled: int | None = 5

    form = form_of(Optionals)
    assert "required" not in form.schema
    assert form.schema["properties"]["plain"] == {"type": "integer", "title": "Plain"}
    assert form.schema["properties"]["named"]["description"] == "Or none"
    assert form.read({}) == Optionals(plain=None, named=None)
    assert form.read({"plain": None, "filled": None}).filled is None
    assert form_of(int | None).read({}) is None


def test_null_for_a_field_that_takes_no_none_is_an_empty_field() -> None:
    assert form_of(Contact).read(
        {"name": "Ada", "email": "a@example.com", "age": 36, "newsletter": None}
    ) == Contact(name="Ada", email="a@example.com", age=36)
    assert problems(form_of(str), {"value": None}) == {"value": "is required"}


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (
            Annotated[float, Field(gt=0, lt=1, multiple_of=0.25, description="A share")],
            {
                "type": "number",
                "description": "A share (greater than 0; less than 1; a multiple of 0.25)",
            },
        ),
        (Annotated[int, Field(gt=0, lt=10)], {"type": "integer", "minimum": 1, "maximum": 9}),
        (Annotated[int, Field(gt=0, ge=5)], {"type": "integer", "minimum": 5}),
        (
            Annotated[str, Field(pattern="^[a-z]+$", examples=["ada"])],
            {"type": "string", "description": "Matching the pattern ^[a-z]+$; for example ada"},
        ),
        (
            Annotated[int, Field(examples=[1, 2])],
            {"type": "integer", "description": "For example 1, 2"},
        ),
        (
            Annotated[date, Field(ge=date(2026, 1, 1), lt=date(2027, 1, 1))],
            {
                "type": "string",
                "description": "Not before 2026-01-01; before 2027-01-01",
                "format": "date",
            },
        ),
        (FutureDate, {"type": "string", "description": "In the future", "format": "date"}),
    ],
)
def test_what_the_protocol_cannot_say_is_said_in_the_description(
    kind: object, schema: dict[str, Any]
) -> None:
    assert value_schema(kind) == {"title": "Value", **schema}


@pytest.mark.parametrize(
    ("kind", "wire", "problem"),
    [
        (Annotated[float, Field(gt=0)], 0, "must be greater than 0"),
        (Annotated[int, Field(multiple_of=5)], 6, "must be a multiple of 5"),
        (Annotated[int, Field(ge=18)], 17, "must be at least 18"),
        (Annotated[int, Field(le=18)], 19, "must be at most 18"),
        (Annotated[str, Field(pattern="^a")], "b", "must match the pattern ^a"),
        (Annotated[str, Field(min_length=2)], "b", "must have at least 2 characters"),
        (Annotated[list[Colour], Field(min_length=1)], [], "must have at least 1 item"),
        (Annotated[date, Field(ge=date(2026, 1, 1))], "2025-01-01", "must be at least 2026-01-01"),
        (int, "5", "must be a whole number"),
        (int, 5.5, "must be a whole number"),
        (int, True, "must be a whole number"),
        (float, "5", "must be a number"),
        (float, True, "must be a number"),
        (float, math.inf, "must be a finite number"),
        (float, math.nan, "must be a finite number"),
        (bool, 1, "must be true or false"),
        (bool, "true", "must be true or false"),
        (str, 5, "must be text"),
        (str, "\ud800", "must be text without broken characters"),
        (date, "5", "must be a date, for example 2026-07-28"),
        (date, 5, "must be a valid date"),
        (datetime, "5", "must be a date-time, for example 2026-07-28T09:30:00Z"),
        (HttpUrl, "x", "must be a URL, for example https://example.com/"),
        (Priority, "LOW", "must be one of: low, high"),
        (Level, 10, "must be one of: INFO, ERROR"),
        (Literal[1, 2], 1, "must be one of: 1, 2"),
        (list[Colour], ["red", "green"], "must be one of: red, blue"),
        (list[Colour], "red", "must be a list of choices"),
        (list[Colour], [["red"]], "must be one of: red, blue"),
    ],
)
def test_a_wrong_answer_is_refused_in_words_for_a_person(
    kind: object, wire: object, problem: str
) -> None:
    form = form_of(kind)
    assert problems(form, {"value": wire}) == {"value": problem}
    with pytest.raises(FormError) as caught:
        form.read({"value": wire})
    assert str(caught.value) == f"value: {problem}"


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(FormError) as caught:
        form_of(Contact).read({"name": "A", "age": math.nan, "height": "tall"})
    assert sorted(str(caught.value).split("; ")) == [
        "age: must be a finite number",
        "email: is required",
        "height: must be a number",
        "name: must have at least 2 characters",
    ]


def test_an_answer_without_content_lacks_what_is_required() -> None:
    assert problems(form_of(int), None) == {"value": "is required"}


def test_a_number_too_long_to_be_written_is_refused() -> None:
    assert "cannot be read as JSON" in problems(form_of(int), {"value": 10**5000})[""]


def test_keys_that_were_not_asked_for_are_ignored() -> None:
    class Closed(BaseModel, extra="forbid"):
        one: int

    assert form_of(Closed).read({"one": 1, "two": 2}) == Closed(one=1)


def test_an_alias_is_the_name_on_the_form() -> None:
    class Aliased(BaseModel):
        kind: Annotated[str, Field(alias="type")]

    form = form_of(Aliased)
    assert [*form.schema["properties"]] == ["type"]
    assert form.read({"type": "x"}).kind == "x"
    assert problems(form, {}) == {"type": "is required"}


class Span(BaseModel):
    first: int
    last: int

    @field_validator("first")
    @classmethod
    def _even(cls, first: int) -> int:
        if first % 2:
            raise ValueError("must be even")
        return first

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.first > self.last:
            raise AssertionError("the first comes before the last")
        return self


def test_the_authors_validators_have_their_say() -> None:
    form = form_of(Span)
    assert problems(form, {"first": 1, "last": 2}) == {"first": "must be even"}
    assert problems(form, {"first": 4, "last": 2}) == {"": "the first comes before the last"}
    with pytest.raises(FormError, match=r"^the first comes before the last$"):
        form.read({"first": 4, "last": 2})


class Inner(BaseModel):
    x: int


class Mistaken(BaseModel):
    inner: Inner


class Empty(BaseModel):
    pass


class Hidden(BaseModel):
    password: SecretStr


class Impossible(BaseModel):
    age: Annotated[int, Field(ge=18)] = 0


class Tuples(Enum):
    A = (1, 2)


class Unknown:
    pass


MISTAKES: list[tuple[object, str, str]] = [
    (Mistaken, "Mistaken.inner", "in a second elicit"),
    (Hidden, "Hidden.password", "run.elicit_url"),
    (Impossible, "Impossible.age", "the default 0 would be refused as an answer (must be at"),
    (Empty, "Empty", "Use None"),
    (dict[str, int], "dict[str, int]", "move the inner fields up"),
    (list[str], "list[str]", "list[Literal[...]]"),
    (list[list[Colour]], "list[list[", "list[Literal[...]]"),
    (list[Tuples], "list[", "use str or int values"),
    (set[Colour], "set[", "use list[...]"),
    (set[str], "set[str]", "use list[...]"),
    (int | str, "int | str", "one type"),
    (Colour | Priority, "Colour", "one Literal or Enum with all"),
    (Any, "Any", "use str, int"),
    (bytes, "bytes", "use str and convert it"),
    (Json[Any], "Json", "use str and convert it"),
    (Callable[[], int], "Callable", "use str, int"),
    (Unknown, "Unknown", "Unable to generate"),
    ("NotDefined", "NotDefined", "define `NotDefined`"),
    (Tuples, "Tuples", "use str or int values"),
    (Literal[True], "Literal[True]", "use str or int values"),
    (Literal["1", 1], "Literal['1', 1]", "rename one"),
    (Enum("Nil", []), "Nil", "nothing to choose from"),
    (Annotated[str, Titles({"a": "A"})], "str", "put it on a Literal"),
    (Annotated[Colour, Titles({"rde": "Red"})], "Colour", "'rde', which is no choice"),
    (
        Annotated[str, Field(json_schema_extra={"enum": ["a"]})],
        "str",
        "use a Literal or an Enum",
    ),
    ([], "[]", "a list of strings"),
    ([1, 2], "[1, 2]", "a list of strings"),
    ([["a"], ["b"]], "[['a'], ['b']]", "a list of strings"),
    ([[]], "[]", "a list of strings"),
    (["a", "a"], "['a', 'a']", "remove one"),
    ({"a": "A"}, "{'a': 'A'}", '{"low": {"title": "Low"}}'),
]


@pytest.mark.parametrize(("kind", "field", "way_out"), MISTAKES)
def test_what_a_form_cannot_ask_is_refused_with_a_way_out(
    kind: object, field: str, way_out: str
) -> None:
    message = refusal(kind)
    assert field in message
    assert way_out in message
    assert "\n" not in message


def test_a_form_is_built_once_for_a_type() -> None:
    assert form_of(Contact) is form_of(Contact)
    assert form_of(["a", "b"]) is form_of(["a", "b"])
    assert form_of({"a": {"title": "A"}}) is form_of({"a": {"title": "A"}})
    assert form_of({"a": {"title": "A"}}) is not form_of({"a": {"title": "B"}})
    assert form_of(int) is not form_of(int, title="Count")


def test_equal_types_with_choices_in_another_order_keep_their_order() -> None:
    assert Literal["a", "b"] == Literal["b", "a"]
    assert value_schema(["a", "b"])["enum"] == ["a", "b"]
    assert value_schema(["b", "a"])["enum"] == ["b", "a"]


def test_a_type_with_unhashable_metadata_is_built_each_time() -> None:
    assert form_of(Annotated[int, {"a": 1}]).read({"value": 3}) == 3


def test_a_root_model_is_one_value() -> None:
    class Name(RootModel[Annotated[str, Field(min_length=1)]]):
        pass

    assert form_of(Name).read({"value": "Ada"}) == Name("Ada")


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_a_current_revision_takes_a_form_as_it_is(revision: str) -> None:
    schema = form_of(Contact).schema
    assert form_for(schema, revision) is schema


def test_an_older_revision_gets_names_beside_its_choices_and_no_defaults() -> None:
    class Older(BaseModel):
        one: Annotated[Colour, Titles({"red": "Rouge", "blue": "Bleu"})] = Colour.RED
        plain: Literal["a", "b"] = "a"
        flag: bool = True
        text: str = "x"

    form = form_of(Older)
    before = repr(form.schema)
    older = form_for(form.schema, "2025-06-18")
    assert older is not None
    assert older["properties"] == {
        "one": {
            "type": "string",
            "title": "One",
            "description": "The colour of the bike shed.",
            "enum": ["red", "blue"],
            "enumNames": ["Rouge", "Bleu"],
        },
        "plain": {"type": "string", "title": "Plain", "enum": ["a", "b"]},
        "flag": {"type": "boolean", "title": "Flag", "default": True},
        "text": {"type": "string", "title": "Text"},
    }
    assert repr(form.schema) == before


def test_an_older_revision_cannot_ask_for_several_choices_and_a_first_one_for_nothing() -> None:
    assert form_for(form_of(list[Colour]).schema, "2025-06-18") is None
    assert form_for(form_of(str).schema, "2025-03-26") is None


# Random flat models. A field is a type, some defaults, and answers that may or may not fit.


@dataclass(frozen=True)
class Sketch:
    kind: Any
    defaults: Sequence[Any]
    answers: st.SearchStrategy[Any]
    python: type


def texts(low: int, extra: int) -> Sketch:
    kind = Annotated[str, Field(min_length=low, max_length=low + extra)]
    return Sketch(kind, ["x" * low], st.text(LETTERS, max_size=8), str)


def wholes(low: int, extra: int) -> Sketch:
    kind = Annotated[int, Field(gt=low, le=low + 1 + extra)]
    answers = st.integers(-20, 20) | st.integers(-20, 20).map(float) | st.floats(-20, 20)
    return Sketch(kind, [low + 1], answers, int)


def numbers(low: int, extra: int) -> Sketch:
    kind = Annotated[float, Field(ge=low, le=low + extra)]
    return Sketch(kind, [low + extra / 2], st.floats(-20, 20) | st.integers(-20, 20), float)


def choices(names: list[str]) -> list[Sketch]:
    literal = cast("Any", Literal)[tuple(names)]
    titled = Annotated[literal, Titles({name: name.upper() for name in names})]
    enum: Any = Enum("Made", [(f"M{number}", name) for number, name in enumerate(names)])
    level: Any = IntEnum("Scale", [(f"L{number}", number) for number in range(len(names))])
    known = st.sampled_from([*names, *level.__members__, "?"])
    return [
        Sketch(literal, [names[-1]], known, str),
        Sketch(titled, [names[0]], known, str),
        Sketch(enum, [*enum], known, enum),
        Sketch(level, [*level], known, level),
        Sketch(list[titled], [names], st.lists(known, max_size=3), list),
        Sketch(
            Annotated[list[enum], Field(min_length=1)],
            [[*enum]],
            st.lists(known, max_size=3),
            list,
        ),
    ]


LETTERS = "aB1 -é\u4e16\U0001f40d"
NAMES = ["low", "a b", "-1", "\u00e9", "0", "L1", "x" * 40]
sizes = st.integers(0, 4)
sketches = st.one_of(
    st.builds(texts, sizes, sizes),
    st.builds(wholes, sizes, sizes),
    st.builds(numbers, sizes, sizes),
    st.just(Sketch(bool, [True, False], st.booleans(), bool)),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
    .map(choices)
    .flatmap(st.sampled_from),
)
anything = st.one_of(
    st.booleans(),
    st.integers(-20, 20),
    st.floats(-20, 20),
    st.text(LETTERS, max_size=6),
    st.lists(st.text(LETTERS, max_size=3), max_size=2),
    st.dictionaries(st.text(LETTERS, max_size=2), st.integers(), max_size=1),
)


# Pydantic builds a model for each example, so a busy machine may well be slow at it.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_random_form_reads_exactly_what_its_schema_accepts(data: st.DataObject) -> None:
    drawn = data.draw(st.lists(sketches, min_size=1, max_size=5))
    fields: dict[str, Any] = {}
    for number, sketch in enumerate(drawn):
        default = data.draw(st.none() | st.sampled_from(sketch.defaults))
        optional = data.draw(st.booleans())
        kind = sketch.kind | None if optional else sketch.kind
        # A type that takes None gets it as its default half of the time.
        bare = ... if default is None and not (optional and number % 2) else default
        fields[f"field_{number}"] = (kind, bare)
    model = create_model("Drawn", **fields)
    form = form_of(model)

    REQUESTED_SCHEMA.validate(form.schema)
    Draft202012Validator.check_schema(form.schema)
    wire = {"message": "?", "requestedSchema": form.schema}
    assert ElicitRequestFormParams.model_validate(wire).requested_schema == form.schema

    content: dict[str, Any] = {"unasked": 1}
    for number, sketch in enumerate(drawn):
        if data.draw(st.integers(0, 9)):
            fits = data.draw(st.integers(0, 9))
            content[f"field_{number}"] = data.draw(sketch.answers if fits else anything)
    wrong = {
        name
        for name, schema in form.schema["properties"].items()
        if (name in content and not accepts(schema, content[name]))
        or (name not in content and name in form.schema.get("required", ()))
    }
    assert accepts(form.schema, content) is not bool(wrong)
    if wrong:
        assert set(problems(form, content)) == wrong
        return
    answer = form.read(content)
    assert isinstance(answer, model)
    for number, sketch in enumerate(drawn):
        if f"field_{number}" in content:
            assert type(getattr(answer, f"field_{number}")) is sketch.python
