"""One field of an elicitation form: its schema, and how an answer to it is read.

Pydantic validates answers. `FormField.parse` runs before it and stops the few answers that pydantic
would take although the schema, or common sense, refuses them.

Built by `form_schema`, used by `forms`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, cast

from inverted.core.effects import Json
from inverted.run.form_choices import Choices

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EXAMPLES: Final = {"date": "2026-07-28", "date-time": "2026-07-28T09:30:00Z"}


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form.

    Args:
        name: Its key in the answer.
        schema: Its schema, in the protocol's subset.
        required: The person must fill it in.
        nullable: Its type takes None.
        null_when_absent: It has no default but takes None: that is what it is when left empty.
        choices: What may be chosen; None for other fields.
    """

    name: str
    schema: dict[str, Json]
    required: bool
    nullable: bool
    null_when_absent: bool
    choices: Choices | None

    def parse(self, value: Json) -> Json:
        """Turn an answer into the JSON that the field's Python type reads.

        Args:
            value: The answer, never None.

        Returns:
            The same value, except for choices and for whole numbers written as 5.0.

        Raises:
            ValueError: The answer is wrong; the message is for a person.
        """
        kind, form = self.schema["type"], self.schema.get("format")
        if self.choices is not None:
            if kind != "array":
                return self.choices.read(value)
            if not isinstance(value, list):
                raise ValueError("must be a list of choices")
            return [self.choices.read(one) for one in cast("list[Json]", value)]
        if isinstance(value, str) and not _is_text(value):
            raise ValueError("must be text without broken characters")
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError("must be a finite number")
            # JSON Schema does not tell 5.0 from 5; pydantic's strict mode does.
            return int(value) if kind == "integer" and value.is_integer() else value
        # Pydantic takes digits alone for seconds since 1970; a person's "5" is no date.
        if form in _EXAMPLES and isinstance(value, str) and not _DAY.match(value):
            raise ValueError(f"must be a {form}, for example {_EXAMPLES[form]}")
        return value


def _is_text(value: str) -> bool:
    """Whether a string can be written down: half a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
