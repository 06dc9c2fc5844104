"""Reading JSON Schemas that a server sent: tools' arguments, and tools offered to a model.

A schema may say the same thing in several ways: `$ref`, `anyOf` with null for an optional value,
`type` as a list. `alternatives` flattens them, so that `arguments`, `usage` and `rehearsal` see
plain schemas only. Validation itself is the jsonschema library's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from inverted.cli.text import first_line

# A schema from the wire: any JSON object until it has been read.
Schema = Mapping[str, Any]

_UNIONS: Final = ("anyOf", "oneOf")
_NOTHING_REMOTE: Final = Registry[Any]()
_DEPTH: Final = 8  # a schema that refers to itself ends here


def properties(schema: Schema) -> dict[str, Schema]:
    """The properties of an object schema, in the order in which the server wrote them."""
    found = schema.get("properties")
    if not isinstance(found, dict):
        return {}
    return {
        str(name): cast("Schema", value) if isinstance(value, dict) else {}
        for name, value in cast("dict[str, object]", found).items()
    }


def required(schema: Schema) -> tuple[str, ...]:
    """The names of an object schema's required properties."""
    return tuple(str(name) for name in schema.get("required") or ())


def dereference(schema: Schema, root: Schema) -> Schema:
    """The schema that a local `$ref` points at, with the words beside the `$ref` kept."""
    for _ in range(_DEPTH):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        found: Any = root
        for part in reference.removeprefix("#").strip("/").split("/"):
            known = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
            found = known.get(part)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**found, **beside} if isinstance(found, dict) else beside
    return schema


def alternatives(schema: Schema, root: Schema) -> list[Schema]:
    """The plain schemas that a value may match: no `$ref`, no union, one type at most."""
    return list(_alternatives(schema, root, _DEPTH))


def _alternatives(schema: Schema, root: Schema, depth: int) -> Iterator[Schema]:
    schema = dereference(schema, root)
    for union in _UNIONS:
        members = schema.get(union)
        if isinstance(members, list) and depth:
            beside = {key: value for key, value in schema.items() if key != union}
            for member in cast("list[Schema]", members):
                yield from _alternatives({**beside, **member}, root, depth - 1)
            return
    types = schema.get("type")
    if isinstance(types, list):
        for one in cast("list[str]", types):
            yield {**schema, "type": one}
    elif types is None and isinstance(schema.get("properties"), dict):
        yield {**schema, "type": "object"}
    else:
        yield schema


def violations(
    value: Any,
    schema: Schema,
    root: Schema | None = None,
) -> list[ValidationError]:
    """What keeps a value from matching a schema; empty when it matches.

    Args:
        value: Any JSON value.
        schema: The schema, or a part of `root`.
        root: Where local references are looked up.

    Raises:
        ValueError: The schema itself cannot be used.
    """
    whole = schema if root is None else {**schema, "$defs": root.get("$defs", {})}
    # An empty registry: the library's default one would fetch a `$ref` to any address.
    checker = Draft202012Validator(dict(whole), registry=_NOTHING_REMOTE)
    try:
        # jsonschema ships no types for this method.
        found = cast("list[ValidationError]", list(checker.iter_errors(value)))  # pyright: ignore[reportUnknownMemberType]
    except Exception as error:  # noqa: BLE001 - boundary: a server sends any schema, also an endless one
        raise ValueError(
            f"the server's schema cannot be used ({type(error).__name__}: {first_line(str(error))})"
        ) from None
    return sorted(found, key=lambda problem: [str(part) for part in problem.absolute_path])


def example(schema: Schema, root: Schema, depth: int = _DEPTH) -> Any:
    """The smallest value that the schema names itself or that its bounds allow.

    Raises:
        ValueError: The schema gives no value: free text, an unbounded number, a pattern.
    """
    for plain in _alternatives(schema, root, depth):
        with suppress(LookupError):
            return _named(plain)
        kind = plain.get("type")
        if kind == "object" and depth:
            inner = properties(plain)
            names = required(plain)
            return {name: example(inner.get(name, {}), root, depth - 1) for name in names}
        if kind == "array" and not plain.get("minItems"):
            return []
        if kind == "boolean":
            return False
        if kind == "null":
            return None
    raise ValueError("the schema names no value")


def filled(schema: Schema, root: Schema, text: str, depth: int = _DEPTH) -> Any:
    """A minimal value that fits the schema where `example` finds none: free text becomes `text`.

    It fits types, lengths and bounds; a pattern or a format may still refuse it.
    """
    nothing: Schema = {}
    plain = next(_alternatives(schema, root, depth), nothing)
    try:
        return _named(plain)
    except LookupError:
        pass
    match plain.get("type"):
        case "object":
            inner = properties(plain)
            names = required(plain) if depth else ()
            value = {name: filled(inner.get(name, {}), root, text, depth - 1) for name in names}
        case "array":
            items = cast("Schema", plain.get("items") or {})
            value = [filled(items, root, text, depth - 1) for _ in range(plain.get("minItems", 0))]
        case "integer" | "number":
            value = _bounded(plain)
        case "boolean" | "null" as kind:
            value = False if kind == "boolean" else None
        case _:
            low: int = plain.get("minLength", 0)
            value = text.ljust(low, ".")[: plain.get("maxLength", max(low, len(text)))]
    return value


def _named(plain: Schema) -> Any:
    """A value that a schema names.

    Raises:
        LookupError: It names none.
    """
    for key in ("default", "const"):
        if key in plain:
            return plain[key]
    for key in ("examples", "enum"):
        if plain.get(key):
            return plain[key][0]
    raise LookupError


def _bounded(plain: Schema) -> int | float:
    low = plain.get("minimum", plain.get("exclusiveMinimum"))
    high = plain.get("maximum", plain.get("exclusiveMaximum"))
    step = 1 if plain.get("type") == "integer" else 0.5
    if low is not None:
        return (
            low + step if "exclusiveMinimum" in plain and low == plain["exclusiveMinimum"] else low
        )
    if high is not None and high <= 0:
        return high - step
    return 0
