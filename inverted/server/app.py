"""`AgentServer`: a FastMCP server whose tools may be agents.

Everything of FastMCP works: mounting, auth, proxies, middleware, `fastmcp run`. What is added is
`@server.agent`, a store for the runs, and sealing keys that survive a restart.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar, get_args, overload

from fastmcp import FastMCP
from fastmcp.server.http import StarletteWithLifespan
from mcp.server.request_state import RequestStateSecurity
from mcp_types import Icon, ToolAnnotations

from inverted.carriers.ladder import Ladder
from inverted.carriers.providers import Handler, own_model
from inverted.core.effects import Json
from inverted.pages.local import Opener
from inverted.pages.web import origin_of, routes
from inverted.run.run import Run
from inverted.run.signature import Signature
from inverted.runtime.ladders import Ladders
from inverted.runtime.ports import Agent, Clock, Limits
from inverted.runtime.runtime import Runtime
from inverted.runtime.tasks import TaskInfo, Tasks, TaskSettings
from inverted.server.keys import STATE_TTL, SealingKeys
from inverted.server.means import Surroundings
from inverted.server.opening import discovery_decides_nothing
from inverted.server.person import Pages
from inverted.server.registration import AgentSettings, TaskMode, agent_tool
from inverted.server.relay.card import add_card
from inverted.server.relay.listing import Listing
from inverted.server.relay.tool import continue_tool
from inverted.server.tasks.carrier import TOOLS, FrontCarrier
from inverted.server.tasks.extension import TasksExtension
from inverted.server.tasks.tools import add_task_tools
from inverted.server.tool import AgentTool, ProtocolErrors
from inverted.stores import MemoryStore, SQLiteStore, Store

Body = Callable[..., Coroutine[Any, Any, Any]]
F = TypeVar("F", bound=Body)


class AgentServer(FastMCP[Any]):
    """A FastMCP server that owns the control flow of its agents.

    Args:
        name: Name of the server.
        instructions: What clients are told about it.
        store: Where runs live: a `Store`, the path of a SQLite file, `":memory:"` for one that
            forgets, or None for the default file in the user data directory (or `INVERTED_STORE`).
        keys: Sealing keys; from `INVERTED_KEYS` or a key file if not given.
        limits: Limits of every agent that sets none itself.
        clock: Time; replaced in tests.
        hot_runs: How many parked runs stay in memory; the others are replayed when needed.
        lease: Seconds after which a process that stopped answering loses a run.
        tasks: How runs are served as tasks.
        task_tools: Offer plain tools too, with which hosts that have no tasks start an agent and
            come back for its result.
        ladders: How the questions of every agent are asked that has no ladders of its own.
        provider: A model of this server: `anthropic:NAME`, `openai:NAME`, `gemini:NAME`, or a
            sampling handler of FastMCP; what INVERTED_PROVIDER says if not given.
        provider_url: Another endpoint for it, such as that of Ollama; INVERTED_PROVIDER_URL if not
            given.
        relay: Let hosts go on with a run by calling `continue_run`: where they cannot answer its
            questions, and where a call would have more rounds than clients have patience for.
        public_url: Where an HTTP server is reached from the web, such as `https://example.org`: it
            then has pages on which people answer, under `/answer/`.
        opener: Opens an address on the machine of a stdio server: an async function that returns
            why it could not, or None. The person's browser if not given.
        settings: Anything else that `FastMCP` takes.

    Raises:
        InvertedError: A given key is too short.
        ProviderError: The provider cannot be used: its key or its SDK is missing, or its name is
            not understood.
    """

    def __init__(
        self,
        name: str | None = None,
        instructions: str | None = None,
        *,
        store: Store | str | None = None,
        keys: Sequence[bytes | str] | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        hot_runs: int = 1000,
        lease: float = 30.0,
        tasks: TaskSettings | None = None,
        task_tools: bool = False,
        ladders: Ladders | None = None,
        provider: str | Handler | None = None,
        provider_url: str | None = None,
        relay: bool = True,
        public_url: str | None = None,
        opener: Opener | None = None,
        **settings: Any,
    ) -> None:
        sealing = SealingKeys(keys)
        settings.setdefault(
            "request_state_security",
            # The name that FastMCP makes up for a server without one differs after a restart.
            RequestStateSecurity(codec=sealing, ttl=STATE_TTL, audience=name or "inverted"),
        )
        super().__init__(name, instructions, **settings)
        self.add_middleware(Listing() if relay else ProtocolErrors())
        self._default_limits = limits or Limits()
        self._default_ladders = ladders or Ladders()
        served = tasks or TaskSettings()
        self.runtime = Runtime(
            _store(store),
            clock=clock,
            sealer=sealing,
            hot_runs=hot_runs,
            lease=lease,
            retention=served.retention,
        )
        self.agent_tools: dict[str, AgentTool] = {}
        """The tools of the agents that are registered here, by name."""
        self.tasks = Tasks(self.runtime, self._task_carrier, served)
        self.add_extension(TasksExtension(served, sealing))
        if task_tools:
            add_task_tools(self, self.tasks)
        self._pages = Pages(name or "This server", self.tasks, public_url=public_url, opener=opener)
        own = own_model(provider, provider_url, os.environ)
        self.surroundings = Surroundings(own, self._pages, relay)
        if public_url is not None:
            self._additional_http_routes.extend(routes(self._pages.desk, [origin_of(public_url)]))
        if relay:
            self.add_tool(continue_tool(self.agent_tools))
            add_card(self, self._pages)

    def _task_carrier(
        self, agent: Agent, info: TaskInfo, notify: Callable[[dict[str, Json]], object]
    ) -> Ladder:
        means = self.surroundings.apart(agent.name, by_model=info.form == TOOLS)
        return Ladder(FrontCarrier(info, notify), agent.ladders, means)

    @overload
    def agent(self, fn: F) -> F: ...

    @overload
    def agent(
        self,
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        icons: list[Icon] | None = None,
        tags: set[str] | None = None,
        output_schema: dict[str, Any] | None = None,
        annotations: ToolAnnotations | dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
        limits: Limits | None = None,
        ladders: Ladders | None = None,
        task: TaskMode = "auto",
    ) -> Callable[[F], F]: ...

    def agent(
        self,
        fn: F | None = None,
        *,
        limits: Limits | None = None,
        ladders: Ladders | None = None,
        task: Any = "auto",
        **about: Any,
    ) -> F | Callable[[F], F]:
        """Register an agent: an async function with one parameter of type `Run`.

        Args:
            fn: The function, when the decorator is used without parentheses.
            limits: Limits of its runs; the server's if not given.
            ladders: How its questions are asked; as the server's if not given.
            task: When its runs are tasks of the protocol. `auto`: where the client asks for it
                (2025-11-25), or where a run takes long (2026-07-28). `always`: every run, and
                clients without tasks cannot call it. `never`.
            about: How clients see the tool: `name`, `title`, `description`, `icons`, `tags`,
                `output_schema`, `annotations`, `meta`. Name and description come from the
                function if not given.

        Returns:
            The function itself, unchanged.

        Raises:
            TypeError: It is no agent: not async, without a `Run`, or with parameters that a JSON
                object cannot fill. Or it is told to have a timeout.
            ValueError: `task` is none of the three.
        """
        for setting in _REFUSED.keys() & {name for name, value in about.items() if value}:
            raise TypeError(f"An agent takes no {setting}. {_REFUSED[setting]}")

        mode = _task_mode(task)

        def register(function: F) -> F:
            signature = Signature(function, Run)
            if not inspect.iscoroutinefunction(function) or signature.hidden is None:
                raise TypeError(
                    f"{getattr(function, '__name__', function)} is no agent. An agent is an async "
                    "function "
                    "with a parameter of type Run: `async def agent(run: Run, ...)`."
                )
            tool = agent_tool(
                self.tasks,
                signature,
                about,
                AgentSettings(
                    limits or self._default_limits,
                    self._mask_error_details,
                    mode,
                    ladders or self._default_ladders,
                ),
                self.surroundings,
            )
            self.agent_tools[tool.name] = tool
            self.add_tool(tool)
            return function

        return register if fn is None else register(fn)

    def tool(self, name_or_fn: Any = None, **about: Any) -> Any:
        """`FastMCP.tool`; a function with a parameter of type `Run` becomes an agent.

        So that code written for FastMCP 3 needs no other change than `ctx: Context` to `run: Run`.
        """
        if isinstance(name_or_fn, str):
            return self.tool(name=name_or_fn, **about)
        if name_or_fn is None:
            return functools.partial(self.tool, **about)
        written_in_python = inspect.isfunction(name_or_fn) or inspect.ismethod(name_or_fn)
        if written_in_python and Signature(name_or_fn, Run, lenient=True).hidden:
            return self.agent(**about)(name_or_fn)
        return super().tool(name_or_fn, **about)

    def http_app(
        self, *args: Any, host_origin_protection: Any = None, **settings: Any
    ) -> StarletteWithLifespan:
        """`FastMCP.http_app`, with Host and Origin protection on unless it is switched off."""
        return super().http_app(
            *args, host_origin_protection=_protected(host_origin_protection), **settings
        )

    async def run_stdio_async(self, *args: Any, **settings: Any) -> None:
        """`FastMCP.run_stdio_async`, on the person's machine: the server may open pages there."""
        self._pages.serve_locally()
        try:
            with discovery_decides_nothing(self):
                await super().run_stdio_async(*args, **settings)
        finally:
            await self._pages.aclose()

    async def run_http_async(
        self, *args: Any, host_origin_protection: Any = None, **settings: Any
    ) -> None:
        """`FastMCP.run_http_async`, with Host and Origin protection unless it is switched off."""
        await super().run_http_async(
            *args, host_origin_protection=_protected(host_origin_protection), **settings
        )


_REFUSED: Final = {
    "timeout": "Use limits=Limits(seconds=...) for a run, or run.step(fn, timeout=...) for a step.",
}
"""Settings of FastMCP's tools that an agent cannot have, and what to do instead."""


_OLD_MODES: Final[dict[Any, Any]] = {"optional": "auto", "required": "always", "forbidden": "never"}
"""What FastMCP calls the three."""


def _task_mode(task: Any) -> TaskMode:
    """When runs are tasks; FastMCP's `True`, `False` and `TaskConfig` are understood too."""
    if task is None or isinstance(task, bool):
        return "never" if task is False else "auto"
    mode: Any = getattr(task, "mode", task)
    mode = _OLD_MODES.get(mode, mode)
    if mode not in get_args(TaskMode):
        raise ValueError(f"task must be one of {', '.join(get_args(TaskMode))}, not {task!r}.")
    return mode


def _protected(asked: Any) -> Any:
    return True if asked is None else asked


def _store(store: Store | str | None) -> Store:
    if store == ":memory:":
        return MemoryStore()
    return SQLiteStore(store) if store is None or isinstance(store, str) else store
