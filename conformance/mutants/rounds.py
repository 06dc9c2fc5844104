"""Servers that ask in rounds in a wrong way, or make something wrong of the answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import RequestStateSecurity
from mcp.shared.exceptions import MCPError
from starlette.requests import HTTPConnection

from inverted_conformance.fixture import app, asking
from inverted_conformance.fixture.asking import Call, Request, form, sampling
from inverted_conformance.fixture.tools import Returned
from inverted_conformance.server_mode.rounds import (
    DECLARED,
    TWICE,
)
from mutants import exchanges, patches
from mutants.mutant import mutant

NEW = ("2026-07-28",)

_round = Call._round  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


Change = Callable[[patches.Result], patches.Result]


def _rounds(change: Any) -> None:
    asking.Call._round = change  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _answers(call: Call) -> dict[str, Any]:
    return dict(call.params.input_responses or {})


def _change_answers(call: Call, answers: dict[str, Any] | None) -> None:
    call.params = call.params.model_copy(update={"input_responses": answers})


@mutant("rounds/round-trip", "rounds.supported", wires=NEW)
def asks_without_end() -> None:
    """Takes no answer for what it asked, and asks again for ever."""

    def ask(self: Call, requests: dict[str, Request]) -> dict[str, dict[str, Any]]:
        _change_answers(self, None)
        return _round(self, requests)

    _rounds(ask)


@mutant("rounds/round-trip", "rounds.no-server-requests", wires=NEW)
def sends_requests_of_its_own() -> None:
    """Asks for the roots by a request, as was usual before, while it answers a call."""

    def change(message: exchanges.Message, answer: exchanges.Answer) -> exchanges.Answer:
        if message.get("method") != "tools/call":
            return answer
        return answer.streaming({"jsonrpc": "2.0", "id": "server-1", "method": "roots/list"})

    exchanges.answers(change)


@mutant("rounds/prompt-asks", "rounds.supported", wires=NEW)
def prompt_forgets_the_answer() -> None:
    """Gets an answer for its prompt and does not use it."""

    def change(result: patches.Result) -> patches.Result:
        for message in result.get("messages", []):
            message["content"]["text"] = "Prompt with context: none"
        return result

    patches.results("prompts/get", change)


def _of_rounds(change: Change) -> None:
    def only(result: patches.Result) -> patches.Result:
        return change(result) if result.get("resultType") == "input_required" else result

    patches.results("tools/call", only)


@mutant("rounds/questions-well-formed", "rounds.asks-something", wires=NEW)
def asks_for_nothing() -> None:
    """Says that input is required and not which."""
    _of_rounds(lambda result: {"resultType": result["resultType"]})


@mutant("rounds/questions-well-formed", "rounds.result-type", wires=NEW)
def leaves_the_type_out() -> None:
    """Leaves the type out of a request for input, as if its fields said enough."""
    _of_rounds(lambda result: {key: value for key, value in result.items() if key != "resultType"})


@mutant("rounds/questions-well-formed", "rounds.kinds", wires=NEW)
def asks_in_its_own_way() -> None:
    """Asks by a method that only its own client knows."""

    def change(result: patches.Result) -> patches.Result:
        for request in result["inputRequests"].values():
            request["method"] = "com.example/ask"
        return result

    _of_rounds(change)


@mutant("rounds/questions-well-formed", "rounds.unique-keys", wires=NEW)
def gives_two_questions_one_key() -> None:
    """Writes its questions by hand, two of them with the same key."""

    def change(message: exchanges.Message, answer: exchanges.Answer) -> exchanges.Answer:
        del message
        twice = answer.body.replace(b'"greeting":', b'"user_name":', 1)
        return exchanges.Answer(answer.status, twice)

    exchanges.answers(change)


@mutant("rounds/other-requests-do-not-ask", "rounds.carriers", wires=NEW)
def asks_before_it_lists() -> None:
    """Answers `tools/list` with a request for input when a state comes along."""

    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "tools/list" and "requestState" in (ctx.params or {}):
            return {"resultType": "input_required", "requestState": "x"}
        return await call_next(ctx)

    patches.servers(lambda server: server.middleware.insert(0, wrong))


@mutant("rounds/every-result-typed", "rounds.result-type-known", wires=NEW)
def has_types_of_its_own() -> None:
    """Calls a result `done` that is complete."""
    patches.results("tools/list", lambda result: {**result, "resultType": "done"})


@mutant("rounds/every-result-typed", "rounds.result-type", "capabilities.server-info", wires=NEW)
def answers_as_before() -> None:
    """Leaves out of its results what only the newer revision has there."""
    new = ("resultType", "_meta")
    for method in ("tools/list", "server/discover"):
        patches.results(
            method, lambda result: {key: result[key] for key in result if key not in new}
        )


@mutant("rounds/abandoned-rounds", "rounds.abandoned", wires=NEW)
def waits_for_each_retry() -> None:
    """Has room for three calls that wait for input, and keeps it for them for ever."""
    waiting: list[object] = []
    right = app.TOOLS[TWICE].run

    async def wrong(call: Call) -> Returned:
        if call.params.request_state is None:
            waiting.append(call)
        if len(waiting) > 3:  # noqa: PLR2004
            raise MCPError(types.INTERNAL_ERROR, "Too many calls are waiting")
        return await right(call)

    patches.tool(TWICE)(wrong)


@mutant("rounds/mixed-calls", "rounds.interleaved", wires=NEW)
def remembers_the_last_name() -> None:
    """Keeps what was answered in a variable of the process instead of in the state."""
    last: dict[str, Any] = {}

    @patches.tool(TWICE)
    async def wrong(call: Call) -> str:
        text = {"type": "string"}
        step1 = _answers(call).get("step1")
        if step1 is not None:
            last.update(step1.content)
        await call.ask(step1=form("Step 1", {"name": text}))
        step2 = await call.ask(step2=form("Step 2", {"color": text}))
        color = step2["step2"].get("content", {}).get("color")
        return f"Multi-round complete for {last['name']} who likes {color}"


@mutant("rounds/other-connection", "rounds.other-connection", wires=NEW)
def binds_state_to_the_connection() -> None:
    """Takes a state only over the connection on which it gave it."""

    def port(ctx: ServerRequestContext[Any, Any]) -> str:
        return str(cast("HTTPConnection", ctx.request).scope["client"][1])

    app.RequestStateSecurity = partial(RequestStateSecurity, bind_principal=port)


@mutant("rounds/restarted-between", "rounds.other-connection", wires=NEW)
def has_a_new_key_each_time() -> None:
    """Seals states with a key that it makes when it starts."""
    app.key = lambda: secrets.token_bytes(32)


@mutant("rounds/declared-only", "rounds.declared-only", wires=NEW)
def asks_whoever_comes() -> None:
    """Asks for all that it could use, whatever the client has declared."""
    asking.Call.need = lambda self, request: None  # noqa: ARG005

    @patches.tool(DECLARED)
    async def wrong(call: Call) -> str:
        value = form("Elicitation input", {"value": {"type": "string"}})
        await call.ask(elicit_input=value, sample_input=sampling("Sample request"))
        return "capabilities-ok"


@mutant("rounds/missing-answers", "rounds.missing-asked-again", wires=NEW)
def refuses_part_of_the_answers() -> None:
    """Refuses a retry that does not have all answers."""

    def ask(self: Call, requests: dict[str, Request]) -> dict[str, dict[str, Any]]:
        given = _answers(self)
        if given and any(key not in given for key in requests):
            raise MCPError(types.INVALID_PARAMS, "An answer is missing")
        return _round(self, requests)

    _rounds(ask)


@mutant("rounds/no-answers", "rounds.missing-asked-again", wires=NEW)
def takes_silence_for_a_cancel() -> None:
    """Goes on as if the person had cancelled when a retry has no answer."""

    def ask(self: Call, requests: dict[str, Request]) -> dict[str, dict[str, Any]]:
        if self.params.request_state is not None:
            cancelled = dict.fromkeys(requests, types.ElicitResult(action="cancel"))
            _change_answers(self, {**cancelled, **_answers(self)})
        return _round(self, requests)

    _rounds(ask)


@mutant("rounds/extra-answers", "rounds.extra-ignored", wires=NEW)
def refuses_more_answers() -> None:
    """Refuses a retry that has more answers than it asked for."""

    def ask(self: Call, requests: dict[str, Request]) -> dict[str, dict[str, Any]]:
        if set(_answers(self)) - set(requests):
            raise MCPError(types.INVALID_PARAMS, "Nobody asked that")
        return _round(self, requests)

    _rounds(ask)


def _given(change: Callable[[patches.Result], patches.Result]) -> None:
    def requests(message: exchanges.Message) -> exchanges.Message:
        params: exchanges.Message = message.get("params") or {}
        if "inputResponses" in params:
            params["inputResponses"] = change(params["inputResponses"])
        return message

    exchanges.requests(requests)


@mutant("rounds/malformed-answers", "rounds.protocol-error", wires=NEW)
def takes_nonsense_for_no_answers() -> None:
    """Asks again when `inputResponses` is no map, as if there were none."""
    _given(lambda given: given if type(given) is dict else {})


@mutant("rounds/malformed-answers", "rounds.answers-validated", wires=NEW)
def takes_anything_for_a_yes() -> None:
    """Takes whatever comes under the right key for an accepted form."""
    yes = {"action": "accept", "content": {"ok": True}}
    _given(lambda given: dict.fromkeys(given, yes) if type(given) is dict else given)
