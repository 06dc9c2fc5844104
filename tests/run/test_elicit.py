"""What is asked of the person: forms, pages, approvals that fail closed, roots."""

from typing import Any, Literal

import pytest
from mcp_types import ElicitationCapability, UrlElicitationCapability
from pydantic import BaseModel, Field

from inverted import (
    AcceptedElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    Limits,
    Run,
)
from inverted.core.journal import Failure
from inverted.testing import accept

from .fakes import EVERYTHING, NOTHING, Host, fail, play

URL_ONLY = EVERYTHING.model_copy(
    update={"elicitation": ElicitationCapability(url=UrlElicitationCapability())}
)


class Ticket(BaseModel):
    title: str
    urgency: int = Field(ge=1, le=5)


def asks(kind: Any = None, **how: Any) -> Any:
    """An agent that elicits once."""

    async def body(run: Run) -> Any:
        return await run.elicit("Please", kind, **how)

    return body


async def test_an_accepted_answer_is_typed() -> None:
    host = Host(person=[{"title": "Crash", "urgency": 3}])
    assert await play(asks(Ticket), host) == AcceptedElicitation(Ticket(title="Crash", urgency=3))
    (form,) = host.forms
    assert (form["mode"], form["message"]) == ("form", "Please")
    assert form["requestedSchema"]["required"] == ["title", "urgency"]


@pytest.mark.parametrize(
    ("answer", "given"),
    [("decline", DeclinedElicitation()), ("cancel", CancelledElicitation())],
)
async def test_a_person_may_decline_or_cancel(answer: str, given: object) -> None:
    assert await play(asks(Ticket), Host(person=[answer])) == given


async def test_answers_are_good_for_match() -> None:
    async def body(run: Run) -> str:
        seen: list[str] = []
        for _ in range(3):
            match await run.elicit("Which?", Literal["a", "b"]):
                case AcceptedElicitation(data=choice):
                    seen.append(choice)
                case DeclinedElicitation():
                    seen.append("declined")
                case CancelledElicitation():
                    seen.append("cancelled")
        return " ".join(seen)

    assert await play(body, Host(person=["b", "decline", "cancel"])) == "b declined cancelled"


async def test_none_asks_for_mere_acceptance() -> None:
    assert await play(asks(), Host(person=[accept(value=True)])) == AcceptedElicitation(None)


async def test_a_single_field_may_have_a_title_and_a_description() -> None:
    host = Host(person=[3])
    how = {"response_title": "Urgency", "response_description": "1 to 5"}
    assert await play(asks(int, **how), host) == AcceptedElicitation(3)
    field = host.forms[0]["requestedSchema"]["properties"]["value"]
    assert (field["title"], field["description"]) == ("Urgency", "1 to 5")


async def test_an_answer_that_breaks_the_schema_is_asked_again_with_the_reason() -> None:
    host = Host(person=[{"title": "x", "urgency": 9}, {"urgency": 2}, {"title": "x", "urgency": 2}])
    answer = await play(asks(Ticket), host)
    assert answer.data == Ticket(title="x", urgency=2)
    assert [form["message"] for form in host.forms] == [
        "Please",
        "Please\n\nThe last answer was not accepted: urgency: must be at most 5",
        "Please\n\nThe last answer was not accepted: title: is required",
    ]


async def test_a_person_may_decline_when_asked_again() -> None:
    assert await play(asks(int), Host(person=["x", "decline"])) == DeclinedElicitation()


@pytest.mark.parametrize("attempts", [1, 3])
async def test_after_some_attempts_it_is_an_error(attempts: int) -> None:
    host = Host(person=["x"] * 9)
    error = await fail(asks(int, attempts=attempts), host)
    assert error.type == "InvalidAnswerError"
    assert error.message.startswith(f"{attempts} answers to 'Please' broke the requested schema")
    assert len(host.forms) == attempts


async def test_a_type_that_no_form_can_ask_for_is_refused_before_anything_is_asked() -> None:
    host = Host()
    assert (await fail(asks(dict[str, Any]), host)).type == "TypeError"
    assert host.forms == []


