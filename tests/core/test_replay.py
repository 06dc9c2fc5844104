"""Replay brings a fresh machine to where the journal ends, or says what does not fit."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from inverted.core.effects import Checkpoint, Effect, Fork, Kind, Notice
from inverted.core.journal import (
    Answered,
    Asked,
    Attempted,
    CancelRequested,
    Checkpointed,
    Entry,
    Failure,
    Finished,
    Started,
)
from inverted.core.machine import Body, Machine
from inverted.core.replay import replay
from inverted.errors import Cancelled, DeterminismError, JournalError, JournalVersionError

STARTED = Started("agent", {})


def ask(name: str, kind: Kind = Kind.STEP) -> Effect:
    return Effect(kind, {"name": name})


def asked(id: str, name: str, kind: Kind = Kind.STEP) -> Asked:
    return Asked(id, kind, {"name": name})


class Recorder:
    """Drives a body live and keeps its journal."""

    def __init__(self, body: Body) -> None:
        self.machine = Machine(body)
        self.journal: list[Entry] = [STARTED]
        self.machine.start()
        self._write()

    def answer(self, id: str, value: Any = None, failure: Failure | None = None) -> None:
        self.journal.append(Answered(id, value, failure))
        self.machine.deliver(id, value, failure)
        self._write()

    def cancel(self) -> None:
        self.journal.append(CancelRequested("enough"))
        self.machine.cancel()
        self._write()

    def _write(self) -> None:
        for entry in self.machine.asked:
            if isinstance(entry, Checkpointed):
                self.journal.append(entry)
            else:
                self.journal.append(Asked(entry[0], entry[1].kind, entry[1].question))
        self.machine.asked.clear()


def outcome(machine: Machine) -> tuple[bool, Any, str, list[str]]:
    return machine.done, machine.result, repr(machine.error), list(machine.parked)


def entries_asked(machine: Machine) -> list[Entry]:
    return [
        entry
        if isinstance(entry, Checkpointed)
        else Asked(entry[0], entry[1].kind, entry[1].question)
        for entry in machine.asked
    ]


# -- live against replay ----------------------------------------------------------------------


async def busy(state: Any) -> Any:
    """A bit of everything."""
    if state is None:
        first = await ask("plan", Kind.SAMPLE)
        await Notice({"progress": 1})
        await Checkpoint({"plan": first})
    try:
        await Fork([lambda: ask("a"), lambda: ask("b"), lambda: ask("c")], "gather", limit=2)
    except Exception:  # noqa: BLE001 - the outcome must be the same, whatever it is
        await ask("repair", Kind.ELICIT)
    try:
        return await Fork([lambda: ask("d"), lambda: ask("e")], "race")
    except Cancelled:
        await ask("tidy")
        raise


def test_after_every_prefix_of_its_journal_a_run_is_where_the_live_one_was() -> None:
    run = Recorder(busy)
    moments = [(len(run.journal), outcome(run.machine))]
    actions: list[Callable[[], None]] = [
        lambda: run.answer("1", "a plan"),
        lambda: run.answer("1~1.1.1", "b"),
        lambda: run.answer("1~1.0.1", None, Failure("StepError", "broken")),
        lambda: run.answer("1~1.2.1", "too late"),
        lambda: run.answer("1~2", "repaired"),
        run.cancel,
        lambda: run.answer("1~4"),
    ]
    for action in actions:
        action()
        moments.append((len(run.journal), outcome(run.machine)))
    assert run.machine.done

    start = next(i for i, entry in enumerate(run.journal) if isinstance(entry, Checkpointed))
    for length, expected in moments:
        prefix = run.journal[:length]
        assert outcome(replay(busy, prefix)) == expected
        if length > start:
            assert outcome(replay(busy, prefix[start:])) == expected


def test_every_cut_through_a_journal_leaves_the_rest_of_what_was_asked_to_be_written() -> None:
    run = Recorder(busy)
    run.answer("1", "a plan")
    run.answer("1~1.1.1", "b")
    run.answer("1~1.0.1", None, Failure("StepError", "broken"))

    for cut in range(1, len(run.journal) + 1):
        machine = replay(busy, run.journal[:cut])
        beyond = entries_asked(machine)
        assert run.journal[cut : cut + len(beyond)] == beyond
        following = run.journal[cut + len(beyond) : cut + len(beyond) + 1]
        assert all(isinstance(entry, Answered) for entry in following)


def test_notices_and_withdrawals_of_the_past_are_not_repeated() -> None:
    async def body(_state: Any) -> None:
        await Notice({"progress": 1})
        await Fork([lambda: ask("a"), lambda: ask("b")], "race")
        await ask("c")

    machine = replay(
        body, [STARTED, asked("1.0.1", "a"), asked("1.1.1", "b"), Answered("1.0.1", "won")]
    )

    assert machine.notices == []
    assert machine.withdrawn == []
    assert list(machine.parked) == ["2"]


def test_entries_that_are_not_delivered_are_passed_over() -> None:
    async def body(_state: Any) -> Any:
        return await ask("a")

    failure = Failure("StepError", "once more")
    journal = [STARTED, asked("1", "a"), Attempted("1", 1, failure), Answered("1", "ok")]

    assert replay(body, journal).result == "ok"


def test_the_numbers_of_a_checkpoint_are_not_compared_with_what_the_run_had_spent() -> None:
    async def body(state: Any) -> Any:
        if state is None:
            await Checkpoint("s")
        return await ask("a")

    journal = [STARTED, Checkpointed(1, "s", {"tokens": 7}), asked("1~1", "a")]

    assert list(replay(body, journal).parked) == ["1~1"]


def test_a_long_replay_keeps_nothing_of_what_it_compared() -> None:
    async def body(_state: Any) -> None:
        for number in range(100):
            await ask(str(number))

    run = Recorder(body)
    for number in range(100):
        run.answer(str(number + 1))

    assert replay(body, run.journal).asked == []


# -- a body that does not follow its journal --------------------------------------------------


async def two(_state: Any) -> None:
    await ask("one")
    await Fork([lambda: ask("a"), lambda: ask("b")], "gather")


FIRST: Sequence[Entry] = (STARTED, asked("1", "one"), Answered("1", 1))

DIFFERENT: dict[str, tuple[list[Entry], str, str]] = {
    "another question": (
        [STARTED, asked("1", "uno")],
        "Recorded: step at 1. Now: step at 1.",
        '-    "name": "uno"\n+    "name": "one"',
    ),
    "another kind": (
        [STARTED, asked("1", "one", Kind.ELICIT)],
        "Recorded: elicit at 1. Now: step at 1.",
        '-  "kind": "elicit",\n+  "kind": "step",',
    ),
    "another branch": (
        [*FIRST, asked("2.1.1", "a")],
        "Recorded: step at 2.1.1. Now: step at 2.0.1.",
        '-  "id": "2.1.1",\n+  "id": "2.0.1",',
    ),
    "a question that is missing now": (
        [*FIRST, asked("2.0.1", "a"), asked("2.1.1", "b"), asked("2.2.1", "c")],
        "Recorded: step at 2.2.1. Now: the body asks nothing more at this point.",
        '-    "name": "c"',
    ),
    "a question that is new now": (
        [*FIRST, asked("2.0.1", "a"), Answered("2.0.1")],
        "Recorded: nothing more, then the answer to 2.0.1. Now: step at 2.1.1.",
        '+    "name": "b"',
    ),
    "a question that is new before a cancel": (
        [*FIRST, CancelRequested("enough")],
        "Recorded: nothing more, then a request to cancel. Now: step at 2.0.1.",
        '+    "name": "a"',
    ),
    "a body that has ended": (
        [
            *FIRST,
            *(asked("2.0.1", "a"), asked("2.1.1", "b")),
            *(Answered("2.0.1"), Answered("2.1.1"), asked("3", "last")),
        ],
        "Recorded: step at 3. Now: the body has ended.",
        '-    "name": "last"',
    ),
    "a body that has failed": (
        [
            STARTED,
            asked("1", "one"),
            Answered("1", None, Failure("StepError", "no")),
            asked("2", "x"),
        ],
        "Recorded: step at 2. Now: the body ended with StepError('no').",
        '-    "name": "x"',
    ),
    "a checkpoint that is missing now": (
        [*FIRST, Checkpointed(1, {"n": 1})],
        "Recorded: checkpoint 1. Now: step at 2.0.1.",
        '-  "checkpoint": 1,',
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_body_that_does_not_follow_its_journal_is_shown_both_sides(what: str) -> None:
    journal, sides, diff = DIFFERENT[what]

    with pytest.raises(DeterminismError) as caught:
        replay(two, journal)

    message = str(caught.value)
    assert sides in message
    assert "--- recorded in the journal\n+++ asked by the code now\n" in message
    assert diff in message


@pytest.mark.parametrize(
    ("recorded", "diff"),
    [
        (Checkpointed(1, {"n": 2}), '-    "n": 2\n+    "n": 1'),
        (Checkpointed(2, {"n": 1}), '-  "checkpoint": 2,\n+  "checkpoint": 1,'),
    ],
)
def test_a_changed_checkpoint_is_shown_on_both_sides(recorded: Checkpointed, diff: str) -> None:
    async def body(state: Any) -> None:
        if state is None:
            await Checkpoint({"n": 1})

    with pytest.raises(DeterminismError) as caught:
        replay(body, [STARTED, recorded])

    assert diff in str(caught.value)


def test_a_checkpoint_where_a_question_was_recorded_is_a_difference() -> None:
    async def body(state: Any) -> None:
        if state is None:
            await Checkpoint({"n": 1})

    with pytest.raises(DeterminismError, match=r"Recorded: step at 1\. Now: checkpoint 1\."):
        replay(body, [STARTED, asked("1", "one")])


def test_the_order_of_keys_in_a_question_is_no_difference() -> None:
    async def body(_state: Any) -> None:
        await Effect(Kind.STEP, {"a": 1, "b": 2})

    assert replay(body, [STARTED, Asked("1", Kind.STEP, {"b": 2, "a": 1})]).asked == []


def test_the_order_of_keys_does_not_show_in_a_difference() -> None:
    async def body(_state: Any) -> None:
        await Effect(Kind.STEP, {"a": 1, "b": 2})

    with pytest.raises(DeterminismError) as caught:
        replay(body, [STARTED, Asked("1", Kind.STEP, {"b": 2, "a": 3})])

    assert '-    "a": 3,\n+    "a": 1,\n     "b": 2' in str(caught.value)


def test_a_replay_that_fails_leaves_the_body_through_its_cleanup() -> None:
    seen: list[str] = []

    async def body(_state: Any) -> None:
        try:
            await ask("one")
        finally:
            seen.append("closed")
            await ask("cleanup")

    with pytest.raises(DeterminismError):
        replay(body, [STARTED, asked("1", "uno")])
    assert seen == ["closed"]


# -- a journal that does not fit this version -------------------------------------------------


def test_unknown_behaviour_flags_are_refused_before_the_body_runs() -> None:
    seen: list[str] = []

    async def body(_state: Any) -> None:
        seen.append("ran")

    with pytest.raises(JournalVersionError, match=r"\['later', 'newer'\].*Upgrade inverted"):
        replay(body, [Started("agent", {}, ("newer", "later"))])
    assert seen == []


def test_a_journal_without_its_beginning_is_refused() -> None:
    with pytest.raises(JournalError, match="begins with Finished instead of its start"):
        replay(two, [Finished("completed")])
