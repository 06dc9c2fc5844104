"""Ways to break the fixture server from outside, for mutants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server

from inverted_conformance.fixture import app, asking
from inverted_conformance.fixture.asking import Call, Request
from inverted_conformance.fixture.tools import TOOLS, Function

Result = dict[str, Any]


def tool(name: str) -> Callable[[Function], Function]:
    """Let a function stand for a tool's own.

    Args:
        name: The tool.
    """

    def patch(function: Function) -> Function:
        TOOLS[name].run = function
        return function

    return patch


def results(method: str, change: Callable[[Result], Result]) -> None:
    """Change every result of a method on its way out.

    Args:
        method: The method.
        change: What makes the wrong result of the right one.
    """

    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method != method:
            return result
        return change(cast("Result", result))

    servers(lambda server: server.middleware.insert(0, wrong))


def servers(change: Callable[[Server[Any]], object]) -> None:
    """Change every server that is built from now on.

    Args:
        change: What changes it.
    """
    right = app.build

    def build() -> Server[Any]:
        server = right()
        change(server)
        return server

    app.build = build


def questions(method: str, change: Callable[[Request], Request]) -> None:
    """Change every question of a method on its way out.

    Args:
        method: The method, such as `sampling/createMessage`.
        change: What makes the wrong question of the right one.
    """
    right = Call.ask

    async def ask(self: Call, **requests: Request) -> dict[str, dict[str, Any]]:
        wrong = {
            key: change(request) if request["method"] == method else request
            for key, request in requests.items()
        }
        return await right(self, **wrong)

    asking.Call.ask = ask


def asked(method: str, change: Callable[[Result], Result]) -> None:
    """Change every question of a method once it is made: the SDK's types would refuse some.

    Args:
        method: The method, such as `elicitation/create`.
        change: What makes the wrong parameters of the right ones.
    """

    def round_(result: Result) -> Result:
        for request in result.get("inputRequests", {}).values():
            if request["method"] == method:
                request["params"] = change(request["params"])
        return result

    async def ask(self: Call, key: str, request: Request) -> Result:
        del key
        right = request["params"]
        params = change(right) if request["method"] == method else right
        channel = self.context.session._request_outbound  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return await channel.send_raw_request(request["method"], params, None)

    results("tools/call", round_)
    asking.Call._request = ask  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
