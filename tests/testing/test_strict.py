"""A strict host refuses what the protocol forbids."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import ClientCapabilities

from inverted.testing import ProtocolBreach
from inverted.testing.strict import Declared, check_balance, check_form, check_question

Wire = dict[str, Any]
ALL: Wire = {"sampling": {"tools": {}}, "elicitation": {"form": {}, "url": {}}, "roots": {}}


def declared(capabilities: Wire = ALL, revision: str = "2026-07-28") -> Declared:
    return Declared(ClientCapabilities.model_validate(capabilities), revision)


def said(role: str, *blocks: Wire) -> Wire:
    return {"role": role, "content": list(blocks)}


WORDS = {"type": "text", "text": "hello"}
HELLO = {"role": "user", "content": WORDS}


def use(id: str) -> Wire:
    return {"type": "tool_use", "id": id, "name": "look", "input": {}}


def result(id: str) -> Wire:
    return {"type": "tool_result", "toolUseId": id, "content": []}


def sampling(**more: Any) -> Wire:
    return {"messages": [HELLO], "maxTokens": 5, **more}


TOOL = {"name": "look", "inputSchema": {"type": "object"}}


def test_a_balanced_conversation_passes() -> None:
    check_balance(
        [
            HELLO,
            said("assistant", WORDS, use("a"), use("b")),
            said("user", result("b"), result("a")),
            said("assistant", use("c")),
            said("user", result("c")),
            said("assistant", WORDS),
        ]
    )


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "no messages"),
        ([HELLO, said("assistant", use("a"))], "not answered"),
        ([HELLO, said("assistant", use("a")), HELLO], r"must answer .*'a'"),
        ([HELLO, said("assistant", use("a"), use("b")), said("user", result("a"))], "'b'"),
        ([HELLO, said("user", result("a"))], r"answers \['a'\]"),
        ([HELLO, said("assistant", use("a")), said("user", result("a"), WORDS)], "mixes"),
        ([said("user", use("a")), said("user", result("a"))], "role user"),
        ([said("assistant", use("a")), said("assistant", result("a"))], "role assistant"),
        ([said("assistant", use("a"), use("a")), said("user", result("a"))], "twice"),
    ],
)
def test_an_unbalanced_conversation_is_refused(messages: list[Wire], says: str) -> None:
    with pytest.raises(ProtocolBreach, match=says):
        check_balance(messages)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        (sampling(toolChoice={"mode": "auto"}), "no tools"),
        (sampling(tools=[TOOL, TOOL]), "one name"),
        (sampling(maxTokens=0), "maxTokens"),
    ],
)
def test_a_malformed_sampling_request_is_refused(params: Wire, says: str) -> None:
    with pytest.raises(ProtocolBreach, match=says):
        check_question("sample", params, declared())


FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORM_QUESTION = {"message": "?", "mode": "form", "requestedSchema": FORM}
PAGE_QUESTION = {"message": "?", "mode": "url", "url": "https://example.org"}


@pytest.mark.parametrize(
    ("kind", "params", "capabilities", "missing"),
    [
        ("sample", sampling(), {}, "declare sampling"),
        ("sample", sampling(tools=[TOOL]), {"sampling": {}}, "sampling.tools"),
        ("elicit", FORM_QUESTION, {}, "declare elicitation"),
        ("elicit", FORM_QUESTION, {"elicitation": {"url": {}}}, "elicitation.form"),
        ("elicit", PAGE_QUESTION, {"elicitation": {}}, "elicitation.url"),
        ("roots", {}, {}, "declare roots"),
    ],
)
def test_what_was_not_declared_is_refused(
    kind: str, params: Wire, capabilities: Wire, missing: str
) -> None:
    with pytest.raises(ProtocolBreach, match=missing):
        check_question(kind, params, declared(capabilities))
    check_question(kind, params, declared())


def test_an_empty_elicitation_capability_means_forms() -> None:
    check_question("elicit", FORM_QUESTION, declared({"elicitation": {}}))


def test_a_mode_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ProtocolBreach, match="'voice'"):
        check_question("elicit", {"message": "?", "mode": "voice"}, declared())


def field(**schema: Any) -> Wire:
    return {"type": "object", "properties": {"it": schema}}


@pytest.mark.parametrize(
    "schema",
    [
        field(type="string", format="email", minLength=1, maxLength=9, title="It"),
        field(type="string", enum=["a", "b"]),
        field(type="string", oneOf=[{"const": "a", "title": "A"}], default="a"),
        field(type="number", minimum=0, maximum=1.5),
        field(type="integer", minimum=0),
        field(type="boolean", default=True, description="Is it?"),
        field(type="array", items={"type": "string", "enum": ["a"]}, minItems=1),
        field(type="array", items={"anyOf": [{"const": "a", "title": "A"}]}, maxItems=2),
        {"type": "object", "properties": {}},
    ],
)
def test_every_form_of_the_specification_passes(schema: Wire) -> None:
    check_form(schema, "2025-11-25")


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (None, "no object schema"),
        ({"type": "array"}, "no object schema"),
        ({"type": "object"}, "no properties"),
        ({**FORM, "additionalProperties": False}, "additionalProperties"),
        ({**FORM, "required": ["age"]}, "age"),
        (field(type="object"), "'object'"),
        (field(type="null"), "'null'"),
        (field(type="string", pattern="a+"), "pattern"),
        (field(type="integer", exclusiveMinimum=0), "exclusiveMinimum"),
        (field(type="string", format="uuid"), "'uuid'"),
        (field(type="array", items={"type": "string"}), "choices"),
    ],
)
def test_what_no_form_may_hold_is_refused(schema: Any, says: str) -> None:
    with pytest.raises(ProtocolBreach, match=says):
        check_form(schema, "2026-07-28")


@pytest.mark.parametrize(
    "schema",
    [
        field(type="array", items={"type": "string", "enum": ["a"]}),
        field(type="string", oneOf=[{"const": "a", "title": "A"}]),
    ],
)
def test_the_forms_of_june_2025_are_smaller(schema: Wire) -> None:
    check_form(schema, "2025-11-25")
    with pytest.raises(ProtocolBreach, match="2025-06-18"):
        check_form(schema, "2025-06-18")
