"""How a client of 2025-11-25 begins, and what it does not ask a server for."""

from __future__ import annotations

from typing import Final

from mcp_types import methods

from inverted_conformance.client_mode.asks import tool
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.judging import core_only
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.stage import MOMENT, Stage
from inverted_conformance.scenario import Wire

LEGACY: Final[tuple[Wire, ...]] = ("2025-11-25",)


@CLIENT.scenario(
    "capabilities",
    checks=(
        "capabilities.initialize-first",
        "capabilities.initialize-version",
        "capabilities.initialize-capabilities",
        "capabilities.initialize-info",
        "capabilities.initialized",
        "capabilities.before-answer",
    ),
    wires=LEGACY,
)
async def handshake(stage: Stage) -> None:
    """The client begins with initialize, waits for a slow answer, and says that it is ready."""
    held: list[Exchange] = []
    stage.server.routes["initialize"] = held.append
    await stage.start(tool("ask"))
    first = await stage.until(lambda: held[0] if held else None, "to send initialize")
    await stage.maybe(lambda: None, MOMENT)
    asked = [each.method for each in stage.server.requests]
    after = [each for each in asked[asked.index("initialize") + 1 :] if each != "ping"]
    stage.check(
        "capabilities.initialize-first",
        # A client that speaks both revisions may look first whether the server knows the other.
        next(each for each in asked if each != "server/discover") == "initialize",
        f"The first messages were {asked}.",
        "initialize",
    )
    stage.check(
        "capabilities.before-answer",
        not after,
        f"Before initialize was answered the client sent {after or 'nothing else'}.",
        "nothing but pings",
    )
    for key, name, kind in (
        ("version", "protocolVersion", str),
        ("capabilities", "capabilities", dict),
        ("info", "clientInfo", dict),
    ):
        said = first.params.get(name)
        stage.check(
            f"capabilities.initialize-{key}",
            isinstance(said, kind),
            f"initialize has the {name} {said!r}.",
            f"a {name}",
        )
    stage.server.routine["initialize"](first)
    call = await stage.called("ask")
    told = [each["method"] for _, each in stage.server.notifications]
    stage.check(
        "capabilities.initialized",
        "notifications/initialized" in told,
        f"By its first call the client had sent the notifications {told}.",
        "notifications/initialized",
    )
    call.finish()


@CLIENT.scenario("capabilities", checks=("capabilities.negotiated-version",), wires=LEGACY)
async def own_revision(stage: Stage) -> None:
    """After the handshake the client uses what 2025-11-25 has, and names it in its header."""
    await stage.open(tool("ask"))
    (await stage.called("ask")).finish()
    await stage.last()
    asked = stage.server.requests
    since = asked[[each.method for each in asked].index("initialize") + 1 :]
    odd = [
        each.method for each in since if (each.method, stage.wire) not in methods.CLIENT_REQUESTS
    ]
    versions = {each.headers.get("mcp-protocol-version") for each in since}
    stage.check(
        "capabilities.negotiated-version",
        not odd and versions == {stage.wire},
        f"Methods that 2025-11-25 does not have: {odd or 'none'}; the header named {versions}.",
        f"methods of {stage.wire} alone, and that version in MCP-Protocol-Version",
    )


@CLIENT.scenario("capabilities", checks=("capabilities.negotiated-only",), wires=LEGACY)
async def only_what_is_offered(stage: Stage) -> None:
    """A server that declares tools alone is asked for nothing else."""
    await stage.open(tool("ask"))
    (await stage.called("ask")).finish()
    await stage.last()
    core_only(stage, "capabilities.negotiated-only", "declares tools alone")


@CLIENT.scenario("capabilities", checks=("capabilities.missing-handled",), wires=LEGACY)
async def nothing_offered(stage: Stage) -> None:
    """A server that offers nothing at all: the client ends in order."""
    stage.server.capabilities = {}
    await stage.start()
    ended = await stage.maybe(lambda: stage.exited, 6)
    stage.check(
        "capabilities.missing-handled",
        bool(ended),
        "The client ended." if ended else "The client was still there after six seconds.",
        "an end",
    )
