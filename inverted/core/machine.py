"""The machine: steps an agent's body by hand, one delivery at a time.

An agent's body is a coroutine that awaits only the objects of `core.effects`. The machine runs
every branch until it is parked at an effect, hands out what was asked, and takes one answer at a
time. The order of answers is the only input, so the same answers in the same order give the same
run, live and on replay.

Rules:

- after every call of `start`, `deliver` and `cancel` all branches are parked or done;
- an effect's id is its branch's path and its number in that branch; ids are never used twice;
- children start in order, and a `gather` fails with the first failure in delivery order;
- cancelling a branch withdraws what it is parked at and throws `Cancelled` there; its parent
  resumes only after the cleanup of every child, and cleanup may await effects;
- an answer for an effect that is not parked any more is ignored.

The driver of `runtime` calls it live; `core.replay` feeds it from a journal.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from inverted.core.effects import Checkpoint, Effect, Fork, Json, Notice
from inverted.core.journal import Checkpointed, Failure
from inverted.errors import AgentCodeError, Cancelled, ForeignAwaitError

Body = Callable[[Json], Coroutine[Any, Any, Any]]
"""Makes the coroutine of an agent; its argument is the state of the last checkpoint or None."""


CLOSE_ATTEMPTS = 1000
"""How often a coroutine is closed before it is given up: one that loops around an await and catches
everything never ends."""


class Branch:
    """One line of control: a coroutine and the place where it is parked."""

    __slots__ = (
        "cancelling",
        "coro",
        "index",
        "join",
        "prefix",
        "seq",
        "thrown",
        "waits",
    )

    def __init__(self, coro: Coroutine[Any, Any, Any], prefix: str) -> None:
        self.coro = coro
        self.prefix = prefix
        self.seq = 0
        self.waits: str | Join | None = None
        self.join: Join | None = None
        self.index = 0
        self.cancelling = False
        self.thrown = False


class Join:
    """A fork in progress: the parent that waits and the children that run."""

    __slots__ = (
        "children",
        "failure",
        "fork",
        "next",
        "parent",
        "prefix",
        "results",
        "stopping",
        "won",
    )

    def __init__(self, parent: Branch, fork: Fork, prefix: str) -> None:
        self.parent = parent
        self.fork = fork
        self.prefix = prefix
        self.results: list[Any] = [None] * len(fork.children)
        self.children: dict[int, Branch] = {}
        self.next = 0
        self.stopping = False
        self.failure: BaseException | None = None
        self.won: tuple[Any] | None = None


Parked = tuple[str, Effect, Branch]
"""An outstanding effect: its id, what is asked, and the branch that waits. A bare tuple, because
one is made for every effect, also on replay."""


class Machine:
    """Runs one body. Create it, `start` it, then `deliver` answers until `done`.

    Args:
        body: Makes the coroutine; called again after every checkpoint.
        restored: State of the checkpoint to start from, if the journal begins with one.
        segment: Number of that checkpoint; 0 for a run from its beginning.
    """

    __slots__ = (
        "_body",
        "_ready",
        "_root",
        "asked",
        "done",
        "error",
        "notices",
        "parked",
        "result",
        "segment",
        "withdrawn",
    )

    def __init__(self, body: Body, restored: Json = None, segment: int = 0) -> None:
        self._body = body
        # A list: every parked run keeps one, and an empty deque is ten times as large.
        self._ready: list[tuple[Branch, Any, BaseException | None]] = []
        self.segment = segment
        self.parked: dict[str, Parked] = {}
        """The outstanding effects by id, in the order they were asked."""
        self.asked: list[Parked | Checkpointed] = []
        """What the last calls asked, in order. The caller takes and clears it."""
        self.withdrawn: list[str] = []
        """Ids that were parked and are not needed any more. The caller takes and clears it."""
        self.notices: list[dict[str, Json]] = []
        """One-way messages. The caller takes and clears it."""
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self._root = self._new_root(restored)

    def _new_root(self, restored: Json) -> Branch:
        prefix = f"{self.segment}~" if self.segment else ""
        # A copy: a body that changes its state must not change the entry that the journal keeps.
        return Branch(self._body(copy.deepcopy(restored)), prefix)

    def start(self) -> None:
        """Run the body to its first parked effects. Call it once."""
        self._ready.append((self._root, None, None))
        self._drain()

    def deliver(self, id: str, value: Json, failure: Failure | None = None) -> bool:
        """Answer one effect and run until everything is parked again.

        Returns:
            False when the effect is not parked (answered or withdrawn before): nothing happened.
        """
        entry = self.parked.pop(id, None)
        if entry is None:
            return False
        branch = entry[2]
        branch.waits = None
        self._step(branch, value, None if failure is None else failure.exception())
        if self._ready:
            self._drain()
        return True

    def cancel(self) -> None:
        """Throw `Cancelled` into the body, at every place where it is parked. Once is enough."""
        if not self.done:
            self._cancel([self._root])
            self._drain()

    @property
    def cancelled(self) -> bool:
        """Whether the run was cancelled from outside. It stays so, whatever the body does then."""
        return self._root.cancelling

    def abandon(self, error: BaseException) -> None:
        """End the run with this error, without asking the body."""
        self.close()
        self.done, self.error = True, error

    def close(self) -> None:
        """Drop the run without ending it. Every coroutine is closed; no effect is served."""
        for branch in self._alive():
            _discard(branch.coro)
        self._root.waits = None
        self._ready.clear()
        self.parked.clear()

    # -- stepping ---------------------------------------------------------------------------

    def _drain(self) -> None:
        ready, position = self._ready, 0
        while position < len(ready):  # it grows meanwhile
            branch, value, error = ready[position]
            position += 1
            if branch.cancelling and not branch.thrown:
                branch.thrown = True
                cancelled = Cancelled()
                # A failure that was on its way to this branch shows as the context, not as nothing.
                cancelled.__context__ = error
                value, error = None, cancelled
            self._step(branch, value, error)
        ready.clear()

    def _step(self, branch: Branch, value: Any, error: BaseException | None) -> None:
        coro = branch.coro
        while True:
            try:
                yielded = coro.send(value) if error is None else coro.throw(error)
            except StopIteration as stop:
                self._finish(branch, stop.value, None)
                return
            except (Exception, Cancelled) as raised:  # noqa: BLE001 # whatever the body raises is its outcome
                self._finish(branch, None, raised)
                return
            kind = type(yielded)  # pyright: ignore[reportUnknownVariableType]
            if kind is Effect:
                branch.seq = seq = branch.seq + 1
                branch.waits = id = f"{branch.prefix}{seq}"
                self.parked[id] = parked = (id, yielded, branch)
                self.asked.append(parked)
                return
            value, error = None, None
            if kind is Notice:
                self.notices.append(yielded.payload)
            elif kind is Fork:
                self._fork(branch, yielded)
                return
            elif kind is Checkpoint:
                error = self._refusal(branch)
                if error is None:
                    self._checkpoint(yielded.state)
                    return
            else:
                error = _foreign(yielded)

    def _finish(self, branch: Branch, value: Any, error: BaseException | None) -> None:
        join = branch.join
        if join is None:
            self.done, self.result, self.error = True, value, error
            return
        self._joined(join, branch, value, error)
        if not join.stopping and join.next < len(join.fork.children):
            self._start_child(join)
        elif not join.children:
            self._resume(join)

    def _refusal(self, branch: Branch) -> BaseException | None:
        """Why this branch may not take a checkpoint."""
        if branch is not self._root:
            return AgentCodeError(
                "run.checkpoint() was awaited inside a branch of gather, map or race. A checkpoint "
                "starts the whole body again, so only the body itself may take one: move it there."
            )
        # A cancelled run ends. A fresh segment would not know that it was cancelled.
        return Cancelled() if branch.cancelling else None

    def _checkpoint(self, state: Json) -> None:
        error = _discard(self._root.coro)
        if error is not None:
            refused = AgentCodeError(
                "run.checkpoint() was awaited inside try/finally or `async with` whose cleanup "
                f"awaits or fails ({error!r}). Take the checkpoint outside of it: a checkpoint "
                "leaves the body as if the run were dropped: cleanup runs, but serves no effect."
            )
            refused.__cause__ = error
            self._finish(self._root, None, refused)
            return
        self.segment += 1
        self.asked.append(Checkpointed(self.segment, state))
        self._root = self._new_root(state)
        self._ready.append((self._root, None, None))

    # -- branches ---------------------------------------------------------------------------

    def _fork(self, parent: Branch, fork: Fork) -> None:
        parent.seq += 1
        join = Join(parent, fork, f"{parent.prefix}{parent.seq}.")
        parent.waits = join
        if not fork.children:
            self._resume(join)
            return
        for _ in range(min(fork.limit or len(fork.children), len(fork.children))):
            self._start_child(join)

    def _start_child(self, join: Join) -> None:
        index = join.next
        join.next += 1
        child = Branch(_await(join.fork.children[index]), f"{join.prefix}{index}.")
        child.join = join
        child.index = index
        join.children[index] = child
        self._ready.append((child, None, None))

    def _joined(self, join: Join, child: Branch, value: Any, error: BaseException | None) -> None:
        del join.children[child.index]
        if join.stopping:
            # The outcome of a cancelled branch does not matter, but errors of its cleanup are kept.
            if error is None or isinstance(error, Cancelled):
                return
            if join.failure is not None:
                where = child.prefix.rstrip(".")
                join.failure.add_note(f"While cancelling branch {where}: {error!r}")
            elif join.won is None:
                join.failure = error
        elif join.fork.mode == "race":
            join.won, join.failure = (value,), error
            self._stop(join)
        elif error is None:
            join.results[child.index] = value
        elif join.fork.mode == "collect":
            join.results[child.index] = error
        else:
            join.failure = error
            self._stop(join)

    def _stop(self, join: Join) -> None:
        join.stopping = True
        self._cancel(join.children.values())

    def _resume(self, join: Join) -> None:
        parent = join.parent
        parent.waits = None
        if join.failure is not None:
            self._ready.append((parent, None, join.failure))
        elif join.won is not None:
            self._ready.append((parent, join.won[0], None))
        else:
            self._ready.append((parent, join.results, None))

    def _cancel(self, branches: Iterable[Branch]) -> None:
        """Mark branches and all below them; `_drain` throws at the places where they are parked."""
        marking = [*branches][::-1]
        while marking:  # not recursive: forks may nest deeper than Python's stack
            branch = marking.pop()
            if branch.cancelling:
                continue
            branch.cancelling = True
            waits = branch.waits
            if isinstance(waits, str):
                branch.waits = None
                del self.parked[waits]
                self.withdrawn.append(waits)
                self._ready.append((branch, None, None))
            elif waits is not None:
                waits.stopping = True
                waits.won = None
                marking.extend(reversed(waits.children.values()))
            # Otherwise the branch is in the ready queue (not started, or about to resume), and
            # `_drain` looks at the mark.

    def _alive(self) -> list[Branch]:
        """Every branch, children before their parents."""
        found = [self._root]
        for each in found:
            if isinstance(each.waits, Join):
                found.extend(each.waits.children.values())
        return found[::-1]


def _retrieve(future: Any) -> None:
    if not future.cancelled():
        future.exception()


async def _await(make: Callable[[], Awaitable[Any]]) -> Any:
    return await make()


def _discard(coro: Coroutine[Any, Any, Any]) -> BaseException | None:
    """Close a coroutine for good, also one whose cleanup awaits.

    Closing stops at the first await of a cleanup. If that is in a function which the coroutine
    awaits, its caller would see this as an error and run on. So the innermost one is closed first,
    until all have ended.

    Returns:
        The first error: of the cleanup, or RuntimeError because it awaited something.
    """
    first: BaseException | None = None
    for _ in range(CLOSE_ATTEMPTS):
        innermost: Any = coro
        while getattr(awaited := getattr(innermost, "cr_await", None), "cr_frame", None):
            innermost = awaited
        try:
            innermost.close()
        except (Exception, Cancelled) as error:  # noqa: BLE001 # cleanup may raise anything
            first = first or error
        if innermost is coro and getattr(coro, "cr_frame", None) is None:
            break
    return first


def _foreign(yielded: object) -> ForeignAwaitError:
    """Say what to use instead of the thing that was awaited."""
    kind = type(yielded)
    what = f"{kind.__module__}.{kind.__qualname__}"
    if getattr(kind, "_asyncio_future_blocking", None) is not None:  # how asyncio knows a future
        # It is told to stop, and its outcome is looked at, or its loop reports it as forgotten.
        future: Any = yielded
        future.add_done_callback(_retrieve)
        future.cancel()
    if kind.__name__ == "_GatheringFuture":
        hint = "asyncio.gather() around effects: use `await run.gather(...)`"
    elif yielded is None:
        hint = "a bare yield, such as asyncio.sleep(0): use `await run.sleep(...)` or leave it out"
    else:
        hint = (
            f"something that needs an event loop ({what}): move that work into a function and "
            "`await run.step(function, ...)`; for a pause use `await run.sleep(seconds)`"
        )
    return ForeignAwaitError(
        f"An agent awaits nothing but its run, but this line awaited {hint}. Otherwise the run "
        "could not be replayed after a crash."
    )
