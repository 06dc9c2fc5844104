"""Step an agent's body apart from the event loop's own bookkeeping.

The body runs inside the task that serves a request, but it is not that task's code: it may be
dropped here and replayed in another process. So it sees no current task, and what binds itself to
one (`asyncio.timeout`, task groups, cancel scopes) fails at its line instead of cancelling the
server's task later. Its async generators are not handed to the loop either, which would finish them
in a task of its own.
"""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Any

# The event loops' own interface for switching tasks; there is no public one.
_enter: Any = asyncio.tasks._enter_task  # noqa: SLF001
_leave: Any = asyncio.tasks._leave_task  # noqa: SLF001


class Apart:
    """A context in which no task is current."""

    __slots__ = ("_hooks", "_loop", "_task")

    def __enter__(self) -> None:
        """Leave the current task, if there is one."""
        self._hooks = sys.get_asyncgen_hooks()
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        if self._task is not None:
            _leave(self._loop, self._task)
        sys.set_asyncgen_hooks(None, None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Go back to it."""
        sys.set_asyncgen_hooks(*self._hooks)
        if self._task is not None:
            _enter(self._loop, self._task)
