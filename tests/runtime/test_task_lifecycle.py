"""Random interleavings of what can happen to tasks, against the rules that hold for all of them.

Several processes (here: runtimes that can be killed, frozen or cut off from the store) share one
store. Clients create, look, answer, wait and cancel while time passes. Every write to the store is
checked against the lifecycle and against what was written before; every view against what clients
were shown and told before.

INVERTED_EXAMPLES sets how many interleavings are tried on each store (15 by default).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple, cast

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inverted import MemoryStore, Run, SQLiteStore
from inverted.core.effects import Json, Kind
from inverted.core.journal import Answered, Asked, CancelRequested, Codec, Entry, Finished
from inverted.core.lifecycle import TRANSITIONS, Status
from inverted.errors import AnswerError, Cancelled, RunNotFound, StoreError
from inverted.runtime import Runtime, current_step
from inverted.runtime.ports import Agent, RunInfo
from inverted.runtime.tasks import TaskInfo, Tasks, TaskSettings, View
from inverted.stores import RunRecord, Store
from inverted.stores.base import CANCEL, Append
from inverted.testing import VirtualClock

from .fakes import apart

EXAMPLES = int(os.environ.get("INVERTED_EXAMPLES", "15"))
INFO: Final = TaskInfo("2026-07-28", "2026-07-28", ["elicitation.form"])
SETTINGS: Final = TaskSettings(poll_interval=5.0, concurrent=None)
PRINCIPALS: Final = (None, "ada", "bob")
MOST_PROCESSES: Final = 3
MOST_TASKS: Final = 10
TURNS: Final = 30
"""Turns of the event loop that what is under way gets after an event."""
ROUNDS: Final = 60
"""Rounds of answers and time after which every task must have ended."""

Plan = list[Any]

# -- what happens -----------------------------------------------------------------------------

EVENTS: Final = {
    "create": 10,
    "look": 6,
    "answer": 14,
    "answer badly": 3,
    "wait": 2,
    "cancel": 2,
    "pry": 2,
    "forge": 2,
    "pass a moment": 8,
    "pass a lease": 4,
    "pass a long time": 1,
    "start": 2,
    "stop": 1,
    "kill": 2,
    "freeze": 2,
    "thaw": 2,
    "fail": 2,
}
"""Each with how often it happens."""

leaves = st.sampled_from(["ask"] * 6 + ["step"] * 4 + ["slow step"] * 2 + ["sleep", "say", "fail"])
groups = st.tuples(st.sampled_from(["gather", "race"]), st.lists(leaves, min_size=2, max_size=3))
plans = st.lists(leaves | groups.map(list), min_size=3, max_size=8)
events = st.lists(
    st.tuples(
        st.sampled_from([name for name, often in EVENTS.items() for _ in range(often)]),
        st.integers(0, 2**20),
    ),
    min_size=30,
    max_size=100,
)


class Process:
    """A runtime with its tasks, which may die, stand still, or not reach its store."""

    def __init__(self, world: World, number: int, store: Store) -> None:
        self.number = number
        self.dead = self.was_frozen = False
        self.frozen: anyio.Event | None = None
        self.failing = 0
        self.store = store
        self._world = world
        self._random = Random(f"{world.seed} {number}")
        runtime = Runtime(
            cast("Store", Port(self, world.ledger)),
            clock=world.clock,
            hot_runs=self._random.choice([0, 1, 1000]),
            retention=self._random.choice([None, 300.0]),
        )
        self.tasks = Tasks(runtime, apart, SETTINGS)
        self.agent = Agent("agent", self._body, encode=lambda value: value)
        self.tasks.agents["agent"] = self.agent

    async def turn(self) -> None:
        """Let others go first, now and then, and stand still while frozen."""
        for _ in range(self._random.choice((0, 0, 0, 1, 3))):
            await anyio.lowlevel.checkpoint()
        while self.frozen is not None:
            await self.frozen.wait()
        if self.dead:
            raise StoreError("this process was killed")

    def may_fail(self) -> None:
        """A store that is out of reach has done nothing."""
        if self.failing:
            self.failing -= 1
            raise StoreError("the store is out of reach")

    async def end(self) -> None:
        """Nothing of it goes on. Killed before, it writes nothing any more either."""
        self.thaw()
        await self.tasks.stop()

    def thaw(self) -> None:
        if self.frozen is not None:
            self.frozen.set()
            self.frozen = None

    def _body(
        self, info: RunInfo, arguments: dict[str, Json], restored: Json
    ) -> Coroutine[Any, Any, Any]:
        return self._run(Run(info, restored), arguments["plan"])

    async def _run(self, run: Run, plan: Plan) -> list[Json]:
        try:
            return [await self._do(run, part, str(number)) for number, part in enumerate(plan)]
        except Cancelled:
            await run.step(self._act)
            raise

    async def _do(self, run: Run, part: Any, name: str) -> Json:
        match part:
            case [mode, [*parts]]:
                prefix = f"{name} in a race" if mode == "race" else name
                branches = [
                    self._do(run, each, f"{prefix}.{number}") for number, each in enumerate(parts)
                ]
                return await (run.race(*branches) if mode == "race" else run.gather(*branches))
            case "ask":
                return (await run.elicit(name, response_type=int)).data
            case "step":
                return await run.step(self._act)
            case "slow step":
                return await run.step(self._act_slowly)
            case "sleep":
                await run.sleep(20)
            case "say":
                await run.report_progress(1, message=name)
                await run.now()
            case _:
                raise ValueError(name)
        return None

    def _act(self) -> str:
        step = current_step()
        # One that stood still between its write and its step cannot know what happened since.
        if not self.was_frozen:
            answered = self._world.ledger.runs[step.run_id].answered
            assert step.effect_id not in answered, "a step runs after its result was recorded"
        return "done"

    async def _act_slowly(self) -> str:
        self._act()
        await self._world.clock.sleep(3)
        return "done"


# -- what the store was told ------------------------------------------------------------------

WRITES: Final = ("create", "append", "acquire", "post", "stop", "delete")


class Port:
    """The store as one process reaches it. Every call is checked by the ledger."""

    def __init__(self, process: Process, ledger: Ledger) -> None:
        self._process = process
        self._ledger = ledger

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._call, name)

    async def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        process = self._process
        await process.turn()
        process.may_fail()
        call = partial(getattr(process.store, name), *arguments, **options)
        if name in WRITES:
            first = arguments[0]
            run_id = first.id if isinstance(first, RunRecord) else first
            taken = arguments[1].taken if name == "append" else ()
            result = await self._ledger.write(process.store, name, run_id, call, taken)
        else:
            result = await call()
        await process.turn()
        return result


class Told:
    """What was written of one run."""

    def __init__(self) -> None:
        self.codec = Codec()
        self.lines: list[bytes] = []
        self.asked: dict[str, Asked] = {}
        self.answered: dict[str, Answered] = {}
        self.posted: dict[str, bytes] = {}
        """The first answer to each question that was put into the inbox."""
        self.cancelled = False
        self.finished: Finished | None = None
        self.end: RunRecord | None = None
        """The record with which it ended."""

    def may_drop(self, id: str) -> bool:
        """Whether an answer may come to nothing: nobody asks any more."""
        asked = self.asked.get(id)
        lost = asked is not None and "race" in asked.question.get("message", "")
        return asked is None or lost or self.cancelled or id in self.answered


class Ledger:
    """Every write, one after the other."""

    def __init__(self, clock: VirtualClock, counts: Counter[tuple[Status, Status]]) -> None:
        self.runs: defaultdict[str, Told] = defaultdict(Told)
        self.deleted: set[str] = set()
        self.keys: dict[tuple[str | None, str], str] = {}
        self.broken: list[BaseException] = []
        self._clock = clock
        self._counts = counts

    async def write(
        self,
        store: Store,
        name: str,
        run_id: str,
        call: Callable[[], Awaitable[Any]],
        taken: Iterable[str] = (),
    ) -> Any:
        """Nothing else runs between the looks at the store around the write."""
        before = await store.get(run_id)
        try:
            return await call()
        finally:
            after, lines = await store.get(run_id), await store.read(run_id)
            inbox = await store.inbox(run_id)
            try:
                if after is not None:
                    self._compare(before, after, lines)
                    self._read(run_id, lines, inbox, taken)
                elif before is not None:
                    assert name == "delete"
                    assert before.expires is not None
                    assert before.expires <= self._clock.now(), "deleted before its time"
                    self.deleted.add(run_id)
            except AssertionError as error:
                self.broken.append(error)  # whoever wrote takes it for a failure of his
                raise

    def _compare(self, before: RunRecord | None, after: RunRecord, lines: list[bytes]) -> None:
        told = self.runs[after.id]
        assert after.position == len(lines)
        assert lines[: len(told.lines)] == told.lines, "a line was changed"
        if before is None:
            assert after.id not in self.deleted
            if after.key is not None:
                owner = (after.principal, after.key)
                known = self.keys.setdefault(owner, after.id)
                assert known == after.id or known in self.deleted, "a key names two runs"
        elif before.status is not after.status:
            moves = TRANSITIONS[before.status].values()
            assert after.status in moves, f"{before.status} became {after.status}"
            self._counts[before.status, after.status] += 1
        if told.end is not None:
            assert lines == told.lines, "something was written after the end"
            assert settled(after) == settled(told.end), "what had ended was changed"
        elif after.status.terminal:
            told.end = after
            assert (after.lease, after.wake) == (None, None), "an ended run is held or due"
            assert after.stop is None or after.status is Status.CANCELLED
        if before is not None:
            assert after.fence >= before.fence
            assert before.stop in (None, after.stop)

    def _read(
        self, run_id: str, lines: list[bytes], inbox: list[tuple[str, bytes]], taken: Iterable[str]
    ) -> None:
        told = self.runs[run_id]
        for line in lines[len(told.lines) :]:
            self._read_entry(told, told.codec.decode(line)[0])
        told.lines = lines
        assert (told.finished is not None) == (told.end is not None)
        for id, answer in inbox:
            first = told.posted.setdefault(id, answer)
            assert answer == first or told.may_drop(id), "a later answer counted"
            told.posted[id] = answer
        left = {id for id, _ in inbox}
        for id in told.posted.keys() - left - {CANCEL}:
            assert told.may_drop(id), f"the answer to {id} was lost"
        assert not told.finished or not left & set(taken)

    def _read_entry(self, told: Told, entry: Entry) -> None:
        assert told.finished is None, "something was written after the end"
        match entry:
            case Asked(id):
                assert id not in told.asked, "a key was used twice"
                told.asked[id] = entry
            case Answered(id, value):
                assert id not in told.answered, "an effect has two answers"
                told.answered[id] = entry
                if told.asked[id].kind is Kind.ELICIT:
                    assert value == json.loads(told.posted[id]), "nobody gave this answer"
            case CancelRequested():
                told.cancelled = True
            case Finished():
                told.finished = entry
            case _:
                pass


def settled(record: RunRecord) -> RunRecord:
    """What of a record must never change after the end."""
    return record


# -- what the clients were told ---------------------------------------------------------------


class Client:
    """What was shown of one task, whoever looked."""

    def __init__(self, view: View) -> None:
        self.run_id, self.principal = view.record.id, view.record.principal
        self.expires = view.record.expires
        self.questions: dict[str, Json] = {}
        self.acknowledged: set[str] = set()
        self.status: Status | None = None
        """The terminal one that was shown."""
        self.last = view


class Before(NamedTuple):
    """What was known when a call began. Calls that were under way may not know it."""

    status: Status | None
    acknowledged: set[str]
    expired: bool


class World:
    """Processes, clients and time. `happen` is one event."""

    def __init__(
        self,
        stores: Callable[[], Store],
        plan: Plan,
        seed: int,
        counts: Counter[tuple[Status, Status]],
    ) -> None:
        self.seed = seed
        self.clock = VirtualClock(jump=False)
        self.ledger = Ledger(self.clock, counts)
        self._stores = stores
        self._plan = plan
        self._processes: list[Process] = []
        self._started = 0
        self._clients: dict[str, Client] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._broken = self.ledger.broken

    async def live(self, events: list[tuple[str, int]]) -> None:
        """Let everything happen, then let every task end."""
        self._start()
        try:
            for name, seed in [("create", self.seed), *events]:
                await self._happen(name, Random(f"{name} {seed}"))
                await self._settle()
            await self._come_to_an_end()
        finally:
            for process in self._processes:
                await process.end()
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def _settle(self) -> None:
        for _ in range(TURNS):
            await anyio.lowlevel.checkpoint()
        if self._broken:
            raise self._broken[0]

    async def _come_to_an_end(self) -> None:
        for process in self._processes:
            process.failing = 0
            process.thaw()
        random = Random(self.seed)
        for _ in range(ROUNDS):
            await self._settle()
            left = [each for each in self._clients.values() if not self._is_over(each)]
            if not left:
                return
            for client in left:
                self._call(self._look(random, client))
            await self._settle()
            for client in left:
                values = dict.fromkeys((each.id for each in client.last.questions), 7)
                self._call(self._answer(random, client, values))
            await self._settle()
            await self.clock.advance(random.choice([2.0, 31.0]))
        raise AssertionError("a task does not end")

    def _is_over(self, client: Client) -> bool:
        gone = client.run_id in self.ledger.deleted
        return gone or self.ledger.runs[client.run_id].end is not None

    async def _happen(self, name: str, random: Random) -> None:  # noqa: C901, PLR0912
        client = random.choice([*self._clients.values()]) if self._clients else None
        match name:
            case "create":
                if len(self._clients) < MOST_TASKS:
                    self._call(self._create(random))
            case "pass a moment":
                await self.clock.advance(random.choice([0.1, 1.0, 4.0]))
            case "pass a lease":
                await self.clock.advance(31.0)
            case "pass a long time":
                await self.clock.advance(random.choice([100.0, 600.0]))
            case "start":
                if len(self._processes) < MOST_PROCESSES:
                    self._start()
            case "stop" | "kill" | "freeze" | "thaw" | "fail":
                await self._disturb(name, random.choice(self._processes), random)
            case _ if client is None:
                pass
            case "look":
                self._call(self._look(random, client))
            case "answer":
                self._call(self._answer(random, client, self._values(client, random)))
            case "answer badly":
                self._call(self._answer_badly(random, client))
            case "wait":
                self._call(self._wait(random, client))
            case "cancel":
                self._call(self._cancel(random, client))
            case "pry":
                self._call(self._pry(random, client))
            case _:
                await self._forge(random, client)

    # -- processes --------------------------------------------------------------------------

    def _start(self) -> None:
        self._started += 1
        self._processes.append(Process(self, self._started, self._stores()))

    async def _disturb(self, name: str, process: Process, random: Random) -> None:
        match name:
            case "freeze":
                process.was_frozen = True
                process.frozen = process.frozen or anyio.Event()
            case "thaw":
                process.thaw()
            case "fail":
                process.failing = random.randint(1, 6)
            case _:
                process.dead = name == "kill"
                await process.end()
                self._processes.remove(process)
                if not self._processes:
                    self._start()

    # -- clients ----------------------------------------------------------------------------

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        call = asyncio.create_task(work)
        self._calls.add(call)
        call.add_done_callback(self._called)

    def _called(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        error = None if call.cancelled() else call.exception()
        # The store failed, or the process was killed: nobody was told anything.
        if error is not None and not isinstance(error, StoreError):
            self._broken.append(error)

    def _tasks(self, random: Random) -> Tasks:
        return self._any(random).tasks

    def _any(self, random: Random) -> Process:
        return random.choice(self._processes)

    def _before(self, client: Client) -> Before:
        return Before(client.status, set(client.acknowledged), self._has_expired(client))

    def _has_expired(self, client: Client) -> bool:
        """By what was granted at its creation, or else some time after its end."""
        end = self.ledger.runs[client.run_id].end
        expires = client.expires if end is None else end.expires
        return expires is not None and expires <= self.clock.now()

    async def _create(self, random: Random) -> None:
        process = random.choice(self._processes)
        ttl = random.choice([None, None, None, 25.0, 300.0])
        creating = process.tasks.create(
            process.agent,
            {"plan": self._plan},
            INFO._replace(ttl=ttl),
            principal=random.choice(PRINCIPALS),
            key=random.choice([None, None, "k"]),
        )
        try:
            view = await creating
        except RunNotFound:
            return  # what its key names was deleted while it was looked at
        client = self._clients.setdefault(view.record.id, Client(view))
        self._shown(client, process, Before(None, set(), expired=False), view)

    async def _look(self, random: Random, client: Client) -> None:
        process = self._any(random)
        look = process.tasks.look(client.run_id, principal=client.principal)
        await self._showing(client, process, look)

    async def _wait(self, random: Random, client: Client) -> None:
        if client.last.ended is None:
            process = self._any(random)
            await self._showing(client, process, process.tasks.changed(client.last, 40))

    def _values(self, client: Client, random: Random) -> dict[str, int]:
        """To some of what was ever asked, and to what never was."""
        ids = [*client.questions, *client.questions, "1", "99"]
        return {id: random.randrange(100) for id in random.sample(ids, random.randint(1, len(ids)))}

    async def _answer(self, random: Random, client: Client, values: dict[str, int]) -> None:
        answers: dict[str, Json] = {
            id: {"action": "accept", "content": {"value": value}} for id, value in values.items()
        }
        told = self.ledger.runs[client.run_id]
        process = self._any(random)
        posting = process.tasks.answer(client.run_id, answers, principal=client.principal)
        shown = {each.id for each in client.last.questions} & values.keys()
        view = await self._showing(client, process, posting)
        # One that stood still longer than its lease may take the run for its own, for a moment.
        if view is None or view.status.terminal or process.was_frozen:
            return
        for id in shown:
            assert id in told.posted or told.may_drop(id), "an acknowledged answer is not there"
            client.acknowledged.add(id)

    async def _answer_badly(self, random: Random, client: Client) -> None:
        ids = list(client.questions)
        before = dict(self.ledger.runs[client.run_id].posted)
        tasks = self._tasks(random)
        bad = random.choice([{"action": "perhaps"}, "yes", None, {"content": {"value": 1}}])
        with suppress(AnswerError, RunNotFound):
            await tasks.answer(client.run_id, dict.fromkeys(ids, bad), principal=client.principal)
        after = self.ledger.runs[client.run_id].posted
        assert bad not in [json.loads(after[id]) for id in after.keys() - before - {CANCEL}]

    async def _cancel(self, random: Random, client: Client) -> None:
        process = self._any(random)
        cancelling = process.tasks.cancel(client.run_id, "enough", principal=client.principal)

        async def view() -> View:
            shown, was_live = await cancelling
            assert shown.status.terminal
            assert not was_live or shown.status is Status.CANCELLED
            return shown

        await self._showing(client, process, view())

    async def _pry(self, random: Random, client: Client) -> None:
        """Somebody else's task, or one that never was, is not found."""
        tasks = self._tasks(random)
        other = random.choice([each for each in PRINCIPALS if each != client.principal])
        run_id, principal = random.choice([(client.run_id, other), ("never", client.principal)])
        answers: dict[str, Json] = {"1": {"action": "decline"}}
        call = random.choice(
            [
                partial(tasks.look, run_id),
                partial(tasks.answer, run_id, answers),
                partial(tasks.cancel, run_id, "mine"),
            ]
        )
        with pytest.raises(RunNotFound):
            await call(principal=principal)
        shown = await tasks.list(principal=other)
        assert client.run_id not in [each.record.id for each in shown]

    async def _forge(self, random: Random, client: Client) -> None:
        """A write that the lifecycle does not have is refused by the store itself."""
        store = self._processes[0].store
        record = await store.get(client.run_id)
        if record is None:
            return
        legal = TRANSITIONS[record.status].values()
        illegal = [each for each in Status if each not in legal and each is not record.status]
        status = random.choice(illegal or [record.status])
        if illegal or record.status.terminal:
            write = Append(
                record.position, record.fence, "forger", [b"forged"], status, self.clock.now()
            )
            call = partial(store.append, record.id, write)
            with pytest.raises(StoreError):
                await self.ledger.write(store, "append", record.id, call)

    async def _showing(
        self, client: Client, process: Process, call: Awaitable[View]
    ) -> View | None:
        before = self._before(client)
        try:
            view = await call
        except RunNotFound:
            assert self._has_expired(client), "a task is gone before its time"
            return None
        assert not before.expired, "an expired task is shown"
        self._shown(client, process, before, view)
        return view

    def _shown(self, client: Client, process: Process, before: Before, view: View) -> None:
        told = self.ledger.runs[client.run_id]
        assert view.record.id == client.run_id
        assert view.problem is None, view.problem
        if before.status is not None:
            assert view.status is before.status, f"shown as {before.status}, then {view.status}"
        for question in view.questions:
            again = question.id in before.acknowledged and not process.was_frozen
            assert not again, "asked again after the acknowledgement"
            params = client.questions.setdefault(question.id, question.params)
            assert params == question.params, "a key was used for another question"
        if view.status.terminal:
            assert not view.questions
            client.status = view.status
        if view.ended is not None:
            assert told.finished is not None
            ended = (view.ended.status, view.ended.result, view.ended.failure)
            assert ended == told.finished
            assert told.end is not None
            assert settled(view.record) == settled(told.end)
        client.last = view


