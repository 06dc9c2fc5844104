"""Servers with one small agent, for suites that ask one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from mcp_types import CallToolResult

from inverted import AgentServer, Ladders, Limits, MemoryStore
from inverted.stores import Store
from inverted.testing import Outcome, ScriptedHost
from inverted.testing.connection import Reply
from inverted.testing.host import Era
from inverted.testing.script import Model, Person
from tests.agents.everything import KEYS

PLAIN = Ladders(model=("sampling",), person=("form",), approval=("form",))
Body = Callable[..., Coroutine[Any, Any, Any]]


def serve(
    *bodies: Body,
    store: Store | None = None,
    keys: list[str] = KEYS,
    limits: Limits | None = None,
    **settings: Any,
) -> AgentServer:
    """A server with these agents, in memory unless there is a store."""
    server = AgentServer("small", store=store or MemoryStore(), keys=keys, **settings)
    for body in bodies:
        server.agent(limits=limits)(body)
    return server


async def run(
    body: Body,
    arguments: dict[str, Any] | None = None,
    *,
    model: Model | None = None,
    person: Person | None = None,
    capabilities: dict[str, Any] | None = None,
    era: Era = "2026-07-28",
    limits: Limits | None = None,
    ladders: Ladders = PLAIN,
) -> Outcome:
    """Run an agent once, with a host that has this script and is asked as the protocol has it."""
    host = ScriptedHost(model=model, person=person, capabilities=capabilities, era=era)
    server = serve(body, limits=limits, ladders=ladders)
    return await host.run(server, body.__name__, arguments)


def error(outcome: Outcome) -> str:
    """The text of a failed call."""
    assert outcome.is_error, outcome.result
    return outcome.result


def result_of(reply: Reply) -> Any:
    """The structured result of a call that worked."""
    assert isinstance(reply, CallToolResult), reply
    assert not reply.is_error, reply.content
    structured: Any = reply.structured_content
    return structured["result"]
