"""Clients that go wrong in rounds, or about what they and the server declare (2026-07-28)."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from typing import Any

from mcp import Client

from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.fixture import client
from inverted_conformance.fixture.client_script import Json
from mutants.client_hooks import also, die, receives, requests, scripted, sends, undeclared
from mutants.mutant import mutant

NEW = ("2026-07-28",)
CALL = "tools/call"
META = "io.modelcontextprotocol/"
LONG = 60


@mutant("rounds/one-round", "rounds.state-echoed", role="client", wires=NEW)
def forgets_the_state() -> None:
    """Retries without the state."""
    requests(CALL, lambda params: {k: v for k, v in params.items() if k != "requestState"})


@mutant("rounds/one-round", "rounds.new-id", role="client", wires=NEW)
def retries_with_the_same_id() -> None:
    """A retry has the id of the call that it repeats."""
    first: dict[str, Any] = {}
    real: dict[Any, Any] = {}

    def out(message: Json) -> list[Json]:
        params = mapping(message.get("params"))
        if message.get("method") == CALL:
            name = str(params.get("name"))
            if "inputResponses" not in params:
                first[name] = message["id"]
            real[first[name]] = message["id"]
            message["id"] = first[name]
        return [message]

    def back(message: Json) -> Json:
        if message.get("id") in real and "method" not in message:
            message["id"] = real[message["id"]]
        return message

    sends(out)
    receives(back)


def _only(count: int) -> None:
    def change(params: Json) -> Json:
        given = mapping(params.get("inputResponses"))
        if given:
            params["inputResponses"] = dict(list(given.items())[:count])
        return params

    requests(CALL, change)


@mutant("rounds/one-round", "rounds.meta", role="client", wires=NEW)
def retries_without_a_version() -> None:
    """A retry does not name the protocol version."""

    def change(params: Json) -> Json:
        if "inputResponses" in params:
            mapping(params.get("_meta")).pop(f"{META}protocolVersion", None)
        return params

    requests(CALL, change)


@mutant("rounds/one-round", "rounds.supported", role="client", wires=NEW)
def has_no_rounds() -> None:
    """Does not call again when it is asked for input."""
    client.Client = functools.partial(Client, input_required_max_rounds=0)


@mutant("rounds/many-questions", "rounds.answers-first", role="client", wires=NEW)
def answers_ten_at_most() -> None:
    """Answers no more than ten questions of a round."""
    _only(10)


@mutant("rounds/slow-answer", "rounds.answers-first", role="client", wires=NEW)
def does_not_wait_for_all() -> None:
    """Retries with the first answer."""
    _only(1)


@mutant("rounds/odd-states", "rounds.state-opaque", role="client", wires=NEW)
def reads_the_state() -> None:
    """Reads a state that is JSON, and writes it anew."""

    def change(params: Json) -> Json:
        with contextlib.suppress(ValueError):
            params["requestState"] = json.dumps(json.loads(params.get("requestState", "")))
        return params

    requests(CALL, change)


@mutant("rounds/odd-states", "rounds.state-echoed", role="client", wires=NEW)
def drops_an_empty_state() -> None:
    """Takes an empty state for none."""

    def change(params: Json) -> Json:
        if params.get("requestState") == "":
            del params["requestState"]
        return params

    requests(CALL, change)


def _remembered(*, first: bool, everywhere: bool) -> None:
    """Send a state that was given earlier."""
    kept: list[str] = []

    def change(params: Json) -> Json:
        retry = "inputResponses" in params
        if "requestState" in params:
            kept.append(params["requestState"])
        if kept and (everywhere or (retry and (first or "requestState" not in params))):
            params["requestState"] = kept[0 if first else -1]
        return params

    requests(CALL, change)


@mutant("rounds/no-state", "rounds.no-invented-state", role="client", wires=NEW)
def repeats_an_old_state() -> None:
    """Where a round has no state it sends the last that it had."""
    _remembered(first=False, everywhere=False)


@mutant("rounds/several-rounds", "rounds.state-echoed", role="client", wires=NEW)
def keeps_to_the_first_state() -> None:
    """Sends the state of the first round in every round."""
    _remembered(first=True, everywhere=False)


@mutant("rounds/state-only", "rounds.state-echoed", role="client", wires=NEW)
def changes_a_bare_state() -> None:
    """Changes the state when there are no answers to send with it."""

    def change(params: Json) -> Json:
        if "requestState" in params and "inputResponses" not in params:
            params["requestState"] = params["requestState"].upper()
        return params

    requests(CALL, change)


@mutant("rounds/beside-another-call", "rounds.own-request-only", role="client", wires=NEW)
def one_state_for_all() -> None:
    """Sends the last state with every call."""
    _remembered(first=False, everywhere=True)


def _type(found: object, taken: str) -> None:
    def change(message: Json) -> Json:
        result = mapping(message.get("result"))
        if "inputRequests" in result and result.get("resultType") == found:
            message["result"] = {**result, "resultType": taken}
        return message

    receives(change)


@mutant("rounds/unknown-type", "rounds.result-type-unknown", role="client", wires=NEW)
def takes_unknown_types() -> None:
    """Answers the questions in a result whose type it does not know."""
    _type("inverted", "input_required")


@mutant("rounds/absent-type", "rounds.result-type-absent", role="client", wires=NEW)
def guesses_the_type() -> None:
    """Takes a result without a type for what it looks like."""
    _type(None, "input_required")


@mutant("rounds/undeclared-type", "rounds.result-type-known", role="client", wires=NEW)
def takes_tasks_undeclared() -> None:
    """Drives a task although it declares no tasks."""
    undeclared(f"extensions.{META}tasks")


@mutant("rounds/endless-rounds", role="client", wires=NEW)
def never_has_enough() -> None:
    """Goes through any number of rounds."""
    many = functools.partial(Client, input_required_max_rounds=10**6)
    client.Client = many


@mutant("capabilities/every-request", "capabilities.client-info", role="client", wires=NEW)
def says_not_what_it_is() -> None:
    """Leaves out what it is in calls."""

    def change(params: Json) -> Json:
        mapping(params.get("_meta")).pop(f"{META}clientInfo", None)
        return params

    requests(CALL, change)


@mutant("capabilities/every-request", "capabilities.meta", role="client", wires=NEW)
def retries_without_capabilities() -> None:
    """A retry does not repeat what the client can do."""

    def change(params: Json) -> Json:
        if "inputResponses" in params:
            mapping(params.get("_meta")).pop(f"{META}clientCapabilities", None)
        return params

    requests(CALL, change)


@mutant("capabilities/unknown-reserved-keys", role="client", wires=NEW)
def dies_of_unknown_keys() -> None:
    """Ends when it sees a reserved key that it does not know."""

    def watch(message: Json) -> Json:
        if f"{META}inverted" in mapping(mapping(message.get("result")).get("_meta")):
            die()
        return message

    receives(watch)


@mutant("capabilities/unknown-reserved-keys", "capabilities.meta-values", role="client", wires=NEW)
def passes_unknown_keys_on() -> None:
    """Sends reserved keys that it does not know back with its next request."""
    kept: Json = {}

    def watch(message: Json) -> Json:
        meta = mapping(mapping(message.get("result")).get("_meta"))
        kept.update({key: value for key, value in meta.items() if key == f"{META}inverted"})
        return message

    def change(params: Json) -> Json:
        return {**params, "_meta": {**mapping(params.get("_meta")), **kept}}

    receives(watch)
    requests(CALL, change)


@mutant("capabilities/another-server-info", "capabilities.info-no-effect", role="client", wires=NEW)
def trusts_a_name() -> None:
    """Declines what a server of a certain name asks."""
    names: list[object] = []

    def watch(message: Json) -> Json:
        meta = mapping(mapping(message.get("result")).get("_meta"))
        names.append(mapping(meta.get(f"{META}serverInfo")).get("name"))
        return message

    def decline(params: Json, answer: Json) -> Json:
        del params
        return {"action": "decline"} if names[-1] == "Claude" else answer

    receives(watch)
    scripted("form", decline)


@mutant("capabilities/version-refused", "capabilities.version-retried", role="client", wires=NEW)
def hangs_when_refused() -> None:
    """Does nothing more once its version was refused."""

    def watch(message: Json) -> Json:
        if mapping(message.get("error")).get("code") == -32022:  # noqa: PLR2004
            time.sleep(LONG)
        return message

    receives(watch)


@mutant("capabilities/extension-names", "capabilities.extension-names", role="client", wires=NEW)
def names_without_a_prefix() -> None:
    """Declares an extension whose name has no prefix."""
    declares = client.capabilities

    def more(*, modern: bool, without: list[str]) -> Json:
        found = declares(modern=modern, without=without)
        found["extensions"] = {**mapping(found.get("extensions")), "tasks": mapping(None)}
        return found

    client.capabilities = more


@mutant(
    "capabilities/server-without-extensions",
    "capabilities.extension-fallback",
    role="client",
    wires=NEW,
)
def asks_for_tasks_all_the_same() -> None:
    """Asks for a task on a server that has none."""
    params = {"taskId": "t", "_meta": {f"{META}protocolVersion": NEW[0]}}
    also(CALL, {"jsonrpc": "2.0", "id": "x", "method": "tasks/get", "params": params})


@mutant("tasks/questions", "tasks.input-like-standalone", role="client", wires=NEW)
def declines_in_tasks() -> None:
    """Declines forms that a task asks, without showing them."""

    def change(params: Json) -> Json:
        given = mapping(params["inputResponses"])
        declined = {k: {"action": "decline"} for k, each in given.items() if "action" in each}
        return {**params, "inputResponses": {**given, **declined}}

    requests("tasks/update", change)
