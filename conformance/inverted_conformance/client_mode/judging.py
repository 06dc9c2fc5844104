"""What more than one scenario looks at in the requests of a client."""

from __future__ import annotations

from typing import Final

from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.server import META
from inverted_conformance.client_mode.stage import Stage
from inverted_conformance.scenario import Wire

CORE: Final = {"initialize", "ping", "server/discover", "tools/list", "tools/call"}
"""What a client may ask a server that declares tools and nothing else."""


def judged(request: Exchange, wire: Wire) -> str:
    """What is missing in the `_meta` of a request.

    Args:
        request: The request.
        wire: The revision that it should name.

    Returns:
        What, in words; empty if nothing is.
    """
    version = request.meta.get(f"{META}protocolVersion")
    if version != wire:
        return f"it names the protocol version {version!r}"
    if not isinstance(request.meta.get(f"{META}clientCapabilities"), dict):
        return "it has no clientCapabilities"
    return ""


def core_only(stage: Stage, key: str, server: str) -> None:
    """Check that the client asked for nothing that its server does not have.

    Args:
        stage: The scenario; its server has tools and nothing else.
        key: The requirement.
        server: What the server is, for the message.
    """
    odd = sorted({each.method for each in stage.server.requests} - CORE)
    stage.check(
        key, not odd, f"A server that {server} was asked for {odd or 'nothing more'}.", "nothing"
    )
