"""The response types that are no types yet: shorthand for choices, None, and older TypedDicts.

`["a", "b"]` asks for one choice, `[["a", "b"]]` for several; `{"a": {"title": "A"}}` and
`[{"a": {"title": "A"}}]` do the same with titles. FastMCP 3 has the same shorthand.

Called by `forms`.
"""

from __future__ import annotations

import sys
import typing
from typing import Annotated, Any, Literal, NotRequired, Required, TypeGuard, cast

import typing_extensions
from pydantic import BaseModel, Field, field_validator

from inverted.run.form_choices import Titles

_HOW = (
    'choices are a list of strings, or a dict like {"low": {"title": "Low"}}; put either in a '
    "list to let several be chosen"
)


class Acceptance(BaseModel):
    """The form of None: nothing but acceptance.

    Some clients show a form without fields so that nobody can submit it; this one has a field that
    need not be touched. An answer that accepts and says no inside contradicts itself.
    """

    ok: bool = Field(default=True, title="OK", description="To say no, decline instead.")

    @field_validator("ok")
    @classmethod
    def _agrees(cls, ok: bool) -> bool:  # noqa: FBT001  pydantic is the caller
        if not ok:
            raise ValueError("must be yes in an answer that accepts; to say no, decline")
        return ok


def of_shorthand(choices: list[Any] | dict[Any, Any]) -> object:
    """The type that a list or a dict of choices stands for.

    Args:
        choices: The shorthand.

    Returns:
        A `Literal`, with `Titles` if there are any, in a `list` if several may be chosen.

    Raises:
        TypeError: It is none of the four forms.
    """
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], list | dict):
        return list[_one_of(cast("list[Any] | dict[Any, Any]", choices[0]))]
    return _one_of(choices)


def as_pydantic_reads(kind: object) -> Any:
    """Make a `typing.TypedDict` readable for pydantic before Python 3.12.

    Pydantic needs the one of `typing_extensions` there, which is the same from 3.12 on. Goes away
    with Python 3.11.

    Args:
        kind: Any type.

    Returns:
        The same type, or an equal TypedDict.
    """
    if sys.version_info >= (3, 12) or not typing.is_typeddict(cast("type", kind)):
        return kind
    old = cast("Any", kind)
    hints = {
        key: hint
        if key in old.__required_keys__ or typing.get_origin(hint) in (Required, NotRequired)
        else NotRequired[hint]
        for key, hint in typing.get_type_hints(old, include_extras=True).items()
    }
    return cast("Any", typing_extensions.TypedDict)(old.__name__, hints)


def _one_of(choices: list[Any] | dict[Any, Any]) -> Any:
    if not choices or not all(isinstance(one, str) for one in choices):
        raise TypeError(f"{choices!r} is no list of choices: {_HOW}.")
    if len(set(choices)) < len(choices):
        raise TypeError(f"{choices!r} has a choice twice: remove one.")
    literal = cast("Any", Literal)[tuple(choices)]
    if isinstance(choices, list):
        return literal
    if not _titled(choices):
        raise TypeError(f"{choices!r} has a choice without a title: {_HOW}.")
    return Annotated[literal, Titles({one: about["title"] for one, about in choices.items()})]


def _titled(choices: dict[Any, Any]) -> TypeGuard[dict[str, dict[str, str]]]:
    return all(
        isinstance(about, dict) and isinstance(cast("dict[Any, Any]", about).get("title"), str)
        for about in choices.values()
    )
