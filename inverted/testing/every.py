"""Every way that questions can travel, and how to bring an agent onto it.

The pytest fixture `every_carrier` runs a test once for each `Way` of the protocol, and `every_host`
once for that of each known host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import ToolExecution

from inverted.carriers.hosts import HOSTS
from inverted.server import AgentServer
from inverted.testing.host import Era, Outcome, ScriptedHost
from inverted.testing.profiles import profile
from inverted.testing.script import Model, Person, Roots
from inverted.testing.serving import Transport


def always_replay(server: AgentServer) -> AgentServer:
    """Keep no parked run in memory: every round replays its run from the store.

    The same as `AgentServer(hot_runs=0)`, for a server that is there already.

    Returns:
        The server.
    """
    server.runtime.hot_runs = 0
    return server


async def always_task(server: AgentServer, agent: str) -> AgentServer:
    """Serve an agent only as a task, as `@server.agent(task="always")` does.

    Args:
        server: The server, which is there already.
        agent: Name of the agent.

    Returns:
        The server.
    """
    tool = await server.get_tool(agent)
    if tool is not None:
        tool.execution = ToolExecution(task_support="required")
    return server


@dataclass(frozen=True, slots=True)
class Way:
    """One way for questions to travel.

    Attributes:
        era: The protocol revision.
        transport: What carries the messages.
        hot: Whether parked runs stay in memory; without it every round is a replay.
        task: Whether the call becomes a task.
        profile: The host that calls, one of `PROFILES`; one that has everything if None.
    """

    era: Era
    transport: Transport
    hot: bool = True
    task: bool = False
    profile: str | None = None

    @classmethod
    def of(cls, profile: str, transport: Transport = "memory", *, hot: bool = True) -> Way:
        """The way of a known host: its revision, and what it declares and does.

        Args:
            profile: One of `PROFILES`.
            transport: What carries the messages.
            hot: Whether parked runs stay in memory.
        """
        return cls(HOSTS[profile].revision, transport, hot, profile=profile)

    def __str__(self) -> str:
        if self.profile is not None:
            return f"{self.profile}-{self.transport}-{'hot' if self.hot else 'cold'}"
        temperature = "hot" if self.hot else "cold"
        return f"{self.era}-{self.transport}-{temperature}{'-task' if self.task else ''}"

    def host(
        self,
        *,
        model: Model | None = None,
        person: Person | None = None,
        roots: Roots | None = None,
        **settings: Any,  # Any: whatever else ScriptedHost takes
    ) -> ScriptedHost:
        """A host that travels this way.

        Args:
            model: As for `ScriptedHost`.
            person: As for `ScriptedHost`.
            roots: As for `ScriptedHost`.
            settings: Anything else that `ScriptedHost` takes.
        """
        script: dict[str, Any] = {"model": model, "person": person, "roots": roots, **settings}
        if self.profile is not None:
            return profile(self.profile, era=self.era, transport=self.transport, **script)
        return ScriptedHost(era=self.era, transport=self.transport, tasks=self.task, **script)

    async def run(
        self,
        server: AgentServer,
        agent: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        model: Model | None = None,
        person: Person | None = None,
        roots: Roots | None = None,
        run_key: str | None = None,
        restart: Callable[[], AgentServer] | None = None,
    ) -> Outcome:
        """Run an agent this way, with a host of its own.

        Args:
            server: The server.
            agent: Name of the agent.
            arguments: Its arguments.
            model: As for `ScriptedHost`.
            person: As for `ScriptedHost`.
            roots: As for `ScriptedHost`.
            run_key: As for `ScriptedHost.run`.
            restart: As for `ScriptedHost.run`.

        Returns:
            The outcome.
        """
        if not self.hot:
            always_replay(server)
        if self.task:
            await always_task(server, agent)
        host = self.host(model=model, person=person, roots=roots)
        return await host.run(server, agent, arguments, run_key=run_key, restart=restart)
