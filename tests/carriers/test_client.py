"""What a client declared decides what it is asked; what it answers is checked."""

from typing import Any

import pytest
from mcp_types import ClientCapabilities

from inverted.carriers.client import METHODS, Client, canonical, read_answer
from inverted.carriers.nobody import Nobody
from inverted.core.effects import Kind
from inverted.core.journal import Failure
from inverted.errors import AnswerError
from inverted.runtime.ladders import Rung
from inverted.runtime.ports import Answer, Question

SAMPLE: dict[str, Any] = {"messages": [], "maxTokens": 1}
WITH_TOOLS: dict[str, Any] = {**SAMPLE, "tools": []}
FORM: dict[str, Any] = {"mode": "form", "message": "?", "requestedSchema": {}}
PAGE: dict[str, Any] = {"mode": "url", "message": "?", "url": "https://example.com"}

QUESTIONS: dict[str, tuple[Kind, dict[str, Any]]] = {
    "sampling": (Kind.SAMPLE, SAMPLE),
    "sampling.tools": (Kind.SAMPLE, WITH_TOOLS),
    "elicitation.form": (Kind.ELICIT, FORM),
    "elicitation.url": (Kind.ELICIT, PAGE),
    "roots": (Kind.ROOTS, {}),
}

NOTHING: dict[str, Any] = {}
DECLARED: list[tuple[dict[str, Any] | None, set[str]]] = [
    (None, set()),
    (NOTHING, set()),
    ({"sampling": {}}, {"sampling"}),
    ({"sampling": {"tools": {}}}, {"sampling", "sampling.tools"}),
    ({"elicitation": {}}, {"elicitation.form"}),
    ({"elicitation": {"form": {}}}, {"elicitation.form"}),
    ({"elicitation": {"url": {}}}, {"elicitation.url"}),
    ({"elicitation": {"form": {}, "url": {}}}, {"elicitation.form", "elicitation.url"}),
    ({"roots": {}}, {"roots"}),
    ({"roots": {"listChanged": True}}, {"roots"}),
]


def client(declared: dict[str, Any] | None) -> Client:
    capabilities = None if declared is None else ClientCapabilities.model_validate(declared)
    return Client.of("2025-11-25", capabilities)


@pytest.mark.parametrize(("declared", "features"), DECLARED)
def test_a_client_is_asked_what_it_declared_and_nothing_else(
    declared: dict[str, Any] | None, features: set[str]
) -> None:
    for feature, (kind, params) in QUESTIONS.items():
        refusal = client(declared).refusal(kind, params)
        assert (refusal is None) == (feature in features)


@pytest.mark.parametrize(
    ("feature", "what"),
    [
        ("sampling", "sampling request"),
        ("sampling.tools", "sampling request"),
        ("elicitation.form", "question to the person"),
        ("elicitation.url", "question to the person"),
        ("roots", "request for roots"),
    ],
)
def test_a_refusal_names_the_capability_the_revision_and_what_to_do(
    feature: str, what: str
) -> None:
    refusal = client(None).refusal(*QUESTIONS[feature])
    assert refusal is not None
    assert refusal.type == "CapabilityError"
    assert f"cannot answer a {what}: it did not declare the capability {feature} " in (
        refusal.message
    )
    assert "enable it in the client's settings" in refusal.message
    assert refusal.data == {"capability": feature, "revision": "2025-11-25"}


@pytest.mark.parametrize(
    ("revision", "features"),
    [
        ("2025-03-26", set[str]()),
        ("2025-06-18", {"elicitation.form"}),
        ("2025-11-25", {"elicitation.form", "elicitation.url"}),
    ],
)
def test_what_a_revision_does_not_have_is_not_asked_though_it_was_declared(
    revision: str, features: set[str]
) -> None:
    """As Goose declares forms on 2025-03-26, and Codex addresses on 2025-06-18."""
    both = ClientCapabilities.model_validate({"elicitation": {"form": {}, "url": {}}})
    client = Client.of(revision, both)
    assert client.features == features
    refusal = client.refusal(Kind.ELICIT, PAGE)
    if "elicitation.url" not in features:
        assert refusal is not None
        assert f"does not have elicitation.url (protocol {revision})" in refusal.message


