"""The parameters of a function, as a JSON schema for clients and models and as a validator.

Agents and sampling tools are plain typed functions. A parameter annotated `Run` is filled in by the
framework and never shown.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import UnionType
from typing import (
    Annotated,
    Any,
    Never,
    NoReturn,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import to_json

from inverted.core.effects import Json

T = TypeVar("T")


class Signature:
    """What a function takes and returns.

    Args:
        fn: The function.
        hidden: A parameter of this type is left out of the schema.
        lenient: Only find the hidden parameter; accept any others.

    Raises:
        TypeError: A parameter cannot be filled from a JSON object.
    """

    def __init__(
        self, fn: Callable[..., Any], hidden: type | None = None, *, lenient: bool = False
    ) -> None:
        self.fn = fn
        self.hidden: str | None = None
        self.hints = hints = _hints(inspect.unwrap(fn))
        shown: list[inspect.Parameter] = []
        for parameter in inspect.signature(fn).parameters.values():
            annotation = hints.get(parameter.name, parameter.annotation)
            if hidden is not None and _names(annotation, hidden):
                self.hidden = parameter.name
            elif not lenient and parameter.kind in (
                parameter.VAR_POSITIONAL,
                parameter.POSITIONAL_ONLY,
                parameter.VAR_KEYWORD,
            ):
                raise TypeError(
                    f"{name_of(fn)}() has the parameter {parameter}, which cannot be filled from a "
                    "JSON "
                    "object. Give every parameter a name of its own."
                )
            else:
                shown.append(parameter.replace(annotation=annotation))
        self.returns: Any = hints.get("return", inspect.Signature.empty)
        if lenient:
            return
        self._adapter = _adapter(fn, shown)
        self.schema: JsonSchemaValue = {
            "type": "object",
            "properties": {},
            **self._adapter.json_schema(),
        }

    def bind(self, arguments: dict[str, Json]) -> dict[str, Any]:
        """Validated keyword arguments.

        Raises:
            pydantic.ValidationError: The arguments do not fit.
        """
        return validated(self._adapter, arguments)


def validated(adapter: TypeAdapter[T], value: Json) -> T:
    """The typed value of some JSON.

    Raises:
        pydantic.ValidationError: It does not fit.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        # A type in strict mode takes a date or an enum from JSON text only.
        try:
            text = to_json(value)
        except ValueError:  # half a surrogate pair
            raise error from None
        return adapter.validate_json(text)


def returned(fn: Callable[..., Any]) -> Any:
    """What a callable gives, by its annotation; empty when nothing is said.

    `Awaitable[int]` and the like count as `int`.
    """
    try:
        annotation = _hints(fn).get("return", inspect.Signature.empty)
    except TypeError:
        return inspect.Signature.empty
    if annotation in (NoReturn, Never):
        return inspect.Signature.empty
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and issubclass(kind, Awaitable):
        return (get_args(annotation) or (inspect.Signature.empty,))[-1]
    return annotation


def name_of(fn: Callable[..., Any]) -> str:
    """A function's name, also of a partial or a callable object."""
    while hasattr(fn, "func"):
        fn = fn.func  # pyright: ignore[reportFunctionMemberAccess]
    return getattr(fn, "__name__", type(fn).__name__)


def description_of(fn: Callable[..., Any]) -> str | None:
    """A function's docstring, dedented."""
    while hasattr(fn, "func"):
        fn = fn.func  # pyright: ignore[reportFunctionMemberAccess]
    return inspect.getdoc(fn)


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    while hasattr(fn, "func"):
        fn = fn.func  # pyright: ignore[reportFunctionMemberAccess]
    if not inspect.isroutine(fn) and callable(fn):
        fn = type(fn).__call__
    try:
        return get_type_hints(fn, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"The annotations of {name_of(fn)}() cannot be resolved ({error}). Import the types at "
            "module "
            "level, not under TYPE_CHECKING, and define them outside of functions."
        ) from error


def _adapter(fn: Callable[..., Any], parameters: list[inspect.Parameter]) -> TypeAdapter[Any]:
    """An adapter that validates a JSON object and gives the keyword arguments back."""

    def collect(**arguments: Any) -> dict[str, Any]:
        return arguments

    keyword_only = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    collect.__signature__ = inspect.Signature(keyword_only)  # read by pydantic
    collect.__annotations__ = {
        each.name: each.annotation for each in keyword_only if each.annotation is not each.empty
    }
    collect.__name__ = collect.__qualname__ = name_of(fn)
    try:
        return TypeAdapter[Any](cast("Any", collect))
    except PydanticUserError as error:
        raise TypeError(
            f"{name_of(fn)}() takes something that has no JSON schema: {error}"
        ) from error


def _names(annotation: Any, hidden: type) -> bool:
    """Whether an annotation means the hidden type: bare, in `Annotated`, or with `| None`."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return hidden in get_args(annotation)
    return annotation is hidden


def is_bare(annotation: Any) -> bool:
    """Whether nothing is said about a type."""
    return (
        annotation is inspect.Signature.empty or annotation is Any or get_origin(annotation) is Any
    )
