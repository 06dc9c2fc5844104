"""Servers with one small agent, for suites that ask one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from inverted import AgentServer
from inverted.testing import Outcome, ScriptedHost
from tests.agents.everything import KEYS

Body = Callable[..., Coroutine[Any, Any, Any]]


def serve(*bodies: Body, limits: Any = None, **settings: Any) -> AgentServer:
    """A server with these agents, in memory."""
    server = AgentServer("small", **{"store": ":memory:", "keys": KEYS, **settings})
    for body in bodies:
        server.agent(limits=limits)(body)
    return server


async def run(
    body: Body, arguments: dict[str, Any] | None = None, *, limits: Any = None, **script: Any
) -> Outcome:
    """Run an agent once, with a host that has this script."""
    server = serve(body, limits=limits)
    return await ScriptedHost(**script).run(server, body.__name__, arguments)


def error(outcome: Outcome) -> str:
    """The text of a failed call."""
    assert outcome.is_error, outcome.result
    return outcome.result
