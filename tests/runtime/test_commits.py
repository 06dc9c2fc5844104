"""When a leg writes: everything before it is acted on, and once between two waits."""

from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest

from inverted import Run
from inverted.core.effects import Effect, Kind
from inverted.errors import StoreError
from inverted.runtime import Runtime, leg
from inverted.runtime.ports import Answer, Question
from inverted.stores import RunRecord
from inverted.stores.base import Append
from inverted.testing import Crash

from .fakes import Inline, Rounds, Watched, agent, ask, journal, parked, result, within


async def test_one_write_carries_all_that_happened_between_two_waits() -> None:
    async def body(run: Run) -> int:
        one = await run.step(lambda: 1)
        await run.now()
        await run.uuid()
        return one + await run.step(lambda: 2)

    store = Watched()
    assert result(await Runtime(store).begin(agent(body), {}, Inline())) == 3

    assert store.writes == [
        ["started", "asked 1"],
        ["answered 1", "asked 2", "answered 2", "asked 3", "answered 3", "asked 4"],
        ["answered 4", "completed"],
    ]


async def test_a_run_that_waits_for_nothing_is_one_write() -> None:
    async def body(run: Run) -> float:
        return await run.random()

    store = Watched()
    assert 0 <= result(await Runtime(store).begin(agent(body), {}, Inline())) < 1

    assert store.writes == [["started", "asked 1", "answered 1", "completed"]]


async def test_questions_of_parallel_branches_are_one_write() -> None:
    async def body(run: Run) -> list[str]:
        return await run.gather(*(ask(name) for name in "abc"))

    store = Watched()
    outcome = await Runtime(store).begin(agent(body), {}, Rounds())

    assert parked(outcome) == ["1.0.1", "1.1.1", "1.2.1"]
    assert store.writes == [["started", "asked 1.0.1", "asked 1.1.1", "asked 1.2.1"]]


async def test_a_step_starts_after_its_line_is_in_the_store() -> None:
    store = Watched()
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(await journal(store, "run"))

    async def body(run: Run) -> None:
        await run.step(look)
        await run.gather(run.step(look), run.step(look))

    await Runtime(store).begin(agent(body), {}, Inline(), run_id="run")

    before = ["started", "asked 1"]
    both = [*before, "answered 1", "asked 2.0.1", "asked 2.1.1"]
    assert seen == [before, both, both]


async def test_the_client_hears_a_question_after_its_line_is_in_the_store() -> None:
    store = Watched()

    async def answer(question: Question) -> Answer:
        return Answer(await journal(store, question.run_id))

    async def body(run: Run) -> list[str]:
        return await ask("a")

    outcome = await Runtime(store).begin(agent(body), {}, Inline(answer))
    assert result(outcome) == ["started", "asked 1"]


async def test_an_answer_is_in_the_store_before_what_follows_from_it() -> None:
    store = Watched()

    async def answer(question: Question) -> Answer:
        lines = await journal(store, question.run_id)
        assert f"answered {int(question.id) - 1}" in lines or question.id == "1"
        return Answer(len(lines))

    async def body(run: Run) -> list[int]:
        return [await ask(name) for name in "abc"]

    outcome = await Runtime(store).begin(agent(body), {}, Inline(answer))
    assert result(outcome) == [2, 4, 6]


async def test_a_step_does_not_start_when_its_line_cannot_be_written() -> None:
    started: list[str] = []

    class Full(Watched):
        async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
            raise StoreError("no space")

    async def body(run: Run) -> None:
        await run.step(started.append, "step")

    with pytest.raises(StoreError, match="no space"):
        await Runtime(Full()).begin(agent(body), {}, Inline())
    assert started == []


async def test_branches_go_on_as_soon_as_their_own_answer_is_there() -> None:
    slow = anyio.Event()
    order: list[str] = []

    async def answer(question: Question) -> Answer:
        name = question.params["message"]
        if name == "slow":
            await within(slow.wait())
        elif name == "after quick":
            slow.set()
        order.append(name)
        return Answer(name)

    async def quick() -> str:
        await ask("quick")
        return await ask("after quick")

    async def body(run: Run) -> list[str]:
        return await run.gather(ask("slow"), quick())

    outcome = await Runtime(Watched()).begin(agent(body), {}, Inline(answer))
    assert result(outcome) == ["slow", "after quick"]
    assert order == ["quick", "after quick", "slow"]


