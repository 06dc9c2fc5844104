"""A call of a scripted host on its way through rounds, connections, restarts and further calls.

Called by `host`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    InputRequiredResult,
    TextContent,
)

from inverted.server.relay.reply import CONTINUE
from inverted.testing.answers import ScriptError, Wire
from inverted.testing.connection import Call, Connection, Heard

MOST_HOPS: Final = 200
"""A run that never ends is not gone on with for ever."""
Follow = Callable[[Connection, CallToolResult], Awaitable[Call | None]]
"""What a host does with a result: the next call, or None if the result is the outcome."""


@dataclass(slots=True)
class Conversation:
    """Where a run of a host stands; a new connection goes on from there.

    Attributes:
        call: The request that is sent next, or again.
        heard: Notifications so far.
        max_rounds: How many rounds of questions one call may have.
        follow: What the host does with a result.
        rounds: Rounds of questions so far, of all calls.
        hops: Calls that followed from a result.
        framing: Characters that the server's relay added to the questions of the run.
    """

    call: Call
    heard: Heard
    max_rounds: int
    follow: Follow | None = None
    rounds: int = 0
    hops: int = 0
    framing: int = 0
    _of_this_call: int = 0

    async def go_on(self, connection: Connection) -> CallToolResult:
        """Send calls and answers until a result is the outcome.

        Args:
            connection: A connection to the server.

        Raises:
            ScriptError: The server asked in more rounds than this host answers.
        """
        while True:
            reply = await _reply(connection, self.call)
            if isinstance(reply, CallToolResult):
                following = await self.follow(connection, reply) if self.follow else None
                if following is None:
                    return reply
                if self.hops == MOST_HOPS:
                    raise ScriptError(f"The run had not ended after {MOST_HOPS} calls.")
                relayed: Wire = (reply.meta or {}).get(CONTINUE) or {}
                self.framing += int(relayed.get("framing", 0))
                self.call = following
                self.hops += 1
                self._of_this_call = 0
                continue
            if self._of_this_call == self.max_rounds:
                raise ScriptError(
                    f"The server went on asking after {self.max_rounds} rounds. If that is right, "
                    "let the host answer more: ScriptedHost(max_rounds=...)."
                )
            self._of_this_call += 1
            self.rounds += 1
            self.call = await connection.answered(self.call, reply)


async def _reply(connection: Connection, call: Call) -> CallToolResult | InputRequiredResult:
    """What the server says; that this host lacks a capability is an outcome on each revision.

    2026-07-28 has an error of the protocol for it (basic/index, `_meta`), older ones a failed call.
    """
    try:
        return await connection.send(call)
    except MCPError as error:
        if error.error.code != MISSING_REQUIRED_CLIENT_CAPABILITY:
            raise
        return CallToolResult(content=[TextContent(text=error.error.message)], is_error=True)
