"""Clients whose model, person, or forms do something wrong."""

from __future__ import annotations

import json
from typing import Any

from inverted_conformance.client_mode.plain import array, mapping
from inverted_conformance.fixture import client_script
from inverted_conformance.fixture.client_script import Json, Script
from mutants.client_hooks import answers, die, fetch, questions, receives, scripted, undeclared
from mutants.mutant import mutant

OLD = ("2025-11-25",)
NEW = ("2026-07-28",)
MANY = 10**6

SAMPLING = "sampling/createMessage"
FORM = "elicitation/create"


def _without(said: Json, name: str) -> Json:
    return {key: value for key, value in said.items() if key != name}


@mutant("sampling/plain-answer", "sampling.message-shape", role="client")
def answers_without_a_role() -> None:
    """The answers of the model have no role."""
    answers("model", lambda answer: _without(answer, "role"))


@mutant("sampling/undeclared", "capabilities.sampling-declared", role="client")
def samples_undeclared() -> None:
    """Answers sampling requests although it declares no sampling."""
    undeclared("sampling")


@mutant("sampling/images-and-sound", "sampling.content-validated", role="client")
def blind_and_deaf() -> None:
    """Refuses messages with an image or with audio."""
    check = Script._check  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def refuse(self: Script, params: Json) -> None:
        check(self, params)
        if '"image"' in json.dumps(params):
            raise client_script.Refusal(-32602, "No images.")

    Script._check = refuse  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("sampling/malformed-messages", "sampling.content-validated", role="client")
def answers_anything() -> None:
    """Answers malformed messages as if they said hello."""
    hello = {"role": "user", "content": {"type": "text", "text": '[{"say": "hello"}]'}}
    questions(SAMPLING, lambda params: {**params, "messages": [hello]})


@mutant("sampling/rejected", "sampling.rejected", role="client", wires=OLD)
def rejects_with_another_code() -> None:
    """A rejection by the person is an internal error."""
    client_script.REJECTED = -32603


@mutant("sampling/token-limit", "sampling.max-tokens", role="client", wires=NEW)
def talks_without_end() -> None:
    """Does not look at maxTokens."""
    questions(SAMPLING, lambda params: {**params, "maxTokens": MANY})


@mutant("sampling/nothing-retained", "sampling.not-retained", role="client", wires=NEW)
def remembers_earlier_messages() -> None:
    """Gives the model the messages of earlier requests as well."""
    kept: list[Json] = []

    def change(params: Json) -> Json:
        messages = [*kept, *params["messages"]]
        kept.extend(params["messages"])
        return {**params, "messages": messages}

    questions(SAMPLING, change)


def _list(answer: Json) -> list[Any]:
    return array(answer["content"])


@mutant("sampling-tools/single-call", role="client")
def uses_another_tool() -> None:
    """Uses a tool that it was not offered."""

    def change(answer: Json) -> Json:
        if isinstance(answer["content"], list):
            answer["content"] = [{**mapping(each), "name": "other"} for each in _list(answer)]
        return answer

    answers("model", change)


@mutant("sampling-tools/parallel-calls", role="client")
def uses_one_id_for_all() -> None:
    """Tool uses of one message share their id."""

    def change(answer: Json) -> Json:
        if isinstance(answer["content"], list):
            answer["content"] = [{**mapping(each), "id": "use"} for each in _list(answer)]
        return answer

    answers("model", change)


def _choice(mode: str) -> None:
    def change(params: Json) -> Json:
        chosen = params.get("toolChoice") == {"mode": mode}
        return _without(params, "toolChoice") if chosen else params

    questions(SAMPLING, change)


@mutant("sampling-tools/choice-required", "sampling-tools.choice-required", role="client")
def need_not_use_a_tool() -> None:
    """Does not know toolChoice required."""
    _choice("required")


@mutant("sampling-tools/choice-none", "sampling-tools.choice-none", role="client")
def uses_tools_all_the_same() -> None:
    """Does not know toolChoice none."""
    _choice("none")


@mutant("sampling-tools/undeclared", "capabilities.sampling-tools-declared", role="client")
def uses_tools_undeclared() -> None:
    """Takes sampling requests with tools although it does not declare that."""
    undeclared("sampling.tools")


def _unchecked() -> None:
    Script._check = lambda self, params: None  # noqa: ARG005, SLF001  # pyright: ignore[reportPrivateUsage]


@mutant(
    "sampling-tools/missing-results",
    "sampling.content-validated",
    "sampling-tools.missing-result-refused",
    role="client",
)
def needs_no_results() -> None:
    """Answers messages in which a tool use has no result."""
    _unchecked()


