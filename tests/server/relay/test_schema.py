"""Room for unfinished replies: what fitted still fits, and clients still make types of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from fastmcp.tools.function_tool import FunctionTool
from fastmcp.utilities.json_schema_type import json_schema_to_type
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter

from inverted.server.relay.schema import UNFINISHED, widened


class Part(BaseModel):
    name: str
    weight: float = 1.0


class Report(BaseModel):
    title: str
    parts: list[Part]
    note: str | None = None


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str


class Own(BaseModel):
    unfinished: bool


class Tree(BaseModel):
    children: list[Tree] = []


@dataclass
class Point:
    x: int
    y: int


def schema_of(kind: Any) -> dict[str, Any]:
    """The output schema of a tool that gives this type."""

    def tool() -> None: ...

    tool.__annotations__["return"] = kind
    schema = FunctionTool.from_function(tool).output_schema
    assert schema is not None
    return schema


def fits(schema: dict[str, Any], value: Any) -> bool:
    validator: Any = jsonschema.Draft202012Validator(schema)
    return validator.is_valid(value)


WRITTEN: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "minProperties": 1},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "additionalProperties": False, "properties": {"a": {}}, "required": ["a"]},
    {"type": "object", "patternProperties": {"^[a-z]+$": {"type": "integer"}}},
    {
        "type": "object",
        "patternProperties": {"^x": {"type": "integer"}},
        "additionalProperties": False,
    },
    {"type": "object", "propertyNames": {"pattern": "^[ax]$"}},
    {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["x"]}]},
    {"type": "object", "if": {"required": ["a"]}, "then": {"required": ["x"]}},
    {"type": "object", "not": {"required": ["a"]}, "maxProperties": 1, "required": ["x"]},
    {"type": "object", "properties": {"a": {}}, "unevaluatedProperties": False, "required": ["a"]},
    {"type": "object", "properties": {"unfinished": {"type": "boolean"}}, "required": ["a"]},
    {"type": "object", "enum": [{"a": 1}]},
    {"$defs": {"A": {"required": ["a"]}}, "type": "object", "$ref": "#/$defs/A"},
]
KINDS: list[Any] = [int, list[str], Report, Closed, Own, Tree, Point, dict[str, int]]
SCHEMAS = [*WRITTEN, *map(schema_of, KINDS)]
REPLY = {UNFINISHED: "Ask the user."}
EACH = pytest.mark.parametrize("schema", SCHEMAS, ids=str)
RESULTS = st.dictionaries(
    st.sampled_from(["a", "x", "xy", "title", "result", UNFINISHED]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.text(max_size=2)),
)


@EACH
def test_an_unfinished_reply_fits(schema: dict[str, Any]) -> None:
    before = copy.deepcopy(schema)
    wide = widened(schema)
    jsonschema.Draft202012Validator.check_schema(wide)
    assert fits(wide, REPLY)
    assert schema == before


@given(st.sampled_from(SCHEMAS), RESULTS)
def test_what_fitted_still_fits_and_nothing_else_but_unfinished_replies(
    schema: dict[str, Any], result: dict[str, Any]
) -> None:
    if fits(schema, result):
        assert fits(widened(schema), result)
    elif UNFINISHED not in result:
        assert not fits(widened(schema), result)


@given(st.sampled_from(SCHEMAS), st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_what_is_no_object_does_not_fit(schema: dict[str, Any], value: Any) -> None:
    assert not fits(widened(schema), value)


TYPED: list[tuple[Any, Any]] = [
    (Report, {"title": "t", "parts": [{"name": "p", "weight": 2.0}], "note": None}),
    (Closed, {"title": "t"}),
    (Point, {"x": 1, "y": 2}),
    (Tree, {"children": [{"children": []}]}),
    (dict[str, int], {"a": 1}),
]


@pytest.mark.parametrize(("kind", "value"), TYPED)
def test_clients_make_the_same_types_of_the_wider_schema(kind: Any, value: Any) -> None:
    narrow, wide = schema_of(kind), widened(schema_of(kind))
    made = [TypeAdapter(json_schema_to_type(each)) for each in (narrow, wide)]
    (one, other) = (each.validate_python(value) for each in made)
    assert made[0].dump_python(one) == made[1].dump_python(other)
    assert type(one).__name__ == type(other).__name__
    assert not hasattr(other, UNFINISHED)


def test_an_object_that_needs_nothing_stays_simple() -> None:
    assert widened({"type": "object", "x-fastmcp-wrap-result": True}) == {
        "type": "object",
        "patternProperties": {"^unfinished$": {"description": "What is needed to go on."}},
    }
