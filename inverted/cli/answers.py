"""Answers without a person at the keyboard: a file of them (`--answers`), and `--yes`.

A file is JSON: a list, used in order, or an object whose keys are parts of messages. An answer is
- an object: the form's values;
- any other value but the two words below: the value of the form's only field;
- "decline" or "cancel": that, as a person would;
- {"action": "accept" | "decline" | "cancel", "content": {…}}: the protocol's own form.
Under a message, a list holds the answers to that message's repetitions, in order; anything else
is the answer every time.

`--yes` accepts only what it can fill in by itself: defaults, and yes for a yes/no question. It
never opens a page. Both are pure; `person` decides which is asked first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from inverted.cli.errors import UsageProblem
from inverted.cli.events import Wire
from inverted.cli.fields import UnsupportedForm, Value, check_content, form_fields
from inverted.cli.prompts import Given
from inverted.cli.text import clip, first_line

_ACTIONS: Final = ("accept", "decline", "cancel")


@dataclass
class Answers:
    """The answers of one file. Those of a list are each used once."""

    where: str
    in_order: list[object] = field(default_factory=list[object])
    by_message: dict[str, object] = field(default_factory=dict[str, object])

    def take(self, message: str) -> tuple[object] | None:
        """The next answer for a message, in a tuple because null is an answer; None without one.

        Among the keys that occur in the message, the longest is meant.
        """
        keys = [key for key in self.by_message if key in message]
        if keys:
            answer = self.by_message[max(keys, key=len)]
            if not isinstance(answer, list):
                return (answer,)
            left = cast("list[object]", answer)
            return (left.pop(0),) if left else None
        return (self.in_order.pop(0),) if self.in_order else None


def read_answers(file: Path) -> Answers:
    """Read a file of answers.

    Args:
        file: JSON, a list or an object.

    Raises:
        UsageProblem: The file cannot be read, or holds something else.
    """
    try:
        found: object = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"cannot read --answers {file}: {error.strerror}.") from None
    except ValueError as error:
        raise UsageProblem(f"--answers {file} is not JSON: {error}.") from None
    if isinstance(found, list):
        return Answers(str(file), in_order=cast("list[object]", found))
    if isinstance(found, dict):
        return Answers(str(file), by_message=cast("dict[str, object]", found))
    raise UsageProblem(
        f"--answers {file} holds neither a list of answers nor an object with parts of messages "
        "as its keys."
    )


def scripted(answer: object, message: str, schema: Wire | None) -> Given:
    """What an answer from a file means for a question.

    Args:
        answer: The answer.
        message: The question's message, for errors.
        schema: The requestedSchema; None when a page is to be opened.

    Raises:
        UsageProblem: The answer does not fit the question.
    """
    if answer in ("decline", "cancel"):
        return Given("decline" if answer == "decline" else "cancel")
    content: object = answer
    if isinstance(answer, dict) and "action" in answer and not _has_field(schema, "action"):
        spelled = cast("dict[str, object]", answer)
        if spelled["action"] not in _ACTIONS:
            raise _unfit(message, f"its action is none of {', '.join(_ACTIONS)}")
        if spelled["action"] != "accept":
            return scripted(spelled["action"], message, schema)
        content = spelled.get("content", {})
    if schema is None:
        raise _unfit(message, 'it asks to open a page, which needs a person. Write "decline"')
    try:
        names = [one.name for one in form_fields(schema)]
        if not isinstance(content, dict):
            if len(names) != 1:
                raise _unfit(message, f"write an object with {', '.join(names) or 'nothing in it'}")
            content = {names[0]: content}
        check_content(cast("object", content), schema)
    except UnsupportedForm as error:
        raise _unfit(message, str(error)) from None
    except ValueError as error:
        raise _unfit(message, str(error)) from None
    return Given("accept", cast("dict[str, Value]", content))


def assumed(schema: Wire) -> Given | None:
    """What `--yes` answers to a form: None when it cannot fill in a valid answer by itself.

    Defaults are kept. A yes/no field without one gets yes, and so does the only field of a form
    even if its default is no: that is the question itself.
    """
    content: dict[str, Value] = {}
    try:
        fields = form_fields(schema)
        for one in fields:
            if one.kind == "boolean" and (one.default is None or len(fields) == 1):
                content[one.name] = True
            elif one.default is not None:
                content[one.name] = one.default
            elif one.kind == "one" and len(one.choices) == 1:
                content[one.name] = one.choices[0].value
        check_content(content, schema)
    except ValueError:
        return None
    return Given("accept", content)


def _has_field(schema: Wire | None, name: str) -> bool:
    found: dict[str, Any] = (schema or {}).get("properties") or {}
    return name in found


def _unfit(message: str, reason: str) -> UsageProblem:
    return UsageProblem(
        f"the answer given for {clip(first_line(message), 60)!r} does not fit: {reason}."
    )