@mutant(
    "sampling-tools/mixed-content",
    "sampling.content-validated",
    "sampling-tools.mixed-refused",
    role="client",
)
def takes_mixed_content() -> None:
    """Answers messages in which tool results stand beside text."""
    _unchecked()


@mutant("sampling-tools/endless-loop", "sampling-tools.loop-limit", role="client", wires=OLD)
def never_tires() -> None:
    """Answers questions with tools without end."""
    client_script.MOST = MANY


@mutant("elicitation/simple-form", "elicitation.mode-omitted", role="client")
def wants_a_mode() -> None:
    """Does not take a form without a mode."""
    questions(FORM, lambda params: {"mode": "telepathy", **params})


@mutant("elicitation/simple-form", "capabilities.elicitation-one-mode", role="client")
def has_no_mode() -> None:
    """Declares forms, and takes none."""
    questions(FORM, lambda params: {**params, "mode": "telepathy"})


@mutant("elicitation/undeclared", "capabilities.elicitation-declared", role="client")
def elicits_undeclared() -> None:
    """Answers forms although it declares no elicitation."""
    undeclared("elicitation")


@mutant("elicitation/every-field", role="client")
def sends_texts_only() -> None:
    """Sends every field as text."""

    def change(answer: Json) -> Json:
        if "content" in answer:
            answer["content"] = {key: str(value) for key, value in answer["content"].items()}
        return answer

    answers("action", change)


@mutant("elicitation/defaults", "elicitation.defaults", role="client")
def empty_forms() -> None:
    """Shows forms empty, whatever their defaults."""

    def change(params: Json) -> Json:
        for each in params.get("requestedSchema", {}).get("properties", {}).values():
            each.pop("default", None)
        return params

    questions(FORM, change)


@mutant("elicitation/declined-and-cancelled", "elicitation.decline-cancel", role="client")
def cancels_nothing() -> None:
    """Reports a form that was cancelled as declined."""

    def change(answer: Json) -> Json:
        return {**answer, "action": "decline"} if answer["action"] == "cancel" else answer

    answers("action", change)


class _Anything:
    def __init__(self, schema: Json) -> None:
        del schema

    def is_valid(self, content: Json) -> bool:
        del content
        return True


@mutant("elicitation/wrong-input", "elicitation.content-validated", role="client")
def validates_nothing() -> None:
    """Sends off what does not fit the form."""
    client_script.Draft202012Validator = _Anything


@mutant("elicitation/unknown-mode", "elicitation.mode-refused", role="client", wires=OLD)
def refuses_modes_otherwise() -> None:
    """Refuses a mode that it has not declared with another code."""
    client_script.INVALID_PARAMS = -32600


@mutant("url/visited-by-the-person", "url.no-prefetch", role="client")
def looks_first() -> None:
    """Looks at a page before it asks the person."""

    def change(params: Json) -> Json:
        if "url" in params:
            fetch(params["url"])
        return params

    form = Script.form

    async def changed(self: Script, params: Json) -> Json:
        return await form(self, change(params))

    Script.form = changed


@mutant("url/not-visited", "url.opened-with-consent", role="client")
def opens_anyway() -> None:
    """Opens a page that the person has declined."""

    def change(params: Json, answer: Json) -> Json:
        if "url" in params:
            fetch(params["url"])
        return answer

    scripted("form", change)


@mutant(
    "url/stray-completions",
    "url.complete-unknown-ignored",
    "url.complete-again-ignored",
    role="client",
    wires=OLD,
)
def takes_completions_for_the_end() -> None:
    """After a completion, of whatever, it takes pages for cancelled."""
    told: list[Json] = []

    def watch(message: Json) -> Json:
        if message.get("method") == "notifications/elicitation/complete":
            told.append(message)
        return message

    receives(watch)
    scripted("form", lambda params, answer: {"action": "cancel"} if told and params else answer)


@mutant("url/required-by-an-error", "url.no-prefetch", role="client", wires=OLD)
def looks_at_what_an_error_names() -> None:
    """Looks at the pages that the error -32042 names."""

    def watch(message: Json) -> Json:
        data = mapping(mapping(message.get("error")).get("data"))
        for each in array(data.get("elicitations")):
            fetch(each["url"])
        return message

    receives(watch)


@mutant("progress/stray-reports", "progress.tracked", role="client")
def dies_of_stray_progress() -> None:
    """Ends when progress comes for a token that it does not know."""

    def watch(message: Json) -> Json:
        if mapping(message.get("params")).get("progressToken") == "never given":
            die()
        return message

    receives(watch)
