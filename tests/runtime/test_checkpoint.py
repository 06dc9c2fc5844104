"""Checkpoints: a fresh segment from a state, so that replay stays short."""

import anyio
import pytest
from pydantic import BaseModel

from inverted import Limits, MemoryStore, Run
from inverted.core.journal import Checkpointed, Codec
from inverted.runtime import Runtime
from inverted.stores import Store
from inverted.testing import Crash, CrashingStore, VirtualClock

from .fakes import Inline, Rounds, agent, ask, failure, journal, parked, record_of, result, within
from .test_limits import model, sample


class Progress(BaseModel):
    done: list[str] = []


async def rounds(run: Run) -> list[str]:
    """Ask three times, with a checkpoint after each."""
    progress = run.restored(Progress, Progress())
    if len(progress.done) == 3:
        return progress.done
    answer = await ask(f"question {len(progress.done)}")
    return await run.checkpoint(Progress(done=[*progress.done, answer]))


async def test_the_body_starts_again_from_its_state(store: Store) -> None:
    client = Inline()
    outcome = await Runtime(store).begin(agent(rounds), {}, client)
    assert result(outcome) == ["question 0", "question 1", "question 2"]
    assert client.asked == ["1", "1~1", "2~1"]
    assert await journal(store, outcome.run_id) == [
        *["started", "asked 1", "answered 1", "checkpoint 1"],
        *["asked 1~1", "answered 1~1", "checkpoint 2"],
        *["asked 2~1", "answered 2~1", "checkpoint 3", "completed"],
    ]


async def test_the_segment_starts_at_the_checkpoint(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(rounds), {}, Rounds())).run_id
    assert (await record_of(store, run_id)).segment_start == 0
    assert parked(await runtime.resume(agent(rounds), run_id, {"1": "a"}, Rounds())) == ["1~1"]
    assert (await record_of(store, run_id)).segment_start == 3
    await runtime.resume(agent(rounds), run_id, {"1~1": "b"}, Rounds())
    assert (await record_of(store, run_id)).segment_start == 6


async def test_a_checkpoint_before_anything_is_written_is_part_of_the_first_write(
    store: Store,
) -> None:
    async def body(run: Run) -> int:
        count = run.restored(int, 0)
        if count < 3:
            await run.checkpoint(count + 1)
        return await ask("a")

    outcome = await Runtime(store).begin(agent(body), {}, Rounds())
    assert parked(outcome) == ["3~1"]
    assert (await record_of(store, outcome.run_id)).segment_start == 3
    outcome = await Runtime(store).resume(agent(body), outcome.run_id, {"3~1": 7}, Rounds())
    assert result(outcome) == 7


async def test_only_the_last_segment_is_read_and_replayed() -> None:
    class Counting(MemoryStore):
        async def read(self, run_id: str, start: int = 0, stop: int | None = None) -> list[bytes]:
            lines = await super().read(run_id, start, stop)
            seen.append((start, len(lines)))
            return lines

    seen: list[tuple[int, int]] = []
    bodies: list[int] = []

    async def body(run: Run, about: str) -> list[str]:
        bodies.append(len(run.restored(Progress, Progress()).done))
        assert about == "x"
        return await rounds(run)

    store = Counting()
    run_id = (await Runtime(store).begin(agent(body), {"about": "x"}, Rounds())).run_id
    await Runtime(store).resume(agent(body), run_id, {"1": "a"}, Rounds())
    await Runtime(store).resume(agent(body), run_id, {"1~1": "b"}, Rounds())
    seen.clear()
    bodies.clear()
    outcome = await Runtime(store).resume(agent(body), run_id, {"2~1": "c"}, Rounds())
    assert result(outcome) == ["a", "b", "c"]
    # The checkpoint with its question, and the first line for the arguments.
    assert seen == [(6, 2), (0, 1)]
    assert bodies == [2, 3]


@pytest.mark.parametrize("hot_runs", [0, 10])
async def test_what_was_spent_is_carried_over(store: Store, hot_runs: int) -> None:
    async def body(run: Run) -> None:
        count = run.restored(int, 0)
        await sample("x" * 40)
        await run.checkpoint(count + 1)

    limited = agent(body, limits=Limits(model_calls=3))
    runtime = Runtime(store, hot_runs=hot_runs)
    outcome = await runtime.begin(limited, {}, Inline(model))
    assert "model_calls=3 (it is at 4)" in failure(outcome).message
    codec = Codec()
    entries = [codec.decode(line)[0] for line in await store.read(outcome.run_id)]
    spent = [entry.spent for entry in entries if isinstance(entry, Checkpointed)]
    assert spent == [{"model_calls": count, "tokens": count * 112} for count in (1, 2, 3)]


async def test_what_was_spent_is_carried_over_a_crash(clock: VirtualClock) -> None:
    async def body(run: Run) -> None:
        await sample("x")
        await run.checkpoint(run.restored(int, 0) + 1)

    limited, store = agent(body, limits=Limits(model_calls=3)), MemoryStore()
    dying = Runtime(CrashingStore(store, after=6), clock=clock)
    with pytest.raises(Crash):
        await dying.begin(limited, {}, Inline(model), run_id="run")
    outcome = await within(Runtime(store, clock=clock).resume(limited, "run", {}, Inline(model)))
    assert "model_calls=3 (it is at 4)" in failure(outcome).message


async def test_every_crash_between_checkpoints_continues_exactly(clock: VirtualClock) -> None:
    for line in range(1, 12):
        store = MemoryStore()
        dying = Runtime(CrashingStore(store, after=line), clock=clock)
        with pytest.raises(Crash):
            await dying.begin(agent(rounds), {}, Inline(), run_id="run")
        again = Runtime(store, clock=clock).resume(agent(rounds), "run", {}, Inline())
        assert result(await within(again)) == ["question 0", "question 1", "question 2"]


async def test_the_outcome_of_a_step_may_come_after_the_next_checkpoint(store: Store) -> None:
    # It lost a race and is still being stopped when the body takes its checkpoint.
    started, going_on = anyio.Event(), anyio.Event()

    async def stubborn() -> str:
        with anyio.CancelScope(shield=True):
            started.set()
            await going_on.wait()
        return "late"

    async def body(run: Run) -> str:
        if run.restored(str, "") == "raced":
            going_on.set()
            return await ask("a")
        await run.race(run.step(stubborn), run.step(started.wait))
        return await run.checkpoint("raced")

    outcome = await within(Runtime(store).begin(agent(body), {}, Rounds()))
    assert parked(outcome) == ["1~1"]
    assert (await journal(store, outcome.run_id))[-3:] == [
        "checkpoint 1",
        "asked 1~1",
        "answered 1.0.1",
    ]
    again = await Runtime(store).resume(agent(body), outcome.run_id, {"1~1": "a"}, Rounds())
    assert result(again) == "a"
