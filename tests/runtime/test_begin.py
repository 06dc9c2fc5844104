"""Beginning a run: the client's name for it, whose it is, and how it ends."""

import asyncio

import anyio
import pytest

from inverted import AgentError, MemoryStore, Run
from inverted.core.effects import Json
from inverted.core.journal import Failure
from inverted.core.lifecycle import Status
from inverted.errors import RunError, RunNotFound
from inverted.runtime import Runtime
from inverted.runtime.ports import Ended
from inverted.runtime.runtime import new_run_id
from inverted.stores import RunRecord, Store
from inverted.testing import VirtualClock

from .fakes import Inline, Rounds, agent, ask, failure, journal, record_of, result, within


async def asks(run: Run, about: str = "a") -> str:
    return await ask(about)


def test_a_run_id_has_128_bits_and_no_odd_characters() -> None:
    ids = {new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(id) == 22 and id.replace("-", "").replace("_", "").isalnum() for id in ids)


async def test_the_body_knows_the_id_of_its_run(store: Store) -> None:
    async def body(run: Run) -> str:
        return run.id

    outcome = await Runtime(store).begin(agent(body), {}, Inline())
    assert result(outcome) == outcome.run_id


async def test_the_record_tells_what_the_run_is_about(store: Store) -> None:
    runtime = Runtime(store)
    outcome = await runtime.begin(agent(asks), {}, Rounds(), principal="me", key="key")
    record = await record_of(store, outcome.run_id)
    assert (record.agent, record.principal, record.key) == ("agent", "me", "key")
    assert (record.status, record.position, record.lease) == (Status.INPUT_REQUIRED, 2, None)
    assert record.size == sum(map(len, await store.read(outcome.run_id)))
    outcome = await runtime.resume(agent(asks), record.id, {"1": "a"}, Rounds(), principal="me")
    record = await record_of(store, outcome.run_id)
    assert (record.status, record.position) == (Status.COMPLETED, 4)
    assert record.size == sum(map(len, await store.read(outcome.run_id)))


async def test_the_key_of_a_run_that_has_expired_names_a_new_one(store: Store) -> None:
    clock = VirtualClock(jump=False)
    # Nobody looks for what has expired: this process serves no tasks.
    runtime = Runtime(store, clock=clock, retention=100.0)
    first = await runtime.begin(agent(asks), {}, Inline(), key="key")
    await clock.advance(99)
    assert await runtime.begin(agent(asks), {}, Inline(), key="key") == first
    await clock.advance(1)
    second = await runtime.begin(agent(asks), {}, Inline(), key="key")
    assert second.run_id != first.run_id
    assert await store.get(first.run_id) is None


async def test_the_same_key_and_arguments_are_the_same_run(store: Store) -> None:
    one, other = Runtime(store), Runtime(store)
    begun = await one.begin(agent(asks), {"about": "x"}, Rounds(), key="key")
    assert await other.begin(agent(asks), {"about": "x"}, Rounds(), key="key") == begun
    done = await other.begin(agent(asks), {"about": "x"}, Inline(), key="key")
    assert (done.run_id, result(done)) == (begun.run_id, "x")
    assert await one.begin(agent(asks), {"about": "x"}, Rounds(), key="key") == done


async def test_the_same_key_with_other_arguments_is_refused(store: Store) -> None:
    runtime = Runtime(store)
    begun = await runtime.begin(agent(asks), {"about": "x"}, Rounds(), key="key")
    with pytest.raises(RunError, match="'key' names a run of agent with other arguments"):
        await runtime.begin(agent(asks), {"about": "y"}, Rounds(), key="key")
    assert await journal(store, begun.run_id) == ["started", "asked 1"]


async def test_other_agents_and_callers_have_keys_of_their_own(store: Store) -> None:
    runtime = Runtime(store)
    ids = {
        (await runtime.begin(agent(asks, name=name), {}, Rounds(), key="key", principal=who)).run_id
        for name in ("one", "other")
        for who in (None, "me", "you")
    }
    assert len(ids) == 6


