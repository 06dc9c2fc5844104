"""From a Python type to the fields of an elicitation form.

Pydantic describes the type as JSON Schema; this module narrows that to what the protocol allows in
`requestedSchema`: a flat object of strings, numbers, booleans and choices. Rules:

- what the protocol can say goes into the schema; a constraint that it cannot say (a pattern, an
  exclusive bound, a step) goes into the description and stays in the validation;
- a type that no field can hold is refused, with the reason and a way out.

Called by `forms`, once for each type.

Source: specification 2025-11-25 and 2026-07-28, client/elicitation, "Requested Schema"; SEP-1034
(defaults), SEP-1330 (choices).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, JsonSchemaWarningKind

from inverted.core.effects import Json
from inverted.run.form_choices import TITLES, Choices, Titles
from inverted.run.form_fields import FormField

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import core_schema

# Keys of our own that ride in pydantic's JSON Schema until `_field` takes them out.
_CHOICES: Final = "x-inverted-choices"
_NOTES: Final = "x-inverted-notes"
_REFUSED: Final = "x-inverted-refused"

_FORMATS: Final = frozenset({None, "email", "uri", "date", "date-time"})

_NOT_HERE: Final = (
    "the protocol forbids asking for secrets in a form; send the person to a page of yours with "
    "run.elicit_url"
)
_FORMAT: Final = (
    "a form knows the string formats email, uri, date and date-time only; use str and convert it"
)
_RAW_CHOICES: Final = "choices are read from the type; use a Literal or an Enum"
_UNION: Final = "a form field has one type; use one, or one Literal or Enum with all the choices"
_OBJECT: Final = "a form is flat; move the inner fields up, or ask for them in a second elicit"
_LIST: Final = (
    "a form holds lists of choices only; use list[Literal[...]], list[SomeEnum], or a str that "
    "you split"
)
_SET: Final = "a form cannot ask for distinct items; use list[...] and make a set of the answer"
_OTHER: Final = (
    "a form cannot hold this type; use str, int, float, bool, date, a Literal or an Enum"
)


class _Generator(GenerateJsonSchema):
    """Pydantic's JSON Schema, with what it leaves out: the enum's members and dates' bounds."""

    # A default that has no JSON is not shown; the field is optional all the same.
    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012  as pydantic has it
        "skipped-choice",
        "non-serializable-default",
    }

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return {**super().enum_schema(schema), **_choices(schema["members"])}

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return _choices(schema["expected"])

    def date_schema(self, schema: core_schema.DateSchema) -> JsonSchemaValue:
        return {**super().date_schema(schema), _NOTES: _moments(schema)}

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        return {**super().datetime_schema(schema), _NOTES: _moments(schema)}

    def dataclass_args_schema(self, schema: core_schema.DataclassArgsSchema) -> JsonSchemaValue:
        # A field that the constructor does not take is nothing to ask for.
        asked = [field for field in schema["fields"] if field.get("init", True)]
        return super().dataclass_args_schema({**schema, "fields": asked})

    def handle_invalid_for_json_schema(
        self,
        schema: object,  # noqa: ARG002  pydantic's signature
        error_info: str,  # noqa: ARG002
    ) -> JsonSchemaValue:
        return {_REFUSED: _OTHER}


def fields_of(
    adapter: TypeAdapter[Any], name: str, *, wrapped: bool = False
) -> tuple[FormField, ...] | None:
    """The form fields of a type that is an object.

    Args:
        adapter: The type.
        name: What to call the type in an error.
        wrapped: The object was made to hold the type, and its only field is the type.

    Returns:
        Its fields in their order, or None for a type that is not an object with fields.

    Raises:
        TypeError: A form cannot hold one of its fields.
    """
    root = adapter.json_schema(schema_generator=_Generator)
    top = _resolve(root, root)
    if "properties" not in top:
        return None
    demanded = top.get("required", ())
    fields: list[FormField] = []
    for key, node in top["properties"].items():
        try:
            fields.append(_field(key, node, root, demanded=key in demanded))
        except ValueError as error:
            where = name if wrapped else f"{name}.{key}"
            raise TypeError(f"{where}: {error}.") from error
    return tuple(fields)


def _field(name: str, node: JsonSchemaValue, root: JsonSchemaValue, *, demanded: bool) -> FormField:
    node, nullable = _without_null(_resolve(node, root), root)
    if _REFUSED in node:
        raise ValueError(node[_REFUSED])
    items = _resolve(node.get("items", {}), root)
    choices: Choices | None = node.get(_CHOICES) or items.get(_CHOICES)
    titles: Titles | None = node.get(TITLES) or items.get(TITLES)
    notes: list[str] = list(node.get(_NOTES, ()))
    if choices is None:
        if titles is not None:
            raise ValueError("Titles is for choices; put it on a Literal or an Enum")
        shape = _primitive(node, items, notes)
    elif node.get("type") == "array":
        shape = _several(node, choices, titles)
    else:
        shape = {"type": "string", **choices.options(titles, "oneOf")}
    notes += _examples(node)
    schema = {
        "type": shape.pop("type"),
        "title": node.get("title") or name.replace("_", " ").title(),
        **_described(node.get("description"), notes),
        **shape,
    }
    default = node.get("default")
    if default is not None:
        schema["default"] = choices.write(default) if choices else default
    return FormField(
        name=name,
        schema=schema,
        required=demanded and not nullable,
        nullable=nullable,
        null_when_absent=demanded and nullable,
        choices=choices,
    )


