"""What a request can use besides its client: by what the client declared, and who it is."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import ClientCapabilities

from inverted import AgentServer
from inverted.carriers.ladder import Means
from inverted.server.means import APPS, Peer, answers_everything, shows_cards

CARDS: dict[str, Any] = {"extensions": {APPS: {}}}
EVERYTHING: dict[str, Any] = {"sampling": {"tools": {}}, "elicitation": {}}


async def opener(url: str) -> None:
    """Nobody looks."""


def peer(
    declared: dict[str, Any] | None = None,
    name: str | None = None,
    *,
    revision: str = "2025-11-25",
    reachable: bool = True,
) -> Peer:
    capabilities = None if declared is None else ClientCapabilities.model_validate(declared)
    return Peer(revision, capabilities, name, reachable)


def means(of: Peer, *, direct: bool = True, relay: bool = True) -> Means:
    server = AgentServer("test", store=":memory:", keys=["k" * 32], relay=relay, opener=opener)
    surroundings = server.surroundings
    return surroundings.to(of, surroundings.pages.of(None, "agent"), direct=direct)


@pytest.mark.parametrize(
    ("declared", "revision", "reachable", "does"),
    [
        (EVERYTHING, "2025-11-25", True, True),
        (EVERYTHING, "2025-11-25", False, False),
        (EVERYTHING, "2026-07-28", True, False),
        (EVERYTHING, "2025-03-26", True, False),
        ({"sampling": {}, "elicitation": {}}, "2025-11-25", True, False),
        ({"sampling": {"tools": {}}}, "2025-11-25", True, False),
        ({}, "2025-11-25", True, False),
        (None, "2025-11-25", True, False),
    ],
)
def test_a_client_that_answers_everything_within_one_call_needs_no_relay(
    declared: dict[str, Any] | None, revision: str, *, reachable: bool, does: bool
) -> None:
    client = peer(declared, revision=revision, reachable=reachable)
    assert answers_everything(client) is does
    assert means(client).relay is not does


def test_the_relay_can_be_switched_off_and_a_call_within_a_call_has_none() -> None:
    cards = peer(CARDS)
    assert (means(cards).relay, means(cards).card) == (True, True)
    assert (means(cards, relay=False).relay, means(cards, relay=False).card) == (False, False)
    assert (means(cards, direct=False).relay, means(cards, direct=False).card) == (False, False)


@pytest.mark.parametrize(
    ("declared", "name", "does"),
    [
        (CARDS, None, True),
        (CARDS, "claude-ai", True),
        (CARDS, "openai-mcp", False),  # its cards are not given the _meta that they are drawn from
        ({"extensions": {}}, None, False),
        ({}, None, False),
        (None, None, False),
    ],
)
def test_a_card_is_for_a_host_that_draws_it(
    declared: dict[str, Any] | None, name: str | None, *, does: bool
) -> None:
    client = peer(declared, name)
    assert shows_cards(client) is does
    assert means(client).card is does


@pytest.mark.parametrize(
    ("name", "declines"),
    [("codex-mcp-client", True), ("Codex-MCP-Client", True), ("claude-code", False), (None, False)],
)
def test_a_host_that_declines_by_itself_is_known_by_its_name(
    name: str | None, *, declines: bool
) -> None:
    assert means(peer({}, name)).declines is declines


def test_a_task_has_no_host_to_go_on_with_it() -> None:
    server = AgentServer("test", store=":memory:", keys=["k" * 32], opener=opener)
    apart = server.surroundings.apart("agent", by_model=True)
    assert (apart.relay, apart.card, apart.by_model, apart.declines) == (False, False, True, False)
    assert apart.pages is not None
    assert apart.pages.refusal(opened_by_client=False) is None
