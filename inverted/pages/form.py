"""A question as an HTML form, and the answer out of what the browser sends back.

The form works without a script and by keyboard alone. Rules:

- it says who asks, shows the message as plain text, and has one control for each field;
- submit answers, decline says no to the question, cancel leaves it; a question of one yes or no
  has a button for each instead of a field, and none of them is focused or taken by Enter;
- what was typed stays when the form is shown again, with what is wrong at the top and beside each
  field;
- controls are named by number (`f0`), so a property may have any name.

Pure. Called by `desk`.

Source: specification 2025-11-25 and 2026-07-28, client/elicitation; WCAG 2.2 AA.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inverted.core.effects import Json
from inverted.pages.fields import ABSENT, Field, fields_of
from inverted.pages.shell import kept, page, shown

Typed = Mapping[str, Sequence[str]]
"""What a browser sends: the values of each control."""

ACTION: Final = "action"
"""The name of the buttons."""

_LONGEST_LEAD: Final = 200
"""Characters of a first paragraph that still is a heading."""
_LONGEST_LINE: Final = 100
"""A text that may be longer than this gets several lines."""
_MOST_RADIOS: Final = 7
"""More choices than this go into a list."""

_SUBMIT: Final = (("accept", "Submit"), ("decline", "Decline"), ("cancel", "Cancel"))
_CONFIRM: Final = (("accept", "OK"), ("decline", "Decline"), ("cancel", "Cancel"))
_APPROVE: Final = (("yes", "Approve"), ("no", "Deny"), ("cancel", "Cancel"))
_DECIDE: Final = (("yes", "Yes"), ("no", "No"), ("decline", "Decline"), ("cancel", "Cancel"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A question as a person sees it. `run_id` and `id` name it.

    Attributes:
        run_id: The run that asks.
        id: The question within its run.
        server: The server's name.
        agent: The agent's name.
        message: What is asked; plain text.
        schema: The `requestedSchema`.
    """

    run_id: str
    id: str
    server: str
    agent: str
    message: str
    schema: Mapping[str, Json]


