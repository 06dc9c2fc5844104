"""Rounds: the questions of a run as one `input_required` result of 2026-07-28."""

from typing import Any

import pytest
from mcp_types import ClientCapabilities

from inverted.carriers.rounds import Rounds, input_required
from inverted.core.effects import Kind
from inverted.errors import AnswerError
from inverted.runtime.ports import Answer, Question

MESSAGE = {"role": "user", "content": {"type": "text", "text": "hi"}}
TOOL = {"name": "add", "inputSchema": {"type": "object"}}
SAMPLE = {"messages": [MESSAGE], "maxTokens": 5, "tools": [TOOL], "toolChoice": {"mode": "auto"}}
FIELD = {"type": "string", "oneOf": [{"const": "a", "title": "A"}], "default": "a"}
FORM = {
    "mode": "form",
    "message": "Which?",
    "requestedSchema": {"type": "object", "properties": {"value": FIELD}, "required": ["value"]},
}
PAGE = {"mode": "url", "message": "Sign in", "url": "https://example.com/login"}


def wire(kind: Kind, params: dict[str, Any]) -> dict[str, Any]:
    """One question as it travels."""
    result = input_required([Question("run", "1", kind, params)], "run")
    dumped = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert dumped["requestState"] == "run"
    assert dumped["resultType"] == "input_required"
    return dumped["inputRequests"]["1"]


@pytest.mark.parametrize(
    ("kind", "params", "method"),
    [
        (Kind.SAMPLE, SAMPLE, "sampling/createMessage"),
        (Kind.ELICIT, FORM, "elicitation/create"),
        (Kind.ELICIT, PAGE, "elicitation/create"),
    ],
)
def test_a_question_travels_unchanged(kind: Kind, params: dict[str, Any], method: str) -> None:
    assert wire(kind, params) == {"method": method, "params": params}


def test_a_request_for_roots_travels() -> None:
    assert wire(Kind.ROOTS, {})["method"] == "roots/list"


def test_all_questions_travel_in_one_round() -> None:
    questions = [
        Question("run", "1.0.1", Kind.SAMPLE, SAMPLE),
        Question("run", "1.1.1", Kind.ELICIT, FORM),
        Question("run", "1.2.1", Kind.ROOTS, {}),
    ]
    requests = input_required(questions, "run").input_requests
    assert requests is not None
    assert list(requests) == ["1.0.1", "1.1.1", "1.2.1"]


async def test_the_carrier_checks_capabilities_answers_and_passes_notices_on() -> None:
    sent: list[dict[str, Any]] = []

    async def notify(payload: dict[str, Any]) -> None:
        sent.append(payload)

    carrier = Rounds(
        "2026-07-28", ClientCapabilities.model_validate({"elicitation": {}, "roots": {}}), notify
    )
    assert not carrier.inline
    assert carrier.describe() == ["elicitation.form", "roots"]
    assert carrier.refusal(Kind.ELICIT, FORM) is None
    refused = carrier.refusal(Kind.SAMPLE, SAMPLE)
    assert refused is not None
    assert "(protocol 2026-07-28)" in refused.message

    question = Question("run", "1", Kind.ELICIT, FORM)
    accepted = {"action": "accept", "content": {"value": "a"}}
    assert carrier.read(question, accepted) == Answer(accepted)
    with pytest.raises(AnswerError):
        carrier.read(question, {"action": "perhaps"})

    await carrier.notify({"type": "progress"})
    assert sent == [{"type": "progress"}]


async def test_the_carrier_waits_for_nobody() -> None:
    async def notify(payload: dict[str, Any]) -> None:
        raise NotImplementedError

    with pytest.raises(NotImplementedError, match="7 is answered by a later request"):
        await Rounds("2026-07-28", None, notify).ask(Question("run", "7", Kind.ROOTS, {}))
