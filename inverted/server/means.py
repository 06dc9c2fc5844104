"""What a server has besides its client to get answers, and what of it one request can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.carriers.client import Client
from inverted.carriers.hosts import host_of
from inverted.carriers.ladder import Means, Provider
from inverted.server.person import Pages

APPS: Final = "io.modelcontextprotocol/ui"
"""The extension of hosts that show MCP Apps."""
Wire = ServerRequestContext[Any, Any]


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

    def of(self, wire: Wire, agent: str, *, direct: bool) -> Means:
        """What one call can use.

        Args:
            wire: The request.
            agent: Name of the agent.
            direct: Whether the client called this very tool. What another tool called for it
                cannot end with a reply to the host.
        """
        host = host_of(client_name(wire))
        relay = self.relay and direct and not answers_everything(wire)
        return Means(
            provider=self.provider,
            pages=self.pages.of(wire, agent),
            card=relay and shows_cards(wire),
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


def answers_everything(wire: Wire) -> bool:
    """Whether a client never needs to go on in another call."""
    if wire.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return False  # a run may ask more often than the client answers within one call
    features = Client.of(wire.protocol_version, wire.session.client_capabilities).features
    return wire.session.can_send_request and {"sampling.tools", "elicitation.form"} <= features


def client_name(wire: Wire) -> str | None:
    """The name that the client gave itself."""
    params = wire.session.client_params
    return None if params is None else params.client_info.name


def shows_cards(wire: Wire) -> bool:
    """Whether the client declared MCP Apps."""
    declared = wire.session.client_capabilities
    return declared is not None and APPS in (declared.extensions or {})
