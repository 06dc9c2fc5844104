"""What a server has besides its client to get answers, and what of it one request can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastmcp.server.dependencies import (
    _is_client_tool_call,  # pyright: ignore[reportPrivateUsage] # only it tells a call of the client from one of a tool
)
from mcp.server.context import ServerRequestContext
from mcp_types import ClientCapabilities
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.carriers.client import Client
from inverted.carriers.hosts import host_of
from inverted.carriers.ladder import Means, Provider
from inverted.server.person import AgentPages, Pages

if TYPE_CHECKING:
    from fastmcp.server.context import Context

APPS: Final = "io.modelcontextprotocol/ui"
"""The extension of hosts that show MCP Apps."""
Wire = ServerRequestContext[Any, Any]


class Peer(NamedTuple):
    """A client, by what it says of itself.

    Attributes:
        revision: Negotiated protocol revision.
        capabilities: What it declared.
        name: The name that it gave itself.
        reachable: Whether it can be asked: by requests, or on 2026-07-28 by results.
    """

    revision: str
    capabilities: ClientCapabilities | None
    name: str | None
    reachable: bool = True

    @classmethod
    def of(cls, wire: Wire) -> Peer:
        """The client of a request."""
        session = wire.session
        return cls(
            wire.protocol_version,
            session.client_capabilities,
            client_name(wire),
            wire.protocol_version in MODERN_PROTOCOL_VERSIONS or session.can_send_request,
        )


async def called_directly(context: Context, tool: str) -> bool:
    """Whether the client called this very tool, itself or through servers that mount ours.

    FastMCP knows only the first. A server that mounts another puts its namespace before the name; a
    tool of ours that calls another one is known by its own name.

    Args:
        context: The request.
        tool: Our name for the tool.
    """
    request = context.request_context
    if request is None or _is_client_tool_call():
        return request is not None
    wire: Wire = request._srctx  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the raw params are only there
    called: str = (wire.params or {}).get("name", "")
    mounted = called.endswith(f"_{tool}") and await context.fastmcp.get_tool(called) is None
    return called == tool or mounted


@dataclass(slots=True)
class Surroundings:
    """What every request to a server can use.

    Attributes:
        provider: A model of its own.
        pages: Where people answer.
        relay: Whether hosts may go on with a run by calling another tool.
    """

    provider: Provider | None
    pages: Pages
    relay: bool

    def to(self, peer: Peer, pages: AgentPages, *, direct: bool = True) -> Means:
        """What a call of a client can use.

        Args:
            peer: The client.
            pages: The pages that it can use.
            direct: Whether the client called this very tool. What another tool called for it
                cannot end with a reply to the host.
        """
        host = host_of(peer.name)
        relay = self.relay and direct and not answers_everything(peer)
        return Means(
            provider=self.provider,
            pages=pages,
            card=relay and shows_cards(peer),
            relay=relay,
            declines=host is not None and host.declines,
        )

    def apart(self, agent: str, *, by_model: bool) -> Means:
        """What a task can use, which no host listens to.

        Args:
            agent: Name of the agent.
            by_model: Whether a model answers for its client.
        """
        return Means(provider=self.provider, pages=self.pages.of(None, agent), by_model=by_model)


def answers_everything(peer: Peer) -> bool:
    """Whether a client never needs to go on in another call."""
    if peer.revision in MODERN_PROTOCOL_VERSIONS:
        return False  # a run may ask more often than the client answers within one call
    features = Client.of(peer.revision, peer.capabilities).features
    return peer.reachable and {"sampling.tools", "elicitation.form"} <= features


def client_name(wire: Wire) -> str | None:
    """The name that the client gave itself."""
    params = wire.session.client_params
    return None if params is None else params.client_info.name


def shows_cards(peer: Peer) -> bool:
    """Whether the client draws cards, and gives them the `_meta` that they are drawn from."""
    host = host_of(peer.name)
    if peer.capabilities is None or (host is not None and not host.cards):
        return False
    return APPS in (peer.capabilities.extensions or {})