async def test_of_two_beginnings_with_one_key_at_the_same_time_one_run_comes() -> None:
    class Blind(MemoryStore):
        """Both look for the key before either has written it."""

        looked = 0

        async def find(self, agent: str, principal: str | None, key: str) -> RunRecord | None:
            self.looked += 1
            return None if self.looked <= 2 else await super().find(agent, principal, key)

    ran: list[str] = []

    async def body(run: Run) -> str:
        return await run.step(lambda: ran.append("ran") or "done")

    store, outcomes = Blind(), list[object]()

    async def begin(runtime: Runtime) -> None:
        outcomes.append(await runtime.begin(agent(body), {}, Inline(), key="key"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(begin, Runtime(store))
        tasks.start_soon(begin, Runtime(store))
    assert outcomes[0] == outcomes[1]
    assert ran == ["ran"]
    assert await store.count(principal=None, live=False) == 1


async def test_nobody_sees_the_runs_of_another_caller(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(asks), {}, Rounds(), principal="me")).run_id
    for who in (None, "you"):
        with pytest.raises(RunNotFound, match="belongs to somebody else"):
            await runtime.resume(agent(asks), run_id, {"1": "a"}, Rounds(), principal=who)
        with pytest.raises(RunNotFound):
            await runtime.cancel(agent(asks), run_id, "x", Rounds(), principal=who)
    mine = await runtime.resume(agent(asks), run_id, {"1": "a"}, Rounds(), principal="me")
    assert result(mine) == "a"


async def test_a_run_belongs_to_its_agent(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(asks), {}, Rounds())).run_id
    with pytest.raises(RunNotFound, match=f"no run {run_id} of other"):
        await runtime.resume(agent(asks, name="other"), run_id, {"1": "a"}, Rounds())


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
async def test_what_the_body_raises_ends_the_run(store: Store, error: type[Exception]) -> None:
    async def body(run: Run) -> None:
        raise error("no such bug")

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert (why.type, why.message) == (error.__name__, "no such bug")


async def test_awaiting_something_foreign_ends_the_run_and_says_what_to_use(store: Store) -> None:
    async def body(run: Run) -> None:
        await anyio.sleep(1)

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert why.type == "ForeignAwaitError"
    assert "for a pause use `await run.sleep(seconds)`" in why.message


async def test_a_timeout_in_the_body_ends_the_run_and_says_what_to_use(store: Store) -> None:
    async def body(run: Run) -> None:
        async with asyncio.timeout(1):
            await ask("a")

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert why.type == "ForeignAwaitError"
    assert "for a timeout `run.step(function, timeout=...)`" in why.message


@pytest.mark.parametrize("value", [object(), float("nan"), {"deep": [float("inf")]}])
async def test_a_result_that_is_not_json_fails_the_run(store: Store, value: object) -> None:
    async def body(run: Run) -> object:
        return value

    runtime = Runtime(store)
    outcome = await runtime.begin(agent(body), {}, Inline())
    why = failure(outcome)
    assert why.type == "AgentCodeError"
    assert f"The agent returned a {type(value).__name__} that cannot be sent" in why.message
    assert (await record_of(store, outcome.run_id)).status is Status.FAILED
    assert await journal(store, outcome.run_id) == ["started", "failed"]
    assert await runtime.resume(agent(body), outcome.run_id, {}, Inline()) == outcome


@pytest.mark.parametrize("first", [True, False])
async def test_a_question_that_is_not_json_fails_the_run(store: Store, *, first: bool) -> None:
    async def body(run: Run) -> None:
        if not first:
            await ask("a")
        await run.sleep(float("inf"))

    runtime = Runtime(store)
    outcome = await runtime.begin(agent(body), {}, Rounds())
    if not first:
        outcome = await runtime.resume(agent(body), outcome.run_id, {"1": "a"}, Rounds())
    why = failure(outcome)
    assert why.type == "AgentCodeError"
    assert "it is not JSON" in why.message
    assert (await journal(store, outcome.run_id))[-1] == "failed"
    assert await Runtime(store).resume(agent(body), outcome.run_id, {}, Rounds()) == outcome


async def test_a_state_that_is_not_json_fails_the_run(store: Store) -> None:
    async def body(run: Run) -> None:
        if run.restored(dict[str, float], {}) == {}:
            await run.checkpoint({"loss": float("nan")})

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert why.type == "AgentCodeError"
    assert "it is not JSON" in why.message


async def test_an_error_whose_data_are_not_json_ends_the_run_without_them(store: Store) -> None:
    async def body(run: Run) -> None:
        raise AgentError("out of luck", {"why": object()})

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert why == Failure("AgentError", "out of luck")


async def test_a_result_that_cannot_be_encoded_fails_the_run(store: Store) -> None:
    def encode(value: object) -> Json:
        raise TypeError("expected a Triage")

    async def body(run: Run) -> str:
        return "something else"

    why = failure(await Runtime(store).begin(agent(body, encode=encode), {}, Inline()))
    assert why.type == "AgentCodeError"
    assert "The agent returned a str that cannot be sent as its result: expected a Triage" in (
        why.message
    )


async def test_a_result_is_encoded_once(store: Store) -> None:
    async def body(run: Run) -> set[int]:
        return {1}

    runtime = Runtime(store)
    outcome = await runtime.begin(agent(body, encode=sorted), {}, Inline())
    assert result(outcome) == [1]
    assert await within(runtime.resume(agent(body), outcome.run_id, {}, Inline())) == Ended(
        outcome.run_id, Status.COMPLETED, [1]
    )
