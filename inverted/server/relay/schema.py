"""Room in an agent's output schema for the replies of a run that is not finished.

Clients check every result against the output schema of its tool, so such a reply must fit it. The
schema keeps its shape, for clients that make types of it (FastMCP's `.data`): whatever else it
demands, it demands under the condition that the reply is not an unfinished one. A union of the two
(`anyOf`) says the same and costs those clients their types.
"""

from __future__ import annotations

from typing import Any, Final

UNFINISHED: Final = "unfinished"
"""The field that an unfinished reply has, and no other."""

_ABOUT: Final = frozenset(
    ("$schema", "$id", "$defs", "definitions", "type", "title", "description", "$comment")
)
_SHAPE: Final = frozenset(("properties", "additionalProperties", "unevaluatedProperties"))
_WRAPPED: Final = "x-fastmcp-wrap-result"
"""Says that `result` is to be taken out. A finished result says so itself."""


def widened(schema: dict[str, Any]) -> dict[str, Any]:
    """An output schema that unfinished replies fit too.

    Args:
        schema: The output schema of an agent: an object. It is not changed.

    Returns:
        The wider schema. What fitted before still fits; of what did not, only an object with the
        field `unfinished` does.
    """
    # Where an author's field may have the name, or rules go by patterns, the shape is a demand too.
    clashes = UNFINISHED in schema.get("properties", {}) or "patternProperties" in schema
    kept = _ABOUT if clashes else _ABOUT | _SHAPE
    wide = {key: value for key, value in schema.items() if key in kept}
    strict = {key: value for key, value in schema.items() if key not in {*kept, _WRAPPED}}
    # Beside `properties`, so that types made of the schema have no such field.
    wide["patternProperties"] = {f"^{UNFINISHED}$": {"description": "What is needed to go on."}}
    if strict:
        wide["if"] = {"required": [UNFINISHED]}
        wide["else"] = strict
    return wide
