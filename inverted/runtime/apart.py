"""Step an agent's body apart from the event loop's own bookkeeping.

The body runs inside the task that serves a request, but it is not that task's code: it may be
dropped here and replayed in another process. So it sees no current task, and what binds itself to
one (`asyncio.timeout`, task groups, cancel scopes) fails at its line instead of cancelling the
server's task later. Its async generators are not handed to the loop either, which would finish them
in a task of its own.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from types import SimpleNamespace, TracebackType
from typing import Any, Final

from inverted.errors import ForeignAwaitError

LIBRARIES: Final = frozenset({"asyncio", "anyio", "sniffio"})
"""What refuses to work without a current task."""

try:
    # Where it is installed, anyio asks it for the library in charge, and it asks for the current
    # task. With an answer `anyio.sleep` fails as `asyncio.sleep` does, with the same advice.
    _sniffed: Any = importlib.import_module("sniffio").thread_local
except ImportError:
    _sniffed = SimpleNamespace(name=None)

# The event loops' own interface for switching tasks; there is no public one.
_enter: Any = asyncio.tasks._enter_task  # noqa: SLF001
_leave: Any = asyncio.tasks._leave_task  # noqa: SLF001


class Apart:
    """A context in which no task is current; the task that makes it enters it, many times."""

    __slots__ = ("_hooks", "_library", "_loop", "_task")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    def __enter__(self) -> None:
        """Leave the current task, if there is one."""
        self._hooks = sys.get_asyncgen_hooks()
        if self._task is not None:
            _leave(self._loop, self._task)
        sys.set_asyncgen_hooks(None, None)
        self._library = _sniffed.name
        _sniffed.name = "asyncio"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Go back to it."""
        _sniffed.name = self._library
        sys.set_asyncgen_hooks(*self._hooks)
        if self._task is not None:
            _enter(self._loop, self._task)


def explained(error: BaseException) -> BaseException:
    """Say what to use instead, if the body ended because a library found no current task."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    if not isinstance(error, RuntimeError) or module.partition(".")[0] not in LIBRARIES:
        return error
    return ForeignAwaitError(
        "An agent awaits nothing but its run, but this one used something that needs an event loop "
        f"of its own ({type(error).__name__}: {error}). Otherwise the run could not be replayed "
        "after a crash. Move that work into a function and `await run.step(function, ...)`; for a "
        "pause use `await run.sleep(seconds)`, for branches `await run.gather(...)`, for a timeout "
        "`run.step(function, timeout=...)`."
    )
