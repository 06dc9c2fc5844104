"""One body, everywhere: on both eras, hot and replayed, and after a crash at any line.

Models here are functions of the question alone, so that neither the order of branches nor a crash
changes what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from inverted import AgentServer
from inverted.stores import MemoryStore, Store
from inverted.testing import CrashingStore, Outcome, ScriptedHost, Way
from inverted.testing.host import Era
from inverted.testing.script import Model

ERAS: Final[tuple[Era, ...]] = ("2026-07-28", "2025-11-25")
Body = Callable[..., Coroutine[Any, Any, Any]]


def prompt_of(params: dict[str, Any]) -> str:
    """The text of the last message."""
    content: Any = params["messages"][-1]["content"]
    blocks = cast("list[dict[str, Any]]", content if isinstance(content, list) else [content])
    return str(blocks[-1].get("text", ""))


def echo(params: dict[str, Any]) -> str:
    """A model that says the question back."""
    return f"<{prompt_of(params)}>"


def asked(outcome: Outcome) -> list[str]:
    """The prompts of a run."""
    return [prompt_of(question.params) for question in outcome.questions]


def serve(body: Body, store: Store | None = None) -> AgentServer:
    """A server whose only agent is the body."""
    server = AgentServer("patterns", store=store or MemoryStore(), keys=["k" * 32])
    server.agent(name="body")(body)
    return server


async def once(body: Body, model: Model) -> Outcome:
    """Run a body one way."""
    return await ScriptedHost(model=model).run(serve(body), "body")


async def everywhere(body: Body, model: Model) -> Outcome:
    """Run a body in every way; all must end the same, and ask each question once.

    Returns:
        The first outcome.
    """
    ways = [Way(era, "memory", hot) for era in ERAS for hot in (True, False)]
    outcomes = [await way.run(serve(body), "body", model=model) for way in ways]
    store = CrashingStore(MemoryStore(), after=None)
    outcomes.append(await _crashing(body, model, store))
    for line in range(1, store.written + 1):
        broken = CrashingStore(MemoryStore(), after=line)
        outcomes.append(await _crashing(body, model, broken))
    first = outcomes[0]
    for each in outcomes:
        assert (each.result, each.is_error) == (first.result, first.is_error)
    for each in outcomes[: len(ways)]:
        assert sorted(asked(each)) == sorted(asked(first))
    return first


async def _crashing(body: Body, model: Model, store: CrashingStore) -> Outcome:
    return await ScriptedHost(model=model).run(
        serve(body, store), "body", run_key="one", restart=lambda: serve(body, store.restart())
    )
