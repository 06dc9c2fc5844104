"""The fields of a form question: what a person types becomes the JSON that the schema asks for.

Everything travels by number (field 0, choice 2), so names and choices may be any text at all.
Rules:

- a field that is left empty is absent from the answer, so that the server's default applies; but
  a text or a list of choices that had a default and was emptied is sent empty, as it was meant;
- a value that was offered as the default is accepted as it is;
- what does not fit gets a few words beside its field ("must be at least 18").

Pure. Called by `form`; the card has the same rules in JavaScript.

Source: specification 2025-11-25 and 2026-07-28, client/elicitation, "Requested Schema".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

from inverted.core.effects import Json

Kind = Literal["text", "integer", "number", "boolean", "one", "many"]

YES_AND_NO: Final = ((True, "Yes"), (False, "No"))

_WHOLE: Final = re.compile(r"[+-]?\d{1,100}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)? ?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)

FORMATS: Final = {
    "email": "an email address, for example name@example.org",
    "uri": "an address, for example https://example.org/page",
    "date": "a date, for example 2026-07-28",
    "date-time": "a date and time with its zone, for example 2026-07-28T09:30:00Z",
}
"""What text of each format is, in words."""


ABSENT: Final = object()
"""What `Field.read` gives for a field that was left empty and is not part of the answer."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        name: The property that the answer is sent under.
        kind: What sort of value it takes.
        title: What to call it.
        description: What it is for; may be empty.
        required: Whether an answer is needed.
        choices: What may be chosen: the value and its title. Yes and no for a boolean.
        default: The value that it starts with; None without one.
        schema: The field's schema.
    """

    name: str
    kind: Kind
    title: str
    description: str
    required: bool
    choices: tuple[tuple[str | bool, str], ...]
    default: Json
    schema: Mapping[str, Json]

    @property
    def format(self) -> str | None:
        """The format of a text field, if it is one of the protocol's four."""
        found = self.schema.get("format")
        return found if self.kind == "text" and found in FORMATS else None

    @property
    def rules(self) -> str:
        """What a value must be, in a few words; empty when anything goes."""
        get = self.schema.get
        match self.kind:
            case "text":
                words = [FORMATS[self.format]] if self.format else []
                words += _range(get("minLength"), get("maxLength"), "character")
            case "integer" | "number":
                words = ["a whole number" if self.kind == "integer" else "a number"]
                words += _range(get("minimum"), get("maximum"))
            case "many":
                words = _range(get("minItems"), get("maxItems"), "choice")
            case _:
                words = []
        return ", ".join(words)

    @property
    def start(self) -> list[str]:
        """What its controls hold before anything was typed, as `read` takes it."""
        if self.default is None:
            return []
        if self.choices:
            chosen: list[Json] = self.default if self.kind == "many" else [self.default]
            return [
                str(number) for number, (value, _) in enumerate(self.choices) if value in chosen
            ]
        return [self.default if isinstance(self.default, str) else json.dumps(self.default)]

    def read(self, typed: Sequence[str]) -> Json:
        """The value that was typed or chosen.

        Args:
            typed: The text, or the numbers of the choices.

        Returns:
            The value, or `ABSENT`.

        Raises:
            ValueError: It does not fit; the message continues "This field ...".
        """
        typed = [_unix(one) for one in typed]
        if self.start and typed == [_unix(one) for one in self.start]:
            return self.default
        if self.choices:
            return self._chosen(typed)
        text = typed[0] if typed else ""
        if self.kind != "text" or self.format:
            text = text.strip()
        if text:
            return self._text(text) if self.kind == "text" else self._number(text)
        if self.required:
            raise ValueError("is required")
        emptied = self.start and self.kind == "text" and not self.format
        return self._text("") if emptied else ABSENT

    def _chosen(self, typed: Sequence[str]) -> Json:
        known = {str(number): value for number, (value, _) in enumerate(self.choices)}
        if any(one not in known for one in typed):
            raise ValueError("must be one of the choices")
        values = list(dict.fromkeys(known[one] for one in typed))
        if not values and self.required and self.kind != "many":
            raise ValueError("is required")
        if not values and (self.kind != "many" or not (self.required or self.start)):
            return ABSENT
        if self.kind != "many":
            return values[0]
        _check_range(
            len(values), self.schema.get("minItems"), self.schema.get("maxItems"), "choice"
        )
        return values

    def _text(self, text: str) -> str:
        _check_range(
            len(text), self.schema.get("minLength"), self.schema.get("maxLength"), "character"
        )
        return _formatted(text, self.format) if self.format else text

    def _number(self, text: str) -> int | float:
        if _WHOLE.fullmatch(text):
            number: int | float = int(text)
        elif self.kind == "integer":
            raise ValueError("must be a whole number")
        elif not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
            raise ValueError("must be a number, for example 2.5")
        _check_range(number, self.schema.get("minimum"), self.schema.get("maximum"))
        return number


