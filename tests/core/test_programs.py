"""Random programs: live against replay after a crash at every entry, and against a second model.

A program is a tree. It is interpreted as an agent's body over the effects of the core, driven live
with answers, failures and a cancellation in a random order, and its journal is kept as the runtime
keeps it. Every question holds how much was logged before it, so two executions that ask the same
have done the same things in the same order, across all branches.

INVERTED_EXAMPLES sets how many programs are tried (300 by default).
"""

import os
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Literal, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inverted.core.effects import Checkpoint, Effect, Fork, Json, Kind, Notice
from inverted.core.journal import (
    Answered,
    Asked,
    CancelRequested,
    Checkpointed,
    Codec,
    Entry,
    Failure,
    Started,
)
from inverted.core.machine import Machine
from inverted.core.replay import replay
from inverted.errors import Cancelled, ForeignAwaitError

EXAMPLES = int(os.environ.get("INVERTED_EXAMPLES", "300"))
LONGEST = 5_000
"""Deliveries after which a run counts as one that never ends."""

# -- programs ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask:
    kind: Kind
    size: int


@dataclass(frozen=True)
class Leaf:
    what: Literal["notice", "raise", "foreign", "nothing"]


@dataclass(frozen=True)
class Save:
    """A checkpoint, taken once for each key."""

    key: int


@dataclass(frozen=True)
class Block:
    parts: tuple["Node", ...]
    times: int = 1


@dataclass(frozen=True)
class Guard:
    """A body with what is done when something is raised in it, or in any case."""

    catch: Literal["Exception", "Cancelled", "BaseException", "finally"]
    body: "Node"
    then: "Node"


@dataclass(frozen=True)
class Group:
    mode: Literal["gather", "collect", "race"]
    children: tuple["Node", ...]
    limit: int | None = None


Node = Ask | Leaf | Save | Block | Guard | Group
CATCHES = {"Exception": Exception, "Cancelled": Cancelled, "BaseException": BaseException}


