"""A journal in words: one row for each entry, and what a run waits for.

Pure: entries in, text out. Everything that came from elsewhere is cleaned. Called by `runs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast

from inverted.cli.lines import Glyphs, said_by_model
from inverted.cli.lines import prompt as prompt_of
from inverted.cli.stored import Written
from inverted.cli.text import call_text, clean, compact, count, duration, first_line
from inverted.cli.transcript import blocks
from inverted.core.effects import Json, Kind
from inverted.core.journal import (
    Answered,
    Asked,
    Attempted,
    CancelRequested,
    Checkpointed,
    Failure,
    Finished,
    Started,
)
from inverted.runtime.ladders import VIA

_VALUES: Final = {"now": "the clock", "uuid": "a new id", "random": "a random number"}
_WHO: Final = {
    Kind.SAMPLE: "model",
    Kind.ELICIT: "person",
    Kind.ROOTS: "roots",
    Kind.STEP: "step",
    Kind.SLEEP: "timer",
    Kind.VALUE: "value",
}
"""Who answers each kind of effect."""


class Row(NamedTuple):
    """One entry as a person reads it.

    Attributes:
        position: Where it stands in the journal.
        offset: Seconds since the first entry.
        id: The effect that it is about; empty for the run as a whole.
        who: Who asks or answers, in a word.
        text: What.
        style: How to print it.
    """

    position: int
    offset: float
    id: str
    who: str
    text: str
    style: str = ""

    @property
    def depth(self) -> int:
        """How many branches deep the effect lies."""
        return self.id.count(".") // 2


def rows(entries: Sequence[Written], glyphs: Glyphs) -> list[Row]:
    """Every entry of a journal as a row."""
    asked: dict[str, tuple[Asked, float]] = {}
    attempts: dict[str, int] = {}
    found: list[Row] = []
    for position, at, entry in entries:
        offset = at - entries[0].at
        match entry:
            case Started(agent, arguments):
                row = Row(position, offset, "", "started", call_text(agent, arguments), "bold")
            case Asked(id, kind):
                asked[id] = (entry, at)
                row = Row(position, offset, id, f"{_WHO[kind]}", _question(entry, at), "")
            case Attempted(id, attempt, failure):
                attempts[id] = attempt
                text = f"attempt {attempt} failed: {_failure(failure)}"
                row = Row(position, offset, id, "step", text, "yellow")
            case Answered(id, value, failure, sealed):
                question, since = asked.get(id, (None, at))
                who = _WHO[question.kind] if question else ""
                tries = f"attempt {attempts[id] + 1}, " if id in attempts else ""
                took = f"  ({tries}{duration(at - since)})"
                if failure is not None:
                    text = f"{glyphs.asks} failed: {_failure(failure)}{took}"
                    row = Row(position, offset, id, who, text, "red")
                else:
                    shown = "(sealed)" if sealed else _answer(question, value)
                    named = _model_name(question, value)
                    text = f"{glyphs.asks} {named}{shown}{_rung(value)}{took}"
                    row = Row(position, offset, id, who, text, "green")
            case CancelRequested(reason):
                row = Row(position, offset, "", "cancel", clean(reason), "yellow")
            case Checkpointed(segment, state):
                text = f"{segment}, from here on with {compact(state, 200)}"
                row = Row(position, offset, "", "checkpoint", text, "bold")
            case Finished():
                row = Row(position, offset, "", entry.status, _end(entry), "bold")
        found.append(row)
    return found


def waits_for(waiting: Written) -> str:
    """One outstanding effect in words: `person: Which severity?`."""
    _, at, entry = waiting
    assert isinstance(entry, Asked)  # noqa: S101 - `outstanding` gives nothing else
    return f"{_WHO[entry.kind]}: {_question(entry, at)}".removesuffix(": ")


def effect_text(kind: Kind, question: Json) -> str:
    """An effect that a body asks, in words."""
    return _question(Asked("", kind, question), None)


def who_answers(kind: Kind) -> str:
    """Who answers an effect of this kind, in a word."""
    return _WHO[kind]


def moment(at: float) -> str:
    """A wall-clock time for people, in this machine's time zone."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h`, `4 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


def entry_json(written: Written, start: float) -> dict[str, Any]:
    """An entry for programs: its place, its time, and what the journal says."""
    position, at, entry = written
    fields: dict[str, Any] = {
        name: value._asdict() if isinstance(value, Failure) else value
        for name, value in entry._asdict().items()
        if value is not None and not (name == "sealed" and not value)
    }
    return {
        "entry": position,
        "at": at,
        "offset": round(at - start, 3),
        "type": type(entry).__name__.lower(),
        **fields,
    }


