"""Functions as JSON schemas and validators: agents, tools and steps are plain typed functions."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inverted import Run
from inverted.run.signature import (
    Signature,
    description_of,
    is_bare,
    name_of,
    returned,
    validated,
)


class Bug(BaseModel):
    title: str


@dataclass
class Point:
    x: int


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    due: date


def report(
    bug: Bug,
    where: Point,
    when: date | None = None,
    severity: Literal["low", "high"] = "low",
    *,
    count: Annotated[int, Field(ge=1, description="How many.")] = 1,
) -> str:
    """Report a bug.

    In a few words.
    """
    raise NotImplementedError


def test_the_schema_has_types_defaults_descriptions_and_definitions() -> None:
    schema = Signature(report).schema
    assert schema["type"] == "object"
    assert schema["required"] == ["bug", "where"]
    assert schema["properties"]["bug"] == {"$ref": "#/$defs/Bug"}
    assert schema["properties"]["where"] == {"$ref": "#/$defs/Point"}
    assert schema["properties"]["severity"] == {
        "default": "low",
        "enum": ["low", "high"],
        "title": "Severity",
        "type": "string",
    }
    assert schema["properties"]["count"] == {
        "default": 1,
        "description": "How many.",
        "minimum": 1,
        "title": "Count",
        "type": "integer",
    }


def test_arguments_are_typed_and_defaults_filled_in() -> None:
    given = {"bug": {"title": "Crash"}, "where": {"x": 1}, "when": "2026-07-28"}
    assert Signature(report).bind(given) == {
        "bug": Bug(title="Crash"),
        "where": Point(1),
        "when": date(2026, 7, 28),
        "severity": "low",
        "count": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"where": {"x": 1}}, ("bug",)),
        ({"bug": {}, "where": {"x": 1}}, ("bug", "title")),
        ({"bug": {"title": "x"}, "where": {"x": 1}, "count": 0}, ("count",)),
        ({"bug": {"title": "x"}, "where": {"x": 1}, "more": 1}, ("more",)),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    arguments: dict[str, Any], where: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Signature(report).bind(arguments)
    assert [each["loc"] for each in caught.value.errors()] == [where]


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    def nothing() -> None: ...

    signature = Signature(nothing)
    assert signature.schema["properties"] == {}
    assert signature.bind({}) == {}


def test_a_parameter_without_annotation_takes_anything() -> None:
    def anything(value: Any, other: Any = 1) -> None: ...

    anything.__annotations__.clear()
    signature = Signature(anything)
    assert signature.schema["required"] == ["value"]
    assert signature.bind({"value": [1]}) == {"value": [1], "other": 1}


HIDDEN: list[Any] = [
    Run,
    Annotated[Run, "the run"],
    Run | None,
    Optional[Run],  # noqa: UP045 - an older way to write it
    Annotated[Run | None, "the run"],
]


@pytest.mark.parametrize("annotation", HIDDEN)
def test_a_parameter_of_type_run_is_hidden(annotation: Any) -> None:
    def agent(ctx: Any, report: str) -> None: ...

    agent.__annotations__["ctx"] = annotation
    signature = Signature(agent, Run)
    assert signature.hidden == "ctx"
    assert list(signature.schema["properties"]) == ["report"]
    assert signature.bind({"report": "x"}) == {"report": "x"}


def test_without_a_hidden_type_nothing_is_hidden() -> None:
    def plain(a: int) -> None: ...

    assert Signature(plain).hidden is None
    assert Signature(plain, Run).hidden is None


def test_a_lenient_look_only_finds_the_hidden_parameter() -> None:
    def odd(run: Run, *args: int, **kwargs: object) -> None: ...

    assert Signature(odd, Run, lenient=True).hidden == "run"


def positional(a: int, /) -> None: ...
def several(*numbers: int) -> None: ...
def named(**numbers: int) -> None: ...


@pytest.mark.parametrize(
    ("fn", "shown"),
    [(positional, "a: 'int'"), (several, "*numbers: 'int'"), (named, "**numbers: 'int'")],
)
def test_a_parameter_that_no_json_object_can_fill_is_refused(
    fn: Callable[..., Any], shown: str
) -> None:
    with pytest.raises(TypeError, match="Give every parameter a name of its own") as caught:
        Signature(fn)
    assert f"{fn.__name__}() has the parameter" in str(caught.value)
    assert shown.replace("'", "") in str(caught.value).replace("'", "")


def test_a_type_without_a_schema_is_refused() -> None:
    class Odd: ...

    def takes(odd: Any) -> None: ...

    takes.__annotations__["odd"] = Odd
    with pytest.raises(TypeError, match=r"takes\(\) takes something that has no JSON schema"):
        Signature(takes)


def test_an_annotation_that_cannot_be_resolved_is_refused_with_what_to_do() -> None:
    def takes(a: Any) -> None: ...

    takes.__annotations__["a"] = "Missing"
    with pytest.raises(TypeError, match=r"takes\(\) cannot be resolved .* at module level"):
        Signature(takes)


class Tracker:
    """Files issues."""

    def file(self, title: str, count: int = 1) -> int:
        """File one."""
        raise NotImplementedError

    def __call__(self, title: str) -> date:
        raise NotImplementedError


TRACKER = Tracker()


@functools.wraps(report)
def wrapper(*args: Any, **kwargs: Any) -> Any:
    return report(*args, **kwargs)


@pytest.mark.parametrize(
    ("fn", "name", "parameters", "gives", "says"),
    [
        (TRACKER.file, "file", ["title", "count"], int, "File one."),
        (TRACKER, "Tracker", ["title"], date, "Files issues."),
        (functools.partial(TRACKER.file, "x"), "file", ["count"], int, "File one."),
        (functools.partial(TRACKER, "x"), "Tracker", [], date, "Files issues."),
        (
            functools.partial(functools.partial(TRACKER.file, "x"), 2),
            "file",
            [],
            int,
            "File one.",
        ),
        (
            wrapper,
            "report",
            ["bug", "where", "when", "severity", "count"],
            str,
            "Report a bug.\n\nIn a few words.",
        ),
    ],
)
def test_any_callable_has_a_name_a_description_and_types(
    fn: Callable[..., Any], name: str, parameters: list[str], gives: Any, says: str
) -> None:
    assert name_of(fn) == name
    assert description_of(fn) == says
    assert list(Signature(fn).schema["properties"]) == parameters
    assert returned(fn) is gives


def test_a_partial_with_a_keyword_shows_it_as_a_default() -> None:
    signature = Signature(functools.partial(TRACKER.file, title="x"))
    assert "title" not in signature.schema.get("required", [])
    assert signature.bind({}) == {"title": "x", "count": 1}


def test_a_type_in_strict_mode_is_read_from_json() -> None:
    def takes(what: Strict) -> None: ...

    assert Signature(takes).bind({"what": {"due": "2026-07-28"}}) == {
        "what": Strict(due=date(2026, 7, 28))
    }


def test_half_a_surrogate_pair_is_no_number() -> None:
    with pytest.raises(ValidationError, match="unable to parse raw data as a unicode string"):
        validated(TypeAdapter(int), "\ud800")


@pytest.mark.parametrize(("annotation", "bare"), [(Any, True), (int, False), (None, False)])
def test_any_says_nothing_about_a_type(annotation: Any, *, bare: bool) -> None:
    assert is_bare(annotation) is bare
