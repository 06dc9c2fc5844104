"""What the host's model sends back, read as answers to the questions of a run.

A model may answer the wrong question, the same one twice, or in another shape than asked. What is
clear is taken; the rest is refused with words that the model can act upon, and nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

from pydantic_core import from_json

from inverted.carriers.client import read_answer
from inverted.core.effects import Json, Kind
from inverted.errors import AnswerError
from inverted.runtime.ladders import RELAY
from inverted.runtime.ports import Given, Question

_FIELDS: Final = frozenset({"id", "text", "calls", "content", "action"})
_LONGEST: Final = 60
_ACTIONS: Final = ("accept", "decline", "cancel")
_CALLS: Final = '"calls" is a list of {"name": "...", "arguments": {}}.'


class Read(NamedTuple):
    """What was understood.

    Attributes:
        given: Answers by the id of their question.
        notes: What was not, in words for the model.
    """

    given: dict[str, Given]
    notes: list[str]


class _Unclear(ValueError):
    """An answer that cannot be used; the message says how to say it."""


def read_answers(questions: Sequence[Question], answers: Json, model: str) -> Read:
    """Read the answers of a host's model.

    Args:
        questions: What the model is asked now.
        answers: What it sent.
        model: What to call it in the journal.
    """
    open_ = {each.id: each for each in questions}
    given: dict[str, Given] = {}
    notes: list[str] = []
    for id, answer in _each(answers, list(open_)):
        question = open_.get(id) if id is not None else None
        if question is None:
            notes.append(_unknown(id, open_))
            continue
        if id in given:
            notes.append(f"Only the first answer to {id} was taken.")
            continue
        try:
            raw = _raw(question, answer, model)
            read_answer(question, raw)
            given[question.id] = Given(raw, RELAY)
        except (_Unclear, AnswerError) as error:
            notes.append(f"The answer to {id} was not taken: {error}")
    return Read(given, notes)


def _each(answers: Json, ids: list[str]) -> list[tuple[str | None, Json]]:
    """The answers, each with the id it names; the only question need not be named."""
    only = ids[0] if len(ids) == 1 else None
    if isinstance(answers, str):
        try:
            answers = _parsed(answers)
        except _Unclear:
            return [(only, answers)] if answers.strip() else []
    if answers is None:
        return []
    if isinstance(answers, list):
        return [_named(each, only) for each in cast("list[Json]", answers)]
    if isinstance(answers, dict) and not answers.keys() & _FIELDS:
        by_id = cast("dict[str, Json]", answers)
        if by_id and (by_id.keys() <= set(ids) or only is None):
            return list(by_id.items())
        return [(only, cast("Json", answers))] if by_id else []
    return [_named(answers, only)]


def _named(answer: Json, only: str | None) -> tuple[str | None, Json]:
    if isinstance(answer, dict):
        fields = cast("dict[str, Json]", answer)
        id = fields.get("id", only)
        return (None if id is None else str(id)), fields
    return only, answer


def _unknown(id: str | None, open_: Mapping[str, Question]) -> str:
    asked = ", ".join(open_) or "none"
    if id is None:
        return f"An answer without id was not taken. Open questions: {asked}."
    # Said by a model, and said back to it: in one line, and not at length.
    named = " ".join(id.split())[:_LONGEST]
    return f"There is no open question {named}. Open questions: {asked}."


def _raw(question: Question, answer: Json, model: str) -> Json:
    """An answer as a client would send it."""
    if question.kind is Kind.ELICIT:
        return _form(question, answer)
    return {"role": "assistant", "model": model, **_turn(question, answer)}


def _turn(question: Question, answer: Json) -> dict[str, Json]:
    fields = cast("dict[str, Json]", answer) if isinstance(answer, dict) else {"text": answer}
    calls = fields.get("calls")
    text = fields.get("text", fields.get("content"))
    if calls is None and text is None and not fields.keys() <= _FIELDS:
        text = {key: value for key, value in fields.items() if key != "id"}
    blocks: list[Json] = []
    if text is not None and text != "":
        said = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        blocks.append({"type": "text", "text": said})
    if not calls:
        if not blocks:
            raise _Unclear('it is empty. Give "text", or "calls" to use tools.')
        return {"content": blocks, "stopReason": "endTurn"}
    if "tools" not in question.params:
        raise _Unclear('this question has no tools. Give "text".')
    for number, call in enumerate(_listed(calls)):
        blocks.append({"type": "tool_use", "id": f"{question.id}#{number}", **_call(call)})
    return {"content": blocks, "stopReason": "toolUse"}


def _listed(calls: Json) -> list[Json]:
    if isinstance(calls, str):
        calls = _parsed(calls)
    return cast("list[Json]", calls) if isinstance(calls, list) else [calls]


def _call(call: Json) -> dict[str, Json]:
    empty: dict[str, Json] = {}
    fields = cast("dict[str, Json]", call) if isinstance(call, dict) else empty
    name = fields.get("name")
    arguments = fields.get("arguments", fields.get("input"))
    if isinstance(arguments, str):
        arguments = _parsed(arguments)
    made: dict[str, Json] = {"name": name, "input": empty if arguments is None else arguments}
    if not isinstance(name, str) or not isinstance(made["input"], dict):
        raise _Unclear(_CALLS)
    return made


def _parsed(text: str) -> Json:
    """JSON that was sent as a string.

    Raises:
        _Unclear: It is none.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        raise _Unclear(_CALLS) from None


def _form(question: Question, answer: Json) -> Json:
    names = list(question.params["requestedSchema"].get("properties") or ())
    if not isinstance(answer, dict):
        if len(names) != 1:
            raise _Unclear(f'give "content" with the fields {", ".join(names)}.')
        return {"action": "accept", "content": {names[0]: answer}}
    fields = cast("dict[str, Json]", answer)
    action = fields.get("action", "accept")
    if action not in _ACTIONS:
        raise _Unclear(f'"action" is {", ".join(_ACTIONS)}.')
    if action != "accept":
        return {"action": action}
    content = fields.get("content", fields.get("text"))
    if content is None:
        content = {name: fields[name] for name in names if name in fields} or None
    if not isinstance(content, dict | None) and len(names) == 1:
        content = {names[0]: content}
    if names and not isinstance(content, dict):
        raise _Unclear(f'give "content" with the fields {", ".join(names)}.')
    return {"action": "accept", "content": cast("Json", content or {})}
