"""Servers that do not wait for the handshake of 2025-11-25, or do not keep to it."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher

from inverted_conformance.fixture import asking
from inverted_conformance.fixture.asking import Call, Request
from mutants import exchanges, patches
from mutants.mutant import mutant

OLD = ("2025-11-25",)


@mutant("capabilities/before-initialize", "capabilities.initialize-first", wires=OLD)
def asks_before_anything_was_said() -> None:
    """Asks the model of a client that has not opened the connection yet."""
    params = {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Hello"}}],
        "maxTokens": 10,
    }
    asked = {
        "jsonrpc": "2.0",
        "id": "server-1",
        "method": "sampling/createMessage",
        "params": params,
    }

    def change(message: exchanges.Message, answer: exchanges.Answer) -> exchanges.Answer:
        if message.get("method") != "tools/call" or answer.status < 400:  # noqa: PLR2004
            return answer
        return answer.saying({**answer.message, "id": message["id"]}).streaming(asked)

    exchanges.answers(change)


@mutant("capabilities/initialize-answer", "capabilities.initialize-answer", wires=OLD)
def does_not_say_what_it_can_do() -> None:
    """Has tools and does not declare them."""
    patches.results("initialize", lambda result: {**result, "capabilities": {}})


@mutant("capabilities/before-initialized", "capabilities.before-initialized", wires=OLD)
def asks_before_the_client_is_ready() -> None:
    """Asks a client that has not said yet that it is ready."""
    right = Call._request  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def wrong(self: Call, key: str, request: Request) -> dict[str, Any]:
        self.context.session._connection.initialized.set()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return await right(self, key, request)

    asking.Call._request = wrong  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("capabilities/no-other-revision", "capabilities.negotiated-version", wires=OLD)
def asks_in_rounds_too_early() -> None:
    """Answers a call with a request for input although the revision has none."""

    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        params = ctx.params or {}
        if ctx.method != "tools/call" or "inputResponses" in params:
            return await call_next(ctx)
        question: patches.Result = {"method": "roots/list", "params": {}}
        return {"content": [], "resultType": "input_required", "inputRequests": {"x": question}}

    patches.servers(lambda server: server.middleware.insert(0, wrong))


@mutant("cancellation/server-gives-up", "cancellation.on-timeout", wires=OLD)
def gives_up_in_silence() -> None:
    """Waits no longer for an answer and does not tell the client."""

    async def nothing(*arguments: Any) -> None:
        del arguments

    JSONRPCDispatcher._cancel_outbound = nothing  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]
