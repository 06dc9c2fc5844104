"""Servers that ask the client's model in a wrong way."""

from __future__ import annotations

from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from inverted_conformance.fixture import sampling
from inverted_conformance.fixture.asking import Call, Request
from mutants import patches
from mutants.mutant import mutant

SAMPLE = "sampling/createMessage"


def _messages(request: Request) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", request["params"]["messages"])


def _with(request: Request, **params: Any) -> Request:
    return {**request, "params": {**request["params"], **params}}


def _results(request: Request) -> list[dict[str, Any]]:
    """The results in the last message of a request, to be changed in place; the first has none."""
    content = _messages(request)[-1]["content"]
    return cast("list[dict[str, Any]]", content) if isinstance(content, list) else []


@mutant("sampling/one-question", "sampling.message-shape", wires=("2026-07-28",))
def sends_the_prompt_as_system_role() -> None:
    """Gives the prompt the role `system`, as other interfaces have it."""

    def change(result: patches.Result) -> patches.Result:
        for request in result.get("inputRequests", {}).values():
            _messages(request)[0]["role"] = "system"
        return result

    # The SDK's models would refuse the role, so the round is changed after it was made.
    patches.results("tools/call", change)


@mutant("sampling/one-question", "sampling.include-context-avoided")
def asks_for_context_whenever_it_may() -> None:
    """Asks for the context of all servers if the client has declared that it gives it."""
    patches.questions(SAMPLE, lambda request: _with(request, includeContext="allServers"))


@mutant("capabilities/sampling-context", "capabilities.sampling-context-undeclared")
def asks_for_context_undeclared() -> None:
    """Asks for its own context although the client has not declared that it gives it."""
    patches.questions(SAMPLE, lambda request: _with(request, includeContext="thisServer"))


@mutant("sampling/separate-questions", "sampling.not-retained", wires=("2026-07-28",))
def keeps_one_conversation() -> None:
    """Keeps every prompt for the life of the process and sends all of them each time."""
    kept: list[dict[str, Any]] = []

    def remember(request: Request) -> Request:
        new = [message for message in _messages(request) if message not in kept]
        kept.extend(new)
        return _with(request, messages=[*kept])

    patches.questions(SAMPLE, remember)


@mutant("sampling/malformed-answers", "sampling.content-validated")
def takes_any_answer_for_an_answer() -> None:
    """Says that the model said nothing, whatever is wrong with its answer."""

    async def lenient(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        try:
            return await call_next(ctx)
        except Exception:  # noqa: BLE001
            return {"content": [{"type": "text", "text": "LLM response: "}]}

    patches.servers(lambda server: server.middleware.insert(0, lenient))


@mutant("capabilities/sampling-tools", "capabilities.sampling-tools-undeclared")
def offers_tools_to_everybody() -> None:
    """Sends tools without looking at what the client declared."""
    right = Call.need

    def need(self: Call, request: Request) -> None:
        params = {k: v for k, v in request["params"].items() if k not in {"tools", "toolChoice"}}
        right(self, {**request, "params": params})

    Call.need = need


@mutant("sampling-tools/one-use", "sampling-tools.results-only")
def explains_the_results() -> None:
    """Puts a text before the results, in the same message."""

    def explain(request: Request) -> Request:
        results = _results(request)
        if results:
            results.insert(0, {"type": "text", "text": "Here are the results:"})
        return request

    patches.questions(SAMPLE, explain)


@mutant("sampling-tools/bare-block", "sampling-tools.balance", "sampling-tools.reply-to-tool-use")
def expects_a_list_of_content() -> None:
    """Looks for uses in lists only, and so answers a bare block with a plain text."""

    def miss(request: Request) -> Request:
        if len(_messages(request)) > 1 and isinstance(_messages(request)[-2]["content"], dict):
            _results(request).append({"type": "text", "text": "Go on."})
            del _results(request)[:-1]
        return request

    patches.questions(SAMPLE, miss)


@mutant(
    "sampling-tools/parallel-uses", "sampling-tools.balance", "sampling-tools.reply-to-tool-use"
)
def answers_the_last_use_only() -> None:
    """Runs one tool a turn and forgets the others that the model used at once."""

    def one(request: Request) -> Request:
        del _results(request)[:-1]
        return request

    patches.questions(SAMPLE, one)


@mutant("sampling-tools/parallel-uses", "sampling-tools.balance")
def one_message_for_each_result() -> None:
    """Sends each result in a message of its own."""

    def split(request: Request) -> Request:
        *before, last = _messages(request)
        if not _results(request):
            return request
        return _with(
            request, messages=[*before, *({**last, "content": [one]} for one in _results(request))]
        )

    patches.questions(SAMPLE, split)


@mutant("sampling-tools/parallel-uses", "sampling-tools.balance")
def swaps_the_results() -> None:
    """Gives the results in the order in which tools finish, the ids in the order of the uses."""

    def swap(request: Request) -> Request:
        results = _results(request)
        contents = [one["content"] for one in results]
        for one, content in zip(results, reversed(contents), strict=True):
            one["content"] = content
        return request

    patches.questions(SAMPLE, swap)


@mutant("sampling-tools/failing-uses", "sampling-tools.reply-to-tool-use")
def no_result_where_a_tool_fails() -> None:
    """Leaves the result out where a tool failed, instead of telling the model."""

    def drop(request: Request) -> Request:
        results = _results(request)
        results[:] = [one for one in results if not one.get("isError")]
        return request

    patches.questions(SAMPLE, drop)


@mutant("sampling-tools/several-turns", "sampling-tools.balance")
def forgets_older_results() -> None:
    """Sends the model's own messages of all turns, but only the newest results, to save tokens."""

    def forget(request: Request) -> Request:
        *before, last = _messages(request)
        kept = [m for m in before if "tool_result" not in str(m["content"])]
        return _with(request, messages=[*kept, last])

    patches.questions(SAMPLE, forget)


@mutant("sampling-tools/several-turns", "sampling-tools.balance")
def drops_the_uses() -> None:
    """Sends results without the messages of the model that used the tools."""

    def drop(request: Request) -> Request:
        kept = [m for m in _messages(request) if m["role"] == "user"]
        return _with(request, messages=kept)

    patches.questions(SAMPLE, drop)


@mutant("sampling-tools/endless-uses", "sampling-tools.loop-limit")
def loops_without_end() -> None:
    """Runs tools for as long as the model wants them."""
    sampling.TURNS = 10**9


@mutant("sampling-tools/loops-at-once", "sampling-tools.balance")
def finds_results_by_id_alone() -> None:
    """Keeps results by the ids of uses, of which two conversations may have the same."""
    right = sampling.result
    known: dict[str, dict[str, Any]] = {}
    sampling.result = lambda use: known.setdefault(use["id"], right(use))