@pytest.mark.parametrize("feature", QUESTIONS)
def test_a_client_that_cannot_be_reached_is_asked_nothing(feature: str) -> None:
    everything = ClientCapabilities.model_validate(
        {"sampling": {"tools": {}}, "elicitation": {"form": {}, "url": {}}, "roots": {}}
    )
    refusal = Client.of("2025-11-25", everything, "the line is cut.").refusal(*QUESTIONS[feature])
    assert refusal is not None
    assert refusal.type == "CapabilityError"
    assert refusal.message.endswith("cannot be asked: the line is cut.")


TEXT = {"type": "text", "text": "hi"}
CALL = {"type": "tool_use", "id": "1", "name": "add", "input": {"a": 1}}
SAID: dict[str, Any] = {"role": "assistant", "content": TEXT, "model": "m"}

ANSWERS: list[tuple[Kind, dict[str, Any]]] = [
    (Kind.SAMPLE, SAID),
    (Kind.SAMPLE, {**SAID, "content": [TEXT, CALL], "stopReason": "toolUse"}),
    (Kind.ELICIT, {"action": "accept", "content": {"a": 1, "b": ["x"]}}),
    (Kind.ELICIT, {"action": "decline"}),
    (Kind.ELICIT, {"action": "cancel"}),
    (Kind.ROOTS, {"roots": [{"uri": "file:///work", "name": "work"}]}),
    (Kind.ROOTS, {"roots": []}),
]


def question(kind: Kind) -> Question:
    return Question("run", "1.0.1", kind, {})


@pytest.mark.parametrize(("kind", "raw"), ANSWERS)
def test_an_answer_is_kept_as_it_came(kind: Kind, raw: dict[str, Any]) -> None:
    assert read_answer(question(kind), raw) == Answer(raw)


@pytest.mark.parametrize(("kind", "raw"), ANSWERS)
def test_what_is_no_part_of_an_answer_is_left_out(kind: Kind, raw: dict[str, Any]) -> None:
    more = {**raw, "_meta": {"a": 1}, "resultType": "complete", "extra": 1}
    assert read_answer(question(kind), more) == Answer(raw)


def test_null_is_the_same_as_left_out() -> None:
    assert canonical(Kind.SAMPLE, {**SAID, "stopReason": None}) == SAID


BROKEN: list[tuple[Kind, Any, str]] = [
    (Kind.SAMPLE, None, "answer: "),
    (Kind.SAMPLE, "hi", "answer: "),
    (Kind.SAMPLE, {}, "role: Field required"),
    (Kind.SAMPLE, {"role": "assistant", "content": TEXT}, "model: Field required"),
    (Kind.SAMPLE, {**SAID, "content": "hi"}, "content"),
    (Kind.SAMPLE, {**SAID, "content": {"type": "poem"}}, "content"),
    (Kind.ELICIT, {"action": "maybe"}, "action: Input should be"),
    (Kind.ELICIT, {"action": "accept", "content": "yes"}, "content: "),
    (Kind.ROOTS, {"roots": None}, "roots: "),
    (Kind.ROOTS, {"roots": [{}]}, "roots.0.uri: Field required"),
]


@pytest.mark.parametrize(("kind", "raw", "where"), BROKEN)
def test_an_answer_of_the_wrong_shape_is_refused_with_its_question_and_place(
    kind: Kind, raw: Any, where: str
) -> None:
    with pytest.raises(AnswerError) as caught:
        read_answer(question(kind), raw)
    message = str(caught.value)
    assert message.startswith(f"The answer to '1.0.1' is no valid {METHODS[kind]} result: {where}")
    assert message.endswith("Nothing was recorded; send a valid result under the same key.")


def test_python_names_are_no_wire_names() -> None:
    snake = {**SAID, "stop_reason": "endTurn"}
    assert read_answer(question(Kind.SAMPLE), snake) == Answer(SAID)


async def test_nobody_answers_nothing() -> None:
    nobody = Nobody("the client cancelled the call")
    for kind, params in QUESTIONS.values():
        refusal = nobody.rung(Question("run", "1", kind, params))
        assert isinstance(refusal, Failure)
        assert refusal.type == "CapabilityError"
        assert refusal.message == "Nobody can be asked: the client cancelled the call."
    asked = question(Kind.ELICIT)
    nobody.read(asked, {"action": "accept"})
    await nobody.ask(asked, Rung("form", "ask"))
    nobody.outgoing(asked)
    await nobody.notify({"type": "progress"})
    assert nobody.describe() == []
