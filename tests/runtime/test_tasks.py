"""Tasks: runs that are driven apart from requests."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from inverted import MemoryStore, Run, SQLiteStore
from inverted.core.effects import Json
from inverted.core.lifecycle import Status
from inverted.errors import AnswerError, LimitExceeded, RunNotFound, StoreError
from inverted.runtime import Runtime
from inverted.runtime.ports import Agent, Limits, RunInfo
from inverted.runtime.tasks import TaskInfo, Tasks, TaskSettings, View
from inverted.stores import RunRecord, Store
from inverted.stores.base import Append
from inverted.testing import VirtualClock

from .fakes import Rounds, ask, journal, within

INFO = TaskInfo("2026-07-28", "2026-07-28", ["sampling"])
Body = Callable[..., Any]


class Carrier(Rounds):
    """A client that answers later, with the notices where `Tasks` wants them."""

    def __init__(
        self, served: Agent, info: TaskInfo, notify: Callable[[dict[str, Json]], object]
    ) -> None:
        super().__init__()
        self._hear = notify

    async def notify(self, payload: dict[str, Json]) -> None:
        self._hear(payload)


def an_agent(body: Body, name: str = "agent") -> Agent:
    def make(info: RunInfo, arguments: dict[str, Json], restored: Json) -> Any:
        return body(Run(info, restored), **arguments)

    return Agent(name, make, lambda value: value, Limits())


class Here:
    """One process: a runtime, its tasks, and one agent."""

    def __init__(self, store: Store, body: Body, clock: VirtualClock, **settings: Any) -> None:
        self.clock = clock
        self.agent = an_agent(body)
        chosen = TaskSettings(**settings)
        runtime = Runtime(store, clock=clock, retention=chosen.retention)
        self.tasks = Tasks(runtime, Carrier, chosen)
        self.tasks.agents[self.agent.name] = self.agent

    async def create(self, principal: str | None = None, **arguments: Json) -> View:
        return await self.tasks.create(self.agent, arguments, INFO, principal=principal)

    async def until(self, view: View, wanted: Callable[[View], bool]) -> View:
        async def reach() -> View:
            now = view
            while not wanted(now):
                now = await self.tasks.changed(now, 1e9)
            return now

        return await within(reach())

    async def asked(self, view: View, *ids: str) -> View:
        return await self.until(view, lambda now: [each.id for each in now.questions] == [*ids])

    async def ended(self, view: View) -> View:
        return await self.until(view, lambda now: now.ended is not None)


Start = Callable[..., Here]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1000.0, jump=False)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    made: Store = (
        MemoryStore()
        if request.param == "memory"
        else SQLiteStore(tmp_path / "runs.sqlite3", synchronous="normal")
    )
    yield made
    await made.aclose()


@pytest.fixture
async def start(store: Store, clock: VirtualClock) -> AsyncGenerator[Start]:
    """Starts processes on the one store."""
    running: list[Here] = []

    def begin(body: Body, on: Store | None = None, **settings: Any) -> Here:
        running.append(Here(on or store, body, clock, **settings))
        return running[-1]

    yield begin
    for each in running:
        await each.tasks.stop()


async def two_questions(run: Run) -> Json:
    return await run.gather(ask("first"), ask("second"))


# create


async def test_a_task_is_in_the_store_when_it_was_created(start: Start, store: Store) -> None:
    here = start(two_questions)
    view = await here.create()
    assert view.record == await store.get(view.record.id)
    assert view.record.task is not None
    assert TaskInfo.load(view.record.task) == INFO


async def test_a_task_ends_without_any_request(start: Start) -> None:
    async def double(run: Run, number: int) -> int:
        return await run.step(lambda: number * 2)

    here = start(double)
    view = await here.ended(await here.create(number=21))
    assert view.status is Status.COMPLETED
    assert view.ended is not None
    assert view.ended.result == 42


async def test_a_failed_task_tells_why(start: Start) -> None:
    async def fail(run: Run) -> None:
        raise ValueError("no such thing")

    here = start(fail)
    view = await here.ended(await here.create())
    assert view.status is Status.FAILED
    assert view.ended is not None
    assert view.ended.failure is not None
    assert view.ended.failure.message == "no such thing"


async def test_the_same_key_is_the_same_task(start: Start) -> None:
    here = start(two_questions)
    views = [
        await here.tasks.create(here.agent, {}, INFO, principal="ada", key="k") for _ in range(2)
    ]
    other = await here.tasks.create(here.agent, {}, INFO, principal="eve", key="k")
    assert views[0].record.id == views[1].record.id != other.record.id


async def test_one_key_at_two_processes_at_once_is_one_task(start: Start) -> None:
    here, there = start(two_questions), start(two_questions)

    async def create(at: Here) -> str:
        view = await at.tasks.create(at.agent, {}, INFO, principal=None, key="k")
        return view.record.id

    assert len(set(await within(asyncio.gather(create(here), create(there))))) == 1


async def test_a_principal_has_only_so_many_live_tasks(start: Start) -> None:
    here = start(two_questions, concurrent=2)
    first = await here.create("ada")
    await here.create("ada")
    with pytest.raises(LimitExceeded, match=r"2 live tasks.*cancel one"):
        await here.create("ada")
    await here.create("eve")
    view, _ = await here.tasks.cancel(first.record.id, "enough", principal="ada")
    await here.ended(view)
    await here.create("ada")


async def test_a_task_that_cannot_be_stored_is_an_error_and_no_task(start: Start) -> None:
    class Full(MemoryStore):
        async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
            raise StoreError("the disk is full")

    full = Full()
    here = start(two_questions, on=full)
    with pytest.raises(StoreError, match="the disk is full"):
        await here.create()
    assert await full.list() == []


# look and answer


async def test_all_outstanding_questions_are_shown_at_once(start: Start) -> None:
    here = start(two_questions)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    assert view.status is Status.INPUT_REQUIRED
    assert [each.params["message"] for each in view.questions] == ["first", "second"]


async def test_a_task_that_is_not_in_memory_shows_what_it_asks(start: Start) -> None:
    here = start(two_questions)
    here.tasks.runtime.hot_runs = 0
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    answers = {"1.0.1": "a", "1.1.1": "b"}
    view = await here.ended(await here.tasks.answer(view.record.id, answers, principal=None))
    assert view.ended is not None
    assert view.ended.result == ["a", "b"]


async def test_an_answered_question_is_gone_before_the_acknowledgement(start: Start) -> None:
    here = start(two_questions)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    view = await here.tasks.answer(view.record.id, {"1.0.1": "a"}, principal=None)
    assert [each.id for each in view.questions] == ["1.1.1"]
    view = await here.tasks.answer(view.record.id, {"1.1.1": "b"}, principal=None)
    assert (view.status, view.questions) == (Status.WORKING, [])
    view = await here.ended(view)
    assert view.ended is not None
    assert view.ended.result == ["a", "b"]


async def test_the_first_answer_counts(start: Start) -> None:
    here = start(two_questions)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    for answer in ("a", "late"):
        await here.tasks.answer(view.record.id, {"1.0.1": answer}, principal=None)
    view = await here.asked(view, "1.1.1")
    await here.tasks.answer(view.record.id, {"1.0.1": "later", "1.1.1": "b"}, principal=None)
    view = await here.ended(view)
    assert view.ended is not None
    assert view.ended.result == ["a", "b"]


async def test_unknown_keys_and_answers_after_the_end_are_ignored(start: Start) -> None:
    here = start(two_questions)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    same = await here.tasks.answer(view.record.id, {"7": "x", "": "y"}, principal=None)
    assert not same.differs(view)
    await here.tasks.answer(view.record.id, {"1.0.1": "a", "1.1.1": "b"}, principal=None)
    ended = await here.ended(view)
    assert await here.tasks.answer(view.record.id, {"1.0.1": "z"}, principal=None) == ended


async def test_an_answer_of_the_wrong_shape_records_none_of_them(
    start: Start, store: Store
) -> None:
    here = start(two_questions)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    wrong = {"1.0.1": "good", "1.1.1": "broken"}
    with pytest.raises(AnswerError, match=r"1\.1\.1 is broken"):
        await here.tasks.answer(view.record.id, wrong, principal=None)
    with pytest.raises(AnswerError, match="is not JSON"):
        await here.tasks.answer(view.record.id, {"1.0.1": float("nan")}, principal=None)
    assert await store.inbox(view.record.id) == []
    assert not (await here.tasks.look(view.record.id, principal=None)).differs(view)


async def test_a_question_is_answered_while_a_step_runs(start: Start) -> None:
    gate = asyncio.Event()

    async def slow() -> str:
        await gate.wait()
        return "slow"

    async def both(run: Run) -> Json:
        async def talk() -> list[Json]:
            return [await ask("first"), await ask("second")]

        return await run.gather(run.step(slow), talk())

    here = start(both)
    view = await here.asked(await here.create(), "1.1.1")
    await here.tasks.answer(view.record.id, {"1.1.1": "a"}, principal=None)
    view = await here.asked(view, "1.1.2")
    await here.tasks.answer(view.record.id, {"1.1.2": "b"}, principal=None)
    gate.set()
    view = await here.ended(view)
    assert view.ended is not None
    assert view.ended.result == ["slow", ["a", "b"]]


@pytest.mark.parametrize("who", ["eve", None])
async def test_somebody_elses_task_is_not_found(start: Start, who: str | None) -> None:
    here = start(two_questions)
    run_id = (await here.create("ada")).record.id
    calls: list[Awaitable[object]] = [
        here.tasks.look(run_id, principal=who),
        here.tasks.answer(run_id, {"1.0.1": "a"}, principal=who),
        here.tasks.cancel(run_id, "mine now", principal=who),
        here.tasks.look("unknown", principal="ada"),
    ]
    for call in calls:
        with pytest.raises(RunNotFound, match="There is no task"):
            await call
    assert await here.tasks.list(principal=who) == []


async def test_a_run_that_is_no_task_is_not_found(start: Start) -> None:
    here = start(two_questions)
    runtime = here.tasks.runtime
    outcome = await runtime.begin(here.agent, {}, Rounds())
    with pytest.raises(RunNotFound):
        await here.tasks.look(outcome.run_id, principal=None)


async def test_tasks_are_listed_newest_first_in_pages(start: Start, clock: VirtualClock) -> None:
    here = start(two_questions)
    made: list[str] = []
    for _ in range(3):
        made.insert(0, (await here.create("ada")).record.id)
        await clock.advance(1)
    first = await here.tasks.list(principal="ada", limit=2)
    rest = await here.tasks.list(principal="ada", before=first[-1].record.id)
    assert [each.record.id for each in (*first, *rest)] == made


# cancel


async def test_a_cancelled_task_is_shown_as_such_while_its_cleanup_goes_on(start: Start) -> None:
    cleaned = asyncio.Event()
    gate = asyncio.Event()

    async def cleanup() -> str:
        cleaned.set()
        await gate.wait()
        return "cleaned"

    async def careful(run: Run) -> None:
        try:
            await ask("go on?")
        finally:
            await run.step(cleanup)

    here = start(careful)
    view = await here.asked(await here.create(), "1")
    view, was_live = await here.tasks.cancel(view.record.id, "by the client", principal=None)
    assert was_live
    assert (view.status, view.questions) == (Status.CANCELLED, [])
    await within(cleaned.wait())
    again, was_live = await here.tasks.cancel(view.record.id, "again", principal=None)
    assert (again.status, was_live) == (Status.CANCELLED, False)
    gate.set()
    view = await here.ended(view)
    assert view.record.status is Status.CANCELLED


async def test_a_running_step_is_interrupted(start: Start) -> None:
    interrupted = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            interrupted.set()

    async def body(run: Run) -> None:
        await run.step(endless)

    here = start(body)
    view, _ = await here.tasks.cancel((await here.create()).record.id, "stop", principal=None)
    await within(interrupted.wait())
    assert (await here.ended(view)).status is Status.CANCELLED


async def test_what_has_ended_is_not_cancelled(start: Start) -> None:
    async def quick(run: Run) -> str:
        return "done"

    here = start(quick)
    ended = await here.ended(await here.create())
    assert await here.tasks.cancel(ended.record.id, "late", principal=None) == (ended, False)


async def test_a_cancellation_just_before_the_end_wins(start: Start, store: Store) -> None:
    async def body(run: Run) -> str:
        async def stop_me() -> None:
            record = (await store.list())[0]
            await store.stop(record.id, "elsewhere", 1001.0)

        await run.step(stop_me)
        return "done"

    here = start(body)
    view = await here.ended(await here.create())
    assert view.record.status is Status.CANCELLED
    assert view.ended is not None
    assert view.ended.result is None


# time


async def test_a_task_that_sleeps_for_days_holds_nothing_and_wakes(
    start: Start, clock: VirtualClock, store: Store
) -> None:
    async def patient(run: Run) -> str:
        await run.sleep(3 * 24 * 3600)
        return "awake"

    here = start(patient, poll_interval=3600.0)
    view = await here.create()
    await clock.advance(1)
    record = await store.get(view.record.id)
    assert record is not None
    assert (record.lease, record.wake) == (None, 1000.0 + 3 * 24 * 3600)
    await clock.advance(3 * 24 * 3600 - 10)
    assert (await here.tasks.look(view.record.id, principal=None)).status is Status.WORKING
    await clock.advance(20)
    assert (await here.ended(view)).status is Status.COMPLETED


async def test_a_timer_rings_though_a_question_is_open(start: Start, clock: VirtualClock) -> None:
    async def either(run: Run) -> str:
        async def late() -> str:
            await run.sleep(60)
            return "too late"

        return await run.race(ask("now?"), late())

    here = start(either)
    view = await here.asked(await here.create(), "1.0.1")
    await clock.advance(61)
    view = await here.ended(view)
    assert view.ended is not None
    assert view.ended.result == "too late"


async def test_a_call_waits_for_a_task_only_so_long(start: Start, clock: VirtualClock) -> None:
    gate = asyncio.Event()

    async def step(run: Run) -> str:
        await run.step(gate.wait)
        await run.sleep(3600)
        return await ask("still there?")

    here = start(step, patience=2.0)
    view = await here.create()
    waiting = asyncio.create_task(here.tasks.settled(view))
    await clock.advance(1.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert (await within(waiting)).status is Status.WORKING
    waiting = asyncio.create_task(here.tasks.settled(view))
    gate.set()
    assert (await within(waiting)).record.wake == 1002.1 + 3600  # it sleeps: no use in waiting


async def test_a_task_that_is_left_alone_ends_at_its_limit_of_time(
    start: Start, clock: VirtualClock
) -> None:
    here = start(two_questions, poll_interval=3600.0)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    await clock.advance(30 * 24 * 3600 + 3600)
    view = await here.ended(view)
    assert view.ended is not None
    assert view.ended.failure is not None
    assert view.ended.failure.type == "LimitExceeded"


async def test_an_expired_task_is_gone(start: Start, clock: VirtualClock, store: Store) -> None:
    here = start(two_questions)
    info = INFO._replace(ttl=60.0)
    view = await here.tasks.create(here.agent, {}, info, principal=None)
    await clock.advance(59)
    await here.tasks.look(view.record.id, principal=None)
    await clock.advance(2)
    with pytest.raises(RunNotFound, match="it has expired"):
        await here.tasks.look(view.record.id, principal=None)
    with pytest.raises(RunNotFound):
        await here.tasks.changed(view, 10)
    assert await here.tasks.list(principal=None) == []
    assert await store.get(view.record.id) is None


async def test_runs_are_deleted_some_time_after_their_end(
    start: Start, clock: VirtualClock, store: Store
) -> None:
    async def quick(run: Run) -> str:
        return "done"

    here = start(quick, retention=100.0)
    task = await here.ended(await here.create())
    plain = await here.tasks.runtime.begin(here.agent, {}, Rounds())
    await clock.advance(99)
    assert len(await store.list()) == 2
    await clock.advance(2)
    assert await store.get(task.record.id) is None
    assert await store.get(plain.run_id) is None


async def test_a_promised_time_to_live_outlasts_the_retention(
    start: Start, clock: VirtualClock
) -> None:
    async def quick(run: Run) -> str:
        return "done"

    here = start(quick, retention=1.0)
    info = INFO._replace(ttl=60.0)
    view = await here.tasks.create(here.agent, {}, info, principal=None)
    await here.ended(view)
    await clock.advance(50)
    assert (await here.tasks.look(view.record.id, principal=None)).status is Status.COMPLETED


# recovery


async def test_a_task_goes_on_in_the_next_process(start: Start) -> None:
    first = start(two_questions)
    view = await first.asked(await first.create(), "1.0.1", "1.1.1")
    await first.tasks.stop()
    second = start(two_questions)
    view = await second.tasks.look(view.record.id, principal=None)
    answers = {"1.0.1": "a", "1.1.1": "b"}
    view = await second.ended(await second.tasks.answer(view.record.id, answers, principal=None))
    assert view.ended is not None
    assert view.ended.result == ["a", "b"]


async def test_an_interrupted_step_runs_again_elsewhere_at_once(start: Start) -> None:
    runs: list[str] = []
    begun = asyncio.Event()

    async def body(run: Run) -> str:
        async def work() -> str:
            runs.append("run")
            begun.set()
            if len(runs) == 1:
                await asyncio.Event().wait()
            return "worked"

        return await run.step(work)

    first = start(body)
    view = await first.create()
    await within(begun.wait())
    await first.tasks.stop()
    second = start(body)
    await second.tasks.start()
    view = await second.ended(view)
    assert runs == ["run", "run"]
    assert view.status is Status.COMPLETED


async def test_the_run_of_a_process_that_hangs_is_taken_over_when_its_lease_lapses(
    start: Start, store: Store, clock: VirtualClock
) -> None:
    here = start(two_questions)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    run_id = view.record.id
    until = clock.now() + 30
    assert await store.acquire(run_id, "somebody else", clock.now(), until)
    await here.tasks.answer(run_id, {"1.0.1": "a", "1.1.1": "b"}, principal=None)
    await clock.advance(29)
    record = await store.get(run_id)
    assert record is not None
    assert not record.status.terminal
    # The holder had a wake time, as a leg that is under way has.
    await store.append(
        run_id,
        Append(
            record.position,
            record.fence,
            "somebody else",
            (),
            record.status,
            clock.now(),
            lease_until=until,
            wake=until,
        ),
    )
    await clock.advance(3)
    assert (await here.ended(view)).status is Status.COMPLETED


async def test_what_is_posted_elsewhere_reaches_the_process_that_drives(
    start: Start, clock: VirtualClock
) -> None:
    gate = asyncio.Event()

    async def both(run: Run) -> Json:
        return await run.gather(run.step(gate.wait), ask("first"))

    here, there = start(both), start(both)
    view = await here.asked(await here.create(), "1.1.1")
    seen = await there.tasks.look(view.record.id, principal=None)
    assert [each.id for each in seen.questions] == ["1.1.1"]
    await there.tasks.answer(view.record.id, {"1.1.1": "a"}, principal=None)
    await clock.advance(1.1)
    view = await here.until(view, lambda now: now.record.status is Status.WORKING)
    gate.set()
    view = await here.ended(view)
    assert view.ended is not None
    assert view.ended.result == [True, "a"]


async def test_a_store_that_disappears_for_a_while_loses_nothing(
    start: Start, clock: VirtualClock
) -> None:
    class Flaky(MemoryStore):
        gone = False

        async def append(self, run_id: str, append: Append) -> RunRecord:
            if self.gone:
                raise StoreError("the disk is away")
            return await super().append(run_id, append)

        async def owners(self) -> list[str]:
            if self.gone:
                raise StoreError("the disk is away")
            return await super().owners()

    flaky = Flaky()
    here = start(two_questions, on=flaky)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    flaky.gone = True
    answers = {"1.0.1": "a", "1.1.1": "b"}
    await here.tasks.answer(view.record.id, answers, principal=None)
    for _ in range(8):
        await clock.advance(5)
    flaky.gone = False
    for _ in range(8):
        await clock.advance(5)
    view = await here.ended(view)
    assert view.ended is not None
    assert view.ended.result == ["a", "b"]


async def test_changed_code_is_told_and_tried_again_later(
    start: Start, clock: VirtualClock
) -> None:
    first = start(two_questions)
    view = await first.asked(await first.create(), "1.0.1", "1.1.1")
    await first.tasks.stop()

    async def other(run: Run) -> Json:
        return await ask("something else")

    second = start(other)
    changed = await second.tasks.look(view.record.id, principal=None)
    assert changed.problem is not None
    assert "something else" in changed.problem
    await second.tasks.cancel(view.record.id, "give up", principal=None)
    told = await second.until(changed, lambda now: now.status is Status.CANCELLED)
    assert told.ended is None
    assert told.problem is not None
    await second.tasks.stop()
    third = start(two_questions)
    await third.tasks.start()
    assert (await third.ended(told)).record.status is Status.CANCELLED


async def test_an_agent_that_is_not_here_is_told(start: Start) -> None:
    here = start(two_questions)
    view = await here.create()
    await here.tasks.stop()
    there = start(two_questions)
    there.tasks.agents.clear()
    seen = await there.tasks.look(view.record.id, principal=None)
    assert seen.problem == "This server has no agent 'agent'. Start the one that has it."


# progress


async def test_progress_is_heard_and_the_last_message_is_kept(start: Start) -> None:
    async def body(run: Run) -> Json:
        await run.report_progress(1, 2, "half of it")
        return await ask("go on?")

    here = start(body)
    heard: list[Json] = []
    quiet = here.tasks.subscribe(lambda run_id, notice: heard.append((run_id, notice["message"])))
    view = await here.asked(await here.create(), "1")
    assert heard == [(view.record.id, "half of it")]
    assert view.record.message == "half of it"
    quiet()
    await here.create()
    assert len(heard) == 1


async def test_the_journal_of_a_task_is_that_of_any_run(start: Start, store: Store) -> None:
    here = start(two_questions)
    view = await here.asked(await here.create(), "1.0.1", "1.1.1")
    answers = {"1.1.1": "b", "1.0.1": "a"}
    await here.ended(await here.tasks.answer(view.record.id, answers, principal=None))
    assert await journal(store, view.record.id) == [
        "started",
        "asked 1.0.1",
        "asked 1.1.1",
        "answered 1.0.1",
        "answered 1.1.1",
        "completed",
    ]
