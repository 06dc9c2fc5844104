"""What clients see of the relay in `tools/list`.

Clients that answer everything themselves see no trace of it: neither the second tool, nor the room
in the output schemas. The others see both. What belongs to cards is only for hosts that draw them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastmcp.resources.base import Resource
from fastmcp.tools.base import Tool

from inverted.carriers.client import Client
from inverted.pages.card import TOOL as CARD
from inverted.pages.card import URI
from inverted.server.means import Peer, answers_everything, shows_cards
from inverted.server.relay.card import FOR_CARDS
from inverted.server.relay.reply import CONTINUE
from inverted.server.relay.schema import widened
from inverted.server.tool import AgentTool, ProtocolErrors

_UI: Final = "ui"


class Listing(ProtocolErrors):
    """Shows each client the tools as it needs them. One middleware, as each costs every call."""

    async def on_list_tools(self, context: Any, call_next: Any) -> Sequence[Tool]:
        """See `Middleware.on_list_tools`."""
        tools: Sequence[Tool] = await call_next(context)
        peer = _peer(context)
        if peer is None:
            return tools
        # The tools that do something first.
        return sorted(_shown(tools, peer), key=lambda tool: CONTINUE in (tool.meta or {}))

    async def on_list_resources(self, context: Any, call_next: Any) -> Sequence[Resource]:
        """See `Middleware.on_list_resources`."""
        resources: Sequence[Resource] = await call_next(context)
        peer = _peer(context)
        if peer is None or needs_cards(peer):
            return resources
        return [each for each in resources if str(each.uri) != URI]


def _peer(context: Any) -> Peer | None:
    """Who asks; None outside of a request."""
    fastmcp = context.fastmcp_context
    request = None if fastmcp is None else fastmcp.request_context
    return None if request is None else Peer.of(request._srctx)  # noqa: SLF001 # the declared capabilities are only there


def _shown(tools: Sequence[Tool], peer: Peer) -> Iterator[Tool]:
    relayed, cards = not answers_everything(peer), needs_cards(peer)
    for tool in tools:
        continues = CONTINUE in (tool.meta or {})
        if (continues and not relayed) or (_is_for_cards(tool) and not cards):
            continue
        changes: dict[str, Any] = {}
        if relayed and isinstance(tool, AgentTool) and tool.output_schema is not None:
            changes["output_schema"] = widened(tool.output_schema)
        if cards and (continues or isinstance(tool, AgentTool)):
            changes["meta"] = {
                **(tool.meta or {}),
                _UI: {**(tool.meta or {}).get(_UI, {}), **FOR_CARDS},
            }
        yield tool.model_copy(update=changes) if changes else tool


def _is_for_cards(tool: Tool) -> bool:
    """Whether it is the tool with which a card answers; an author's tool may end like it."""
    about = (tool.meta or {}).get(_UI, {})
    return tool.name.endswith(CARD) and about.get("visibility") == ["app"]


def needs_cards(peer: Peer) -> bool:
    """Whether a person is asked on cards: the host draws them, and has no forms."""
    features = Client.of(peer.revision, peer.capabilities).features
    return shows_cards(peer) and "elicitation.form" not in features
