"""The back-channel: what is sent to clients of each revision, and what comes of their answers."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, ClientCapabilities
from pydantic import TypeAdapter, ValidationError

from inverted.carriers import backchannel
from inverted.carriers.backchannel import BackChannel
from inverted.core.effects import Kind
from inverted.errors import AnswerError, ClientGone
from inverted.runtime.ports import Answer, Question

ALL: dict[str, Any] = {
    "sampling": {"tools": {}},
    "elicitation": {"form": {}, "url": {}},
    "roots": {},
}
ROOTS = Question("run", "1", Kind.ROOTS, {})
SAID = {"role": "assistant", "content": {"type": "text", "text": "hi"}, "model": "m"}

TITLED = {
    "type": "string",
    "title": "How bad",
    "oneOf": [{"const": "p1", "title": "Today"}, {"const": "p2", "title": "Later"}],
    "default": "p1",
}
SEVERAL = {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}
SWITCH = {"type": "boolean", "default": True}


class Session:
    """A session that answers every request with the same, or raises it."""

    def __init__(
        self,
        answer: object = None,
        *,
        revision: str = "2025-11-25",
        capabilities: dict[str, Any] | None = None,
        can_send_request: bool = True,
    ) -> None:
        self._answer = answer
        self.protocol_version = revision
        self.client_capabilities = ClientCapabilities.model_validate(capabilities or ALL)
        self.can_send_request = can_send_request
        self.sent: list[tuple[dict[str, Any], Any]] = []
        self.initialized = asyncio.Event()
        self.initialized.set()

    @property
    def _connection(self) -> Session:
        return self

    async def send_request(self, request: Any, result_type: Any, *, metadata: Any) -> Any:
        wire = request.model_dump(by_alias=True, mode="json", exclude_none=True)
        self.sent.append((wire, metadata.related_request_id))
        if isinstance(self._answer, Exception):
            raise self._answer
        return result_type.model_validate(self._answer, by_name=False)


def carrier(session: Session) -> BackChannel:
    async def notify(payload: dict[str, Any]) -> None:
        session.sent.append((payload, "notice"))

    return BackChannel(cast("Any", session), 7, notify)


def form(**fields: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {"mode": "form", "message": "Which?", "requestedSchema": schema}


async def sent(kind: Kind, params: dict[str, Any], revision: str) -> dict[str, Any]:
    """The parameters that a client of this revision gets."""
    session = Session({"action": "decline"}, revision=revision)
    await carrier(session).ask(Question("run", "1.0.1", kind, params))
    ((wire, _),) = session.sent
    return wire["params"]


async def test_a_question_is_a_request_on_the_stream_of_its_tool_call() -> None:
    session = Session({**SAID, "_meta": {"x": 1}, "stopReason": None})
    params: dict[str, Any] = {"messages": [], "maxTokens": 1}
    answer = await carrier(session).ask(Question("run", "1", Kind.SAMPLE, params))
    assert answer == Answer(SAID)
    assert session.sent == [({"method": "sampling/createMessage", "params": params}, 7)]


@pytest.mark.parametrize("revision", ["2025-03-26", "2025-06-18", "2025-11-25"])
async def test_roots_are_asked_for_without_parameters(revision: str) -> None:
    assert await sent(Kind.ROOTS, {}, revision) == {}


async def test_a_page_gets_an_id_that_names_the_question() -> None:
    page = {"mode": "url", "message": "Sign in", "url": "https://example.com"}
    params = await sent(Kind.ELICIT, page, "2025-11-25")
    assert params == {**page, "elicitationId": "run:1.0.1"}


async def test_a_form_travels_unchanged_to_a_client_of_2025_11_25() -> None:
    params = form(severity=TITLED, several=SEVERAL, switch=SWITCH)
    assert await sent(Kind.ELICIT, params, "2025-11-25") == params


async def test_a_form_for_2025_06_18_has_no_mode_and_older_words() -> None:
    params = form(severity=TITLED, switch=SWITCH)
    assert await sent(Kind.ELICIT, params, "2025-06-18") == {
        "message": "Which?",
        "requestedSchema": {
            "type": "object",
            "properties": {
                "severity": {
                    "type": "string",
                    "title": "How bad",
                    "enum": ["p1", "p2"],
                    "enumNames": ["Today", "Later"],
                },
                "switch": SWITCH,
            },
            "required": ["severity", "switch"],
        },
    }
    assert params == form(severity=TITLED, switch=SWITCH)


@pytest.mark.parametrize(
    ("revision", "field", "asked"),
    [
        ("2025-11-25", SEVERAL, True),
        ("2025-06-18", SEVERAL, False),
        ("2025-06-18", TITLED, True),
        ("2025-06-18", SWITCH, True),
    ],
)
def test_a_form_that_a_revision_cannot_hold_is_refused(
    revision: str, field: dict[str, Any], *, asked: bool
) -> None:
    refusal = carrier(Session(revision=revision)).refusal(Kind.ELICIT, form(value=field))
    if asked:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.type == "CapabilityError"
        assert f"This client speaks {revision}, whose forms cannot express" in refusal.message
        assert "'Which?'" in refusal.message


async def test_several_blocks_become_several_messages_before_2025_11_25() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    one = {"role": "user", "content": blocks[0]}
    both = {"role": "assistant", "content": blocks}
    params = {"messages": [one, both], "maxTokens": 1}
    assert await sent(Kind.SAMPLE, params, "2025-11-25") == params
    assert (await sent(Kind.SAMPLE, params, "2025-06-18"))["messages"] == [
        one,
        {"role": "assistant", "content": blocks[0]},
        {"role": "assistant", "content": blocks[1]},
    ]
    single = {"messages": [one], "maxTokens": 1}
    assert await sent(Kind.SAMPLE, single, "2025-06-18") == single


def test_what_the_client_did_not_declare_is_refused() -> None:
    asked = carrier(Session(capabilities={"sampling": {}}))
    assert asked.refusal(Kind.SAMPLE, {"messages": []}) is None
    others: list[tuple[Kind, dict[str, Any]]] = [
        (Kind.SAMPLE, {"tools": []}),
        (Kind.ELICIT, form()),
        (Kind.ROOTS, {}),
    ]
    for kind, params in others:
        refusal = asked.refusal(kind, params)
        assert refusal is not None
        assert "did not declare the capability" in refusal.message


def test_a_connection_without_a_way_back_is_refused_with_what_to_do() -> None:
    refusal = carrier(Session(can_send_request=False)).refusal(Kind.ROOTS, {})
    assert refusal is not None
    assert refusal.type == "CapabilityError"
    assert "no way back to the client (a server with json_response=True, or" in refusal.message
    assert "Serve with streaming responses, or let the client speak 2026-07-28." in refusal.message


async def test_a_client_is_asked_nothing_before_it_says_that_it_is_initialized() -> None:
    session = Session({"roots": []})
    session.initialized.clear()
    asking = asyncio.create_task(carrier(session).ask(ROOTS))
    await asyncio.sleep(0)
    assert session.sent == []
    session.initialized.set()
    await asking
    assert len(session.sent) == 1


async def test_a_client_that_never_says_so_is_asked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backchannel, "INITIALIZED_SECONDS", 0.01)
    session = Session({"roots": []})
    session.initialized.clear()
    await carrier(session).ask(ROOTS)
    assert len(session.sent) == 1


def invalid() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("x")
    return caught.value


@pytest.mark.parametrize(
    ("error", "data", "said"),
    [
        (MCPError(-1, "User rejected sampling request"), {"code": -1}, "User rejected"),
        (MCPError(-32601, "Method not found"), {"code": -32601}, "Method not found"),
        (invalid(), None, "valid integer"),
    ],
)
async def test_an_error_of_the_client_is_an_error_in_the_body(
    error: Exception, data: dict[str, Any] | None, said: str
) -> None:
    question = Question("run", "1", Kind.SAMPLE, {"messages": []})
    answer = await carrier(Session(error)).ask(question)
    assert answer.value is None
    assert answer.failure is not None
    assert answer.failure.type == "ClientError"
    assert answer.failure.data == data
    assert answer.failure.message.startswith("The client did not answer sampling/createMessage: ")
    assert said in answer.failure.message


async def test_a_client_that_went_away_is_no_answer() -> None:
    gone = MCPError(CONNECTION_CLOSED, "Connection closed")
    with pytest.raises(ClientGone, match="again with the same run key to go on"):
        await carrier(Session(gone)).ask(ROOTS)


async def test_other_errors_are_not_taken_for_the_clients() -> None:
    with pytest.raises(OSError, match="wire"):
        await carrier(Session(OSError("wire"))).ask(ROOTS)


async def test_answers_from_outside_are_checked_and_notices_passed_on() -> None:
    session = Session()
    channel = carrier(session)
    question = Question("run", "1", Kind.ELICIT, form())
    assert channel.inline
    assert channel.read(question, {"action": "cancel"}) == Answer({"action": "cancel"})
    with pytest.raises(AnswerError):
        channel.read(question, {})
    await channel.notify({"type": "log"})
    assert session.sent == [({"type": "log"}, "notice")]
    assert channel.describe() == [
        "elicitation.form",
        "elicitation.url",
        "roots",
        "sampling",
        "sampling.tools",
    ]
