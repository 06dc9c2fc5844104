"""What older protocol revisions can hold of a form and of a conversation.

Forms are built for 2025-11-25 and later. 2025-06-18 has no titled choices in `oneOf`, no
multi-select, and defaults for booleans only; revisions before it have no elicitation.

Called by whoever sends a form to a client of an older revision.

Source: specification 2025-06-18, client/elicitation, "Request Schema", and its schema.ts.
"""

from __future__ import annotations

from typing import Final, cast

from inverted.core.effects import Json

_FIRST: Final = "2025-06-18"
_COMPLETE: Final = "2025-11-25"


def form_for(schema: dict[str, Json], revision: str) -> dict[str, Json] | None:
    """Say a form in the words of a protocol revision.

    Titled choices become `enum` with `enumNames`; defaults that are no booleans are left out. The
    answers stay the same, so the same form reads them.

    Args:
        schema: The schema of a form, as `form_of` builds it; it is not changed.
        revision: The protocol revision of the client.

    Returns:
        The schema to send, or None if the revision cannot ask this.
    """
    if revision >= _COMPLETE:
        return schema
    if revision < _FIRST:
        return None
    properties: dict[str, dict[str, Json]] = schema["properties"]
    if any(field["type"] == "array" for field in properties.values()):
        return None
    return {**schema, "properties": {name: _older(field) for name, field in properties.items()}}


def messages_for(messages: list[Json], revision: str) -> list[Json]:
    """Say a conversation in the words of a protocol revision.

    Before 2025-11-25 a message holds one block of content: several become several messages.

    Args:
        messages: The messages in wire form; they are not changed.
        revision: The protocol revision of the client.

    Returns:
        The messages to send.

    Source: specification 2025-06-18, client/sampling, "Messages".
    """
    return messages if revision >= _COMPLETE else one_block_each(messages)


def one_block_each(messages: list[Json]) -> list[Json]:
    """A conversation in which no message holds a list.

    Args:
        messages: The messages in wire form; they are not changed.

    Returns:
        The same blocks, each in a message of its own.
    """
    if all(isinstance(each["content"], dict) for each in messages):
        return messages
    return [
        {**message, "content": block}
        for message in messages
        for block in _blocks(message["content"])
    ]


def _blocks(content: Json) -> list[Json]:
    return cast("list[Json]", content) if isinstance(content, list) else [content]


def _older(field: dict[str, Json]) -> dict[str, Json]:
    kept = {key: value for key, value in field.items() if key not in ("oneOf", "default")}
    if "oneOf" in field:
        kept["enum"] = [option["const"] for option in field["oneOf"]]
        kept["enumNames"] = [option["title"] for option in field["oneOf"]]
    if field["type"] == "boolean" and "default" in field:
        kept["default"] = field["default"]
    return kept