class FormProblems(ValueError):
    """What was typed does not fit. The form is shown again.

    Args:
        problems: What is wrong with each field; what concerns the whole form is under "".
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name}: {what}" for name, what in problems.items()))


def read(typed: Typed, schema: Mapping[str, Json]) -> dict[str, Json]:
    """The answer to a question.

    Args:
        typed: What the browser sent.
        schema: The `requestedSchema`.

    Returns:
        The result of the elicitation: its `action`, and the `content` if that is "accept".

    Raises:
        FormProblems: It does not fit the schema, or no button was pressed.
    """
    fields = fields_of(schema)
    pressed = next(iter(typed.get(ACTION, ())), "")
    if pressed not in dict(_buttons(fields)):
        raise FormProblems({"": "Choose one of the buttons."})
    if pressed in ("decline", "cancel"):
        return {"action": pressed}
    if pressed in ("yes", "no"):
        return {"action": "accept", "content": {fields[0].name: pressed == "yes"}}
    if _confirms(fields):
        return {"action": "accept", "content": {fields[0].name: True}}
    content: dict[str, Json] = {}
    problems: dict[str, str] = {}
    for number, one in enumerate(fields):
        values = typed.get(f"f{number}", ())
        try:
            value = one.read([value for value in values if value or not one.choices])
        except ValueError as error:
            problems[one.name] = str(error)
        else:
            if value is not ABSENT:
                content[one.name] = value
    if problems:
        raise FormProblems(problems)
    return {"action": "accept", "content": content}


def chosen(typed: Typed, schema: Mapping[str, Json]) -> str:
    """What the button says that was pressed.

    Args:
        typed: What the browser sent; `read` has read it.
        schema: The `requestedSchema`.

    Returns:
        Its label.
    """
    return dict(_buttons(fields_of(schema)))[typed[ACTION][0]]


def render(
    question: Shown,
    *,
    nonce: str,
    action: str = "",
    problems: Mapping[str, str] | None = None,
    filled: Typed | None = None,
) -> str:
    """The page of a question.

    Args:
        question: The question.
        nonce: What lets the page's style through the Content-Security-Policy.
        action: Where the form is sent; to the page's own address unless given.
        problems: What was wrong with the last attempt, as `FormProblems` has it.
        filled: What was typed at the last attempt; the defaults unless given.

    Returns:
        A complete HTML page.

    Raises:
        ValueError: The schema is none of the protocol's.
    """
    fields = fields_of(question.schema)
    wrong = problems or {}
    lead, details = _lead(question.message)
    focus = "" if wrong else " autofocus"
    decides = _decides(fields) or _confirms(fields)
    # Where there is no field to start in, a screen reader starts at the question.
    start = f' tabindex="-1"{focus}' if decides else ""
    parts = [
        _who(question),
        f'<h1 id="question" dir="auto"{start}>{shown(lead)}</h1>',
    ]
    if wrong:
        parts.append(_summary(wrong, fields))
    if details:
        parts.append(
            '<div class="details" dir="auto" tabindex="0" role="group" aria-label="Details">'
            f"{shown(details)}</div>"
        )
    where = f' action="{shown(action)}"' if action else ""
    parts.append(f'<form method="post"{where} novalidate aria-labelledby="question">')
    if decides:
        parts.append(_said(fields[0]))
    else:
        for number, one in enumerate(fields):
            typed = one.start if filled is None else filled.get(f"f{number}", ())
            parts.append(_control(number, one, typed, wrong.get(one.name), "" if number else focus))
    parts += [_button_row(_buttons(fields)), "</form>"]
    title = f"{'Error: ' if wrong else ''}{question.server} asks: {lead}"
    return page(title, "\n".join(filter(None, parts)), nonce=nonce)


def _who(question: Shown) -> str:
    return (
        f'<p class="asks">The server <b dir="auto">{shown(question.server)}</b> asks you. '
        f'Its agent: <b dir="auto">{shown(question.agent)}</b></p>'
    )


def _lead(message: str) -> tuple[str, str]:
    """The first paragraph as a heading, and the rest. A long one is no heading."""
    lead, _, details = message.replace("\r\n", "\n").strip().partition("\n\n")
    if lead and len(lead) <= _LONGEST_LEAD:
        return lead, details.strip("\n")
    return "A question for you", message.strip()


def _decides(fields: Sequence[Field]) -> bool:
    """Whether the form is one yes or no that has to be said."""
    return len(fields) == 1 and fields[0].kind == "boolean" and fields[0].required


def _confirms(fields: Sequence[Field]) -> bool:
    """Whether the form asks for nothing but acceptance: the one of `response_type=None`."""
    return len(fields) == 1 and (fields[0].name, fields[0].default) == ("ok", True)


def _buttons(fields: Sequence[Field]) -> tuple[tuple[str, str], ...]:
    if _confirms(fields):
        return _CONFIRM
    if _decides(fields):
        return _APPROVE if fields[0].title == "Approve" else _DECIDE
    return _SUBMIT


def _button_row(buttons: Iterable[tuple[str, str]]) -> str:
    # No button of a yes or no is made to look like the one to take.
    drawn = [
        f'<button name="{ACTION}" value="{value}"{" class=main" * (value == "accept")}>{label}'
        "</button>"
        for value, label in buttons
    ]
    words = {
        "decline": "Decline: you do not want to answer this.",
        "cancel": "Cancel: you leave the question without an answer.",
    }
    told = " ".join(words[value] for value, _ in buttons if value in words)
    return f'<div class="buttons">{"".join(drawn)}</div>\n<p class="hint">{told}</p>'


def _summary(problems: Mapping[str, str], fields: Sequence[Field]) -> str:
    lines = [f"<li>{shown(problems[''])}</li>"] if problems.get("") else []
    lines += [
        f'<li><a href="#f{number}">{shown(one.title)}: {shown(problems[one.name])}</a></li>'
        for number, one in enumerate(fields)
        if one.name in problems and one.name
    ]
    return (
        '<div class="summary" role="alert" tabindex="-1" autofocus aria-labelledby="wrong">'
        f'<b id="wrong">This answer could not be sent</b><ul>{"".join(lines)}</ul></div>'
    )


def _said(one: Field) -> str:
    """The description of a field whose buttons stand for it, and its title if that says more."""
    title = "" if one.title in ("Approve", "OK", "Your answer") else one.title
    return "".join(
        f'<p class="{kind}" dir="auto">{shown(words)}</p>'
        for kind, words in (("label", title), ("hint", one.description))
        if words
    )


def _control(number: int, one: Field, typed: Sequence[str], wrong: str | None, focus: str) -> str:
    """A field: its label, what belongs into it, what is wrong with it, and its control."""
    name = f"f{number}"
    notes = {f"{name}-hint": _hint(one), f"{name}-wrong": _sentence(wrong or "")}
    drawn = "".join(
        f'<p id="{id}" class="{"hint" if id.endswith("hint") else "problem"}" dir="auto">'
        f"{shown(words)}</p>"
        for id, words in notes.items()
        if words
    )
    described = " ".join(id for id, words in notes.items() if words)
    state = f' aria-describedby="{described}"' if described else ""
    if wrong:
        state += ' aria-invalid="true"'
    label = shown(one.title) + ("" if one.required else ' <span class="optional">(optional)</span>')
    css = "field wrong" if wrong else "field"
    if one.choices and not _as_list(one):
        return (
            f'<fieldset class="{css}"{state}><legend dir="auto">{label}</legend>{drawn}'
            f"{_boxes(name, one, typed, focus)}</fieldset>"
        )
    attributes = f'id="{name}" name="{name}"{state}{focus}{" required" if one.required else ""}'
    control = _list(attributes, one, typed) if one.choices else _text(attributes, one, typed)
    return (
        f'<div class="{css}"><label for="{name}" dir="auto">{label}</label>{drawn}{control}</div>'
    )


def _hint(one: Field) -> str:
    if one.description and one.rules:
        return f"{one.description.removesuffix('.')} ({one.rules})"
    return one.description or _sentence(one.rules)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _as_list(one: Field) -> bool:
    return one.kind == "one" and len(one.choices) > _MOST_RADIOS


def _boxes(name: str, one: Field, typed: Sequence[str], focus: str) -> str:
    """Radio buttons or checkboxes. The first has the field's id, for the links to it."""
    several = one.kind == "many"
    entries = [(str(number), title) for number, (_, title) in enumerate(one.choices)]
    if not several and not one.required and not one.start:
        entries.append(("", "No answer"))
    chosen = set(typed) if several else set(typed[:1] or [""])
    start = next((value for value, _ in entries if value in chosen), entries[0][0])
    drawn: list[str] = []
    for number, (value, title) in enumerate(entries):
        attributes = f'type="{"checkbox" if several else "radio"}" name="{name}" value="{value}"'
        attributes += f' id="{name}{f"-{number}" if number else ""}"'
        attributes += " checked" if value in chosen else ""
        attributes += " required" if one.required and not several else ""
        attributes += focus if value == (entries[0][0] if several else start) else ""
        drawn.append(
            f'<label class="choice"><input {attributes}><span dir="auto">{shown(title)}</span>'
            "</label>"
        )
    return "".join(drawn)


