"""Elicitation forms: a schema from the `response_type` of `run.elicit`, a value from the answer.

A form holds the `requestedSchema` that is sent and reads what comes back. Rules:

- an object type (pydantic model, dataclass, TypedDict) is a form of its fields; any other type is
  a form with the one field `value`, which is unwrapped again;
- the answer is validated by pydantic with the original type, in strict JSON mode: the value is a
  model, a member, a date, and "5" is no number;
- keys that were not asked for are ignored; null means that a field was left empty;
- forms are kept by their type, because replay builds them again. A type that is written anew at
  each call (`Annotated[int, Field(ge=1)]` inside the agent) is a new type: give it a name outside.

Called by `run.elicit` and `run.approve`.

Source: specification 2025-11-25 and 2026-07-28, client/elicitation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar, cast, overload

from pydantic import Field, PydanticUserError, TypeAdapter, ValidationError, create_model

from inverted.core.effects import Json
from inverted.run.form_choices import Titles
from inverted.run.form_errors import FormError, problems_of
from inverted.run.form_fields import FormField
from inverted.run.form_schema import fields_of
from inverted.run.form_types import Acceptance, as_pydantic_reads, of_shorthand

__all__ = ["Form", "FormError", "Titles", "form_of"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Form(Generic[T]):
    """A form to send, and the reader of its answers. Built by `form_of`.

    Args:
        schema: The `requestedSchema`. It is shared: do not change it.
    """

    schema: dict[str, Json]
    _fields: tuple[FormField, ...] = field(repr=False)
    _adapter: TypeAdapter[Any] = field(repr=False)
    _unwrap: Callable[[Any], T] = field(repr=False)

    def read(self, content: Mapping[str, Json] | None) -> T:
        """Validate an accepted answer.

        Args:
            content: The `content` of the answer; None is an answer with nothing in it.

        Returns:
            The value, of the type that the form was made of.

        Raises:
            FormError: The answer does not fit; every wrong field is named.
        """
        given = content or {}
        answer: dict[str, Json] = {}
        problems: dict[str, str] = {}
        read: Any = None
        for one in self._fields:
            value = given.get(one.name)
            if value is not None:
                try:
                    answer[one.name] = one.parse(value)
                except ValueError as error:
                    problems[one.name] = str(error)
            elif one.null_when_absent or (one.nullable and one.name in given):
                answer[one.name] = None
        try:
            read = self._adapter.validate_json(json.dumps(answer), strict=True)
        except ValidationError as error:
            problems = problems_of(error, problems)
        except ValueError as error:
            raise FormError({**problems, "": f"cannot be read as JSON: {error}"}) from error
        if problems:
            raise FormError(problems)
        return self._unwrap(read)


@overload
def form_of(
    response_type: type[T], *, title: str | None = None, description: str | None = None
) -> Form[T]: ...
@overload
def form_of(
    response_type: None, *, title: str | None = None, description: str | None = None
) -> Form[None]: ...
@overload
def form_of(
    response_type: list[str] | dict[str, dict[str, str]],
    *,
    title: str | None = None,
    description: str | None = None,
) -> Form[str]: ...
@overload
def form_of(
    response_type: list[list[str]] | list[dict[str, dict[str, str]]],
    *,
    title: str | None = None,
    description: str | None = None,
) -> Form[list[str]]: ...
@overload
def form_of(
    response_type: object, *, title: str | None = None, description: str | None = None
) -> Form[Any]: ...
def form_of(
    response_type: object, *, title: str | None = None, description: str | None = None
) -> Form[Any]:
    """Build the form that asks for a type.

    Args:
        response_type: A pydantic model, dataclass or TypedDict with flat fields; a scalar, date,
            `Literal` or enum; a list of choices (`list[Severity]`); `["a", "b"]` for one choice
            and `[["a", "b"]]` for several, `{"a": {"title": "A"}}` and `[{"a": {"title": "A"}}]`
            for the same with titles; None to ask for nothing but acceptance. `Titles` gives
            titles to a `Literal` or an enum. A field that takes None or has a default may be left
            empty.
        title: Title of the field of a form with one field.
        description: Description of that field.

    Returns:
        The form.

    Raises:
        TypeError: The protocol cannot ask for this. The message names the field, the reason and
            what to use instead.
    """
    if isinstance(response_type, list | dict):
        response_type = of_shorthand(cast("list[Any] | dict[Any, Any]", response_type))
    try:
        hash(response_type)
    except TypeError:  # metadata in `Annotated` may be anything
        return _build(response_type, title, description)
    # Equal types need not look the same: Literal["a", "b"] == Literal["b", "a"].
    return _cached(response_type, repr(response_type), title, description)


@lru_cache(maxsize=512)
def _cached(
    response_type: object,
    looks: str,  # noqa: ARG001  part of the key
    title: str | None,
    description: str | None,
) -> Form[Any]:
    return _build(response_type, title, description)


def _build(response_type: object, title: str | None, description: str | None) -> Form[Any]:
    name = response_type.__name__ if isinstance(response_type, type) else repr(response_type)
    given = {"title": title, "description": description}
    words = {key: word for key, word in given.items() if word is not None}
    try:
        fields, adapter, unwrap = _fields(response_type, name, words)
    except (PydanticUserError, NameError) as error:
        reason = str(error).partition("\n")[0]
        raise TypeError(f"{name}: a form cannot be made of this type. {reason}") from error
    if not fields:
        raise TypeError(
            f"{name}: it has no fields, and some clients cannot submit an empty form. Use None to "
            "ask for nothing but acceptance."
        )
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {one.name: one.schema for one in fields},
    }
    if required := [one.name for one in fields if one.required]:
        schema["required"] = required
    form = Form[Any](schema, fields, adapter, unwrap)
    _check_defaults(form, name)
    return form


def _fields(
    response_type: object, name: str, words: dict[str, str]
) -> tuple[tuple[FormField, ...], TypeAdapter[Any], Callable[[Any], Any]]:
    """The fields of the form, the type that reads them, and how to get the value out of it."""
    if response_type is None or response_type is type(None):
        adapter: TypeAdapter[Any] = TypeAdapter(Acceptance)
        fields = fields_of(adapter, name) or ()
        for one in fields:
            one.schema.update(words)
        return fields, adapter, _nothing
    adapter = TypeAdapter(as_pydantic_reads(response_type))
    fields = fields_of(adapter, name)
    if fields is None:
        value: Any = response_type
        if words:
            value = Annotated[value, Field(**cast("Any", words))]
        adapter = TypeAdapter(create_model("Answer", value=value))
        return fields_of(adapter, name, wrapped=True) or (), adapter, attrgetter("value")
    if words:
        raise TypeError(
            f"{name}: a title or a description is for the field of a form of one value. Label the "
            "fields of this one with Field(title=..., description=...)."
        )
    return fields, adapter, _same


def _check_defaults(form: Form[Any], name: str) -> None:
    """Refuse a default that would be refused as an answer: clients show it filled in."""
    properties: dict[str, dict[str, Json]] = form.schema["properties"]
    defaults = {key: value["default"] for key, value in properties.items() if "default" in value}
    try:
        form.read(defaults)
    except FormError as error:
        for key, what in error.problems.items():
            if key in defaults:
                raise TypeError(
                    f"{name}.{key}: the default {defaults[key]!r} would be refused as an answer "
                    f"({what}). Change the default or the constraint."
                ) from error


def _same(value: Json) -> Json:
    return value


def _nothing(_: object) -> None:
    return None
