"""Answers on their way through the inbox of a run.

An answer of the client is the JSON object that it sent. One that came on another rung is a JSON
list of that rung's name and the answer. No client can make the second: its answers are objects, and
anything else is refused before it is posted.
"""

from __future__ import annotations

import json
from typing import cast

from inverted.core.effects import Json
from inverted.errors import AnswerError


def posted(id: str, raw: Json, via: str | None = None) -> bytes:
    """A line for the inbox.

    Args:
        id: The question, for the error.
        raw: The answer, as a client sends it.
        via: The rung on which it came; None for the client itself.

    Raises:
        AnswerError: It is no JSON.
    """
    try:
        return json.dumps(raw if via is None else [via, raw], allow_nan=False).encode()
    except ValueError as error:
        raise AnswerError(
            f"The answer to {id!r} is not JSON: {error}. Nothing was recorded; send it without NaN "
            "or infinity."
        ) from error


def read_posted(line: bytes) -> tuple[Json, str | None]:
    """What was posted, and on which rung."""
    found: Json = json.loads(line)
    if isinstance(found, list):
        via, raw = cast("list[Json]", found)
        return raw, via
    return found, None
