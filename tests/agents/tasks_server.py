"""A server of tasks, as a program: `tasks_server.py stdio STORE`, `tasks_server.py http STORE FD`.

Over HTTP its callers sign in: without that no server may list tasks.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from mcp.shared.exceptions import MCPError

from inverted import AgentServer, Run, TaskSettings
from inverted.stores import Store

KEYS = ["a key for tests, long enough to be one"]
TOKENS: dict[str, dict[str, Any]] = {
    name: {"client_id": name, "sub": name, "scopes": []} for name in ("ada", "bob")
}
QUICK = TaskSettings(poll_interval=0.05)


def make_server(store: Store | str, tasks: TaskSettings = QUICK, **settings: Any) -> AgentServer:
    server = AgentServer("tasks", store=store, keys=KEYS, tasks=tasks, **settings)

    @server.agent
    async def greet(run: Run, word: str) -> str:
        """Ask the person and the model."""
        await run.report_progress(1, 3, "asking the person")
        name = await run.elicit("Your name?", str)
        await run.report_progress(2, 3, "asking the model")
        reply = await run.sample(f"{word}?")
        await run.info("done")
        return f"{name.data}: {reply.text}"

    @server.agent
    async def rest(run: Run, seconds: float) -> str:
        """Sleep."""
        await run.sleep(seconds)
        return "rested"

    @server.agent(task="always")
    async def fail(run: Run, kind: str) -> str:
        """Fail in one of two ways."""
        await run.sleep(0.01)
        if kind == "protocol":
            raise MCPError(-32099, "no way", {"why": "a test"})
        raise ValueError("it broke")

    @server.agent(task="never")
    async def quick(run: Run) -> str:
        """Answer at once."""
        return "here"

    return server


def main() -> None:
    transport, store, *rest = sys.argv[1:]
    if transport == "stdio":
        make_server(str(Path(store))).run("stdio", show_banner=False)
    else:
        listener = socket.socket(fileno=int(rest[-1]))
        server = make_server(str(Path(store)), auth=StaticTokenVerifier(tokens=TOKENS))
        server.run("http", show_banner=False, sockets=[listener], log_level="error")


if __name__ == "__main__":
    main()
