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
