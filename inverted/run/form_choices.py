"""The choices of a `Literal` or an enum, as a form shows them and as they come back.

A choice travels as a string, because the protocol knows no other. A string travels as itself. An
enum with a value that is no string travels by its members' names, which say more to a person than
numbers do; an integer in a `Literal` travels as its digits.

Called by `form_schema` (which finds them) and `form_fields` (which reads the answer).

Source: specification 2025-11-25 and 2026-07-28, client/elicitation, "Enum Schema"; SEP-1330.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from inverted.core.effects import Json

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

TITLES: Final = "x-inverted-titles"
"""The key under which `Titles` rides in pydantic's JSON Schema until `form_schema` takes it out."""


class Titles:
    """Display names for the choices of a `Literal` or an enum, for use in `Annotated`.

    `Annotated[Literal["p1", "p2"], Titles({"p1": "Today", "p2": "This week"})]`. Around a list of
    choices it does the same. A choice without a title shows itself.

    Args:
        titles: The title of each choice, by its value or by the enum's member.
    """

    __slots__ = ("items",)

    def __init__(self, titles: Mapping[Any, str]) -> None:  # the keys of a Mapping are invariant
        self.items: tuple[tuple[object, str], ...] = tuple(titles.items())

    def __repr__(self) -> str:
        return f"Titles({dict(self.items)!r})"

    def __eq__(self, other: object) -> bool:
        return self.items == other.items if isinstance(other, Titles) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.items)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Leave the titles in the JSON Schema. Beside it, never in a definition others share."""
        return {**handler(schema), TITLES: self}


@dataclass(frozen=True, slots=True, eq=False)  # by identity: pydantic hashes what its schema holds
class Choices:
    """What may be chosen.

    Args:
        members: The choices as Python has them, in their order.
        values: The JSON that pydantic reads for each choice, by the string that travels.
    """

    members: tuple[object, ...]
    values: Mapping[str, str | int]

    @classmethod
    def of(cls, members: Iterable[object]) -> Choices:
        """The choices of an enum's members or a literal's values.

        Args:
            members: The members or values.

        Returns:
            The choices.

        Raises:
            ValueError: One of them cannot travel as a string.
        """
        members = tuple(members)
        named = any(isinstance(one, Enum) and not isinstance(one.value, str) for one in members)
        values: dict[str, str | int] = {}
        for one in members:
            value: object = one.value if isinstance(one, Enum) else one
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise ValueError(  # noqa: TRY004  a type is wrong, no argument is
                    f"{one!r} is no choice for a form; use str or int values"
                )
            wire = one.name if named and isinstance(one, Enum) else str(value)
            if wire in values:
                raise ValueError(f"two choices would both travel as {wire!r}; rename one")
            values[wire] = value
        if not values:
            raise ValueError("there is nothing to choose from; give the type at least one value")
        return cls(members, values)

    def options(self, titles: Titles | None, keyword: Literal["oneOf", "anyOf"]) -> dict[str, Json]:
        """The choices in the protocol's schema.

        Args:
            titles: Their display names, if they have any.
            keyword: What lists titled choices: `oneOf` for one answer, `anyOf` for several.

        Returns:
            An `enum` of strings, or a list of constants with titles.

        Raises:
            ValueError: There is a title for something that is no choice.
        """
        if titles is None:
            return {"enum": list(self.values)}
        left = dict(titles.items)
        listed: list[Json] = []
        for member, (wire, value) in zip(self.members, self.values.items(), strict=True):
            key = next((key for key in (member, value, wire) if key in left), None)
            listed.append({"const": wire, "title": wire if key is None else left.pop(key)})
        if left:
            raise ValueError(f"Titles names {', '.join(map(repr, left))}, which is no choice")
        return {keyword: listed}

    def read(self, wire: Json) -> str | int:
        """The JSON that pydantic reads for an answer.

        Args:
            wire: The string that came back.

        Returns:
            The choice's value.

        Raises:
            ValueError: It is none of the choices.
        """
        if not isinstance(wire, str) or wire not in self.values:
            raise ValueError(f"must be one of: {', '.join(self.values)}")
        return self.values[wire]

    def write(self, value: Json) -> Json:
        """The string that travels for a default, or the strings for a list of them.

        Args:
            value: The default in JSON.

        Returns:
            The same in the wire's strings; what is no choice stays as it is.
        """
        if isinstance(value, list):
            return [self.write(one) for one in cast("list[Json]", value)]
        return next((wire for wire, known in self.values.items() if known == value), value)
