"""Tasks: runs that are driven apart from requests.

Rules:

- a task is in the store before anybody hears of it, and goes on without whoever started it;
- answers and cancellations are posted to the store by any process, and taken by the one that
  drives the run; they are not lost once they were acknowledged;
- a run whose wake time has come and that nobody holds is driven by any process that knows its
  agent, so a killed process, a timer and an answer are one case;
- nothing depends on `stop` being called.

The fronts of `server` create, look, answer, cancel and wait. They never drive.

Source: specification 2025-11-25 basic/utilities/tasks (SEP-1686), and SEP-2663.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import anyio

from inverted.core.effects import Json
from inverted.core.journal import Codec, Finished
from inverted.core.lifecycle import Status
from inverted.errors import (
    DeterminismError,
    InvertedError,
    JournalError,
    LimitExceeded,
    RunError,
    RunNotFound,
    StoreConflict,
    StoreError,
)
from inverted.runtime.live import Live, begin
from inverted.runtime.owner import surely_dead
from inverted.runtime.ports import Agent, Carrier, Ended, Question
from inverted.runtime.posted import posted
from inverted.runtime.runtime import Runtime
from inverted.stores.base import Append, RunRecord

Posted = Literal["recorded", "answered", "ended"]
"""What became of an answer that was posted."""
Notify = Callable[[str, dict[str, Json]], object]
"""Takes the id of a run and a progress or log notice of it."""

log = logging.getLogger(__name__)

SHORTEST_PAUSE: Final = 0.005
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries when a run is held or the store fails."""
STUCK_PAUSE: Final = 60.0
"""Seconds before a run that cannot be driven (changed code, damaged journal) is tried again."""
MOST_DRIVEN: Final = 1000
"""Runs that this process drives at one time. The others wait in the store."""


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """How a server serves tasks.

    Attributes:
        poll_interval: Seconds that clients are told to wait between two polls; also how often
            this process looks for work that others left.
        default_ttl: Seconds that a task is kept, counted from its creation, when the client asks
            for nothing. None: until `retention` after its end.
        max_ttl: The most seconds that a client gets; a larger wish is granted as this.
        concurrent: Live tasks of one principal.
        retention: Seconds that any run is kept after its end. None keeps runs for ever.
        patience: Seconds that a call waits for a run before it becomes a task for the client, where
            the server decides that (`task="auto"` on 2026-07-28).
        polls: How often a second one task is shown to those who poll it, after a burst that is
            free; what comes faster is held back, and refused in the end. None: as often as asked.
    """

    poll_interval: float = 1.0
    default_ttl: float | None = None
    max_ttl: float = 24 * 3600.0
    concurrent: int | None = 100
    retention: float | None = 30 * 24 * 3600.0
    patience: float = 0.5
    polls: float | None = 20.0


