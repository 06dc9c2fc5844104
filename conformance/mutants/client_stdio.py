"""Clients that cancel wrong over stdio."""

from __future__ import annotations

from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.fixture.client_script import Json
from mutants.client_hooks import die, keeps_back, receives, requests, sends
from mutants.client_lifecycle import CANCELLED, NEW
from mutants.mutant import mutant


@mutant(
    "cancellation/gives-up-on-stdio",
    "cancellation.stdio",
    "cancellation.signalled",
    role="client",
    wires=NEW,
)
def gives_up_without_a_word() -> None:
    """Gives up over stdio as if it could close a stream there."""
    keeps_back(CANCELLED)


@mutant(
    "cancellation/gives-up-on-stdio",
    "cancellation.stdio",
    "cancellation.issued",
    role="client",
    wires=NEW,
)
def cancels_a_string() -> None:
    """Writes the id of what it cancels as a string, whatever it was."""
    requests(CANCELLED, lambda params: {**params, "requestId": f"id {params['requestId']}"})


@mutant("cancellation/late-on-stdio", "cancellation.late-response", role="client", wires=NEW)
def cannot_place_a_response() -> None:
    """Ends when a response comes over stdio to what it has cancelled."""
    cancelled: list[object] = []

    def out(message: Json) -> list[Json]:
        if message.get("method") == CANCELLED:
            cancelled.append(mapping(message.get("params")).get("requestId"))
        return [message]

    def back(message: Json) -> Json:
        if "method" not in message and message.get("id") in cancelled:
            die()
        return message

    sends(out)
    receives(back)


@mutant("cancellation/late-on-stdio", "cancellation.races", role="client", wires=NEW)
def retries_what_it_has_cancelled() -> None:
    """Takes up the question of a call that it has cancelled."""
    calls: dict[object, Json] = {}
    asked: list[object] = []

    def out(message: Json) -> list[Json]:
        if message.get("method") == "tools/call":
            calls[message["id"]] = message
        retries = [{**calls[id], "id": f"again {id}"} for id in asked if id in calls]
        asked.clear()
        return [*retries, message]

    def back(message: Json) -> Json:
        if mapping(message.get("result")).get("resultType") == "input_required":
            asked.append(message.get("id"))
        return message

    sends(out)
    receives(back)


@mutant("cancellation/times-out-on-stdio", "cancellation.on-timeout", role="client", wires=NEW)
def stops_waiting_without_a_word() -> None:
    """Goes on after its time and leaves the server at work."""
    keeps_back(CANCELLED)
