"""From `--name value` on the command line to a tool's arguments, by the tool's own inputSchema.

A value is converted to the type that the schema asks for; where the schema allows several, the
narrowest one that fits wins (`--limit 3` for "integer or string" is the number). The finished
object is validated as a whole. A problem names the argument, and the caller adds the usage.

Called by the `run` command.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, cast

from inverted.cli.errors import UsageProblem
from inverted.cli.schema import Schema, alternatives, properties, required, violations
from inverted.cli.text import compact

Given = Sequence[tuple[str, tuple[str, ...]]]

_NARROWEST_FIRST: Final = ("null", "boolean", "integer", "number", "array", "object")
_YES: Final = frozenset({"true", "yes", "on", "1"})
_NO: Final = frozenset({"false", "no", "off", "0"})


def build_arguments(schema: Schema, given: Given, base: dict[str, Any] | None) -> dict[str, Any]:
    """Convert and check the arguments of one call.

    Args:
        schema: The tool's inputSchema.
        given: `--name value…` pairs as written.
        base: The object of `--args`, which the pairs add to and override.

    Returns:
        What to send as the call's arguments.

    Raises:
        UsageProblem: A name is unknown, a value does not fit, or a required one is missing.
    """
    known = properties(schema)
    texts: dict[str, list[str]] = {}
    for written, values in given:
        name, negated = _property(written, schema, known)
        texts.setdefault(name, []).extend(values or ["false" if negated else "true"])
    arguments = dict(base or {})
    for name, values in texts.items():
        try:
            arguments[name] = convert(values, known.get(name, {}), schema)
        except ValueError as error:
            raise UsageProblem(f"--{option(name)}: {error}") from None
    _check(arguments, schema)
    return arguments


def convert(values: Sequence[str], schema: Schema, root: Schema) -> Any:
    """One argument's value from the words given for it.

    Args:
        values: The words, at least one.
        schema: The argument's schema.
        root: The whole inputSchema, for its `$defs`.

    Raises:
        ValueError: No alternative of the schema takes these words; the message says why.
    """
    plain = alternatives(schema, root)
    plain.sort(key=_rank)
    reason = "nothing fits"
    for one in plain:
        try:
            value = _read(values, one, root)
        except ValueError as error:
            reason = str(error)
            continue
        problems = violations(value, one, root)
        if not problems:
            return value
        reason = problems[0].message
    raise ValueError(reason)


def option(name: str) -> str:
    """How an argument's name is shown on a command line."""
    return name.replace("_", "-")


def _rank(plain: Schema) -> int:
    kind = plain.get("type")
    return _NARROWEST_FIRST.index(kind) if kind in _NARROWEST_FIRST else len(_NARROWEST_FIRST)


def _property(written: str, schema: Schema, known: dict[str, Schema]) -> tuple[str, bool]:
    """The property that an option names, and whether it was written `--no-name`."""
    if written in known:
        return written, False
    for wanted, negated in ((written, False), (written.removeprefix("no-"), True)):
        same = [name for name in known if _plain_name(name) == _plain_name(wanted)]
        if len(same) == 1 and (not negated or written.startswith("no-")):
            return same[0], negated
    if not known and schema.get("additionalProperties", True) is not False:
        return written, False  # the schema names nothing: any argument may be right
    names = ", ".join(f"--{option(name)}" for name in known) or "none"
    raise UsageProblem(f"--{written} is not an argument of this agent. It takes: {names}.")


def _plain_name(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _read(values: Sequence[str], plain: Schema, root: Schema) -> Any:
    if plain.get("type") == "array":
        return _read_list(values, plain, root)
    if len(values) > 1:
        raise ValueError(f"takes one value, got {len(values)}: {' '.join(values)}")
    return _read_one(values[0], plain)


def _read_one(text: str, plain: Schema) -> Any:
    match plain.get("type"):
        case "string":
            value = text
        case "boolean":
            if text.lower() not in _YES | _NO:
                raise ValueError(f"{text!r} is not true or false")
            value = text.lower() in _YES
        case "integer" | "number" as kind:
            value = _number(text, whole=kind == "integer")
        case "null" | "object":
            # One reader for both; the schema then accepts the kind that it asked for.
            value = _json(text)
        case _:
            value = _untyped(text, plain)
    return value


def _read_list(values: Sequence[str], plain: Schema, root: Schema) -> list[Any]:
    if len(values) == 1 and values[0].lstrip().startswith("["):
        with suppress(ValueError):  # no JSON: one value that begins with a bracket
            return cast("list[Any]", _json(values[0]))
    items = cast("Schema", plain.get("items") or {})
    return [convert([value], items, root) for value in values]


def _untyped(text: str, plain: Schema) -> Any:
    """A value for a schema that names no type: one of its own values, else JSON, else text."""
    own: list[Any] = [plain["const"]] if "const" in plain else list(plain.get("enum") or ())
    for value in own:
        if text == value or text == json.dumps(value):
            return value
    try:
        return json.loads(text)
    except ValueError:
        return text


def _number(text: str, *, whole: bool) -> int | float:
    try:
        return int(text)
    except ValueError:
        if whole:
            raise ValueError(f"{text!r} is not a whole number") from None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not JSON ({error})") from None


def _check(arguments: dict[str, Any], schema: Schema) -> None:
    missing = [name for name in required(schema) if name not in arguments]
    if missing:
        raise UsageProblem(f"missing: {', '.join('--' + option(name) for name in missing)}.")
    try:
        problems = violations(arguments, schema)
    except ValueError as error:
        raise UsageProblem(f"{error}.") from None
    if problems:
        where = ".".join(option(str(part)) for part in problems[0].absolute_path)
        at = f"--{where}: " if where else ""
        raise UsageProblem(f"{at}{problems[0].message} (got {compact(arguments, 200)}).")
