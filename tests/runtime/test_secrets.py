"""Secret steps: nothing of them is in the journal in clear text."""

import pytest
from mcp.server.request_state import InvalidRequestState

from inverted import InvertedError, MemoryStore, Run, StepError
from inverted.errors import JournalError
from inverted.runtime import Runtime
from inverted.server.keys import SealingKeys
from inverted.stores import Store
from inverted.testing import VirtualClock

from .fakes import Inline, Rounds, agent, ask, failure, journal, result, within

KEY, OTHER = b"a" * 32, b"b" * 32


async def login(name: str, *, password: str) -> dict[str, str]:
    return {"token": f"tok-{name}-{password}"}


async def logs_in(run: Run) -> list[str]:
    token = await run.step(login, "me", password="hunter2", secret=True)  # noqa: S106 - made up
    return [token["token"], await ask("a")]


async def test_arguments_and_result_are_not_in_the_store(store: Store) -> None:
    runtime = Runtime(store, sealer=SealingKeys([KEY]))
    run_id = (await runtime.begin(agent(logs_in), {}, Rounds())).run_id
    stored = b"\n".join(await store.read(run_id))
    assert b"hunter2" not in stored
    assert b"tok-" not in stored
    assert b'"name":"login"' in stored


async def test_a_secret_is_opened_when_the_run_continues_elsewhere(store: Store) -> None:
    one, other = (Runtime(store, sealer=SealingKeys([KEY])) for _ in range(2))
    run_id = (await one.begin(agent(logs_in), {}, Rounds())).run_id
    outcome = await other.resume(agent(logs_in), run_id, {"2": "a"}, Rounds())
    assert result(outcome) == ["tok-me-hunter2", "a"]


@pytest.mark.parametrize("sealer", [None, SealingKeys([OTHER])])
async def test_without_the_key_a_run_is_left_as_it_is(
    store: Store, sealer: SealingKeys | None
) -> None:
    runtime = Runtime(store, sealer=SealingKeys([KEY]), hot_runs=0)
    run_id = (await runtime.begin(agent(logs_in), {}, Rounds())).run_id
    lines = await store.read(run_id)
    with pytest.raises(JournalError, match=r"secret step \(1\) cannot be opened.*INVERTED_KEYS"):
        await Runtime(store, sealer=sealer).resume(agent(logs_in), run_id, {"2": "a"}, Rounds())
    assert await store.read(run_id) == lines
    assert result(await runtime.resume(agent(logs_in), run_id, {"2": "a"}, Rounds()))[1] == "a"


async def test_a_new_first_key_seals_and_the_old_one_still_opens(store: Store) -> None:
    old, new = Runtime(store, sealer=SealingKeys([KEY])), SealingKeys([OTHER, KEY])
    run_id = (await old.begin(agent(logs_in), {}, Rounds())).run_id
    outcome = await Runtime(store, sealer=new).resume(agent(logs_in), run_id, {"2": "a"}, Rounds())
    assert result(outcome)[1] == "a"
    with pytest.raises(InvalidRequestState):
        SealingKeys([KEY]).unseal(new.seal(b"x"))


async def test_a_secret_step_without_a_key_is_refused_before_it_runs(store: Store) -> None:
    ran: list[str] = []

    async def body(run: Run) -> None:
        await run.step(ran.append, "ran", secret=True)

    why = failure(await Runtime(store).begin(agent(body), {}, Inline()))
    assert why.type == "StepError"
    assert "no sealing key" in why.message
    assert ran == []


async def test_a_secret_step_with_unusable_keys_is_refused_before_it_runs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVERTED_KEYS", "short")
    ran: list[str] = []

    async def body(run: Run) -> None:
        await run.step(ran.append, "ran", secret=True)

    runtime = Runtime(store, sealer=SealingKeys())
    with pytest.raises(InvertedError, match="at least 32 bytes"):
        await runtime.begin(agent(body), {}, Inline())
    assert ran == []


async def test_what_a_secret_step_raises_is_told_by_its_type_only(
    clock: VirtualClock,
) -> None:
    store, seen = MemoryStore(), list[StepError]()

    async def broken(password: str) -> None:
        raise ConnectionError(f"401 for {password}")

    async def body(run: Run) -> None:
        try:
            await run.step(broken, "hunter2", secret=True, retry=2)
        except StepError as error:
            seen.append(error)
            raise

    runtime = Runtime(store, clock=clock, sealer=SealingKeys([KEY]))
    outcome = await within(runtime.begin(agent(body), {}, Inline(), run_id="run"))
    assert failure(outcome).message == (
        "Step broken failed after 2 attempts: ConnectionError: its message is kept out of the "
        "journal, because the step is secret"
    )
    assert seen[0].error_type == "ConnectionError"
    assert "hunter2" not in repr(seen[0].data)
    assert b"hunter2" not in b"\n".join(await store.read("run"))
    assert "attempted 1 #1" in await journal(store, "run")


async def test_a_secret_that_is_no_json_fails_its_step(store: Store) -> None:
    async def body(run: Run) -> object:
        return await run.step(object, secret=True)

    runtime = Runtime(store, sealer=SealingKeys([KEY]))
    assert failure(await runtime.begin(agent(body), {}, Inline())).type == "StepError"


async def test_a_secret_that_loses_a_race_is_sealed_too(store: Store) -> None:
    async def first() -> str:
        return "first-secret"

    async def second() -> str:
        return "second-secret"

    async def body(run: Run) -> str:
        won = await run.race(run.step(first, secret=True), run.step(second, secret=True))
        return f"{len(won)} characters"

    await Runtime(store, sealer=SealingKeys([KEY])).begin(agent(body), {}, Inline(), run_id="run")

    journal = b"\n".join(await store.read("run"))
    assert b"answered" in journal
    assert b"first-secret" not in journal
    assert b"second-secret" not in journal
