"""What keeps clients from asking too much: the time to live, the rate of polls, list cursors."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, Final

from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from inverted.runtime.ports import Sealer
from inverted.server.tasks.wire import refused

REMEMBERED: Final = 10_000
"""Tasks whose polls are counted. Whoever is forgotten may poll freely again."""
LONGEST_DELAY: Final = 2.0
"""Seconds that a poll is held back at most; after that it is refused."""


def granted_ttl(asked: Any, default: float | None, most: float | None) -> float | None:
    """The time to live that a client gets, in seconds; None for no end.

    Args:
        asked: What the client sent as `ttl`, in milliseconds; None for nothing.
        default: Seconds without a wish of the client.
        most: Seconds that are granted at most.

    Raises:
        MCPError: It is no duration.

    Source: 2025-11-25 basic/utilities/tasks, Task Parameters; TTL and Resource Management.
    """
    if asked is None:
        return default
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not asked > 0:
        raise refused(
            INVALID_PARAMS,
            f"task.ttl must be a positive number of milliseconds, not {json.dumps(asked)}. Leave "
            "it out to get the server's own.",
            "BadTtl",
        )
    return asked / 1000 if most is None else min(asked / 1000, most)


class Polls:
    """Slows down clients that poll a task without a pause.

    A client may ask a burst of times at once; then its polls are answered at the given rate.

    Args:
        rate: Polls per second for one task; None for any.
        burst: Polls that are free.
    """

    def __init__(self, rate: float | None = 20.0, burst: int = 20) -> None:
        self._every = 0.0 if rate is None else 1 / rate
        self._free = burst * self._every
        self._next: OrderedDict[str, float] = OrderedDict()

    def delay(self, run_id: str, now: float) -> float:
        """Seconds for which to hold the answer back.

        Raises:
            MCPError: So many polls are held back already that this one is refused.
        """
        if not self._every:
            return 0.0
        due = max(self._next.pop(run_id, 0.0), now)
        wait = due - now - self._free
        refuse = wait > LONGEST_DELAY
        self._next[run_id] = due if refuse else due + self._every
        if len(self._next) > REMEMBERED:
            self._next.popitem(last=False)
        if refuse:
            raise refused(
                INTERNAL_ERROR,
                f"Task {run_id} is polled too often: this server answers {1 / self._every:.0f} "
                "polls per second. Wait for the interval that the task names before the next one.",
                "TooManyPolls",
            )
        return max(0.0, wait)


class Cursors:
    """Opaque cursors of `tasks/list`.

    Args:
        sealer: What makes them opaque; only this server's keys open them.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def write(self, principal: str | None, server: int, before: str) -> str:
        """A cursor for the page after a run."""
        return self._sealer.seal(json.dumps([principal, server, before]).encode())

    def read(self, cursor: str, principal: str | None) -> tuple[int, str]:
        """Where a page begins.

        Raises:
            MCPError: This server never gave that cursor to this caller.
        """
        try:
            owner, server, before = json.loads(self._sealer.unseal(cursor))
        except Exception as error:  # whatever a codec makes of rubbish
            raise _bad_cursor() from error
        if owner != principal:
            raise _bad_cursor()
        return server, before


def _bad_cursor() -> Exception:
    return refused(
        INVALID_PARAMS,
        "This is no cursor of this list. Leave it out to begin with the newest tasks, and send "
        "nextCursor as it came.",
        "BadCursor",
    )
