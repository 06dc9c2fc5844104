"""Servers that ask the person through forms in a wrong way."""

from __future__ import annotations

from typing import Any

from mcp.server import streamable_http_manager
from mcp.server.request_state import RequestStateBoundary

from inverted_conformance.fixture import asking, elicitation
from inverted_conformance.fixture.asking import Call
from inverted_conformance.fixture.tools import TOOLS
from mutants import patches
from mutants.mutant import mutant

ELICIT = "elicitation/create"
FORMS = "elicitation/forms-asked"


def _nothing(*_: object) -> None:
    """Finds nothing wrong, and nothing at all."""


def _fields(params: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A form with further fields; what is no form stays."""
    if "requestedSchema" not in params:
        return params
    schema = params["requestedSchema"]
    return {
        **params,
        "requestedSchema": {**schema, "properties": {**schema["properties"], **more}},
    }


@mutant(FORMS, "elicitation.message")
def asks_without_a_message() -> None:
    """Leaves the message out, since the fields have titles."""
    patches.asked(ELICIT, lambda params: {k: v for k, v in params.items() if k != "message"})


@mutant(FORMS, "elicitation.message")
def asks_with_an_empty_message() -> None:
    """Sends a message with nothing in it."""
    patches.asked(ELICIT, lambda params: {**params, "message": ""})


@mutant(FORMS, "elicitation.form-mode")
def invents_a_mode_for_forms() -> None:
    """Says mode `schema` for a form."""
    patches.asked(ELICIT, lambda params: {**params, "mode": "schema"})


@mutant(FORMS, "elicitation.requested-schema")
def asks_without_a_schema() -> None:
    """Asks a plain question and expects whatever comes."""
    patches.asked(
        ELICIT, lambda params: {k: v for k, v in params.items() if k != "requestedSchema"}
    )


@mutant(FORMS, "elicitation.requested-schema")
def nests_objects_in_forms() -> None:
    """Asks for an address as an object in the form, as models of data have it."""
    street = {"type": "object", "properties": {"street": {"type": "string"}}}
    patches.asked(ELICIT, lambda params: _fields(params, address=street))


@mutant(FORMS, "elicitation.requested-schema")
def asks_for_lists_of_anything() -> None:
    """Asks for a list of numbers, of which there are no choices."""
    many = {"type": "array", "items": {"type": "number"}}
    patches.asked(ELICIT, lambda params: _fields(params, scores=many))


@mutant(FORMS, "elicitation.requested-schema")
def makes_optional_fields_nullable() -> None:
    """Writes `anyOf` with null where a field may be left out, as generators of schemas do."""
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    patches.asked(ELICIT, lambda params: _fields(params, nickname=nullable))


@mutant(FORMS, "elicitation.no-urls-in-forms")
def links_in_forms() -> None:
    """Tells in the message of a form where to read more."""
    more = "Read https://example.com/privacy first."
    patches.asked(ELICIT, lambda params: {**params, "message": more})


@mutant(FORMS, "elicitation.no-secrets-in-forms")
def asks_for_passwords() -> None:
    """Has a field for a password in the form."""
    patches.asked(ELICIT, lambda params: _fields(params, password={"type": "string"}))


@mutant("elicitation/unfit-content", "elicitation.content-validated")
def believes_any_content() -> None:
    """Takes the content of a form as it comes."""
    setattr(elicitation, "misfit", _nothing)  # noqa: B010


@mutant("elicitation/unfit-content", "elicitation.content-validated")
def looks_for_required_fields_only() -> None:
    """Checks that the required fields are there, and nothing else."""

    def misfit(answer: dict[str, Any], schema: dict[str, Any]) -> str | None:
        given: dict[str, Any] = answer.get("content") or {}
        missing = [name for name in schema["required"] if name not in given]
        return f"{missing} missing" if answer["action"] == "accept" and missing else None

    elicitation.misfit = misfit


@mutant("elicitation/unfit-content", "elicitation.content-validated")
def validates_types_only() -> None:
    """Checks the types of the fields and none of their choices and limits."""
    right = elicitation.misfit
    words = {"type", "properties", "required", "items"}

    def types_of(schema: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in schema.items() if name in words}
        fields: dict[str, dict[str, Any]] = kept.get("properties", {})
        kept["properties"] = {name: types_of(field) for name, field in fields.items()}
        if "items" in kept:
            kept["items"] = {"type": "string"}
        return kept

    elicitation.misfit = lambda answer, schema: right(answer, types_of(schema))


def _after(action: str, instead: str | None) -> None:
    """Let an action crash the tool, or be taken for something else."""
    right = elicitation.told

    def told(answer: dict[str, Any]) -> str:
        if answer["action"] != action:
            return right(answer)
        if instead is None:
            raise KeyError("content")
        return instead

    elicitation.told = told


@mutant("elicitation/declined-and-cancelled", "elicitation.decline-handled", wires=("2026-07-28",))
def crashes_on_a_decline() -> None:
    """Reads the content of every answer; after a decline there is none."""
    _after("decline", None)


@mutant("elicitation/declined-and-cancelled", "elicitation.cancel-handled", wires=("2026-07-28",))
def crashes_on_a_cancel() -> None:
    """Knows of accept and decline, and crashes on a cancel."""
    _after("cancel", None)


@mutant(
    "elicitation/declined-and-cancelled",
    "elicitation.success-not-assumed",
    wires=("2026-07-28",),
)
def takes_a_cancel_for_the_defaults() -> None:
    """Goes on with the defaults of the form when the person dismissed it."""
    _after("cancel", "action=accept, content={}")


@mutant("elicitation/failing-client", "elicitation.client-failure-handled", wires=("2026-07-28",))
def waits_for_abandoned_rounds() -> None:
    """Lets nobody else ask while a round is open, and so never again after one is abandoned."""
    right = TOOLS["test_elicitation"].run
    open_rounds: list[Call] = []

    @patches.tool("test_elicitation")
    async def run(call: Call) -> Any:
        if open_rounds and call.params.request_state is None:
            raise RuntimeError("The form is in use")
        open_rounds.append(call)
        answered = await right(call)
        open_rounds.clear()
        return answered

    del run


@mutant("elicitation/failing-client", "elicitation.client-failure-handled", wires=("2026-07-28",))
def crashes_on_missing_content() -> None:
    """Reads the content of every accepted form, also of one that has none."""
    right = elicitation.misfit

    def misfit(answer: dict[str, Any], schema: dict[str, Any]) -> str | None:
        if answer["action"] == "accept" and "content" not in answer:
            raise KeyError("content")
        return right(answer, schema)

    elicitation.misfit = misfit


@mutant("elicitation/failing-client", "elicitation.success-not-assumed", wires=("2026-07-28",))
def takes_missing_content_for_consent() -> None:
    """Takes an accept without content for an accept of whatever was asked."""
    right = elicitation.misfit

    def misfit(answer: dict[str, Any], schema: dict[str, Any]) -> str | None:
        return right(answer, schema) if answer.get("content") else None

    elicitation.misfit = misfit


@mutant("elicitation/somebody-else-answers", "elicitation.bound", wires=("2026-07-28",))
def binds_rounds_to_nobody() -> None:
    """Seals the state of a round and does not write into it who was asked."""

    def unbind(server: Any) -> None:
        for middleware in server.middleware:
            if isinstance(middleware, RequestStateBoundary):
                middleware._security.bind_principal = None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    patches.servers(unbind)


@mutant("elicitation/somebody-else-answers", "elicitation.bound", wires=("2025-11-25",))
def believes_the_session_id() -> None:
    """Lets anybody speak in a session who knows its id."""
    setattr(streamable_http_manager, "authorization_context", _nothing)  # noqa: B010


@mutant("capabilities/elicitation-modes", "capabilities.elicitation-mode-undeclared")
def asks_in_any_mode() -> None:
    """Looks whether the client has elicitation, and not in which modes."""
    setattr(asking.Call, "need", _nothing)  # noqa: B010


@mutant("capabilities/elicitation-modes", "capabilities.elicitation-mode-undeclared")
def takes_forms_for_granted() -> None:
    """Believes that whoever has elicitation has forms."""
    setattr(asking, "_url_only", _nothing)  # noqa: B010