def _question(asked: Asked, at: float | None) -> str:
    found: Any = asked.question
    question = cast("Mapping[str, Any]", found if isinstance(found, dict) else {})
    match asked.kind:
        case Kind.SAMPLE:
            tools = cast("list[Mapping[str, Any]]", question.get("tools") or [])
            offered = f"  [{count(len(tools), 'tool')}]" if tools else ""
            turns = len(cast("list[Any]", question.get("messages") or []))
            turn = f"  [message {turns}]" if turns > 1 else ""
            return f"{first_line(prompt_of(question)) or '(no text)'}{offered}{turn}"
        case Kind.ELICIT:
            page = f"  {clean(str(question['url']))}" if "url" in question else ""
            return f"{first_line(str(question.get('message', '')))}{page}"
        case Kind.ROOTS:
            return "which directories may be used"
        case Kind.STEP:
            return _step(question)
        case Kind.SLEEP:
            seconds = float(question.get("seconds", 0.0))
            until = "" if at is None else f", until {moment(at + seconds)}"
            return f"{duration(seconds)}{until}"
        case Kind.VALUE:
            of = str(question.get("of", ""))
            return _VALUES.get(of, clean(of))


def _step(question: Mapping[str, Any]) -> str:
    name = clean(str(question.get("name", "")))
    given: Any = question.get("args")
    if question.get("secret"):
        return f"{name}(secret)"
    if given is None:
        return f"{name}()"
    if isinstance(given, list):
        return f"{name}({', '.join(map(_argument, cast('list[object]', given)))})"
    return f"{name}({compact(given, 120)})"


def _argument(given: object) -> str:
    if isinstance(given, dict):
        pairs = list(cast("dict[str, object]", given).items())
        if len(pairs) == 1:  # given by name
            return f"{clean(pairs[0][0])}={compact(pairs[0][1], 60)}"
    return compact(cast("object", given), 60)


def _answer(asked: Asked | None, value: Json) -> str:
    match asked.kind if asked else None:
        case Kind.SAMPLE if isinstance(value, dict):
            said = [text for text, _ in said_by_model(cast("Mapping[str, Any]", value))]
            return ", ".join(said) or "(nothing)"
        case Kind.ELICIT if isinstance(value, dict):
            return _decided(cast("Mapping[str, Any]", value))
        case Kind.ROOTS if isinstance(value, dict):
            uris = [str(root.get("uri")) for root in blocks(cast("Any", value).get("roots"))]
            return ", ".join(map(clean, uris)) or "none"
        case Kind.SLEEP:
            return "over"
        case _:
            return _value(value)


def _value(value: Json) -> str:
    if isinstance(value, str):
        return first_line(value) or "(no text)"
    if isinstance(value, list):  # the content blocks of a tool's result
        parts = cast("list[Any]", value)
        said = [_text_of(part) for part in parts]
        if said and None not in said:
            return first_line(said[0] or "")
    return compact(cast("object", value), 200)


def _text_of(part: object) -> str | None:
    found = cast("dict[str, object]", part).get("text") if isinstance(part, dict) else None
    return found if isinstance(found, str) else None


def _decided(answer: Mapping[str, Any]) -> str:
    content: Any = answer.get("content")
    match answer.get("action"):
        case "accept" if isinstance(content, dict):
            given = cast("Mapping[str, object]", content)
            if set(given) == {"value"}:  # the only field of a question that wants one value
                return compact(given["value"], 200)
            shown = ", ".join(f"{clean(name)}={compact(each, 60)}" for name, each in given.items())
            return shown or "agreed"
        case "accept":
            return "agreed"
        case "decline":
            return "declined"
        case "cancel":
            return "dismissed"
        case _:
            return compact(answer, 200)


def _model_name(asked: Asked | None, value: Json) -> str:
    if asked is None or asked.kind is not Kind.SAMPLE or not isinstance(value, dict):
        return ""
    name: Any = cast("Mapping[str, Any]", value).get("model")
    return f"{clean(name)}: " if isinstance(name, str) and name else ""


def _rung(value: Json) -> str:
    """How the question was answered, where that was not the plain way of the protocol."""
    if not isinstance(value, dict):
        return ""
    rung: Any = cast("Mapping[str, Any]", value).get(VIA)
    return f"  [{clean(rung)}]" if isinstance(rung, str) else ""


def _failure(failure: Failure) -> str:
    message = first_line(failure.message)
    return message if message.startswith(failure.type) else f"{failure.type}: {message}"


def _end(finished: Finished) -> str:
    if finished.failure is not None:
        return _failure(finished.failure)
    result = finished.result
    if not isinstance(result, dict):
        return "" if result is None else compact(result, 200)
    found = cast("Mapping[str, Any]", result)
    texts = [str(each.get("text")) for each in blocks(found.get("content")) if "text" in each]
    structured = found.get("structuredContent")
    if texts:
        return first_line(texts[0])
    return "" if structured is None else compact(structured, 200)
