"""Room in an agent's output schema for the replies of a run that is not finished.

Clients check every result against the output schema of its tool, so such a reply must fit it. The
schema keeps its shape, for clients that make types of it (FastMCP's `.data`): the fields that were
required become so under the condition that the reply is not an unfinished one. A union of the two
(`anyOf`) says the same and costs those clients their types.
"""

from __future__ import annotations

from typing import Any, Final

UNFINISHED: Final = "unfinished"
"""The field that an unfinished reply has, and no other."""

_STRICT: Final = ("required", "minProperties", "propertyNames")
_WRAPPED: Final = "x-fastmcp-wrap-result"


def widened(schema: dict[str, Any]) -> dict[str, Any]:
    """An output schema that unfinished replies fit too.

    Args:
        schema: The output schema of an agent: an object. It is not changed.

    Returns:
        The wider schema. What fitted before still fits; of what did not, only an object with the
        field `unfinished` does.
    """
    strict = {key: schema[key] for key in _STRICT if key in schema}
    loose = {key: value for key, value in schema.items() if key not in strict and key != _WRAPPED}
    wide = {
        **loose,
        # Beside `properties`, so that types made of the schema have no such field.
        "patternProperties": {
            **schema.get("patternProperties", {}),
            f"^{UNFINISHED}$": {"type": "string", "description": "What is needed to go on."},
        },
    }
    if strict:
        wide["if"] = {"required": [UNFINISHED]}
        wide["else"] = strict
    return wide
