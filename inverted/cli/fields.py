"""The fields of a form that a server asks a person to fill in, and the rules of their values.

MCP allows flat forms only: text with lengths and four formats, numbers with bounds, yes or no, and
one or several out of a list, titled or not, each with an optional default
(https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation#requested-schema).
Servers in the wild write them as pydantic does (`anyOf` with null, `$ref` to an enum), so schemas
are flattened first. Pure: `prompts` asks, `answers` fills in from a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

from inverted.cli.schema import Schema, alternatives, dereference, properties, required, violations
from inverted.cli.text import clean, count

Value = str | int | float | bool | list[str]
Kind = Literal["text", "integer", "number", "boolean", "one", "many"]

_YES: Final = frozenset({"y", "yes", "true", "1", "on"})
_NO: Final = frozenset({"n", "no", "false", "0", "off"})
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class UnsupportedForm(ValueError):
    """The server asks for something that a form of MCP cannot hold."""


@dataclass(frozen=True)
class Choice:
    """One entry of a list: what is sent, and what the person reads."""

    value: str
    title: str


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Attributes:
        name: The property that the answer is sent under.
        kind: What sort of value it takes.
        title: What to call it.
        description: What it is for; may be empty.
        required: Whether an answer is needed.
        default: The value it starts with; None without one.
        choices: The entries of a list.
        schema: The field's own schema, for the final check.
    """

    name: str
    kind: Kind
    title: str
    description: str
    required: bool
    default: Value | None
    choices: tuple[Choice, ...]
    schema: Schema

    @property
    def rules(self) -> str:
        """What a value must be, in a few words; empty when anything goes."""
        get = self.schema.get
        match self.kind:
            case "text":
                form = _FORMATS.get(str(get("format")))
                words = [form.takes if form else ""]
                words += _range(get("minLength"), get("maxLength"), "character")
            case "integer" | "number":
                words = ["a whole number" if self.kind == "integer" else "a number"]
                allowed = ", ".join(str(value) for value in get("enum") or ())
                words += [f"one of {allowed}"] if allowed else []
                words += _range(get("minimum"), get("maximum"), "")
            case "many":
                words = _range(get("minItems"), get("maxItems"), "choice")
            case _:
                words = []
        return ", ".join(word for word in words if word)

    def read(self, text: str) -> Value:
        """The value that a typed line means.

        Args:
            text: The line, not empty.

        Raises:
            ValueError: The line does not fit; the message says what would.
        """
        match self.kind:
            case "boolean":
                if text.lower() not in _YES | _NO:
                    raise ValueError("answer yes or no")
                return text.lower() in _YES
            case "integer" | "number":
                value: Value = _number(text, whole=self.kind == "integer")
            case "one":
                value = self._choice(text)
            case "many":
                words = [word for word in re.split(r"[,\s]+", text) if word]
                if any(text in (choice.title, choice.value) for choice in self.choices):
                    words = [text]
                elif "," in text:  # titles may have spaces
                    words = [word.strip() for word in text.split(",") if word.strip()]
                value = list(dict.fromkeys(self._choice(word) for word in words))
            case "text":
                value = text
        self.check(value)
        return value

    def check(self, value: object) -> None:
        """Hold a value to the field's rules.

        Raises:
            ValueError: It does not fit; the message says what would.
        """
        problems = violations(value, self.schema)
        if problems:
            raise ValueError(self.rules or problems[0].message)
        if isinstance(value, str) and self.kind == "text":
            _check_format(value, self.schema.get("format"))

    def numbered(self) -> bool:
        """Whether choices can be picked by number: not when a choice itself is a number."""
        return not any(choice.value.isdigit() or choice.title.isdigit() for choice in self.choices)

    def title_of(self, value: str) -> str:
        """What the person reads for a choice's value."""
        return next((one.title for one in self.choices if one.value == value), value)

    def _choice(self, text: str) -> str:
        for exact in (str, str.lower):
            for choice in self.choices:
                if exact(text) in (exact(choice.value), exact(choice.title)):
                    return choice.value
        if self.numbered() and text.isdigit() and 0 < int(text) <= len(self.choices):
            return self.choices[int(text) - 1].value
        raise ValueError(f"{text!r} is not in the list")


def form_fields(schema: Schema) -> tuple[Field, ...]:
    """The fields of a requestedSchema, in the server's order.

    Args:
        schema: The `requestedSchema` of an elicitation.

    Raises:
        UnsupportedForm: A property is not of a kind that MCP allows in a form.
    """
    names = required(schema)
    return tuple(
        _field(name, part, schema, needed=name in names)
        for name, part in properties(schema).items()
    )


def check_content(content: object, schema: Schema) -> None:
    """Hold a whole answer to the schema.

    Raises:
        ValueError: It does not fit; the message says where and why.
    """
    for problem in violations(content, schema):
        where = ".".join(str(part) for part in problem.absolute_path)
        raise ValueError(f"{where}: {problem.message}" if where else problem.message)
    for field in form_fields(schema):
        answer = cast("dict[str, object]", content).get(field.name)
        if answer is not None:
            field.check(answer)


