"""Servers that trust what comes back as `requestState`, or keep what should travel in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import mcp_types as types
from mcp.server import request_state
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.request_state import RequestStateSecurity
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture import app, asking, state
from inverted_conformance.fixture.asking import Call, form
from inverted_conformance.fixture.tools import Returned
from inverted_conformance.server_mode.rounds import ONCE, SEALED, TWICE
from mutants import patches
from mutants.mutant import mutant

NEW = ("2026-07-28",)


async def _through(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    return await call_next(ctx)


@mutant("rounds/state-left-out", "rounds.explicit-state", wires=NEW)
def knows_who_called_last() -> None:
    """Goes on with the last call of the process when a retry has no state."""
    last: dict[str, Any] = {}
    right = app.TOOLS[TWICE].run

    async def wrong(call: Call) -> Returned:
        given: dict[str, Any] = dict(call.params.input_responses or {})
        if "step1" in given:
            last.update(given["step1"].content)
        if "step2" in given and call.params.request_state is None and last:
            return f"Multi-round complete for {last['name']} who likes something"
        return await right(call)

    patches.tool(TWICE)(wrong)


@mutant("rounds/state-changed", "rounds.state-integrity", "rounds.state-rejected", wires=NEW)
def gives_plain_state() -> None:
    """Gives its state as plain JSON and believes what comes back."""

    def nothing(security: RequestStateSecurity, default_audience: str) -> ServerMiddleware[Any]:
        del security, default_audience
        return _through

    app.RequestStateBoundary = nothing


class _Lenient:
    """A state with a signature that is made and not looked at."""

    def seal(self, payload: bytes) -> str:
        """Sign."""
        tag = hmac.new(b"secret", payload, hashlib.sha256).digest()
        return ".".join(base64.urlsafe_b64encode(part).decode() for part in (payload, tag))

    def unseal(self, token: str) -> bytes:
        """Read, and nothing else."""
        return base64.urlsafe_b64decode(token.partition(".")[0])


@mutant("rounds/state-changed", "rounds.state-integrity", "rounds.state-rejected", wires=NEW)
def does_not_look_at_the_signature() -> None:
    """Signs its states and never checks a signature."""

    def lenient(keys: list[bytes]) -> RequestStateSecurity:
        del keys
        return RequestStateSecurity(codec=_Lenient())

    app.RequestStateSecurity = lenient


@mutant("rounds/state-made-up", "rounds.state-untrusted", wires=NEW)
def drops_what_it_cannot_read() -> None:
    """Leaves a state out that does not verify, and goes on with the answers that came with it."""
    right = app.TOOLS[SEALED].run

    async def stateless(call: Call) -> Returned:
        call.stateless = call.params.request_state is None
        return await right(call)

    patches.tool(SEALED)(stateless)

    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        try:
            return await call_next(ctx)
        except MCPError:
            params = dict(ctx.params or {})
            if params.pop("requestState", None) is None:
                raise
            return await call_next(replace(ctx, params=params))

    patches.servers(lambda server: server.middleware.insert(0, wrong))


@mutant("rounds/state-expired", "rounds.state-expiry", wires=NEW)
def states_never_expire() -> None:
    """Writes into a state how long it is good, and does not look at it."""
    right = Call._pack  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def pack(self: Call) -> str:
        self.lifetime = 600
        return right(self)

    asking.Call._pack = pack  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("rounds/state-of-another-call", "rounds.state-request", wires=NEW)
def states_fit_any_call() -> None:
    """Takes a state on whichever call it comes."""
    request_state._request_identity = lambda method, params: ("", "")  # noqa: ARG005, SLF001  # pyright: ignore[reportPrivateUsage]


@mutant("rounds/state-of-another-person", "rounds.state-principal", wires=NEW)
def states_fit_anybody() -> None:
    """Takes a state from whoever presents it."""
    app.RequestStateSecurity = partial(RequestStateSecurity, bind_principal=None)


@mutant(
    "rounds/state-of-another-person",
    "rounds.state-principal",
    "capabilities.info-not-trusted",
    wires=NEW,
)
def believes_client_info() -> None:
    """Takes what a client says of itself for who it is."""

    def named(ctx: ServerRequestContext[Any, Any]) -> str:
        known = ctx.session.client_params
        return known.client_info.name if known else ""

    app.RequestStateSecurity = partial(RequestStateSecurity, bind_principal=named)


@mutant("rounds/state-twice", "rounds.state-once", wires=NEW)
def redeems_as_often_as_asked() -> None:
    """Does not remember what was redeemed."""
    state.first_use = lambda name: True  # noqa: ARG005


@mutant("rounds/state-twice", "rounds.state-once", wires=NEW)
def looks_before_it_remembers() -> None:
    """Looks whether a state was redeemed, does something, and only then remembers it."""
    redeemed: set[str | None] = set()

    @patches.tool(ONCE)
    async def wrong(call: Call) -> str:
        await call.ask(confirm=form("Please confirm", {"ok": {"type": "boolean"}}))
        if call.round_id in redeemed:
            raise MCPError(types.INVALID_PARAMS, "Invalid or expired requestState")
        await anyio.sleep(0.1)
        redeemed.add(call.round_id)
        return f"Redeemed: {secrets.token_hex(8)}"


@mutant("rounds/state-twice-over-a-restart", "rounds.state-once", wires=NEW)
def forgets_what_was_redeemed() -> None:
    """Remembers what was redeemed as long as it runs."""
    redeemed: set[str] = set()

    def first(name: str) -> bool:
        new = name not in redeemed
        redeemed.add(name)
        return new

    state.first_use = first
