"""JSON of a stranger, read without trust."""

from __future__ import annotations

from typing import Any, cast

from inverted_conformance.wire.transcript import Message


def mapping(value: object) -> Message:
    """An object; an empty one if the value is none.

    Args:
        value: What stands there.
    """
    return cast("Message", value) if isinstance(value, dict) else {}


def array(value: object) -> list[Any]:
    """An array; an empty one if the value is none.

    Args:
        value: What stands there.
    """
    return cast("list[Any]", value) if isinstance(value, list) else []


def declares(declared: object, name: str) -> bool:
    """Whether a client declares a capability.

    Args:
        declared: What it declares.
        name: The path of the capability, such as `sampling.tools`. A client that names no mode of
            elicitation has `elicitation.form`.
    """
    found = declared
    if name == "elicitation.form" and mapping(found).get("elicitation") == {}:
        return True
    # The names of extensions have dots of their own.
    for part in name.split(".", 1) if name.startswith("extensions.") else name.split("."):
        found = mapping(found).get(part)
    return found is not None and found is not False