def fields_of(schema: Mapping[str, Json]) -> tuple[Field, ...]:
    """The fields of a `requestedSchema`, in its order.

    Args:
        schema: The `requestedSchema`.

    Returns:
        The fields.

    Raises:
        ValueError: A property is of a kind that the protocol does not allow in a form.
    """
    required = schema.get("required", ())
    properties = cast("dict[str, dict[str, Json]]", schema.get("properties", {}))
    return tuple(_field(name, part, required=name in required) for name, part in properties.items())


def _field(name: str, part: Mapping[str, Json], *, required: bool) -> Field:
    kind, choices = _kind(name, part)
    default = part.get("default")
    return Field(
        name=name,
        kind=kind,
        title=_title(name, str(part.get("title") or name)),
        description=str(part.get("description") or ""),
        required=required,
        choices=choices,
        default=default if _fits(kind, [value for value, _ in choices], default) else None,
        schema=part,
    )


def _title(name: str, title: str) -> str:
    """A form of one value calls it "Value", which tells a person nothing."""
    return "Your answer" if (name, title) == ("value", "Value") else title


def _kind(name: str, part: Mapping[str, Json]) -> tuple[Kind, tuple[tuple[str | bool, str], ...]]:
    match part:
        case {"type": "boolean"}:
            return "boolean", YES_AND_NO
        case {"type": "array", "items": {"enum": list()} | {"anyOf": list()} as items}:
            return "many", _choices(cast("Mapping[str, Json]", items))
        case {"type": "string", "enum": list()} | {"type": "string", "oneOf": list()}:
            return "one", _choices(part)
        case {"type": "string"}:
            return "text", ()
        case {"type": "integer" | "number" as kind}:
            return cast("Kind", kind), ()
        case _:
            raise ValueError(
                f"The field {name!r} cannot be shown: a form holds text, numbers, yes or no, and "
                "lists of strings to choose from (specification, client/elicitation). Change the "
                "field's type."
            )


def _choices(part: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    if "enum" in part:
        return tuple((str(value), str(value)) for value in part["enum"])
    titled: list[dict[str, Any]] = part["oneOf"] if "oneOf" in part else part["anyOf"]
    return tuple((str(one["const"]), str(one.get("title", one["const"]))) for one in titled)


def _fits(kind: Kind, values: Sequence[str | bool], default: Json) -> bool:
    """Whether the field can hold this default."""
    match kind, default:
        case "many", list():
            return all(one in values for one in cast("list[Json]", default))
        case (("one" | "boolean"), (str() | bool())):
            return default in values
        case "text", str():
            return True
        case (("integer" | "number"), (int() | float())):
            # A whole number may be too large for a float.
            return not isinstance(default, bool) and (
                isinstance(default, int) or math.isfinite(default)
            )
        case _:
            return False


def _formatted(text: str, form: str) -> str:
    """The text as its format writes it."""
    match form:
        case "email":
            fits = _EMAIL.fullmatch(text) is not None
        case "uri":
            fits = _is_uri(text)
        case "date":
            fits = _DAY.fullmatch(text) is not None and _reads(date.fromisoformat, text)
        case _:
            parts = _MOMENT.fullmatch(text)
            day, clock, seconds, zone = parts.groups() if parts else ("", "", "", "")
            text = f"{day}T{clock}{seconds or ':00'}{zone.upper()}"
            fits = _reads(datetime.fromisoformat, text)
    if not fits:
        raise ValueError(f"must be {FORMATS[form]}")
    return text


def _unix(text: str) -> str:
    """Browsers send line breaks as CRLF, whatever they were."""
    return text.replace("\r\n", "\n")


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", text)


def _reads(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _check_range(number: float, low: Json, high: Json, noun: str = "") -> None:
    if low is not None and number < low:
        raise ValueError(f"must {_holds(noun)}at least {_count(low, noun)}")
    if high is not None and number > high:
        raise ValueError(f"must {_holds(noun)}at most {_count(high, noun)}")


def _holds(noun: str) -> str:
    return "have " if noun else "be "


def _range(low: Json, high: Json, noun: str = "") -> list[str]:
    if low is not None and high is not None:
        return [f"from {low} to {_count(high, noun)}"]
    if low is not None:
        return [f"at least {_count(low, noun)}"]
    return [] if high is None else [f"at most {_count(high, noun)}"]


def _count(number: Json, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if noun else f"{number}"
