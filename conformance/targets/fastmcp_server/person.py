"""Tools that ask the person: `ctx.elicit` on 2025-11-25, rounds on 2026-07-28."""

# ruff: noqa: PT028 - these are tools, and no tests
from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

import jsonschema
import mcp_types as types
from annotated_types import Len
from fastmcp import Context
from fastmcp.exceptions import ToolError
from fastmcp.server.elicitation import AcceptedElicitation
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict

from targets.fastmcp_server.app import mcp
from targets.fastmcp_server.asking import asked, form, modern


class Contact(BaseModel):
    """What `test_elicitation` asks for."""

    username: Annotated[str, Field(description="Your name")]
    email: Annotated[str, Field(json_schema_extra={"format": "email"})]


class Prefilled(BaseModel):
    """A form with a default of each primitive type."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def spelled(**schema: Any) -> Any:
    """A field whose schema is spelled out, as FastMCP has no spelling of its own for it."""

    def spell(made: dict[str, Any]) -> None:
        made.clear()
        made.update(schema)

    return Field(json_schema_extra=spell)


Option = Literal["option1", "option2", "option3"]
Value = Literal["value1", "value2", "value3"]
Old = Literal["opt1", "opt2", "opt3"]
TITLES: Final = [
    {"const": f"value{number}", "title": title}
    for number, title in enumerate(("First", "Second", "Third"), 1)
]
NAMES: Final = ["Option One", "Option Two", "Option Three"]
MANY: Final[dict[str, Any]] = {"type": "array", "minItems": 1, "maxItems": 3}


class Choices(TypedDict, total=False):
    """Every way to offer choices; the official suite sets the names."""

    untitledSingle: Option
    titledSingle: Annotated[Value, spelled(type="string", oneOf=TITLES)]
    legacyEnum: Annotated[Old, spelled(type="string", enum=[*get_args(Old)], enumNames=NAMES)]
    untitledMulti: Annotated[
        list[Option],
        Len(1, 3),
        spelled(**MANY, items={"type": "string", "enum": [*get_args(Option)]}),
    ]
    titledMulti: Annotated[list[Value], Len(1, 3), spelled(**MANY, items={"anyOf": TITLES})]


@mcp.tool
async def test_elicitation(
    ctx: Context, message: str = "Who are you?"
) -> str | types.InputRequiredResult:
    """Ask the person through a form."""
    return await _asked(ctx, "User response", message, Contact)


@mcp.tool
async def test_elicitation_sep1034_defaults(ctx: Context) -> str | types.InputRequiredResult:
    """Ask with a default for each primitive type."""
    return await _asked(ctx, "Elicitation completed", "Is this right?", Prefilled)


@mcp.tool
async def test_elicitation_sep1330_enums(ctx: Context) -> str | types.InputRequiredResult:
    """Ask with choices in every spelling."""
    return await _asked(ctx, "Elicitation completed", "What do you choose?", Choices)


async def _asked(
    ctx: Context, begins: str, message: str, shape: type[Any]
) -> str | types.InputRequiredResult:
    if not modern(ctx):
        given = await ctx.elicit(message, shape)
        content = given.data if isinstance(given, AcceptedElicitation) else None
        return f"{begins}: action={given.action}, content={content}"
    schema = TypeAdapter(shape).json_schema()
    got = await asked(ctx, state="asked", person=form(message, schema))
    if isinstance(got, types.InputRequiredResult):
        return got
    answer: types.ElicitResult = got["person"]
    if answer.action == "accept":
        try:
            jsonschema.validate(answer.content or {}, schema)
        except jsonschema.ValidationError as error:
            raise ToolError(f"The answer does not fit the form: {error.message}") from error
    return f"{begins}: action={answer.action}, content={answer.content}"
