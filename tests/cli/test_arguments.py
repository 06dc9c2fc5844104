"""From words on the command line to a tool's arguments."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_types import Tool

from inverted.cli.arguments import build_arguments
from inverted.cli.errors import UsageProblem
from inverted.cli.schema import example, filled, violations
from inverted.cli.usage import listing, usage

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "Where to look."},
        "limit": {"type": "integer", "minimum": 1, "default": 5},
        "ratio": {"type": "number"},
        "dry_run": {"type": "boolean", "default": True},
        "tag": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "filter": {"type": "object"},
        "level": {"enum": ["low", "high"]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        "point": {"$ref": "#/$defs/Point"},
        "when": {"type": ["string", "null"]},
        "anything": {},
        "exact": {"const": 3},
        "model": {"type": "string"},
    },
    "required": ["path"],
    "$defs": {
        "Point": {
            "type": "object",
            "properties": {"x": {"type": "integer"}},
            "required": ["x"],
        }
    },
}


def built(*given: tuple[str, *tuple[str, ...]], base: dict[str, Any] | None = None) -> Any:
    pairs = [(name, values) for name, *rest in given for values in [tuple(rest)]]
    arguments = build_arguments(SCHEMA, [("path", ("p",)), *pairs], base)
    return {name: value for name, value in arguments.items() if name != "path"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("limit", "3"), {"limit": 3}),
        (("ratio", "0.5"), {"ratio": 0.5}),
        (("ratio", "2"), {"ratio": 2}),
        (("dry_run",), {"dry_run": True}),
        (("dry-run", "no"), {"dry_run": False}),
        (("no-dry-run",), {"dry_run": False}),
        (("DryRun", "true"), {"dry_run": True}),
        (("tag", "a"), {"tag": ["a"]}),
        (("tag", "a", "b"), {"tag": ["a", "b"]}),
        (("tag", '["a", "b"]'), {"tag": ["a", "b"]}),
        (("tag", "[draft]"), {"tag": ["[draft]"]}),
        (("sizes", "1", "2"), {"sizes": [1, 2]}),
        (("filter", '{"a": 1}'), {"filter": {"a": 1}}),
        (("level", "high"), {"level": "high"}),
        (("either", "7"), {"either": 7}),
        (("either", "seven"), {"either": "seven"}),
        (("either", "null"), {"either": None}),
        (("point", '{"x": 1}'), {"point": {"x": 1}}),
        (("when", "today"), {"when": "today"}),
        (("anything", "[1]"), {"anything": [1]}),
        (("anything", "free text"), {"anything": "free text"}),
        (("exact", "3"), {"exact": 3}),
    ],
)
def test_a_value_becomes_what_its_schema_asks_for(
    given: tuple[str, *tuple[str, ...]], expected: dict[str, Any]
) -> None:
    assert built(given) == expected


def test_repeating_a_list_argument_adds_to_it() -> None:
    assert built(("tag", "a"), ("tag", "b")) == {"tag": ["a", "b"]}


def test_a_json_base_is_completed_and_overridden() -> None:
    assert built(("limit", "9"), base={"limit": 1, "model": "x"}) == {"limit": 9, "model": "x"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("colour", "red"), "--colour is not an argument of this agent. It takes: --path"),
        (("limit", "three"), "--limit: 'three' is not a whole number"),
        (("limit", "0"), "--limit: 0 is less than the minimum of 1"),
        (("limit", "1", "2"), "--limit: takes one value, got 2: 1 2"),
        (("ratio", "much"), "--ratio: 'much' is not a number"),
        (("dry_run", "perhaps"), "--dry-run: 'perhaps' is not true or false"),
        (("filter", "{"), "--filter: '{' is not JSON"),
        (("filter", "[]"), r"--filter: \[\] is not of type 'object'"),
        (("level", "medium"), r"--level: 'medium' is not one of \['low', 'high'\]"),
        (("point", '{"x": "one"}'), "--point: 'one' is not of type 'integer'"),
        (("exact", "4"), "--exact: 3 was expected"),
    ],
)
def test_a_value_that_does_not_fit_names_its_argument(
    given: tuple[str, *tuple[str, ...]], words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        built(given)


def test_missing_arguments_are_all_named() -> None:
    schema: dict[str, Any] = {"properties": {"a_b": {}, "c": {}}, "required": ["a_b", "c"]}
    with pytest.raises(UsageProblem, match="missing: --a-b, --c"):
        build_arguments(schema, [], None)


def test_the_whole_object_is_validated_too() -> None:
    with pytest.raises(UsageProblem, match="--limit: 'x' is not of type 'integer'"):
        built(base={"limit": "x"})


def test_a_schema_that_names_nothing_takes_anything() -> None:
    given = [("what", ("1",)), ("how", ("well",))]
    assert build_arguments({"type": "object"}, given, None) == {"what": 1, "how": "well"}


def test_a_schema_that_forbids_other_names_takes_none() -> None:
    schema = {"type": "object", "additionalProperties": False}
    with pytest.raises(UsageProblem, match="It takes: none"):
        build_arguments(schema, [("what", ("1",))], None)


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema: dict[str, Any] = {
        "properties": {"node": {"$ref": "#/$defs/Node"}},
        "$defs": {"Node": node},
    }
    value: dict[str, Any] = {"next": {"next": {}}}
    assert build_arguments(schema, [("node", (json.dumps(value),))], None) == {"node": value}


@pytest.mark.parametrize(
    "part",
    [
        {"$ref": "#/$defs/Loop"},
        {"$ref": "https://example.org/elsewhere"},
        {"type": "integer", "minimum": "one"},
        {"type": "colour"},
    ],
)
def test_a_schema_that_cannot_be_used_is_reported_as_the_servers(part: dict[str, Any]) -> None:
    schema = {"properties": {"n": part}, "$defs": {"Loop": {"$ref": "#/$defs/Loop"}}}
    with pytest.raises(UsageProblem, match="the server's schema cannot be used"):
        build_arguments(schema, [("n", ("3",))], None)


def test_usage_shows_every_argument_with_its_values_and_default() -> None:
    tool = Tool(name="find", description="Find things.\nMore.", input_schema=SCHEMA)
    text = "\n".join(usage(tool, "server.py", 100))
    assert text.startswith("usage: inverted run server.py find --path TEXT [--limit INTEGER]")
    assert "--path TEXT               Where to look. required" in text
    assert "--limit INTEGER           default 5" in text
    assert "--dry-run                 default true" in text
    assert "--tag TEXT ..." in text
    assert "--level low|high" in text
    assert "--either TEXT|INTEGER" in text
    assert "--filter JSON" in text
    assert "--args '{\"model\": …}'" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_listing_shows_each_agents_purpose_on_one_line() -> None:
    tools = [
        Tool(name="find", description="\nFind things.\nMore.", input_schema=SCHEMA),
        Tool(name="stop", title="Stop it", input_schema={"type": "object"}),
    ]
    lines = listing(tools, 100)
    assert lines[:2] == ["find", "  Find things."]
    assert lines[-4:] == ["stop", "  Stop it", "", "  (no arguments)"]


def test_a_list_of_objects_is_given_as_json() -> None:
    schema = {"properties": {"rows": {"type": "array", "items": {"type": "object"}}}}
    tool = Tool(name="t", input_schema={"type": "object", **schema})
    assert "--rows JSON ..." in "\n".join(usage(tool, "s", 80))
    assert build_arguments(schema, [("rows", ('{"a": 1}', '{"b": 2}'))], None) == {
        "rows": [{"a": 1}, {"b": 2}]
    }


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "default": "d"}, "d"),
        ({"const": 4}, 4),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "integer", "examples": [7]}, 7),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        (
            {"type": "object", "properties": {"a": {"const": 1}, "b": {}}, "required": ["a"]},
            {"a": 1},
        ),
    ],
)
def test_an_example_is_what_the_schema_itself_names(schema: dict[str, Any], value: object) -> None:
    assert example(schema, schema) == value


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": "array", "minItems": 1},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    ],
)
def test_free_values_have_no_example(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="names no value"):
        example(schema, schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "minLength": 30},
        {"type": "string", "maxLength": 3},
        {"type": "integer", "minimum": 5},
        {"type": "integer", "exclusiveMinimum": 5},
        {"type": "number", "maximum": -2},
        {"type": "number", "exclusiveMaximum": 0},
        {"type": "boolean"},
        {"type": "null"},
        {"type": "array", "items": {"enum": ["x"]}, "minItems": 2},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "required": ["b"]}}},
        {
            "type": "object",
            "properties": {"deep": {"type": "object", "required": ["n"], "properties": {"n": {}}}},
            "required": ["deep"],
        },
        {},
    ],
)
def test_a_minimal_value_fits_its_schema(schema: dict[str, Any]) -> None:
    assert violations(filled(schema, schema, "rehearsal"), schema) == []
