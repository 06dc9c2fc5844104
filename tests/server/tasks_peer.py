"""A client that sends what it likes, for the suites of tasks: raw params in, raw results out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from mcp import ClientSession, MCPError

from inverted import AgentServer, MemoryStore, Run, TaskSettings
from inverted.server.tasks.rules import EXTENSION
from inverted.stores import Store
from inverted.testing import ScriptedHost
from inverted.testing.host import Era
from inverted.testing.script import Model, Person
from inverted.testing.serving import Transport

KEYS = ["a key for tests, long enough to be one"]
TOKENS: dict[str, dict[str, Any]] = {
    name: {"client_id": name, "sub": name, "scopes": []} for name in ("ada", "bob")
}
LEGACY: Era = "2025-11-25"
MODERN: Era = "2026-07-28"
ASKS: dict[str, Any] = {
    "elicitation": {"form": {}, "url": {}},
    "sampling": {"tools": {}},
    "roots": {},
}
DECLARES: dict[str, Any] = {**ASKS, "extensions": {EXTENSION: {}}}

Body = Callable[..., Coroutine[Any, Any, Any]]


def serve(
    *bodies: Body,
    task: Any = "auto",
    store: Store | None = None,
    tasks: TaskSettings | None = None,
    auth: bool = False,
    **settings: Any,
) -> AgentServer:
    """A server with these agents."""
    server = AgentServer(
        "tasks",
        store=store or MemoryStore(),
        keys=KEYS,
        tasks=tasks or TaskSettings(poll_interval=0.05),
        auth=StaticTokenVerifier(tokens=TOKENS) if auth else None,
        **settings,
    )
    for body in bodies:
        server.agent(task=task)(body)
    return server


class Peer:
    """One connected client."""

    def __init__(self, session: ClientSession, *, modern: bool) -> None:
        self.session = session
        self._modern = modern

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request as it is."""
        options: Any = {}
        data: dict[str, Any] = {"method": method, "params": params}
        stamp, dispatcher = (getattr(self.session, name) for name in ("_stamp", "_dispatcher"))
        if self._modern:
            stamp(data, options)
            if isinstance(run_id := params.get("taskId"), str):
                options["headers"]["mcp-name"] = run_id
        with anyio.fail_after(20):
            return await dispatcher.send_raw_request(method, data["params"], options)

    async def call(self, agent: str, task: Any = None, **arguments: Any) -> dict[str, Any]:
        """Call an agent; on 2025-11-25 as a task, unless told otherwise."""
        params: dict[str, Any] = {"name": agent, "arguments": arguments}
        if not self._modern and task is not False:
            params["task"] = {} if task is None else task
        return await self.send("tools/call", **params)

    async def create(self, agent: str, **arguments: Any) -> str:
        """Call an agent, and return the id of the task that it becomes."""
        reply = await self.call(agent, **arguments)
        return reply["taskId"] if self._modern else reply["task"]["taskId"]

    async def until(self, run_id: str, *statuses: str) -> dict[str, Any]:
        """Poll until the task has one of these statuses."""
        with anyio.fail_after(20):
            while True:
                shown = await self.send("tasks/get", taskId=run_id)
                if shown["status"] in statuses:
                    return shown
                await anyio.sleep(0.01)

    async def gone(self, run_id: str) -> tuple[int, str, Any]:
        """Poll until the task cannot be found, and return the error."""
        with anyio.fail_after(20):
            while True:
                try:
                    await self.send("tasks/get", taskId=run_id)
                except MCPError as error:
                    return error.error.code, error.error.message, error.error.data

    async def refusal(self, method: str, **params: Any) -> tuple[int, str, Any]:
        """Code, message and data of the error that a request ends with."""
        try:
            reply = await self.send(method, **params)
        except MCPError as error:
            return error.error.code, error.error.message, error.error.data
        raise AssertionError(reply)


@asynccontextmanager
async def connected(
    server: FastMCP[Any] | str,
    era: Era = MODERN,
    *,
    capabilities: Any = None,
    caller: str | None = None,
    transport: Transport = "memory",
    model: Model | None = None,
    person: Person | None = None,
) -> AsyncGenerator[Peer]:
    """A client that has declared these capabilities; all that there are if not given."""
    if capabilities is None:
        capabilities = DECLARES if era == MODERN else ASKS
    if era < LEGACY and capabilities is ASKS:
        capabilities = {"elicitation": {}, "sampling": {}}
    host = ScriptedHost(
        model=model,
        person=person,
        era=era,
        capabilities=capabilities,
        transport="http" if caller else transport,
        headers={"Authorization": f"Bearer {caller}"} if caller else None,
    )
    async with host.connect(server) as connection:
        yield Peer(connection.session, modern=era == MODERN)


async def ask(run: Run, word: str = "tea") -> str:
    """Ask the person, then the model."""
    name = await run.elicit("Your name?", str)
    reply = await run.sample(f"{word}?")
    return f"{name.data}: {reply.text}"


async def both(run: Run) -> str:
    """Ask two questions at once."""
    first, second = await run.gather(run.elicit("First?", str), run.elicit("Second?", str))
    return f"{first.data} {second.data}"


async def rest(run: Run, seconds: float = 3600) -> str:
    """Sleep."""
    await run.sleep(seconds)
    return "rested"


async def hello(run: Run) -> str:
    """Answer at once."""
    return "hello"


async def broken(run: Run, kind: str) -> str:
    """Fail in one of two ways."""
    if kind == "protocol":
        raise MCPError(-32099, "no way", {"why": "a test"})
    raise ValueError("it broke")


def accepted(value: Any) -> dict[str, Any]:
    """A filled form with one field."""
    return {"action": "accept", "content": {"value": value}}


def said(text: str) -> dict[str, Any]:
    """What a model says."""
    return {"role": "assistant", "model": "m", "content": {"type": "text", "text": text}}
