"""How the function of a step is called: sync or async, with a name, again after failures."""

import asyncio
import functools
import sys
import threading
from collections.abc import Coroutine
from typing import Any, NoReturn

import anyio
import pytest

from inverted import MemoryStore, Retry, Run, StepError, current_step
from inverted.errors import AgentError
from inverted.runtime import Runtime
from inverted.stores import Store
from inverted.testing import Crash, CrashingStore, VirtualClock

from .fakes import Inline, agent, failure, journal, result, within


class Flaky:
    """A step that fails some times and tells when it was called."""

    def __init__(self, clock: VirtualClock, failures: int, error: Exception | None = None) -> None:
        self._clock = clock
        self._failures = failures
        self._error = error or ConnectionError("no route")
        self.times: list[float] = []
        self.keys: list[str] = []

    async def __call__(self) -> int:
        self.times.append(self._clock.now())
        self.keys.append(current_step().idempotency_key)
        if len(self.times) <= self._failures:
            raise self._error
        return current_step().attempt


async def test_a_failing_step_is_tried_again_with_growing_pauses(
    store: Store, clock: VirtualClock
) -> None:
    flaky, before = Flaky(clock, 3), clock.now()

    async def body(run: Run) -> int:
        return await run.step(flaky, retry=Retry(attempts=4, delay=2, factor=3, longest=10))

    runtime = Runtime(store, clock=clock)
    outcome = await within(runtime.begin(agent(body), {}, Inline(), run_id="run"))
    assert result(outcome) == 4
    assert [at - before for at in flaky.times] == [0, 2, 8, 18]
    assert set(flaky.keys) == {"run:1"}
    attempts = ["attempted 1 #1", "attempted 1 #2", "attempted 1 #3"]
    assert await journal(store, "run") == [
        "started",
        "asked 1",
        *attempts,
        "answered 1",
        "completed",
    ]


async def test_an_attempt_is_in_the_store_before_the_next_one_starts(clock: VirtualClock) -> None:
    store, seen = MemoryStore(), list[str]()

    async def look() -> None:
        seen[:] = await journal(store, "run")
        raise ConnectionError

    async def body(run: Run) -> None:
        await run.step(look, retry=2)

    await within(Runtime(store, clock=clock).begin(agent(body), {}, Inline(), run_id="run"))
    assert seen[-1] == "attempted 1 #1"


async def test_a_step_out_of_attempts_raises_what_its_function_raised(
    store: Store, clock: VirtualClock
) -> None:
    caught: list[StepError] = []

    async def body(run: Run) -> None:
        try:
            await run.step(Flaky(clock, 9), retry=3)
        except StepError as error:
            caught.append(error)
            raise

    outcome = await within(Runtime(store, clock=clock).begin(agent(body), {}, Inline()))
    message = "Step Flaky failed after 3 attempts: ConnectionError: no route"
    assert failure(outcome).message == message
    assert caught[0].error_type == "ConnectionError"
    assert caught[0].message == message
    assert caught[0].data["detail"] == "no route"


async def test_only_the_errors_that_are_worth_it_are_tried_again(
    store: Store, clock: VirtualClock
) -> None:
    flaky = Flaky(clock, 9, ValueError("bad input"))

    async def body(run: Run) -> None:
        await run.step(flaky, retry=Retry(attempts=5, on=(ConnectionError,)))

    outcome = await within(Runtime(store, clock=clock).begin(agent(body), {}, Inline()))
    assert failure(outcome).message == "Step Flaky failed: ValueError: bad input"
    assert len(flaky.times) == 1


async def test_without_a_word_a_step_is_tried_once(store: Store, clock: VirtualClock) -> None:
    flaky = Flaky(clock, 1)

    async def body(run: Run) -> None:
        await run.step(flaky)

    failure(await within(Runtime(store, clock=clock).begin(agent(body), {}, Inline())))
    assert len(flaky.times) == 1


async def test_attempts_are_counted_on_after_a_crash(clock: VirtualClock) -> None:
    store, flaky = MemoryStore(), Flaky(clock, 9)

    async def body(run: Run) -> None:
        await run.step(flaky, retry=4)

    # Started, asked, attempted, attempted: it dies in the pause after the second attempt.
    runtime = Runtime(CrashingStore(store, after=4), clock=clock)
    with pytest.raises(Crash):
        await within(runtime.begin(agent(body), {}, Inline(), run_id="run"))
    assert len(flaky.times) == 2

    outcome = await within(Runtime(store, clock=clock).resume(agent(body), "run", {}, Inline()))
    assert failure(outcome).message.startswith("Step Flaky failed after 4 attempts")
    assert len(flaky.times) == 4
    assert (await journal(store, "run"))[2:] == [
        "attempted 1 #1",
        "attempted 1 #2",
        "attempted 1 #3",
        "failed 1",
        "failed",
    ]


async def test_a_finished_step_never_runs_again(store: Store) -> None:
    ran: list[str] = []

    async def body(run: Run) -> None:
        await run.step(ran.append, "first")
        await run.step(ran.append, "second")
        raise ConnectionError

    for _ in range(2):
        await Runtime(store).begin(agent(body), {}, Inline(), key="key")
    assert ran == ["first", "second"]


async def test_the_error_of_a_step_is_the_same_on_replay(clock: VirtualClock) -> None:
    store, seen = MemoryStore(), list[AgentError]()

    async def body(run: Run) -> str:
        try:
            await run.step(Flaky(clock, 1, ValueError("bad input")))
        except AgentError as error:
            seen.append(error)
        return await run.step(str, "after")

    later = Runtime(store, clock=VirtualClock(2e9))
    # It dies when the second step is asked.
    with pytest.raises(Crash):
        await Runtime(CrashingStore(store, after=4)).begin(agent(body), {}, Inline(), key="key")
    await within(later.begin(agent(body), {}, Inline(), key="key"))

    live, replayed = seen
    assert (type(live), str(live), live.data) == (type(replayed), str(replayed), replayed.data)
    assert isinstance(replayed, StepError)


