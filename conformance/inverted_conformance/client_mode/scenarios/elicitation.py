"""Forms: the person fills them in, declines, or cancels."""

from __future__ import annotations

import json
from typing import Any, Final

from jsonschema import Draft202012Validator

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.asks import CANCEL, DECLINE, accept, form, page, tool
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.stage import Stage
from inverted_conformance.wire import shapes
from inverted_conformance.wire.transcript import Message

INVALID_PARAMS: Final = -32602
DECLARED: Final = "capabilities.elicitation-declared"

_COLOURS: Final = ["red", "green", "blue"]
_TITLED: Final = [{"const": each, "title": each.title()} for each in _COLOURS]

FIELDS: Final[Message] = {
    "text": {"type": "string", "title": "Text", "minLength": 1, "maxLength": 20},
    "mail": {"type": "string", "format": "email"},
    "day": {"type": "string", "format": "date"},
    "when": {"type": "string", "format": "date-time"},
    "site": {"type": "string", "format": "uri"},
    "number": {"type": "number", "minimum": -1, "maximum": 1},
    "whole": {"type": "integer", "minimum": 0, "maximum": 10},
    "yes": {"type": "boolean"},
    "colour": {"type": "string", "enum": _COLOURS},
    "titled": {"type": "string", "oneOf": _TITLED},
    "old_titled": {"type": "string", "enum": _COLOURS, "enumNames": ["Red", "Green", "Blue"]},
    "several": {"type": "array", "items": {"type": "string", "enum": _COLOURS}, "minItems": 1},
    "titled_several": {"type": "array", "items": {"anyOf": _TITLED}, "maxItems": 2},
}
"""A form with every kind of field that the schema has."""

TYPED: Final[Message] = {
    "text": "Ada",
    "mail": "ada@example.com",
    "day": "1815-12-10",
    "when": "1815-12-10T12:00:00Z",
    "site": "https://example.com/ada",
    "number": 0.5,
    "whole": 7,
    "yes": False,
    "colour": "green",
    "titled": "blue",
    "old_titled": "red",
    "several": ["red", "blue"],
    "titled_several": ["green"],
}

DEFAULTS: Final[Message] = {
    "text": "Ada",
    "number": 0.5,
    "whole": 3,
    "yes": True,
    "colour": "green",
    "titled": "blue",
    "several": ["red", "blue"],
}


def well_formed(stage: Stage, answer: Answer) -> bool:
    """Note a fault if what the person did does not fit the schema of the protocol.

    Args:
        stage: The scenario.
        answer: The client's answer.
    """
    wrong = f"it is {answer}"
    if not answer.refused:
        # Both revisions have the same shape; the SDK knows it under the older one.
        wrong = shapes.result("client", "2025-11-25", "elicitation/create", answer.result) or ""
    if wrong:
        stage.fault(f"The answer to elicitation/create does not fit the schema: {wrong}.")
    return not wrong


def given(stage: Stage, answer: Answer, content: Message) -> bool:
    """Note a fault if a form did not come back as the person filled it in.

    Args:
        stage: The scenario.
        answer: The client's answer.
        content: What was filled in.
    """
    if not well_formed(stage, answer):
        return False
    same = answer.result.get("action") == "accept" and answer.result.get("content") == content
    if not same:
        stage.fault(f"The person filled in {json.dumps(content)} and accepted; it got {answer}.")
    return same


@CLIENT.scenario(
    "elicitation",
    checks=(DECLARED, "capabilities.elicitation-one-mode", "elicitation.mode-omitted"),
)
async def simple_form(stage: Stage) -> None:
    """A form without a mode, and one that says that it is a form."""
    await stage.open(tool("bare"), tool("named"))
    stage.needs("elicitation.form")
    properties: Message = {"name": {"type": "string"}}
    call = await stage.called("bare")
    answer = await call.ask(form(accept(name="Ada"), properties, ["name"]))
    stage.check(
        "elicitation.mode-omitted",
        given(stage, answer, {"name": "Ada"}),
        f"A form without a mode got {answer}.",
        "what was filled in",
    )
    call.finish()
    call = await stage.called("named")
    answer = await call.ask(form(accept(name="Bob"), properties, ["name"], mode="form"))
    seen = f"A form got {answer}."
    named = given(stage, answer, {"name": "Bob"})
    stage.check("capabilities.elicitation-one-mode", named, seen, "what was filled in")
    if named:
        stage.met(DECLARED, "The client declared elicitation, and answered.")
    call.finish()


@CLIENT.scenario("elicitation", checks=(DECLARED,))
async def undeclared(stage: Stage) -> None:
    """A client that was told not to declare elicitation does not answer forms."""
    await stage.open(tool("ask"), without=["elicitation"])
    call = await stage.called("ask")
    answer = await call.ask(form(accept(name="Ada"), {"name": {"type": "string"}}))
    stage.check(
        DECLARED,
        answer.refused,
        f"Without the capability the client gave {answer}.",
        "an error, or no retry",
    )
    call.finish()


