"""Steps and questions of cancelled branches: asked to stop, and their outcome recorded."""

import threading

import anyio
import pytest

from inverted import Cancelled, MemoryStore, Run, StepError
from inverted.runtime import Runtime
from inverted.runtime.ports import Answer, Question
from inverted.stores import Store
from inverted.testing import VirtualClock

from .fakes import Inline, Rounds, agent, ask, failure, journal, parked, result, within


class Slow:
    """A step that ends when it is interrupted, and tells it."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.stopped = 0

    async def __call__(self) -> None:
        self.started.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.stopped += 1


@pytest.fixture
def slow() -> Slow:
    return Slow()


async def test_the_loser_of_a_race_is_interrupted_and_its_outcome_recorded(
    store: Store, slow: Slow
) -> None:
    async def quick() -> str:
        await slow.started.wait()
        return "quick"

    async def body(run: Run) -> str | None:
        return await run.race(run.step(slow), run.step(quick))

    outcome = await within(Runtime(store).begin(agent(body), {}, Inline(), run_id="run"))
    assert result(outcome) == "quick"
    assert slow.stopped == 1
    assert (await journal(store, "run"))[-3:] == ["answered 1.1.1", "failed 1.0.1", "completed"]


async def test_a_failed_gather_interrupts_the_steps_of_its_other_branches(
    store: Store, slow: Slow
) -> None:
    async def broken() -> None:
        await slow.started.wait()
        raise ConnectionError("no route")

    async def body(run: Run) -> object:
        return await run.gather(run.step(slow), run.step(broken))

    outcome = await within(Runtime(store).begin(agent(body), {}, Inline(), run_id="run"))
    assert failure(outcome).message == "Step broken failed: ConnectionError: no route"
    assert slow.stopped == 1
    assert "failed 1.0.1" in await journal(store, "run")


async def test_a_step_that_ends_while_it_is_stopped_has_its_own_outcome_recorded(
    store: Store, slow: Slow
) -> None:
    async def stubborn() -> str:
        with anyio.CancelScope(shield=True):
            slow.started.set()
            await going_on.wait()
        return "stubborn"

    async def quick() -> str:
        await slow.started.wait()
        return "quick"

    async def after() -> str:
        going_on.set()
        return "after"

    async def body(run: Run) -> list[str]:
        first = await run.race(run.step(stubborn), run.step(quick))
        return [first, await run.step(after)]

    going_on = anyio.Event()
    outcome = await within(Runtime(store).begin(agent(body), {}, Inline(), run_id="run"))
    assert result(outcome) == ["quick", "after"]
    assert "answered 1.0.1" in await journal(store, "run")


async def test_the_body_goes_on_while_a_stopped_step_still_ends_and_the_run_ends_after_it(
    store: Store,
) -> None:
    order: list[str] = []
    started, going_on = anyio.Event(), anyio.Event()

    async def stubborn() -> None:
        with anyio.CancelScope(shield=True):
            started.set()
            await going_on.wait()
        order.append("stubborn ended")

    async def quick() -> None:
        await started.wait()

    async def body(run: Run) -> None:
        await run.race(run.step(stubborn), run.step(quick))
        order.append("body ended")
        going_on.set()

    result(await within(Runtime(store).begin(agent(body), {}, Inline())))
    assert order == ["body ended", "stubborn ended"]


async def test_a_step_in_a_thread_is_left_and_counts_as_interrupted(store: Store) -> None:
    started, release = anyio.Event(), threading.Event()

    def in_a_thread() -> None:
        anyio.from_thread.run_sync(started.set)
        release.wait(10)

    async def quick() -> str:
        await started.wait()
        return "quick"

    async def body(run: Run) -> str | None:
        return await run.race(run.step(in_a_thread), run.step(quick))

    outcome = await within(Runtime(store).begin(agent(body), {}, Inline(), run_id="run"))
    release.set()
    assert result(outcome) == "quick"
    assert "failed 1.0.1" in await journal(store, "run")


async def test_a_step_in_the_pause_between_attempts_is_interrupted_at_once(
    clock: VirtualClock,
) -> None:
    store, tried = MemoryStore(), anyio.Event()

    async def flaky() -> None:
        tried.set()
        raise ConnectionError

    async def quick() -> str:
        await tried.wait()
        return "quick"

    async def body(run: Run) -> str | None:
        return await run.race(run.step(flaky, retry=5), run.step(quick))

    before = clock.now()
    runtime = Runtime(store, clock=clock)
    outcome = await within(runtime.begin(agent(body), {}, Inline(), run_id="run"))
    assert result(outcome) == "quick"
    assert clock.now() == before
    lines = await journal(store, "run")
    assert lines.index("attempted 1.0.1 #1") < lines.index("failed 1.0.1")


async def test_the_interruption_is_not_delivered_to_the_body(store: Store, slow: Slow) -> None:
    seen: list[str] = []

    async def loser(run: Run) -> None:
        try:
            await run.step(slow)
        except StepError:
            seen.append("StepError")
        except Cancelled:
            seen.append("Cancelled")
            raise

    async def quick() -> None:
        await slow.started.wait()

    async def body(run: Run) -> None:
        await run.race(loser(run), run.step(quick))

    await within(Runtime(store).begin(agent(body), {}, Inline()))
    assert seen == ["Cancelled"]


async def test_a_question_that_is_not_needed_any_more_is_withdrawn_from_the_client(
    store: Store,
) -> None:
    asked, withdrawn = anyio.Event(), list[str]()

    async def answer(question: Question) -> Answer:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            withdrawn.append(question.id)
        raise AssertionError

    async def body(run: Run) -> str:
        return await run.race(ask("a"), run.step(asked.wait))

    await within(Runtime(store).begin(agent(body), {}, Inline(answer)))
    assert withdrawn == ["1.0.1"]


async def test_a_withdrawn_question_is_not_asked_again_and_its_late_answer_ignored(
    store: Store,
) -> None:
    async def body(run: Run) -> list[str]:
        return [await run.race(ask("a"), ask("b")), await ask("c")]

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    assert parked(await runtime.resume(agent(body), run_id, {"1.1.1": "b"}, Rounds())) == ["2"]
    late = await runtime.resume(agent(body), run_id, {"1.0.1": "late", "2": "c"}, Rounds())
    assert result(late) == ["b", "c"]
    assert "answered 1.0.1" not in await journal(store, run_id)


async def test_of_two_answers_in_one_request_the_second_may_find_its_question_withdrawn(
    store: Store,
) -> None:
    async def body(run: Run) -> str:
        return await run.race(ask("a"), ask("b"))

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    answers = {"1.0.1": "a", "1.1.1": "b"}
    assert result(await runtime.resume(agent(body), run_id, answers, Rounds())) == "a"
    assert (await journal(store, run_id))[-3:] == ["answered 1.0.1", "answered 1.1.1", "completed"]

    again = await Runtime(store).resume(agent(body), run_id, answers, Rounds())
    assert result(again) == "a"