def _field(name: str, part: Schema, root: Schema, *, needed: bool) -> Field:
    plain = _one_kind(name, part, root)
    kind, choices = _kind(name, plain, root)
    default = plain.get("default", part.get("default"))
    return Field(
        name=name,
        kind=kind,
        title=clean(str(plain.get("title") or part.get("title") or name)),
        description=clean(str(plain.get("description") or part.get("description") or "")).strip(),
        required=needed,
        default=cast("Value | None", default),
        choices=choices,
        schema=plain,
    )


def _one_kind(name: str, part: Schema, root: Schema) -> Schema:
    resolved = dereference(part, root)
    if _titled(resolved.get("oneOf")) or _titled(resolved.get("anyOf")):
        return resolved
    plain = [one for one in alternatives(part, root) if one.get("type") != "null"]
    if len(plain) != 1:
        raise UnsupportedForm(f"field {name!r} takes several kinds of values")
    return plain[0]


def _kind(name: str, plain: Schema, root: Schema) -> tuple[Kind, tuple[Choice, ...]]:
    choices = _choices(plain)
    match plain.get("type"):
        case _ if choices:
            return "one", choices
        case "string":
            return "text", ()
        case "integer" | "number" | "boolean" as kind:
            return cast("Kind", kind), ()
        case "array":
            of_items = _choices(dereference(cast("Schema", plain.get("items") or {}), root))
            if of_items:
                return "many", of_items
        case _:
            pass
    raise UnsupportedForm(f"field {name!r} is no text, number, yes/no or list to choose from")


def _choices(plain: Schema) -> tuple[Choice, ...]:
    entries = plain.get("oneOf") or plain.get("anyOf")
    if _titled(entries):
        return tuple(
            Choice(str(one["const"]), clean(str(one.get("title") or one["const"])))
            for one in cast("list[dict[str, Any]]", entries)
        )
    values: list[Any] = [plain["const"]] if "const" in plain else list(plain.get("enum") or ())
    if not all(isinstance(value, str) for value in values):
        return ()
    titles: list[Any] = list(plain.get("enumNames") or ())  # before 2025-11-25
    titles += values[len(titles) :]
    return tuple(
        Choice(value, clean(str(title))) for value, title in zip(values, titles, strict=False)
    )


def _titled(entries: object) -> bool:
    return (
        isinstance(entries, list)
        and bool(entries)  # pyright: ignore[reportUnknownArgumentType] - any JSON
        and all(isinstance(one, dict) and "const" in one for one in cast("list[object]", entries))
    )


def _number(text: str, *, whole: bool) -> int | float:
    try:
        return int(text)
    except ValueError:
        if whole:
            raise ValueError("that is not a whole number") from None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        raise ValueError("that is not a number")
    return number


def _range(low: object, high: object, noun: str) -> list[str]:
    def many(number: object) -> str:
        return count(number, noun) if noun and isinstance(number, int) else f"{number}"

    if low is not None and high is not None:
        return [f"from {low} to {many(high)}"]
    if low is not None:
        return [f"at least {many(low)}"]
    return [] if high is None else [f"at most {many(high)}"]


def _is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def _is_uri(text: str) -> bool:
    return bool(urlsplit(text).scheme)


def _is_date(text: str) -> bool:
    return len(text) == len("2026-07-28") and bool(date.fromisoformat(text))


def _is_moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


@dataclass(frozen=True)
class _Format:
    """One of the four formats of text that a form may ask for."""

    fits: Callable[[str], bool]
    takes: str


_FORMATS: Final = {
    "email": _Format(_is_email, "an email address, as name@example.org"),
    "uri": _Format(_is_uri, "an address, as https://example.org/page"),
    "date": _Format(_is_date, "a date, as 2026-07-28"),
    "date-time": _Format(_is_moment, "a date and time with a zone, as 2026-07-28T14:00:00Z"),
}


def _check_format(text: str, wanted: object) -> None:
    form = _FORMATS.get(str(wanted))
    if form is None:
        return
    try:
        fine = form.fits(text)
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"that is not {form.takes}")


def shown(field: Field, value: Value) -> str:
    """A field's value as the person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(field.title_of(one) for one in value) or "none"
    return clean(field.title_of(value) if isinstance(value, str) else str(value))


def review(fields: Sequence[Field], content: dict[str, Value]) -> str:
    """A whole answer on one line."""
    if len(fields) == 1 and fields[0].name in content:
        return shown(fields[0], content[fields[0].name])
    pairs = (
        f"{field.title}: {shown(field, content[field.name])}"
        for field in fields
        if field.name in content
    )
    return ", ".join(pairs) or "accepted"