@CLIENT.scenario("elicitation", checks=(DECLARED,))
async def every_field(stage: Stage) -> None:
    """A form with every kind of field: texts, numbers, choices of one and of several."""
    await stage.open(tool("ask"))
    stage.needs("elicitation.form")
    call = await stage.called("ask")
    answer = await call.ask(form(accept(**TYPED), FIELDS, list(FIELDS)))
    if given(stage, answer, TYPED):
        stage.met(DECLARED, "The client declared elicitation, and answered.")
    call.finish()


@CLIENT.scenario("elicitation", checks=("elicitation.defaults",))
async def defaults(stage: Stage) -> None:
    """A form that is sent off unchanged, and one of whose fields only one is changed."""
    fields: Message = {name: {**FIELDS[name], "default": DEFAULTS[name]} for name in DEFAULTS}
    await stage.open(tool("unchanged"), tool("changed"))
    stage.needs("elicitation.form")
    for name, typed in (("unchanged", {}), ("changed", {"whole": 9})):
        call = await stage.called(name)
        answer = await call.ask(form(accept(**typed), {**fields, "bare": {"type": "string"}}))
        wanted = DEFAULTS | typed
        stage.check(
            "elicitation.defaults",
            answer.result.get("content") == wanted,
            f"A form with the defaults {DEFAULTS}, in which {typed or 'nothing'} was typed, "
            f"got {answer}.",
            f"the content {wanted}",
        )
        call.finish()


@CLIENT.scenario("elicitation", checks=("elicitation.decline-cancel",))
async def declined_and_cancelled(stage: Stage) -> None:
    """The person declines one form and cancels another."""
    await stage.open(tool("decline"), tool("cancel"))
    stage.needs("elicitation.form")
    for act in (DECLINE, CANCEL):
        call = await stage.called(act["action"])
        answer = await call.ask(form(act, {"name": {"type": "string", "default": "Ada"}}, ["name"]))
        if well_formed(stage, answer):
            stage.check(
                "elicitation.decline-cancel",
                answer.result.get("action") == act["action"] and not answer.result.get("content"),
                f"The person chose {act['action']}; the server got {answer}.",
                f"the action {act['action']!r}, without content",
            )
        call.finish()


@CLIENT.scenario("elicitation", checks=("elicitation.content-validated",), seconds=25)
async def wrong_input(stage: Stage) -> None:
    """What the person typed does not fit the form: it is not sent as if it did."""
    wrong = {
        "text": "much longer than the form allows",
        "whole": 11,
        "yes": "perhaps",
        "colour": "infrared",
        "several": ["red", "ultraviolet"],
    }
    await stage.open(*(tool(f"wrong_{name}") for name in wrong), tool("missing"))
    stage.needs("elicitation.form")
    for name, value in wrong.items():
        call = await stage.called(f"wrong_{name}")
        request = form(accept(**{name: value}), {name: FIELDS[name]})
        _judge(stage, await call.ask(request), request)
        call.finish()
    call = await stage.called("missing")
    request = form(accept(), {"text": FIELDS["text"]}, ["text"])
    _judge(stage, await call.ask(request), request)
    call.finish()


def _judge(stage: Stage, answer: Answer, request: Message) -> None:
    schema = mapping(request["params"]["requestedSchema"])
    sent = answer.result.get("content")
    accepted = answer.result.get("action") == "accept"
    validator: Any = Draft202012Validator(schema)
    ok = not accepted or validator.is_valid(sent)
    stage.check(
        "elicitation.content-validated",
        ok,
        f"Against {json.dumps(schema['properties'])} the person typed what does not fit; "
        f"the server got {answer}.",
        "no accepted content that breaks the schema",
    )


@CLIENT.scenario("elicitation", checks=("elicitation.mode-refused",), wires=("2025-11-25",))
async def unknown_mode(stage: Stage) -> None:
    """A mode that nobody can have declared, and the URL mode where it was not: -32602."""
    await stage.open(tool("ask"), tool("page"), without=["elicitation.url"])
    stage.needs("elicitation")
    odd = form(accept(name="Ada"), {"name": {"type": "string"}}, mode="telepathy")
    requests = {"ask": odd, "page": page({"action": "accept"}, stage.url("page"), "e-1")}
    for name, request in requests.items():
        call = await stage.called(name)
        answer = await call.ask(request)
        stage.check(
            "elicitation.mode-refused",
            answer.error.get("code") == INVALID_PARAMS,
            f"The mode {request['params']['mode']!r}, which was not declared, got {answer}.",
            "the error -32602",
        )
        call.finish()
