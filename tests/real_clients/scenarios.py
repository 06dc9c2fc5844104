"""What every client is put through, and what must come of it."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Final, cast

import anyio

from tests.real_clients.client import UNTYPED, Called, Connected, Hands, RealClient
from tests.real_clients.people import follow
from tests.real_clients.server import ALIVE_SECONDS, TURNS

HOPS: Final = 12
"""More than any relayed run here needs."""


class Wrong(AssertionError):
    """A client did not get what it must."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        name: Its column.
        hands: What the application behind the client brings.
        play: Drives a connected client, and raises `Wrong`.
    """

    name: str
    hands: Hands
    play: Callable[[Connected, RealClient], Awaitable[None]]


async def _lists_tools(client: Connected, about: RealClient) -> None:
    tools = {each["name"]: each for each in await client.tools()}
    wanted = {"greet", "research", "order", "survey", "converse", "wait", "release", "continue_run"}
    _same(set(tools) & wanted, wanted, "the tools that are listed")
    properties = tools["greet"]["outputSchema"]["properties"]
    _same(sorted(properties), ["letters", "word"], "the output schema of greet")


async def _typed_result(client: Connected, about: RealClient) -> None:
    await client.tools()  # from here on results are held against the output schemas
    greeting = {"word": "hello", "letters": 5}
    _result(await client.call("greet", {"word": "hello"}), greeting)


async def _sampling(client: Connected, about: RealClient) -> None:
    await _researched(client, "sampling")


async def _tools_as_text(client: Connected, about: RealClient) -> None:
    await _researched(client, "text")


async def _researched(client: Connected, via: str) -> None:
    await client.tools()
    found = ["facts about bees", via]
    _result(await client.call("research", {"topic": "bees"}), {"result": found}, data=found)


async def _person(client: Connected, about: RealClient) -> None:
    await client.tools()
    _result(await client.call("order", {"dish": "soup"}), {"dish": "soup", "size": "small"})


async def _relay(client: Connected, about: RealClient) -> None:
    await client.tools()
    topics = ["bees", "cats", "dogs"]
    result, hops = await _followed(client, "survey", {"topics": topics})
    found = [*(f"said {topic}" for topic in topics), "facts about bees", "relay"]
    _result(result, {"result": found}, data=found)
    _same(hops, 3, "hops")


async def _fifty_turns(client: Connected, about: RealClient) -> None:
    await client.tools()
    result, hops = await _followed(client, "converse", {})
    said = [f"said {turn}" for turn in range(TURNS)]
    _result(result, {"result": said}, data=said)
    if client.version == "2026-07-28" and not hops:
        raise Wrong("the server asked in one call more often than clients answer")


async def _progress(client: Connected, about: RealClient) -> None:
    beats, name = 0, f"{time.monotonic_ns()}"
    wanted = 2
    if about.patience is not None:
        wanted += math.ceil(about.patience / ALIVE_SECONDS)
    arrived = anyio.Event()
    began = time.monotonic()

    async def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == wanted:
            arrived.set()

    async def release() -> None:
        await arrived.wait()
        released = await client.call("release", {"name": name})
        _same(released.text, "released", "what release says")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(release)
        result = await client.call("wait", {"name": name}, beat)
        _result(result, {"result": f"{name} was released"}, data=f"{name} was released")
        if beats < wanted:
            raise Wrong(f"{beats} signs of life, not {wanted}")
    if about.patience is not None and time.monotonic() - began <= about.patience:
        raise Wrong("it took less than the patience of the client, and shows nothing")


async def _followed(client: Connected, tool: str, arguments: dict[str, Any]) -> tuple[Called, int]:
    """Call a tool, and go on as the host's model does, by the text alone."""
    result = await client.call(tool, arguments)
    for hop in range(HOPS):
        after = None if result.is_error else follow(result.text)
        if after is None:
            return result, hop
        result = await client.call(*after)
    raise Wrong(f"after {HOPS} hops it still says: {result.text}")


def _result(result: Called, structured: Any, data: Any = UNTYPED) -> None:
    """Hold a result against what it must be; `data` is what it is where clients have types."""
    if result.is_error:
        raise Wrong(result.text)
    _same(result.structured, structured, "structured content")
    if result.data is UNTYPED:
        return
    if data is UNTYPED:  # an object: FastMCP makes a class of its schema
        if not is_dataclass(result.data):
            raise Wrong(f".data is no object of a class: {result.data!r}")
        _same(asdict(cast("Any", result.data)), structured, ".data")
    else:
        _same(result.data, data, ".data")


def _same(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Wrong(f"{what}: {found!r}, not {wanted!r}")


SCENARIOS: Final = (
    Scenario("lists tools", Hands(), _lists_tools),
    Scenario("typed result", Hands(), _typed_result),
    Scenario("sampling with tools", Hands(model="tools"), _sampling),
    Scenario("tools as text", Hands(model="text"), _tools_as_text),
    Scenario("forms", Hands(person=True), _person),
    Scenario("relay", Hands(), _relay),
    Scenario("fifty turns", Hands(model="text"), _fifty_turns),
    Scenario("progress", Hands(), _progress),
)
