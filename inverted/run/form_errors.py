"""What a person reads when an answer does not fit its form.

Pydantic's messages speak of input and types; a form's speak of the field ("age: must be at least
18"). They are short, because they are shown beside the question when it is asked again.

Called by `forms`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from inverted.errors import AnswerError

_WORDS: Final = {
    "missing": "is required",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "url_parsing": "must be a URL, for example https://example.com/",
    "string_type": "must be text",
    "string_pattern_mismatch": "must match the pattern {pattern}",
}
"""By pydantic's error type. The messages of other types only lose their subject."""

_SUBJECT: Final = re.compile(r"^(Input|String|List|Tuple|Date|Datetime) should ")
_AFTERTHOUGHT: Final = re.compile(r"( after validation)?, not \d+$")
_ORIGIN: Final = re.compile(r"^(Value error|Assertion failed), ")


class FormError(AnswerError):
    """An answer does not fit its form. The message is meant for the person who answered.

    Args:
        problems: What is wrong with each field; what concerns the whole form is under "".
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(
            "; ".join(f"{name}: {what}" if name else what for name, what in problems.items())
        )


def problems_of(error: ValidationError, found: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with each field.

    Args:
        error: Pydantic's findings. It did not see the fields in `found`.
        found: The problems that were found before.

    Returns:
        Both, by field; what concerns the whole form is under "".
    """
    problems = dict(found)
    for one in error.errors(include_url=False, include_input=False):
        name = str(one["loc"][0]) if one["loc"] else ""
        # Pydantic misses the fields that were refused before, and judged the whole without them.
        if not (found if name == "" else name in found):
            known = _WORDS.get(one["type"])
            what = known.format(**one.get("ctx", {})) if known else _spoken(one["msg"])
            problems.setdefault(name, what)
    return problems


def _spoken(message: str) -> str:
    return _AFTERTHOUGHT.sub("", _SUBJECT.sub("must ", _ORIGIN.sub("", message)))
