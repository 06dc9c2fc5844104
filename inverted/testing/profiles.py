"""Doubles of real hosts: they declare and behave as `inverted.carriers.hosts` says.

    host = profile("cursor", person=["high"])
    outcome = await host.run(server, "triage", {"report": "boom"})

A double answers only what its host declares; a server that asks for more fails the test
(`ProtocolBreach`). Results are checked against the tool's `outputSchema` for every host, because a
reply that one of them refuses is wrong for all.
"""

from __future__ import annotations

import json
from typing import Any, Final

from mcp_types import CallToolResult, Implementation, TextContent

from inverted.carriers.hosts import HOSTS, Sees
from inverted.client import TasksExtension
from inverted.testing.answers import PersonAnswer, Wire, decline
from inverted.testing.connection import Tasks
from inverted.testing.host import ScriptedHost
from inverted.testing.script import Model, Person, Roots

PROFILES: Final = tuple(HOSTS)
"""The names of the hosts that `profile` knows."""

STOCK_ROUNDS: Final = 10
"""How many rounds the SDKs of Python and TypeScript answer by themselves."""


def profile(
    name: str,
    *,
    model: Model | None = None,
    person: Person | None = None,
    roots: Roots | None = None,
    **settings: Any,  # Any: whatever else ScriptedHost takes
) -> ScriptedHost:
    """A double of a real host.

    Args:
        name: One of `PROFILES`.
        model: As for `ScriptedHost`. It is asked if the host declares sampling.
        person: As for `ScriptedHost`. It is asked if the host declares elicitation and does not
            decline by itself.
        roots: As for `ScriptedHost`.
        settings: Anything else that `ScriptedHost` takes, and instead of what is recorded: another
            `era` that the host speaks, a larger `max_rounds`.

    Raises:
        ValueError: There is no such host.
    """
    host = HOSTS.get(name)
    if host is None:
        raise ValueError(f"There is no profile {name!r}. Take one of {', '.join(PROFILES)}.")
    extensions = host.capabilities.get("extensions", {})
    tasks: Tasks = "offered" if host.asks_for_tasks else TasksExtension.identifier in extensions
    recorded: dict[str, Any] = {
        "capabilities": host.capabilities,
        "client_info": Implementation(name=host.client_names[0], version=host.version),
        "era": host.revision,
        "max_rounds": host.rounds or STOCK_ROUNDS,
        "tasks": tasks,
    }
    answering = _decline if host.declines else person
    return ScriptedHost(model=model, person=answering, roots=roots, **(recorded | settings))


def visible(result: CallToolResult, sees: Sees | None) -> str:
    """What the model of a host is given of a result.

    Args:
        result: The result of a call.
        sees: What the host shows, as recorded. None is taken for `content`: all hosts show it
            where there is nothing else.

    Returns:
        The text of the content, the structured content as JSON, or both in this order.
    """
    said = [block.text for block in result.content if isinstance(block, TextContent)]
    structured = result.structured_content
    if structured is None or sees in (None, "content"):
        return "\n".join(said)
    as_json = json.dumps(structured, ensure_ascii=False)
    return as_json if sees == "structured" else "\n".join([*said, as_json])


def _decline(params: Wire) -> PersonAnswer:  # noqa: ARG001 # a person is given the question
    return decline()
