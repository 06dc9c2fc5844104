"""Recording a run, and noticing that its agent has changed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from inverted import AgentServer, DeterminismError, MemoryStore, Run
from inverted.errors import JournalError
from inverted.testing import GoldenError, ScriptedHost, check_golden, record_golden

Body = Callable[..., Coroutine[Any, Any, Any]]


def serve(body: Body) -> AgentServer:
    server = AgentServer("golden", store=MemoryStore(), keys=["a key for tests, long enough to be"])
    server.agent(name="chat")(body)
    return server


async def chat(run: Run, name: str) -> str:
    first = await run.sample(f"Greet {name}.")
    second = await run.sample("And now?")
    return f"{first.text} {second.text}"


def answer(params: dict[str, Any]) -> str:
    return params["messages"][0]["content"]["text"].lower()


@pytest.fixture
async def golden(tmp_path: Path) -> Path:
    path = tmp_path / "chat.jsonl"
    server = serve(chat)
    await ScriptedHost(model=answer).run(server, "chat", {"name": "Ada"})
    await record_golden(server, path)
    return path


async def test_a_recorded_run_replays_on_a_new_server(golden: Path) -> None:
    await check_golden(serve(chat), golden)
    await check_golden(serve(chat), str(golden))


async def test_an_agent_that_asks_otherwise_is_shown_beside_its_journal(golden: Path) -> None:
    async def changed(run: Run, name: str) -> str:
        first = await run.sample(f"Greet {name}.")
        second = await run.sample("And then?")
        return f"{first.text} {second.text}"

    with pytest.raises(DeterminismError) as differs:
        await check_golden(serve(changed), golden)
    assert "And now?" in str(differs.value)
    assert "And then?" in str(differs.value)
    assert any(str(golden) in note for note in differs.value.__notes__)


async def test_an_agent_that_ends_otherwise_is_noticed(golden: Path) -> None:
    async def louder(run: Run, name: str) -> str:
        return (await chat(run, name)).upper()

    async def failing(run: Run, name: str) -> str:
        await chat(run, name)
        raise ValueError("changed my mind")

    with pytest.raises(GoldenError, match="GREET ADA"):
        await check_golden(serve(louder), golden)
    with pytest.raises(GoldenError, match="changed my mind"):
        await check_golden(serve(failing), golden)


async def test_an_agent_that_goes_on_is_noticed(golden: Path) -> None:
    async def longer(run: Run, name: str) -> str:
        said = await chat(run, name)
        await run.sample("One more?")
        return said

    with pytest.raises((GoldenError, DeterminismError), match="sample"):
        await check_golden(serve(longer), golden)


async def test_a_run_that_has_not_ended_can_be_golden_too(golden: Path, tmp_path: Path) -> None:
    lines = golden.read_bytes().splitlines(keepends=True)  # noqa: ASYNC240 # a small file
    for kept in range(1, len(lines)):
        part = tmp_path / f"{kept}.jsonl"
        part.write_bytes(b"".join(lines[:kept]))
        await check_golden(serve(chat), part)


async def test_a_server_without_the_agent_is_an_error(golden: Path) -> None:
    async def talk(run: Run) -> None:
        await run.sample("Hello.")

    server = AgentServer("other", store=MemoryStore())
    server.agent(talk)
    with pytest.raises(GoldenError, match="'chat', which this server lacks"):
        await check_golden(server, golden)


async def test_what_is_no_journal_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    with pytest.raises(JournalError, match="does not begin with the start"):
        await check_golden(serve(chat), empty)


async def test_there_must_be_a_run_to_record(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="Call the agent first"):
        await record_golden(serve(chat), tmp_path / "none.jsonl")


async def test_a_run_can_be_recorded_by_its_name(tmp_path: Path) -> None:
    server = serve(chat)
    for name in ("Ada", "Bob"):
        await ScriptedHost(model=answer).run(server, "chat", {"name": name})
    for record in await server.runtime.store.list():
        path = tmp_path / f"{record.id}.jsonl"
        await record_golden(server, path, run_id=record.id)
        await check_golden(serve(chat), path)


async def test_a_run_with_a_secret_cannot_be_golden(tmp_path: Path) -> None:
    def fetch() -> str:
        return "hunter2"

    async def secretive(run: Run) -> int:
        return len(await run.step(fetch, secret=True))

    server = serve(secretive)
    await ScriptedHost().run(server, "chat")
    with pytest.raises(JournalError, match="secret"):
        await record_golden(server, tmp_path / "secret.jsonl")