def _list(attributes: str, one: Field, typed: Sequence[str]) -> str:
    entries = [] if one.start else [("", "Choose one" if one.required else "No answer")]
    entries += [(str(number), title) for number, (_, title) in enumerate(one.choices)]
    chosen = {*typed[:1]}
    options = "".join(
        f'<option value="{value}"{" selected" * (value in chosen)}>{shown(title)}</option>'
        for value, title in entries
    )
    return f"<select {attributes}>{options}</select>"


def _text(attributes: str, one: Field, typed: Sequence[str]) -> str:
    value = typed[0] if typed else ""
    if one.kind == "text" and not one.format and _is_long(one, value):
        # A parser drops the first line break of a textarea.
        return f'<textarea {attributes} rows="2">\n{kept(value)}</textarea>'
    kind, mode = _INPUTS.get(one.format or one.kind, ("text", "text"))
    if kind == "date" and value and not _is_date(one, value):
        kind = "text"  # a date picker would lose it
    fill = "email" if one.format == "email" else "off"
    return (
        f'<input {attributes} type="{kind}" inputmode="{mode}" autocomplete="{fill}" '
        f'value="{kept(value)}">'
    )


_INPUTS: Final = {
    # No type="number" or "email": what does not fit would be lost, or stopped without our words.
    "integer": ("text", "numeric"),
    "number": ("text", "decimal"),
    "email": ("text", "email"),
    "uri": ("text", "url"),
    "date": ("date", "none"),
}


def _is_long(one: Field, value: str) -> bool:
    longest = one.schema.get("maxLength")
    return longest is None or longest > _LONGEST_LINE or "\n" in value


def _is_date(one: Field, value: str) -> bool:
    try:
        one.read([value])
    except ValueError:
        return False
    return True