class TaskInfo(NamedTuple):
    """How a run is served as a task; stored with it, for whoever drives it after a restart.

    Attributes:
        form: `2025-11-25`, `2026-07-28` or `tools`.
        revision: Protocol revision of the request that created it.
        features: What its client declared, as `carriers.client.Client.features`.
        ttl: Seconds from its creation for which it is kept, as granted. None: no promise.
        progress_token: The token of the request, for progress notifications.
    """

    form: str
    revision: str
    features: list[str]
    ttl: float | None = None
    progress_token: str | int | None = None

    def dump(self) -> str:
        """As `RunRecord.task` holds it."""
        return json.dumps(self._asdict(), separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> TaskInfo:
        """From `RunRecord.task`."""
        return cls(**json.loads(text))


class View(NamedTuple):
    """A task at one moment.

    Attributes:
        record: The run as stored.
        info: How it is served.
        questions: What it asks now.
        ended: How it ended, if it has.
        problem: Why this process cannot drive it, if so.
    """

    record: RunRecord
    info: TaskInfo
    questions: list[Question]
    ended: Ended | None = None
    problem: str | None = None

    @property
    def status(self) -> Status:
        """The state to show: cancelled from the request on, whatever cleanup still does."""
        if self.record.stop is not None:
            return Status.CANCELLED
        if self.record.status is Status.INPUT_REQUIRED and not self.questions:
            return Status.WORKING  # all its questions are answered, and about to be delivered
        return self.record.status

    def differs(self, other: View) -> bool:
        """Whether somebody who has seen one wants to see the other."""
        return (
            self.status is not other.status
            or self.record.message != other.record.message
            or self.problem != other.problem
            or (self.ended is None) is not (other.ended is None)
            or [each.id for each in self.questions] != [each.id for each in other.questions]
        )


class Tasks:
    """The tasks of one server.

    Args:
        runtime: What drives runs.
        carrier: Makes the carrier of a run: from its agent, its info, and where its notices go.
        settings: Limits and times.
    """

    def __init__(
        self,
        runtime: Runtime,
        carrier: Callable[[Agent, TaskInfo, Callable[[dict[str, Json]], object]], Carrier],
        settings: TaskSettings | None = None,
    ) -> None:
        self.runtime = runtime
        self.settings = settings or TaskSettings()
        self.agents: dict[str, Agent] = {}
        """The agents whose runs this process can drive, by name."""
        self._carrier = carrier
        self._store, self._clock = runtime.store, runtime.clock
        self._drivers: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._created: dict[str, asyncio.Future[RunRecord]] = {}
        self._recovery: asyncio.Task[None] | None = None
        self._waiting: dict[str, set[anyio.Event]] = {}
        self._problems: dict[str, tuple[str, float]] = {}
        self._subscribers: list[Notify] = []
        self._calls_off: dict[str, Callable[[], None]] = {}
        runtime.watchers.append(self._seen)

    # -- what the fronts use ----------------------------------------------------------------

    async def create(
        self,
        agent: Agent,
        arguments: dict[str, Json],
        info: TaskInfo,
        *,
        principal: str | None,
        key: str | None = None,
        run_id: str | None = None,
    ) -> View:
        """Start a run as a task. It is in the store when this returns, and goes on by itself.

        What a new task asks, and how it ended if it has already, is left for a look.

        Args:
            agent: The agent.
            arguments: Its arguments as JSON.
            info: How it is served; its `ttl` is what was granted.
            principal: The authenticated caller.
            key: The client's name for the run; a run that is known by it is returned instead.
            run_id: Id of the new run; made here if not given.

        Raises:
            LimitExceeded: The principal has too many live tasks.
            RunError: The key names a run with other arguments, or one that is no task.
            StoreError: The store failed; there is no task.
        """
        await self.start()
        known = None if key is None else await self.runtime.known(agent, principal, key)
        if known is not None:
            return await self._known(known, arguments)
        await self._check_limit(principal)
        record = self.runtime.new_record(agent, principal, key, run_id)
        record = record._replace(
            task=info.dump(),
            expires=None if info.ttl is None else record.created + info.ttl,
        )
        live = begin(agent, record, arguments, record.created)
        self._created[record.id] = created = asyncio.get_running_loop().create_future()
        self._run(record.id, self._begin(live, info))
        try:
            return View(await created, info, [])
        except StoreConflict:
            known = None if key is None else await self.runtime.known(agent, principal, key)
            if known is None:
                raise
            return await self._known(known, arguments)

    async def _known(self, known: RunRecord, arguments: dict[str, Json]) -> View:
        """A run that a key names, and that shall be a task."""
        await self.runtime.check_known(known, arguments)
        if known.task is None:
            raise RunError(
                f"The run key {known.key!r} names a run of {known.agent} that was not started as a "
                "task. Call the agent without a task to continue it, or use another key."
            )
        return await self._view(known)

    async def look(self, run_id: str, *, principal: str | None) -> View:
        """Where a task stands.

        Raises:
            RunNotFound: No such task for this caller: unknown, expired, or somebody else's.
            StoreError: The store failed.
        """
        await self.start()
        return await self._view(await self._record(run_id, principal))

    async def answer(
        self, run_id: str, answers: Mapping[str, Json], *, principal: str | None
    ) -> View:
        """Post answers. What is not asked, or answered already, is ignored.

        Returns:
            The task after it; the answers are in the store.

        Raises:
            RunNotFound: No such task for this caller.
            AnswerError: An answer has the wrong shape; none was recorded.
            StoreError: The store failed; none was recorded.
        """
        view = await self.look(run_id, principal=principal)
        lines: dict[str, bytes] = {}
        for question in view.questions:
            if question.id in answers:
                raw = answers[question.id]
                carrier = self._carrier(self.agents[view.record.agent], view.info, _nowhere)
                if carrier.read(question, raw) is not None:
                    lines[question.id] = posted(question.id, raw)
        if not lines:
            return view
        record = await self._store.post(run_id, lines, self._clock.now())
        if record is None:
            raise _not_found(run_id)
        self._nudge(run_id)
        return await self._view(record)

    async def post(self, question: Question, raw: Json, via: str) -> Posted:
        """Record the answer of a person who was asked elsewhere than at the client.

        For any run, task or not. One that is driven now goes on; one that a request drives goes on
        with the next request.

        Args:
            question: The question.
            raw: The answer, as a client would send it.
            via: The rung on which it came.

        Returns:
            `recorded`, or why it was not: `answered` already, or the run has `ended`.

        Raises:
            AnswerError: It is not JSON.
            StoreError: The store failed; nothing was recorded.
        """
        run_id = question.run_id
        line = posted(question.id, raw, via)
        record = await self._store.get(run_id)
        agent = None if record is None else self.agents.get(record.agent)
        if record is None or agent is None or record.status.terminal or record.stop is not None:
            return "ended"
        waiting = {each.id for each in await self.runtime.questions(agent, run_id)}
        waiting -= {id for id, _ in await self._store.inbox(run_id)}
        if question.id not in waiting:
            return "answered"
        record = await self._store.post(run_id, {question.id: line}, self._clock.now())
        if record is None:
            return "ended"
        leg = self.runtime.legs.get(run_id)
        if leg is not None:
            leg.poke()
        elif record.task is not None:
            self._drive_soon(run_id)
        return "recorded"

    async def cancel(self, run_id: str, reason: str, *, principal: str | None) -> tuple[View, bool]:
        """Ask for the cancellation of a task. Its cleanup goes on by itself.

        Returns:
            The task after it, and whether it was live before.

        Raises:
            RunNotFound: No such task for this caller.
            StoreError: The store failed; nothing was recorded.
        """
        await self.start()
        await self._record(run_id, principal)
        stopped = await self._store.stop(run_id, reason, self._clock.now())
        if stopped is None:
            return await self._view(await self._record(run_id, principal)), False
        self._nudge(run_id)
        self._seen(stopped)
        return await self._view(stopped), True

    async def list(
        self, *, principal: str | None, limit: int = 100, before: str | None = None
    ) -> list[View]:
        """The tasks of a caller, newest first, one page; what they ask is left out."""
        now = self._clock.now()
        records = await self._store.list(
            principal=principal, tasks=True, limit=limit, before=before
        )
        return [
            View(each, TaskInfo.load(each.task or "{}"), [])
            for each in records
            if each.expires is None or each.expires > now
        ]

    async def changed(self, view: View, timeout: float) -> View:  # noqa: ASYNC109 # of the clock
        """Wait until the task differs from what was seen, or the time is over.

        Raises:
            RunNotFound: It is gone.
            StoreError: The store failed.
        """
        return await self._wait(view, timeout, lambda now: now.differs(view))

    async def settled(self, view: View, patience: float | None = None) -> View:
        """Wait until a task asks, sleeps for long or has ended; no longer than the patience.

        Raises:
            RunNotFound: It is gone.
            StoreError: The store failed.
        """
        patience = self.settings.patience if patience is None else patience
        until = self._clock.now() + patience

        def settled(now: View) -> bool:
            sleeps = now.record.lease is None and (now.record.wake or 0.0) > until
            return sleeps or now.status is not Status.WORKING or now.problem is not None

        return await self._wait(view, patience, settled)

    async def _wait(self, view: View, timeout: float, wanted: Callable[[View], bool]) -> View:  # noqa: ASYNC109 # of the clock
        until = self._clock.now() + timeout
        while True:
            with self._woken(view.record.id) as woken:
                current = await self.look(view.record.id, principal=view.record.principal)
                left = until - self._clock.now()
                if wanted(current) or left <= 0:
                    return current
                # Another process may move it; there is no event for that.
                await self._rest(woken, min(left, self.settings.poll_interval))

    def subscribe(self, callback: Notify) -> Callable[[], None]:
        """Hear the progress and log notices of runs that are driven here.

        Returns:
            How to stop.
        """
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    # -- recovery ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to look for runs that nobody drives. May be called any number of times."""
        loop = asyncio.get_running_loop()
        running = self._recovery
        if running is None or running.done() or running.get_loop() is not loop:
            self._drivers.clear()
            self._recovery = loop.create_task(self._recover())

    async def stop(self) -> None:
        """Stop driving. The runs go on in other processes, or when this one starts again."""
        recovery, self._recovery = self._recovery, None
        running = [each for each in (recovery, *self._drivers.values()) if each is not None]
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for call_off in self._calls_off.values():
            call_off()
        self._calls_off.clear()

    async def _recover(self) -> None:
        while True:
            try:
                pause = await self._look_around()
            except StoreError as error:
                log.warning("Tasks cannot be recovered now, trying again: %s", error)
                pause = LONGEST_PAUSE
            await self._rest(anyio.Event(), pause)

    async def _rest(self, woken: anyio.Event, seconds: float) -> None:
        """Wait for an event, but only so long. An alarm does not make a virtual clock jump."""
        call_off = self._clock.call_later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            call_off()

    async def _look_around(self) -> float:
        """Drive what is due, deliver what was posted, delete what is over.

        Returns:
            Seconds to rest.
        """
        now, store, interval = self._clock.now(), self._store, self.settings.poll_interval
        dead = [owner for owner in await store.owners() if surely_dead(owner)]
        for record in await store.due(now, agents=self.agents.keys(), dead=dead):
            if not self._is_stuck(record.id):
                self._drive_soon(record.id)
        for run_id in await store.nudged(self.runtime.owner):
            self._nudge(run_id)
        for run_id in await store.expired(now):
            await store.delete(run_id)
            self._wake_waiting(run_id)
        wake = await store.next_wake()
        return interval if wake is None or wake <= now else min(interval, wake - now)

    # -- driving ----------------------------------------------------------------------------

    def _nudge(self, run_id: str) -> None:
        """Something was posted: whoever drives the run here looks, or somebody begins to."""
        leg = self.runtime.legs.get(run_id)
        if leg is not None:
            leg.poke()
        else:
            self._drive_soon(run_id)

    def _drive_soon(self, run_id: str) -> None:
        if run_id in self._drivers:
            self._again.add(run_id)
        elif len(self._drivers) < MOST_DRIVEN:
            self._run(run_id, self._drive(run_id))

    def _run(self, run_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._drivers[run_id] = task
        task.add_done_callback(lambda _: self._driven(run_id, task))

    def _driven(self, run_id: str, task: asyncio.Task[None]) -> None:
        if self._drivers.get(run_id) is task:
            del self._drivers[run_id]
        if run_id in self._again and not task.cancelled():
            self._again.discard(run_id)
            self._drive_soon(run_id)

    async def _begin(self, live: Live, info: TaskInfo) -> None:
        """The first leg of a run, and then whatever follows."""
        run_id = live.record.id
        created = self._created[run_id]
        try:
            async with self.runtime.alone(run_id):
                await self._leg(live, info)
        except Exception as error:  # noqa: BLE001 # whoever created it is told, or the store knows
            if not created.done():
                created.set_exception(error)
                return
        finally:
            self._created.pop(run_id, None)
            created.cancel()
        if live.record.wake is not None:
            await self._drive(run_id)

    async def _drive(self, run_id: str) -> None:
        """Drive a run until nothing is left to do for now."""
        pause = 0.0
        while True:
            if _is_cancelled():
                raise asyncio.CancelledError
            if pause:
                await self._clock.sleep(pause)
            try:
                if not await self._drive_once(run_id):
                    return
            except StoreConflict:
                pass  # another process moved it on: look again
            except StoreError as error:
                log.warning("Task %s waits for its store: %s", run_id, error)
            except Exception as error:
                if not isinstance(error, InvertedError):
                    log.exception("Task %s cannot be driven", run_id)
                self._problems[run_id] = (str(error), self._clock.now() + STUCK_PAUSE)
                self._wake_waiting(run_id)
                return
            else:
                pause = 0.0
                continue
            pause = min(max(pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)

    async def _drive_once(self, run_id: str) -> bool:
        """One leg, if this process may. Returns whether there is more to do at once."""
        async with self.runtime.alone(run_id):
            record = await self._store.get(run_id)
            now = self._clock.now()
            if record is None or record.task is None or record.wake is None:
                return False
            if record.wake > now and record.lease is None:
                self._wake_later(run_id, record.wake - now)
                return False
            agent = self.agents.get(record.agent)
            free = None if agent is None else await self.runtime.free(record)
            if agent is None or free is None:
                return False
            live = await self.runtime.load(agent, free)
            if isinstance(live, Ended):
                return False
            await self._leg(live, TaskInfo.load(record.task))
            return live.record.wake is not None

    async def _leg(self, live: Live, info: TaskInfo) -> None:
        run_id = live.record.id

        def notify(payload: dict[str, Json]) -> None:
            for callback in self._subscribers:
                callback(run_id, payload)

        try:
            await self.runtime.drive(live, {}, self._carrier(live.agent, info, notify))
        except BaseException:
            # The next one need not wait until the lease lapses.
            with anyio.CancelScope(shield=True):
                await self._let_go(live.record)
            raise
        self._problems.pop(run_id, None)

    async def _let_go(self, record: RunRecord) -> None:
        now = self._clock.now()
        nothing = Append(
            position=record.position,
            fence=record.fence,
            owner=self.runtime.owner,
            lines=(),
            status=record.status,
            now=now,
            wake=now,
        )
        with contextlib.suppress(StoreError):
            await self._store.append(record.id, nothing)

    def _wake_later(self, run_id: str, seconds: float) -> None:
        """A timer that is due soon rings here; the others are found when they are due."""
        if seconds > 2 * self.settings.poll_interval or run_id in self._calls_off:
            return

        def ring() -> None:
            self._calls_off.pop(run_id, None)
            self._drive_soon(run_id)

        self._calls_off[run_id] = self._clock.call_later(seconds, ring)

    def _is_stuck(self, run_id: str) -> bool:
        _, until = self._problems.get(run_id, ("", 0.0))
        return until > self._clock.now()

    # -- looking ----------------------------------------------------------------------------

    async def _record(self, run_id: str, principal: str | None) -> RunRecord:
        record = await self._store.get(run_id)
        if record is None or record.task is None or record.principal != principal:
            raise _not_found(run_id)
        if record.expires is not None and record.expires <= self._clock.now():
            raise _not_found(run_id)
        return record

    async def _view(self, record: RunRecord) -> View:
        info = TaskInfo.load(record.task or "{}")
        if record.status.terminal:
            return View(record, info, [], await self._end_of(record))
        problem, _ = self._problems.get(record.id, (None, 0.0))
        agent = self.agents.get(record.agent)
        if agent is None:
            problem = f"This server has no agent {record.agent!r}. Start the one that has it."
        if agent is None or record.status is not Status.INPUT_REQUIRED or record.stop is not None:
            return View(record, info, [], None, problem)
        # The inbox first: what is taken from it afterwards is answered in the journal by then.
        posted = {id for id, _ in await self._store.inbox(record.id)}
        try:
            questions = await self.runtime.questions(agent, record.id)
        except (DeterminismError, JournalError) as error:
            return View(record, info, [], None, str(error))
        # Only what the client is asked; a page, say, asks the person without it.
        carrier = self._carrier(agent, info, _nowhere)
        asked = [
            shown
            for each in questions
            if each.id not in posted and (shown := carrier.outgoing(each)) is not None
        ]
        return View(record, info, asked)

    async def _end_of(self, record: RunRecord) -> Ended:
        last = await self._store.read(record.id, record.position - 1)
        entry = Codec().decode(last[-1])[0] if last else None
        if not isinstance(entry, Finished):
            raise _not_found(record.id)  # deleted since
        return Ended(record.id, Status(entry.status), entry.result, entry.failure)

    def _seen(self, record: RunRecord) -> None:
        """A leg here has written."""
        created = self._created.get(record.id)
        if created is not None and not created.done():
            created.set_result(record)
        self._wake_waiting(record.id)

    @contextlib.contextmanager
    def _woken(self, run_id: str) -> Generator[anyio.Event]:
        """An event that is set when something happens to a run here."""
        event = anyio.Event()
        self._waiting.setdefault(run_id, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[run_id].discard(event)
            if not self._waiting[run_id]:
                del self._waiting[run_id]

    def _wake_waiting(self, run_id: str) -> None:
        for event in self._waiting.get(run_id, ()):
            event.set()

    async def _check_limit(self, principal: str | None) -> None:
        most = self.settings.concurrent
        if most is None:
            return
        live = await self._store.count(principal=principal, live=True, tasks=True)
        if live >= most:
            raise LimitExceeded(
                f"This caller has {live} live tasks, the most that it may have here. Wait for one "
                "to end or cancel one, or raise TaskSettings(concurrent=...)."
            )


def _is_cancelled() -> bool:
    """Whether this asyncio task was cancelled, though an error of the same moment hid it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _nowhere(_: dict[str, Json]) -> None:
    """Nobody hears it."""


def _not_found(run_id: str) -> RunNotFound:
    return RunNotFound(
        f"There is no task {run_id} for this caller: it has expired, or belongs to somebody else. "
        "Call the agent again to start a new one."
    )
