"""Questions for the page and for the card, and what becomes of what is typed."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from inverted.run.forms import form_of

HOSTILE = "</h2><img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>\u202e{{1}}"


class Order(BaseModel):
    name: str = Field(description="As on the badge.", max_length=40)
    age: int = Field(ge=18, le=99)
    size: Literal["small", "medium", "large"]
    extras: list[Literal["milk", "sugar"]] = []
    note: str = ""


ORDER = form_of(Order).schema
APPROVAL = form_of(bool, title="Approve").schema


def optional(**schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": {"title": "It", **schema}}}


def needed(**schema: Any) -> dict[str, Any]:
    return {**optional(**schema), "required": ["it"]}


TITLED = {"oneOf": [{"const": "p1", "title": "Today"}, {"const": "p2", "title": "Later"}]}
SEVERAL = {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}}
FEW = {**SEVERAL, "minItems": 1, "maxItems": 2}

FITS: Final[list[tuple[dict[str, Any], list[str], Any]]] = [
    (needed(type="string"), ["a\r\nb "], "a\nb "),
    (optional(type="string"), [""], "absent"),
    (optional(type="string"), [], "absent"),
    (optional(type="string", default="x"), [""], ""),
    (optional(type="string", default="x"), ["y"], "y"),
    (optional(type="string", default="x", format="email"), [""], "absent"),
    (needed(type="string", default="a\r\nb"), ["a\r\nb"], "a\r\nb"),
    (needed(type="string", minLength=2, maxLength=2), ["\U0001f600é"], "\U0001f600é"),
    (needed(type="string", format="email"), [" ann@example.org "], "ann@example.org"),
    (needed(type="string", format="uri"), ["mailto:ann@example.org"], "mailto:ann@example.org"),
    (needed(type="string", format="date"), ["2026-02-28"], "2026-02-28"),
    (
        needed(type="string", format="date-time"),
        ["2026-07-28 09:30 z"],
        "2026-07-28T09:30:00Z",
    ),
    (
        needed(type="string", format="date-time"),
        ["2026-07-28T09:30:05.25+02:00"],
        "2026-07-28T09:30:05.25+02:00",
    ),
    # A default that was offered is taken, also where a typed one would be refused.
    (
        needed(type="string", format="date-time", default="2026-07-28T09:30:00"),
        ["2026-07-28T09:30:00"],
        "2026-07-28T09:30:00",
    ),
    (needed(type="integer"), [" -12 "], -12),
    (needed(type="integer"), ["1" * 100], int("1" * 100)),
    (optional(type="integer"), [" "], "absent"),
    (optional(type="integer", default=3), [""], "absent"),
    (needed(type="number"), ["2.50"], 2.5),
    (needed(type="number"), [".5e1"], 5.0),
    (needed(type="number", minimum=1, maximum=1), ["1"], 1),
    (needed(type="number", default=1e22), ["1e+22"], 1e22),
    (optional(type="boolean"), ["0"], True),
    (optional(type="boolean"), ["1"], False),
    (optional(type="boolean"), [""], "absent"),
    (needed(type="string", enum=["", "x"]), ["0"], ""),
    (needed(type="string", **TITLED), ["1"], "p2"),
    (optional(type="string", **TITLED), [""], "absent"),
    (optional(**SEVERAL), [], "absent"),
    (needed(**SEVERAL), [], []),
    (optional(**SEVERAL, default=["a"]), [], []),
    (optional(**SEVERAL), ["2", "0", "2"], ["c", "a"]),
    (optional(type="array", items={"anyOf": TITLED["oneOf"]}), ["1"], ["p2"]),
]
"""A schema, what is typed (or the numbers of the choices), and the value."""

UNFIT: Final[list[tuple[dict[str, Any], str, str]]] = [
    (needed(type="string"), "", "is required"),
    (needed(type="string", minLength=2), "a", "must have at least 2 characters"),
    (needed(type="string", maxLength=1), "ab", "must have at most 1 character"),
    (optional(type="string", minLength=2, default="ab"), "", "must have at least 2 characters"),
    (needed(type="string", format="email"), "ann", "must be an email address, for example"),
    (needed(type="string", format="uri"), "example.org", "must be an address, for example"),
    (needed(type="string", format="uri"), "http://[", "must be an address"),
    (needed(type="string", format="uri"), "http://a b", "must be an address"),
    (needed(type="string", format="date"), "2026-02-29", "must be a date, for example"),
    (needed(type="string", format="date"), "20260228", "must be a date"),
    (needed(type="string", format="date-time"), "2026-07-28T09:30", "with its zone"),
    (needed(type="string", format="date-time"), "2026-07-28T25:30Z", "with its zone"),
    (needed(type="integer"), "2.0", "must be a whole number"),
    (needed(type="integer"), "1_000", "must be a whole number"),
    (needed(type="integer"), "\u0663", "must be a whole number"),
    (needed(type="integer"), "1" * 5000, "must be a whole number"),
    (needed(type="integer", minimum=18), "17", "must be at least 18"),
    (needed(type="number", maximum=2.5), "2.6", "must be at most 2.5"),
    (needed(type="number"), "1,5", "must be a number"),
    (needed(type="number"), "1e999", "must be a number"),
    (needed(type="number"), "nan", "must be a number"),
    (optional(type="boolean"), "2", "must be one of the choices"),
    (needed(type="string", **TITLED), "", "is required"),
    (needed(type="string", **TITLED), "p1", "must be one of the choices"),
    (needed(**FEW), "", "must have at least 1 choice"),
]
"""A schema, what is typed, and the words that a person reads."""
