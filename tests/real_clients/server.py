"""The server that real clients are driven against.

Its agents need, one each, what a client may or may not have. `server.py stdio STORE`, or
`server.py http STORE DESCRIPTOR` for a socket that somebody else opened.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import defaultdict
from typing import Final, Literal

import anyio
from pydantic import BaseModel

from inverted import AcceptedElicitation, AgentServer, Run
from inverted.server import serving

ALIVE_SECONDS: Final = 0.2
"""Between two signs of life, so that nobody waits for 15 seconds to see one."""
TURNS: Final = 50


class Greeting(BaseModel):
    """A result with a type of its own."""

    word: str
    letters: int


class Order(BaseModel):
    """What a person decided."""

    dish: str
    size: Literal["small", "large"]


def look_up(topic: str) -> str:
    """Look a topic up."""
    return f"facts about {topic}"


def make_server(store: str) -> AgentServer:
    """The server.

    Args:
        store: The path of a SQLite file: a client that starts a server for every call goes on with
            its runs.
    """
    server = AgentServer("real-clients", store=store)
    released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    @server.agent
    async def greet(run: Run, word: str) -> Greeting:
        """Greet: nobody is asked anything."""
        return Greeting(word=word, letters=len(word))

    @server.agent
    async def research(run: Run, topic: str) -> list[str]:
        """Ask a model that may use a tool, and tell how it was asked."""
        answer = await run.sample(f"Research {topic}.", tools=[look_up])
        return [answer.text or "", answer.via]

    @server.agent
    async def order(run: Run, dish: str) -> Order:
        """Ask a person twice."""
        match await run.elicit("Which size?", Literal["small", "large"]):
            case AcceptedElicitation(data=size):
                await run.approve(f"Order a {size} {dish}?")
                return Order(dish=dish, size=size)
            case _:
                raise ValueError("Nobody chose a size.")

    @server.agent
    async def survey(run: Run, topics: list[str]) -> list[str]:
        """Ask a model several questions at once, and then one with a tool."""
        found = await run.gather(*(run.sample(f"Say {topic}.") for topic in topics))
        last = await run.sample(f"Research {topics[0]}.", tools=[look_up])
        return [*(each.text or "" for each in (*found, last)), last.via]

    @server.agent
    async def converse(run: Run) -> list[str]:
        """Ask a model more often, one after the other, than a client answers in one call."""
        return [(await run.sample(f"Say {turn}.")).text or "" for turn in range(TURNS)]

    async def released_by(name: str) -> str:
        with anyio.fail_after(30):
            await released[name].wait()
        return f"{name} was released"

    @server.agent
    async def wait(run: Run, name: str) -> str:
        """Be silent until `release` is called."""
        return await run.step(released_by, name)

    @server.tool
    def release(name: str) -> str:
        """Let `wait` end."""
        released[name].set()
        return "released"

    return server


def main() -> None:
    """Serve until the client goes."""
    transport, store, *rest = sys.argv[1:]
    serving.ALIVE_SECONDS = ALIVE_SECONDS
    server = make_server(store)
    if transport == "stdio":
        server.run("stdio", show_banner=False)
    else:
        listener = socket.socket(fileno=int(rest[0]))
        server.run("http", show_banner=False, sockets=[listener], log_level="error")


if __name__ == "__main__":
    main()
