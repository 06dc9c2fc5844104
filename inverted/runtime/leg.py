"""A leg: one drive of a run from delivered answers until it is parked or done.

The loop is: settle what this process can answer at once, commit, act, wait, deliver. Everything is
written before it is acted on: the questions of a step and of the client are in the store before the
step runs or the client hears of them, and an answer is in the store before anything that follows
from it. One commit carries all that happened between two waits.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast

import anyio
import anyio.abc
import anyio.lowlevel

from inverted.core.effects import QUESTIONS, Effect, Json, Kind
from inverted.core.journal import (
    Attempted,
    CancelRequested,
    Checkpointed,
    Failure,
)
from inverted.errors import AgentCodeError, JournalError, LimitExceeded
from inverted.runtime.apart import Apart
from inverted.runtime.ladders import Rung
from inverted.runtime.live import Live, question_of
from inverted.runtime.ports import Answer, Carrier, Given, Outcome, Parked, Question
from inverted.runtime.posted import read_posted
from inverted.runtime.spending import Spent, exceeded
from inverted.runtime.steps import StepCall, StepInfo, step_failure
from inverted.runtime.writer import Services, Writer
from inverted.stores.base import CANCEL

NO_KEY = (
    "A step was marked secret, but this runtime has no sealing key, so its result cannot be "
    "journaled. Give the runtime a sealer, or do not mark the step secret."
)
MANY_LINES = 1000
"""A body that asks for many values in a row is written in between, and lets others run."""
MAX_REFUSALS = 1000
"""A body that keeps asking after this many limit errors is ended, or it would spin for ever."""


class Leg:
    """Drives one run once. Created by `Runtime`, which holds the run's lock meanwhile."""

    def __init__(
        self,
        live: Live,
        carrier: Carrier,
        services: Services,
    ) -> None:
        self._live = live
        self._carrier = carrier
        self._store = services.store
        self._clock = services.clock
        self._sealer = services.sealer
        self._lease = services.lease
        self._writer = Writer(live, services)
        # A task always looks into its inbox; any other run only when something was put there.
        self._task = live.record.task is not None
        self._poked = self._task or live.record.wake is not None
        self._apart = Apart()
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._steps: set[str] = set()
        self._stopping: set[str] = set()
        # What was asked and not yet looked at, each with what was spent when it was asked.
        self._fresh: list[tuple[str, Spent]] = []
        self._refused = 0
        self._done: list[tuple[str, Answer | Rung | None] | Attempted] = []
        self._wake: anyio.Event | None = None
        self._waited = self._spawned = self._over = False
        self._starting: asyncio.Task[None] | None = None
        self._quiet: Callable[[], None] = _nothing
        # How each outstanding question is asked, and whether its answer is still waited for.
        self._rungs: dict[str, Rung] = {}
        self._impatient = carrier.patience == 0

    async def run(self, answers: Mapping[str, Json], cancel: str | None = None) -> Outcome:
        """Drive until the run is parked or done.

        Args:
            answers: Raw answers from outside, by effect id. What is not asked is ignored.
            cancel: Reason to cancel the run, if it shall be cancelled.

        Raises:
            AnswerError: An answer has the wrong shape; nothing was delivered.
            StoreConflict: Another process moved the run on; this copy is useless now.
            StoreError: The store failed.
        """
        live = self._live
        for id, answer in self._read(answers):
            self._deliver(id, answer)
        if cancel is not None:
            self._cancel(cancel)
        # What was parked before kept to the limits when it was asked.
        self._fresh = [(id, Spent()) for id in live.machine.parked]
        try:
            async with anyio.create_task_group() as tasks:
                try:
                    await self._loop(tasks)
                finally:
                    self._quiet()
                    self._over = True
                if self._spawned:
                    tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise _only(group) from None
        if self._writer.ended is not None:
            return self._writer.ended
        return Parked(live.record.id, live.questions, self._rungs, live.told)

    async def _loop(self, tasks: anyio.abc.TaskGroup) -> None:
        machine = self._live.machine
        while True:
            if self._poked:
                await self._take_inbox()
            while not self._settle():
                await self._writer.commit(busy=True)  # it goes on, so it keeps the lease
                await anyio.lowlevel.checkpoint()
            busy = self._busy()
            await self._writer.commit(busy=busy)
            if machine.notices:
                await self._notify()
            if not busy:
                return
            if not self._waited:
                self._waited = True
                self._quiet = self._set_timers(tasks)
            alone = self._alone()
            if alone is not None:
                id, effect = alone
                self._take(id, await self._answer(id, effect))
                continue
            self._launch(tasks)
            if not self._done and not self._poked:
                self._wake = anyio.Event()
                await self._wake.wait()
                self._wake = None
            self._collect()

    def _set_timers(self, tasks: anyio.abc.TaskGroup) -> Callable[[], None]:
        """What happens when this leg takes long. Returns how to call it off."""
        call_later, patience = self._clock.call_later, self._carrier.patience
        quiet = call_later(self._lease / 3, lambda: self._start_heartbeat(tasks))
        if patience is None or self._impatient:
            return quiet
        calm = call_later(patience, self._lose_patience)

        def call_off() -> None:
            quiet()
            calm()

        return call_off

    def _lose_patience(self) -> None:
        self._impatient = True
        self.poke()

    def _start_heartbeat(self, tasks: anyio.abc.TaskGroup) -> None:
        """Called by a timer, where no task is current; anyio starts a task only from a task."""

        async def start() -> None:
            if not self._over:
                self._spawn(tasks, self._writer.heartbeat)

        self._starting = asyncio.get_running_loop().create_task(start())

    async def _notify(self) -> None:
        notices = self._live.machine.notices
        for payload in notices:
            await self._carrier.notify(payload)
        notices.clear()

    @property
    def questions(self) -> list[Question]:
        """What the run asks; a task as of its last commit."""
        return self._writer.questions if self._task else self._live.questions

    @property
    def position(self) -> int:
        """Where the journal ended at its last commit."""
        return self._live.record.position

    def poke(self) -> None:
        """Something was posted to the inbox."""
        self._poked = True
        if self._wake is not None:
            self._wake.set()

    # -- deliveries -------------------------------------------------------------------------

    async def _take_inbox(self) -> None:
        """Deliver what was posted, in the order of posting. The next commit removes it."""
        self._poked = False
        for id, line in await self._store.inbox(self._live.record.id):
            if id in self._writer.taken:
                continue
            self._writer.taken.append(id)
            if id == CANCEL:
                self._cancel(line.decode())
            elif (parked := self._live.machine.parked.get(id)) and parked[1].kind in QUESTIONS:
                question = question_of(self._live.record.id, id, parked[1])
                raw, via = read_posted(line)
                answer = self._carrier.read(question, raw, via)
                if answer is not None:
                    self._stop_asking(id)
                    self._deliver(id, answer)

    def _cancel(self, reason: str) -> None:
        live = self._live
        if live.machine.cancelled:
            return
        self._write_asked()
        live.write(CancelRequested(reason), self._clock.now())
        with self._apart:
            live.machine.cancel()
        self._withdraw()

    def _read(self, answers: Mapping[str, Json]) -> list[tuple[str, Answer]]:
        """Check every answer before any is delivered. The order is that of the questions."""
        read: list[tuple[str, Answer]] = []
        for question in self._live.questions if answers else ():
            given = answers.get(question.id)
            if given is None:
                continue
            raw, via = given if isinstance(given, Given) else (given, None)
            answer = self._carrier.read(question, raw, via)
            if answer is not None:
                read.append((question.id, answer))
        return read

    def _take(self, id: str, answer: Answer | Rung | None) -> None:
        """Take what came of asking: an answer, or another way to ask."""
        if isinstance(answer, Answer):
            self._deliver(id, answer)
        elif answer is not None:
            self._rungs[id] = answer

    def _deliver(self, id: str, answer: Answer) -> None:
        """Journal an answer and hand it to the body.

        An answer to something that was withdrawn is recorded and ignored by the machine.
        """
        live, now = self._live, self._clock.now()
        if live.machine.asked:  # what was asked before comes first in the journal
            self._write_asked()
        sealed = answer.secret and answer.failure is None
        written = Answer(self._seal(answer.value)) if sealed else answer
        try:
            live.answer(id, written, now, sealed=sealed)
        except JournalError as error:
            answer = Answer(failure=self._unwritten(id, error))
            live.answer(id, answer, now)
        with self._apart:
            live.machine.deliver(id, answer.value, answer.failure)
        if live.machine.withdrawn:
            self._withdraw()

    def _unwritten(self, id: str, error: JournalError) -> Failure:
        parked = self._live.machine.parked.get(id)
        if parked is None or parked[1].kind is not Kind.STEP:
            return Failure.of(error)
        return step_failure(parked[1].question["name"], error, 1)

    def _withdraw(self) -> None:
        """Ask what is not needed any more to stop. A step's outcome is waited for and recorded."""
        withdrawn = self._live.machine.withdrawn
        for id in withdrawn:
            self._stop_asking(id)
            if id in self._steps:
                self._stopping.add(id)
        withdrawn.clear()

    def _stop_asking(self, id: str) -> None:
        self._rungs.pop(id, None)
        scope = self._scopes.pop(id, None)
        if scope is not None:
            scope.cancel()

    def _write_asked(self) -> None:
        live, now = self._live, self._clock.now()
        try:
            for asked in live.machine.asked:
                if isinstance(asked, Checkpointed):
                    live.write(asked, now)
                else:
                    id, effect, _ = asked
                    live.ask(id, effect, now)
                    self._fresh.append((id, live.spent))
        except JournalError as error:
            # Without a line there is no replay, so it cannot even fail at its own line.
            live.machine.abandon(AgentCodeError(f"The agent asked what is not JSON. {error}"))
        live.machine.asked.clear()

    def _settle(self) -> bool:
        """Answer at once what needs no waiting, until only outside work is left.

        Returns:
            False when so much was answered that it should be written before going on.
        """
        machine = self._live.machine
        if machine.asked:
            self._write_asked()
        while self._fresh:
            if len(self._live.lines) > MANY_LINES:
                return False
            fresh, self._fresh = self._fresh, []
            for id, spent in fresh:
                parked = machine.parked.get(id)
                answer = None if parked is None else self._at_once(id, parked[1], spent)
                if answer is not None:
                    self._deliver(id, answer)
            if machine.asked:
                self._write_asked()
        return True

    def _at_once(  # noqa: PLR0911 # one for each reason
        self, id: str, effect: Effect, spent: Spent
    ) -> Answer | None:
        live, now = self._live, self._clock.now()
        size, created = live.record.size + live.pending, live.record.created
        used_up = exceeded(live.agent.limits, effect.kind, spent, created, size, now)
        if used_up is not None:
            self._refused += 1
            if self._refused > MAX_REFUSALS:
                live.machine.abandon(LimitExceeded(used_up))
                return None
            return Answer(failure=Failure("LimitExceeded", used_up))
        if effect.kind is Kind.VALUE:
            return Answer(self._value(effect.question["of"]))
        if effect.kind is Kind.SLEEP and live.marks.get(id, 0.0) <= now:
            return Answer(None)
        if effect.kind in QUESTIONS:
            rung = self._carrier.rung(question_of(live.record.id, id, effect))
            if isinstance(rung, Failure):
                return Answer(failure=rung)
            self._rungs[id] = rung
            return None
        if isinstance(effect.local, StepCall) and effect.local.secret:
            if self._sealer is None:
                return Answer(failure=Failure("StepError", NO_KEY))
            self._sealer.seal(b"")  # unusable keys show now, not after the step ran
        return None

    def _value(self, of: str) -> Json:
        match of:
            case "now":
                return self._clock.now()
            case "uuid":
                return str(uuid.uuid4())
            case "random":
                return random.random()  # noqa: S311 - not for secrets; run.random() says so
            case _:
                return self._carrier.describe()

    # -- the world --------------------------------------------------------------------------

    def _alone(self) -> tuple[str, Effect] | None:
        """The only effect there is, if so: it is served without a task of its own.

        Not in a task of the protocol, which must hear what is posted meanwhile.
        """
        parked = self._live.machine.parked
        if len(parked) != 1 or self._scopes or self._stopping or self._task:
            return None
        id, effect, _ = next(iter(parked.values()))
        # Every failed attempt is written while the next one waits, so retries need the loop.
        if isinstance(effect.local, StepCall):
            return None if effect.local.retry.attempts > 1 else (id, effect)
        # What may be posted, and what is waited for only so long, needs it too.
        alone = effect.kind is not Kind.SLEEP or self._carrier.patience is None
        if effect.kind in QUESTIONS:
            alone = self._rungs[id].mode == "ask"
        return (id, effect) if alone else None

    def _launch(self, tasks: anyio.abc.TaskGroup) -> None:
        """Start everything that is parked and not yet in flight."""
        for id, effect, _ in self._live.machine.parked.values():
            if id not in self._scopes and self._serves(id, effect.kind):
                self._scopes[id] = scope = anyio.CancelScope()
                if effect.kind is Kind.STEP:
                    self._steps.add(id)
                self._spawn(tasks, self._act_within, scope, id, effect)

    def _serves(self, id: str, kind: Kind) -> bool:
        """Whether this leg waits for an effect, instead of parking it."""
        return kind not in QUESTIONS or self._rungs[id].mode != "park"

    def _spawn(self, tasks: anyio.abc.TaskGroup, fn: Callable[..., Any], *args: object) -> None:
        self._spawned = True
        tasks.start_soon(fn, *args)

    async def _act_within(self, scope: anyio.CancelScope, id: str, effect: Effect) -> None:
        with scope:
            await self._act(id, effect)
        if scope.cancelled_caught and effect.kind is Kind.STEP:
            error = RuntimeError("interrupted, because its branch was cancelled")
            failure = step_failure(effect.question["name"], error, 1)
            self._finished((id, Answer(failure=failure)))

    async def _act(self, id: str, effect: Effect) -> None:
        """Serve one effect among others; its answer is collected afterwards."""
        call = effect.local
        retried = isinstance(call, StepCall) and call.retry.attempts > 1
        answer = await (self._retried(id, effect) if retried else self._answer(id, effect))
        self._finished((id, answer))

    async def _answer(self, id: str, effect: Effect) -> Answer | Rung | None:
        """The answer to one effect, a step being tried once."""
        if effect.kind is Kind.STEP:
            call = cast("StepCall", effect.local)
            attempt = int(self._live.marks.get(id, 0)) + 1
            try:
                value = await call.attempt(StepInfo(self._live.record.id, id, attempt))
            except Exception as error:  # noqa: BLE001 - any error of the author's function
                return _failed(effect, call, error, attempt)
            return Answer(value, secret=call.secret)
        if effect.kind is Kind.SLEEP:
            await self._clock.sleep(max(0.0, self._live.marks[id] - self._clock.now()))
            return Answer(None)
        question = question_of(self._live.record.id, id, effect)
        return await self._carrier.ask(question, self._rungs[id])

    def _busy(self) -> bool:
        """Whether this leg has something to wait for. A timer alone does not hold up a question."""
        if self._stopping:
            return True
        timers = questions = False
        for id, effect, _ in self._live.machine.parked.values():
            if effect.kind is Kind.STEP:
                return True
            if effect.kind in QUESTIONS:
                mode = self._rungs[id].mode
                if mode == "ask" or (mode == "hold" and not self._impatient):
                    return True
                questions = True
            else:
                timers = True
        # A task that only sleeps holds no lease and no memory; whoever finds it due drives it on.
        return timers and not questions and not self._task and not self._impatient

    async def _retried(self, id: str, effect: Effect) -> Answer:
        """The answer to a step, every failed attempt being written while the next one waits."""
        call = cast("StepCall", effect.local)
        attempt = int(self._live.marks.get(id, 0))
        while True:
            attempt += 1
            try:
                value = await call.attempt(StepInfo(self._live.record.id, id, attempt))
            except Exception as error:  # noqa: BLE001 - any error of the author's function
                failed = _failed(effect, call, error, attempt)
                if attempt >= call.retry.attempts or not isinstance(error, call.retry.on):
                    return failed
                self._finished(Attempted(id, attempt, cast("Failure", failed.failure)))
                await self._clock.sleep(call.retry.pause(attempt))
            else:
                return Answer(value, secret=call.secret)

    def _finished(self, what: tuple[str, Answer | Rung | None] | Attempted) -> None:
        self._done.append(what)
        if self._wake is not None:
            self._wake.set()

    def _collect(self) -> None:
        done, self._done = self._done, []
        for each in done:
            if isinstance(each, Attempted):
                self._live.write(each, self._clock.now())
                continue
            id, answer = each
            if answer is None:  # it was asked, and is not asked again while this leg lasts
                continue
            self._scopes.pop(id, None)
            self._steps.discard(id)
            self._stopping.discard(id)
            self._take(id, answer)

    def _seal(self, value: Json) -> str:
        assert self._sealer is not None  # noqa: S101 - such a step is refused before it runs
        return self._sealer.seal(json.dumps(value).encode())


def _failed(effect: Effect, call: StepCall, error: Exception, attempts: int) -> Answer:
    name = effect.question["name"]
    return Answer(failure=step_failure(name, error, attempts, secret=call.secret))


def _nothing() -> None:
    """No timer is set."""


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a task group, unwrapped: callers match on types."""
    first = group.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _only(cast("BaseExceptionGroup[BaseException]", first))
    return first
