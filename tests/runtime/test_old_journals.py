"""Journals that cannot be continued: each says why, and stays as it is."""

import pytest

from inverted import DeterminismError, MemoryStore, Run
from inverted.errors import JournalError
from inverted.runtime import Runtime
from inverted.stores import Store

from .fakes import Inline, Rounds, agent, ask, record_of, result


async def original(run: Run) -> list[str]:
    return [await ask("a"), await ask("b")]


async def changed(run: Run) -> list[str]:
    return [await ask("another question"), await ask("b")]


async def stored(store: Store) -> str:
    """A run that is parked at its second question."""
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(original), {}, Rounds())).run_id
    await runtime.resume(agent(original), run_id, {"1": "a"}, Rounds())
    return run_id


async def edited(*edits: tuple[int, bytes, bytes]) -> tuple[MemoryStore, str]:
    """The same, with some bytes of its lines changed."""
    before, store = MemoryStore(), MemoryStore()
    run_id = await stored(before)
    lines = await before.read(run_id)
    for number, old, new in edits:
        assert old in lines[number]
        lines[number] = lines[number].replace(old, new)
    await store.create((await record_of(before, run_id))._replace(), lines)
    return store, run_id


async def test_a_changed_agent_is_told_what_differs_and_the_run_stays_as_it_was(
    store: Store,
) -> None:
    run_id = await stored(store)
    record, lines = await record_of(store, run_id), await store.read(run_id)
    with pytest.raises(DeterminismError) as caught:
        await Runtime(store).resume(agent(changed), run_id, {"2": "b"}, Rounds())
    assert '-    "message": "a"' in str(caught.value)
    assert '+    "message": "another question"' in str(caught.value)
    assert (await record_of(store, run_id), await store.read(run_id)) == (record, lines)

    # The version that started it can go on.
    outcome = await Runtime(store).resume(agent(original), run_id, {"2": "b"}, Rounds())
    assert result(outcome) == ["a", "b"]


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_a_newer_format_is_refused(number: int) -> None:
    store, run_id = await edited((number, b'"v":1', b'"v":2'))
    lines = await store.read(run_id)
    with pytest.raises(JournalError, match=r"written in format 2; .* Upgrade inverted"):
        await Runtime(store).resume(agent(original), run_id, {"2": "b"}, Rounds())
    assert await store.read(run_id) == lines


@pytest.mark.parametrize(("old", "new"), [(b'{"v"', b'{"'), (b'"t":', b'"tt":'), (b'"at"', b'"a"')])
async def test_a_damaged_line_is_shown(old: bytes, new: bytes) -> None:
    store, run_id = await edited((2, old, new))
    with pytest.raises(JournalError, match="line is damaged and cannot be read"):
        await Runtime(store).resume(agent(original), run_id, {"2": "b"}, Rounds())


async def test_a_journal_without_its_beginning_is_refused() -> None:
    whole, store = MemoryStore(), MemoryStore()
    run_id = await stored(whole)
    await store.create(await record_of(whole, run_id), (await whole.read(run_id))[1:])
    with pytest.raises(JournalError, match="does not begin with its start"):
        await Runtime(store).resume(agent(original), run_id, {}, Rounds())


async def test_a_key_cannot_continue_a_journal_without_its_beginning() -> None:
    whole, store = MemoryStore(), MemoryStore()
    runtime = Runtime(whole)
    begun = await runtime.begin(agent(original), {}, Rounds(), key="key")
    lines = await whole.read(begun.run_id)
    await store.create(await record_of(whole, begun.run_id), lines[1:])
    with pytest.raises(JournalError, match="does not begin with its start"):
        await Runtime(store).begin(agent(original), {}, Rounds(), key="key")


async def test_flags_of_a_newer_version_are_refused() -> None:
    store, run_id = await edited((0, b'"flags":[]', b'"flags":["faster"]'))
    with pytest.raises(JournalError, match="faster"):
        await Runtime(store).resume(agent(original), run_id, {}, Rounds())


async def test_a_run_that_has_ended_is_read_without_running_its_agent(store: Store) -> None:
    async def other(run: Run) -> None:
        raise AssertionError("it runs")

    outcome = await Runtime(store).begin(agent(original), {}, Inline())
    assert await Runtime(store).resume(agent(other), outcome.run_id, {}, Rounds()) == outcome