async def test_an_accepted_answer_without_content_is_asked_again() -> None:
    host = Host(person=[{"action": "accept"}, 3])
    assert await play(asks(int), host) == AcceptedElicitation(3)


# -- approvals ------------------------------------------------------------------------------


async def approves(run: Run) -> str:
    await run.approve("File the issue?", details="Crash at start.")
    return "filed"


async def test_a_yes_goes_on() -> None:
    host = Host(person=[True])
    assert await play(approves, host) == "filed"
    (form,) = host.forms
    assert form["message"] == "File the issue?\n\nCrash at start."
    assert form["requestedSchema"] == {
        "type": "object",
        "properties": {"value": {"type": "boolean", "title": "Approve"}},
        "required": ["value"],
    }


async def test_an_approval_needs_no_details() -> None:
    async def body(run: Run) -> None:
        await run.approve("Sure?")

    host = Host(person=[True])
    await play(body, host)
    assert host.forms[0]["message"] == "Sure?"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (False, "(answer: accept)"),
        ("decline", "(answer: decline)"),
        ("cancel", "(answer: cancel)"),
        ({"action": "accept"}, "Nobody could be asked"),
        ({"action": "accept", "content": {}}, "Nobody could be asked"),
        ("yes", "Nobody could be asked"),
        ("true", "Nobody could be asked"),
        (1, "Nobody could be asked"),
        ({"value": None}, "Nobody could be asked"),
        ({"other": True}, "Nobody could be asked"),
        (Failure("ClientError", "the window was closed"), "the window was closed"),
    ],
)
async def test_everything_but_a_typed_yes_is_a_no(answer: object, why: str) -> None:
    error = await fail(approves, Host(person=[answer]))
    assert error.type == "ApprovalDenied"
    assert error.message.startswith("Not approved: 'File the issue?'")
    assert why in error.message


@pytest.mark.parametrize("capabilities", [NOTHING, URL_ONLY])
async def test_a_client_that_cannot_ask_is_a_no(capabilities: Any) -> None:
    error = await fail(approves, Host(capabilities=capabilities))
    assert error.type == "ApprovalDenied"
    assert "did not declare the capability elicitation.form" in error.message


async def test_a_used_up_limit_is_a_no() -> None:
    error = await fail(approves, Host(person=[True]), Limits(journal_bytes=1))
    assert error.type == "ApprovalDenied"
    assert "journal_bytes=1" in error.message


# -- pages and roots ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        (accept(), AcceptedElicitation(None)),
        ("decline", DeclinedElicitation()),
        ("cancel", CancelledElicitation()),
    ],
)
async def test_a_person_may_be_sent_to_a_page(answer: object, given: object) -> None:
    async def body(run: Run) -> Any:
        return await run.elicit_url("Sign in", "https://example.com/login")

    host = Host(person=[answer])
    assert await play(body, host) == given
    page = {"mode": "url", "message": "Sign in", "url": "https://example.com/login"}
    assert host.forms == [page]


async def test_a_client_without_pages_is_not_asked() -> None:
    async def body(run: Run) -> Any:
        return await run.elicit_url("Sign in", "https://example.com/login")

    forms_only = EVERYTHING.model_copy(update={"elicitation": ElicitationCapability()})
    error = await fail(body, Host(capabilities=forms_only))
    assert "did not declare the capability elicitation.url" in error.message


async def test_roots_are_listed() -> None:
    async def body(run: Run) -> list[tuple[str, str | None]]:
        return [(str(root.uri), root.name) for root in await run.list_roots()]

    host = Host(roots=[{"uri": "file:///work", "name": "work"}, {"uri": "file:///tmp"}])
    assert await play(body, host) == [("file:///work", "work"), ("file:///tmp", None)]


async def test_a_client_without_roots_is_not_asked() -> None:
    async def body(run: Run) -> Any:
        return await run.list_roots()

    error = await fail(body, Host(capabilities=NOTHING))
    assert "did not declare the capability roots" in error.message