async def test_sync_functions_run_in_a_thread_and_async_ones_on_the_loop(store: Store) -> None:
    async def on_the_loop() -> str:
        return threading.current_thread().name

    async def body(run: Run) -> list[str]:
        return [
            await run.step(lambda: threading.current_thread().name),
            await run.step(on_the_loop),
            await run.step(functools.partial(on_the_loop)),
        ]

    worker, *loop = result(await Runtime(store).begin(agent(body), {}, Inline()))
    assert worker != threading.current_thread().name
    assert loop == [threading.current_thread().name] * 2


async def test_what_a_sync_function_returns_to_be_awaited_is_awaited(store: Store) -> None:
    async def later(name: str) -> str:
        return f"{name}{current_step().effect_id}"

    async def body(run: Run) -> str:
        def promise() -> Coroutine[Any, Any, str]:
            return later("a")

        return await run.step(promise)

    assert result(await Runtime(store).begin(agent(body), {}, Inline())) == "a1"


async def test_a_step_knows_its_name_in_a_thread_too(store: Store) -> None:
    async def body(run: Run) -> list[str]:
        def key() -> str:
            return current_step().idempotency_key

        return await run.gather(run.step(key), run.step(key))

    outcome = await Runtime(store).begin(agent(body), {}, Inline(), run_id="run")
    assert result(outcome) == ["run:1.0.1", "run:1.1.1"]


def test_there_is_no_current_step_outside_of_steps() -> None:
    with pytest.raises(RuntimeError, match="works inside a function that runs as a step"):
        current_step()


async def test_a_step_that_asks_the_run_is_told_where_to_ask(store: Store) -> None:
    async def body(run: Run) -> None:
        async def asks() -> object:
            return await run.elicit("Sure?")

        await run.step(asks)

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert "Ask in the agent and hand the answer to the step" in why.message


async def test_a_runtime_error_of_a_step_is_its_own(store: Store) -> None:
    async def broken() -> None:
        raise RuntimeError("of its own")

    async def body(run: Run) -> None:
        await run.step(broken)

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert why.message == "Step broken failed: RuntimeError: of its own"


def exits() -> NoReturn:
    sys.exit(3)


async def exits_later() -> NoReturn:
    sys.exit(3)


async def awaits_a_cancelled_task() -> None:
    task = asyncio.create_task(never())
    task.cancel()
    await task


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize(
    ("fn", "why"),
    [
        (exits, "RuntimeError: it called sys.exit(3)"),
        (exits_later, "RuntimeError: it called sys.exit(3)"),
        (awaits_a_cancelled_task, "RuntimeError: something that it awaited was cancelled"),
    ],
)
async def test_a_step_that_would_end_the_server_only_fails(
    store: Store, fn: Any, why: str, *, side_by_side: bool
) -> None:
    async def body(run: Run) -> None:
        if side_by_side:
            await run.gather(run.step(fn), run.step(str, "other"))
        else:
            await run.step(fn)

    outcome = await within(Runtime(store).begin(agent(body), {}, Inline()))
    assert failure(outcome).message.startswith(f"Step {fn.__name__} failed: {why}")


async def never() -> None:
    await anyio.sleep_forever()


@pytest.mark.parametrize("retry", [1, 2])
async def test_a_step_that_takes_too_long_fails_and_counts_as_an_attempt(
    store: Store, clock: VirtualClock, retry: int
) -> None:
    async def body(run: Run) -> None:
        await run.step(never, timeout=0.001, retry=retry)

    outcome = await within(Runtime(store, clock=clock).begin(agent(body), {}, Inline()))
    tried = " after 2 attempts" if retry > 1 else ""
    assert failure(outcome).message == (
        f"Step never failed{tried}: TimeoutError: it took longer than its timeout of 0.001 seconds"
    )


async def test_a_sync_step_that_takes_too_long_is_left_alone(store: Store) -> None:
    ended = threading.Event()

    async def body(run: Run) -> None:
        await run.step(ended.wait, 10, timeout=0.001)

    outcome = await within(Runtime(store).begin(agent(body), {}, Inline()))
    ended.set()
    assert failure(outcome).message.startswith("Step wait failed: TimeoutError")


async def test_a_step_in_time_is_not_touched_by_its_timeout(store: Store) -> None:
    async def body(run: Run) -> str:
        return await run.step(str, "quick", timeout=60)

    assert result(await Runtime(store).begin(agent(body), {}, Inline())) == "quick"


async def test_a_step_whose_value_is_not_json_fails_and_says_what_to_return(store: Store) -> None:
    async def body(run: Run) -> object:
        return await run.step(object)

    outcome = await Runtime(store).begin(agent(body), {}, Inline())
    assert "return JSON values, pydantic models or dataclasses" in failure(outcome).message


async def test_an_error_without_words_is_named_by_its_type(store: Store) -> None:
    def fail() -> NoReturn:
        raise KeyError

    async def body(run: Run) -> None:
        await run.step(fail)

    outcome = await Runtime(store).begin(agent(body), {}, Inline())
    assert failure(outcome).message == "Step fail failed: KeyError: KeyError"


@pytest.mark.parametrize(
    ("attempt", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (8, 60.0), (100_000, 60.0)]
)
def test_a_pause_doubles_up_to_a_minute_by_default(attempt: int, pause: float) -> None:
    assert Retry().pause(attempt) == pause