async def test_what_ends_while_something_is_written_is_not_waited_for() -> None:
    class Slow(Watched):
        async def append(self, run_id: str, append: Append) -> RunRecord:
            writing.set()
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            return await super().append(run_id, append)

    writing, store = anyio.Event(), Slow()

    async def body(run: Run) -> list[object]:
        return await run.gather(run.step(lambda: "quick"), run.step(writing.wait))

    result(await within(Runtime(store).begin(agent(body), {}, Inline())))
    assert store.writes[1:] == [["answered 1.0.1"], ["answered 1.1.1", "completed"]]


async def test_a_body_that_waits_for_nothing_long_is_written_in_parts_and_lets_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leg, "MANY_LINES", 10)
    turns: list[int] = []

    async def body(run: Run) -> int:
        for _ in range(30):
            await run.random()
        return 30

    async def other() -> None:
        while True:
            turns.append(len(store.writes))
            await anyio.lowlevel.checkpoint()

    store = Watched()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        assert result(await within(Runtime(store).begin(agent(body), {}, Rounds()))) == 30
        tasks.cancel_scope.cancel()
    assert len(store.writes) > 4
    assert set(turns) >= {0, 1, 2, 3, 4}


async def test_what_kills_a_process_is_not_taken_for_a_failed_step() -> None:
    async def dies() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(die)

    async def die() -> None:
        raise Crash("killed")

    async def body(run: Run) -> None:
        await run.step(dies)

    store = Watched()
    with pytest.raises(Crash, match="killed"):
        await Runtime(store).begin(agent(body), {}, Inline())
    assert store.writes == [["started", "asked 1"]]


async def test_the_lease_is_held_while_something_runs_and_released_with_the_last_write() -> None:
    async def body(run: Run) -> None:
        await run.step(lambda: 1)
        await ask("a")

    store = Watched()
    await Runtime(store).begin(agent(body), {}, Rounds())
    assert store.writes == [["started", "asked 1"], ["answered 1", "asked 2"]]
    assert store.kept == [True, False]


async def test_progress_is_sent_after_what_came_before_it_was_written() -> None:
    store = Watched()
    sent: list[list[str]] = []

    class Told(Inline):
        async def notify(self, payload: object) -> None:
            sent.append(await journal(store, "run"))

    async def body(run: Run) -> None:
        await run.step(lambda: 1)
        await run.report_progress(1, 2, "half")
        await ask("a")

    await Runtime(store).begin(agent(body), {}, Told(), run_id="run")
    assert sent == [["started", "asked 1", "answered 1", "asked 2"]]


async def test_progress_is_not_repeated_when_a_run_continues_elsewhere() -> None:
    async def body(run: Run) -> str:
        await run.report_progress(1, message="started")
        answer = await ask("a")
        await run.report_progress(2, message="answered")
        return answer

    store = Watched()
    first, second = Rounds(), Rounds()
    outcome = await Runtime(store).begin(agent(body), {}, first)
    await Runtime(store).resume(agent(body), outcome.run_id, {"1": "yes"}, second)

    assert [notice["message"] for notice in first.notices] == ["started"]
    assert [notice["message"] for notice in second.notices] == ["answered"]


async def test_the_body_learns_what_the_client_can_answer() -> None:
    async def body(run: Run) -> list[str]:
        return await Effect(Kind.VALUE, {"of": "client"})

    assert result(await Runtime(Watched()).begin(agent(body), {}, Inline())) == ["sampling"]


async def test_a_question_that_the_client_cannot_answer_fails_without_being_asked() -> None:
    async def body(run: Run) -> str:
        try:
            return await ask("a")
        except Exception as error:  # noqa: BLE001 - its type is what is tested
            return f"{type(error).__name__}: {error}"

    client = Inline(refuses=[Kind.ELICIT])
    outcome = await Runtime(Watched()).begin(agent(body), {}, client)
    assert result(outcome) == "CapabilityError: no elicit"
    assert client.asked == []