# -- the tests --------------------------------------------------------------------------------


def memory(_: Path) -> Callable[[], Store]:
    store = MemoryStore()
    return lambda: store


def sqlite(_: Path) -> Callable[[], Store]:
    store = SQLiteStore(":memory:")
    return lambda: store


def sqlite_file(folder: Path) -> Callable[[], Store]:
    return lambda: SQLiteStore(folder / "store.sqlite3", synchronous="normal")


@pytest.mark.timeout(60 + EXAMPLES)
@pytest.mark.parametrize("kind", [memory, sqlite, sqlite_file])
def test_no_interleaving_breaks_the_lifecycle(
    kind: Callable[[Path], Callable[[], Store]], capsys: pytest.CaptureFixture[str]
) -> None:
    counts = Counter[tuple[Status, Status]]()

    # The short version tries the same interleavings every time: what is new is found by long runs,
    # not by whoever runs the tests next. Shrinking repeats waits, so it is left to them too.
    long = "INVERTED_EXAMPLES" in os.environ

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=not long,
        database=None,
        phases=list(Phase) if long else [Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(plans, events, st.integers(0, 2**20))
    def interleave(plan: Plan, events: list[tuple[str, int]], seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = World(kind(Path(folder)), plan, seed, counts)
            asyncio.run(world.live(events))

    interleave()

    assert sum(counts.values()) > EXAMPLES
    if long:
        with capsys.disabled():
            each = ", ".join(f"{a.value} -> {b.value} {n}" for (a, b), n in sorted(counts.items()))
            sys.stdout.write(
                f"\n{kind.__name__}: {counts.total()} transitions, none illegal ({each})\n"
            )
