"""What can be said of a form without knowing the server: its shape and its texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import jsonschema

from inverted_conformance.wire.transcript import Message

PRIMITIVES: Final = {"string", "number", "integer", "boolean"}
FORMATS: Final = {"email", "uri", "date", "date-time"}

NESTING: Final = {"properties", "$ref", "allOf", "not", "if", "additionalProperties"}
"""Words of JSON Schema that make a field more than a primitive."""

_SECRET: Final = re.compile(
    r"pass(word|phrase|code)|api.?key|access.?token|secret|credit.?card|card.?number|\bcvv\b|\bpin\b",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"\b(?:https?|ftp)://\S+|\bwww\.\S+", re.IGNORECASE)


def unfit(schema: Any) -> list[str]:
    """What keeps a form from being one flat object of primitives and choices.

    Args:
        schema: Its `requestedSchema`.

    Returns:
        What is wrong, each with the field; empty if nothing is.
    """
    if not isinstance(schema, dict):
        return [f"the schema is {schema!r}"]
    form = cast("Message", schema)
    fields = form.get("properties")
    if form.get("type") != "object" or not isinstance(fields, dict):
        return ["the schema is no object with properties"]
    named = cast("dict[str, Any]", fields)
    wrong = [f"{name}: {why}" for name, field in named.items() for why in _unfit_field(field)]
    unknown = [name for name in form.get("required", []) if name not in named]
    return [*wrong, *(f"{name} is required and not there" for name in unknown)]


def _unfit_field(field: Any) -> Iterator[str]:
    if not isinstance(field, dict):
        yield f"it is {field!r}"
        return
    said = cast("Message", field)
    kind = said.get("type")
    if kind == "array":
        items: Message = said.get("items", {})
        choices = items.get("enum") or [one.get("const") for one in items.get("anyOf", [])]
        if not choices or not all(isinstance(choice, str) for choice in choices):
            yield "an array of something else than choices"
    elif kind not in PRIMITIVES:
        yield f"its type is {kind!r}"
    if said.get("format", "email") not in FORMATS:
        yield f"its format is {said['format']!r}"
    for word in sorted(NESTING & said.keys()):
        yield f"it has {word}"


def fits(content: Message, schema: Message) -> bool:
    """Whether content is what a form asks for.

    Args:
        content: The content.
        schema: The form's `requestedSchema`.
    """
    try:
        jsonschema.validate(content, schema)
    except jsonschema.ValidationError:
        return False
    return True


def texts(params: Message) -> list[str]:
    """Every text of a form that a person may see: message, names, titles, descriptions, defaults.

    Args:
        params: The parameters of the request.
    """
    return [str(params.get("message", "")), *_strings(params.get("requestedSchema", {}))]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _strings(part)
    elif isinstance(value, dict):
        for name, part in cast("dict[str, Any]", value).items():
            if name == "$schema":  # names the dialect; nobody sees it
                continue
            yield name
            yield from _strings(part)


def secrets(params: Message) -> list[str]:
    """The texts of a form that ask for a secret.

    Args:
        params: The parameters of the request.
    """
    return [text for text in texts(params) if _SECRET.search(text)]


def addresses(params: Message) -> list[str]:
    """The texts of a form with something that looks like an address of a page.

    Args:
        params: The parameters of the request.
    """
    return [text for text in texts(params) if _ADDRESS.search(text)]