def _primitive(node: JsonSchemaValue, items: JsonSchemaValue, notes: list[str]) -> dict[str, Json]:
    """The schema of a string, a number or a boolean. What it cannot say is added to the notes."""
    match node.get("type"):
        case "string":
            return _string(node, notes)
        case "integer" | "number" as kind:
            return {"type": kind, **_bounds(node, notes, whole=kind == "integer")}
        case "boolean":
            return {"type": "boolean"}
        case "array":
            raise ValueError(items.get(_REFUSED) or (_SET if node.get("uniqueItems") else _LIST))
        case "object":
            raise ValueError(_OBJECT)
        case _:
            raise ValueError(_UNION if "anyOf" in node or "oneOf" in node else _OTHER)


def _string(node: JsonSchemaValue, notes: list[str]) -> dict[str, Json]:
    if node.get("format") == "password" or node.get("writeOnly"):
        raise ValueError(_NOT_HERE)
    if node.get("format") not in _FORMATS or "contentMediaType" in node:
        raise ValueError(_FORMAT)
    if "enum" in node or "const" in node or "oneOf" in node:
        raise ValueError(_RAW_CHOICES)
    if "pattern" in node:
        notes.append(f"matching the pattern {node['pattern']}")
    return {"type": "string", **_kept(node, "minLength", "maxLength", "format")}


def _several(node: JsonSchemaValue, choices: Choices, titles: Titles | None) -> dict[str, Json]:
    if node.get("uniqueItems"):
        raise ValueError(_SET)
    options = choices.options(titles, "anyOf")
    items = {"type": "string", **options} if titles is None else options
    return {"type": "array", **_kept(node, "minItems", "maxItems"), "items": items}


def _bounds(node: JsonSchemaValue, notes: list[str], *, whole: bool) -> dict[str, Json]:
    """Minimum and maximum. Whole numbers above 0 are those from 1; other numbers get a note."""
    bounds = _kept(node, "minimum", "maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if above is not None and whole:
        bounds["minimum"] = max(math.floor(above) + 1, bounds.get("minimum", -math.inf))
    elif above is not None:
        notes.append(f"greater than {above}")
    if below is not None and whole:
        bounds["maximum"] = min(math.ceil(below) - 1, bounds.get("maximum", math.inf))
    elif below is not None:
        notes.append(f"less than {below}")
    if "multipleOf" in node:
        notes.append(f"a multiple of {node['multipleOf']}")
    return bounds


def _choices(members: list[Any]) -> JsonSchemaValue:
    try:
        return {"type": "string", _CHOICES: Choices.of(members)}
    except ValueError as error:
        # The field's name is not known here.
        return {_REFUSED: str(error)}


def _moments(schema: core_schema.DateSchema | core_schema.DatetimeSchema) -> list[str]:
    words = {"ge": "not before", "gt": "after", "le": "not after", "lt": "before"}
    notes = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    return [*notes, f"in the {schema['now_op']}"] if "now_op" in schema else notes


def _resolve(node: JsonSchemaValue, root: JsonSchemaValue) -> JsonSchemaValue:
    """Replace a reference by what it names. A class's title is not the title of a field."""
    while "$ref" in node:
        target = root["$defs"][node["$ref"].removeprefix("#/$defs/")]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**{key: value for key, value in target.items() if key != "title"}, **beside}
    return node


def _without_null(node: JsonSchemaValue, root: JsonSchemaValue) -> tuple[JsonSchemaValue, bool]:
    """Take `| None` off. A union of other types stays and is refused later."""
    options = [_resolve(option, root) for option in node.get("anyOf", ())]
    rest = [option for option in options if option.get("type") != "null"]
    if len(rest) != 1:
        return node, False
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    return {**rest[0], **beside}, True


def _kept(node: JsonSchemaValue, *keys: str) -> dict[str, Json]:
    return {key: node[key] for key in keys if key in node}


def _examples(node: JsonSchemaValue) -> list[str]:
    shown = [one if isinstance(one, str) else json.dumps(one) for one in node.get("examples", ())]
    return [f"for example {', '.join(shown)}"] if shown else []


def _described(description: str | None, notes: list[str]) -> Mapping[str, str]:
    """A description with its notes behind it, or no description at all."""
    extra = "; ".join(notes)
    if description and extra:
        return {"description": f"{description} ({extra})"}
    if description or extra:
        return {"description": description or extra[0].upper() + extra[1:]}
    return {}