class Odd:
    """Something that an agent may not await."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield "odd"


@dataclass
class Program:
    """A tree as an agent's body. `log` is what it did since its last (re)start.

    With `asks_first` every branch of a fork begins with an effect.
    """

    tree: Node
    asks_first: bool = False
    log: list[str] = field(default_factory=list[str])
    saved: list[int] = field(default_factory=list[int])

    async def body(self, state: Json) -> Any:
        self.log.clear()
        self.saved = state or []
        return await self._run(self.tree)

    async def _run(self, node: Node) -> Any:
        self.log.append(type(node).__name__)
        match node:
            case Ask():
                return await self._ask(node)
            case Leaf():
                return await self._leaf(node)
            case Save(key):
                if key not in self.saved:
                    await Checkpoint([*self.saved, key])
            case Block(parts, times):
                return [await self._run(part) for _ in range(times) for part in parts]
            case Guard():
                return await self._guard(node)
            case Group(mode, children, limit):
                return await Fork([partial(self._child, each) for each in children], mode, limit)
        return None

    async def _child(self, node: Node) -> Any:
        if self.asks_first:
            await Effect(Kind.VALUE, {})
        return await self._run(node)

    async def _ask(self, ask: Ask) -> Any:
        question: dict[str, Json] = {"after": len(self.log)}
        if ask.kind is Kind.SAMPLE:
            question["messages"] = [{"n": n} for n in range(ask.size)]
        answer = await Effect(ask.kind, question)
        self.log.append(f"answer {answer!r}")
        return answer

    async def _leaf(self, leaf: Leaf) -> None:
        match leaf.what:
            case "notice":
                await Notice({"after": len(self.log)})
            case "raise":
                raise ValueError(f"after {len(self.log)}")
            case "foreign":
                await Odd()
            case "nothing":
                pass

    async def _guard(self, guard: Guard) -> Any:
        if guard.catch == "finally":
            try:
                return await self._run(guard.body)
            finally:
                await self._run(guard.then)
        try:
            return await self._run(guard.body)
        except CATCHES[guard.catch] as error:
            self.log.append(f"caught {error!r}")
            return await self._run(guard.then)


Trees = st.SearchStrategy[Node]


def groups(parts: Trees) -> Trees:
    several = st.lists(parts, min_size=1, max_size=4).map(tuple)
    modes = st.sampled_from(["gather", "collect", "race"])
    catches = st.sampled_from(["finally", "Exception", "Cancelled", "BaseException"])
    return st.one_of(
        st.builds(Block, several, st.integers(1, 3)),
        st.builds(Guard, catches, parts, parts),
        st.builds(Group, modes, several, st.sampled_from([None, None, 1, 2])),
        st.builds(Group, modes, several),
    )


def programs(leaves: Trees, saves: Trees) -> Trees:
    """Three layers of groups over leaves, with checkpoints between the parts of the body."""
    layer = leaves
    for _ in range(3):
        layer = groups(st.one_of(leaves, layer))
    body = st.lists(st.one_of(layer, layer, saves), min_size=1, max_size=3).map(tuple)
    return st.builds(Block, body, st.integers(1, 2))


ASKS = [Ask(kind, size) for kind in Kind for size in range(5)]
LEAVES = [*ASKS, Leaf("notice"), Leaf("raise"), Leaf("foreign"), Leaf("nothing")]
saves = st.builds(Save, st.integers(0, 2))
trees = programs(st.sampled_from([*LEAVES, Save(0)]), saves)
trees_without_saves = programs(st.sampled_from(LEAVES), st.nothing())
worlds = st.integers(0, 2**32).map(Random)
"""What the outside world does. It draws by itself, because hypothesis prefers short and easy."""


# -- the outside world ------------------------------------------------------------------------


@dataclass
class Live:
    """Drives a program and keeps its journal; checks the machine after every delivery."""

    program: Program
    journal: list[Entry] = field(default_factory=list[Entry])
    asked: set[str] = field(default_factory=set[str])
    answered: set[str] = field(default_factory=set[str])
    withdrawn: list[str] = field(default_factory=list[str])
    watch: Callable[[Entry, Machine], None] = lambda _entry, _machine: None

    def run(self, world: Random) -> Machine:
        machine = Machine(self.program.body)
        self.journal.append(Started("program", {}))
        machine.start()
        self._take(machine)
        while not machine.done:
            self._act(machine, world)
            self._take(machine)
            assert len(self.journal) < LONGEST, "the run does not end"
        return machine

    def _act(self, machine: Machine, world: Random) -> None:
        match world.choices(["answer", "fail", "repeat", "cancel"], [30, 4, 2, 2]):
            case ["cancel"]:
                entry: Entry = CancelRequested("enough")
                machine.cancel()
            case ["repeat"] if self.answered or self.withdrawn:
                id = world.choice([*sorted(self.answered), *self.withdrawn])
                entry = Answered(id, "too late")
                assert not machine.deliver(id, "too late")
            case [what]:
                id = world.choice(list(machine.parked))
                number = world.randrange(100)
                failure = Failure("StepError", f"broken {number}") if what == "fail" else None
                entry = Answered(id, None if failure else number, failure)
                assert machine.deliver(id, entry.value, failure)
                self.answered.add(id)
            case _:
                raise AssertionError
        self.journal.append(entry)
        self.watch(entry, machine)

    def _take(self, machine: Machine) -> None:
        for entry in recorded(machine):
            self.journal.append(entry)
            if isinstance(entry, Asked):
                assert entry.id not in self.asked, "an id was used twice"
                self.asked.add(entry.id)
        machine.asked.clear()
        assert not self.answered & set(machine.withdrawn)
        self.withdrawn += machine.withdrawn
        machine.withdrawn.clear()
        assert len(set(self.withdrawn)) == len(self.withdrawn)
        assert set(machine.parked) == self.asked - self.answered - set(self.withdrawn)
        assert machine.done == (not machine.parked), "everything is parked or done"


def recorded(machine: Machine) -> list[Asked | Checkpointed]:
    """What was asked, as the journal keeps it."""
    return [
        entry
        if isinstance(entry, Checkpointed)
        else Asked(entry[0], entry[1].kind, entry[1].question)
        for entry in machine.asked
    ]


def stored(journal: list[Entry]) -> list[bytes]:
    codec = Codec()
    return [codec.encode(entry, 0.0) for entry in journal]


def loaded(lines: list[bytes]) -> list[Entry]:
    codec = Codec()
    return [codec.decode(line)[0] for line in lines]


def follow(machine: Machine, rest: list[Entry]) -> None:
    """Go on with the same deliveries; what is asked must be what the live run asked."""
    expected = deque(recorded(machine))
    for entry in rest:
        if isinstance(entry, Asked | Checkpointed):
            assert expected, f"{entry} is not asked any more"
            assert expected.popleft() == entry
            continue
        assert not expected, "something is asked that was not"
        machine.asked.clear()
        if isinstance(entry, Answered):
            machine.deliver(entry.id, entry.value, entry.failure)
        else:
            machine.cancel()
        expected.extend(recorded(machine))
    assert not expected, "something is asked that was not"


def outcome(machine: Machine) -> tuple[bool, str, str, list[str], bool]:
    notes: list[str] = getattr(machine.error, "__notes__", [])
    return machine.done, repr(machine.result), repr(machine.error), notes, machine.cancelled


long = pytest.mark.timeout(60 + EXAMPLES // 5)
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@long
@many
@given(trees, worlds)
def test_a_crash_after_any_entry_changes_neither_questions_nor_order_nor_outcome(
    tree: Node, world: Random
) -> None:
    live = Live(Program(tree))
    machine = live.run(world)
    lines = stored(live.journal)
    assert loaded(lines) == live.journal

    dropped = world.randrange(len(lines)) + 1
    start = 0
    for cut in range(1, len(lines) + 1):
        if isinstance(live.journal[cut - 1], Checkpointed):
            start = cut - 1
        program = Program(tree)
        again = replay(program.body, loaded(lines[start:cut]))
        if cut == dropped:
            again.close()
            continue
        follow(again, live.journal[cut:])
        assert outcome(again) == outcome(machine)
        assert program.log == live.program.log


# -- a second model ---------------------------------------------------------------------------
#
# The same rules as nested generators: a branch yields the ids that it is parked at and is sent one
# (id, value, failure); to cancel it is to throw `Cancelled` into it. Where the machine keeps a
# queue, the model recurses, so branches that run in the same delivery take turns differently. That
# cannot be seen from outside while every branch begins with an effect.

Moves = Generator[frozenset[str], tuple[str, Json, Failure | None], Any]


def branch(coro: Coroutine[Any, Any, Any], prefix: str) -> Moves:
    number = 0
    move: Callable[[], Any] = partial(coro.send, None)
    while True:
        try:
            yielded = move()
        except StopIteration as end:
            return end.value
        number += isinstance(yielded, Effect | Fork)
        try:
            if isinstance(yielded, Effect):
                _, value, failure = yield frozenset({f"{prefix}{number}"})
                move = partial(coro.send, value)
                if failure is not None:
                    move = partial(coro.throw, failure.exception())
            elif isinstance(yielded, Fork):
                move = partial(coro.send, (yield from fork(yielded, f"{prefix}{number}.")))
            elif isinstance(yielded, Notice):
                move = partial(coro.send, None)
            else:
                move = partial(coro.throw, ForeignAwaitError())
        except (Exception, Cancelled) as error:  # noqa: BLE001 - the body may catch anything
            move = partial(coro.throw, error)


def fork(asked: Fork, prefix: str) -> Moves:  # noqa: C901 - the rules of a fork in one place
    results: list[Any] = [None] * len(asked.children)
    unborn = deque(range(len(asked.children)))
    children: dict[int, Moves] = {}
    parked: dict[int, frozenset[str]] = {}
    verdict: tuple[Any, BaseException | None] | None = None

    async def child(index: int) -> Any:
        return await asked.children[index]()

    def step(index: int, move: Callable[[], frozenset[str]]) -> None:
        nonlocal verdict
        try:
            parked[index] = move()
        except StopIteration as end:
            value, error = end.value, None
        except (Exception, Cancelled) as raised:  # noqa: BLE001 - a branch may raise anything
            value, error = None, raised
        else:
            return
        del children[index]
        parked.pop(index, None)
        if verdict is not None:
            return
        if asked.mode == "race" or (error is not None and asked.mode == "gather"):
            verdict = value, error
            stop()
        else:
            results[index] = value if error is None else error

    def stop() -> None:
        for index in list(children):
            step(index, partial(children[index].throw, Cancelled()))

    while True:
        while verdict is None and unborn and len(children) < (asked.limit or len(results)):
            index = unborn.popleft()
            children[index] = branch(child(index), f"{prefix}{index}.")
            step(index, partial(next, children[index]))
        if not children:
            break
        try:
            answer = yield frozenset[str]().union(*parked.values())
        except Cancelled as cancelled:
            already, verdict = verdict, (None, cancelled)
            if already is None:
                stop()
        else:
            index = next(index for index, ids in parked.items() if answer[0] in ids)
            step(index, partial(children[index].send, answer))
    value, error = verdict or (results, None)
    if error is not None:
        raise error
    return value


class Model:
    """The second model, fed with the entries of the live run."""

    def __init__(self, program: Program) -> None:
        self.parked: frozenset[str] = frozenset()
        self.result: Any = None
        self.error: BaseException | None = None
        self._cancelled = False
        self._moves = branch(program.body(None), "")
        self._step(partial(next, self._moves))

    def take(self, entry: Entry, machine: Machine) -> None:
        if isinstance(entry, CancelRequested):
            if not self._cancelled:
                self._step(partial(self._moves.throw, Cancelled()))
            self._cancelled = True
        elif isinstance(entry, Answered) and entry.id in self.parked:
            self._step(partial(self._moves.send, (entry.id, entry.value, entry.failure)))
        assert self.parked == set(machine.parked)

    def _step(self, move: Callable[[], frozenset[str]]) -> None:
        self.parked = frozenset()
        try:
            self.parked = move()
        except StopIteration as end:
            self.result = end.value
        except (Exception, Cancelled) as error:  # noqa: BLE001 - a body may raise anything
            self.error = error


@long
@many
@given(trees_without_saves, worlds)
def test_a_second_model_of_the_rules_asks_the_same_and_ends_the_same(
    tree: Node, world: Random
) -> None:
    model = Model(Program(tree, asks_first=True))
    machine = Live(Program(tree, asks_first=True), watch=model.take).run(world)

    assert type(model.error) is type(machine.error)
    assert shape(model.result) == shape(machine.result)


def shape(value: Any) -> Any:
    """A result without the messages of its errors, which tell how branches took turns."""
    if isinstance(value, list):
        return [shape(each) for each in cast("list[Any]", value)]
    return type(value) if isinstance(value, BaseException) else value
