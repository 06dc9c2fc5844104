"""What goes wrong is one clear error that says what to do, and nothing acknowledged is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from mcp import MCPError
from mcp_types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    ErrorData,
    InputRequiredResult,
)

from inverted import ClientError, MemoryStore, Run, SQLiteStore
from inverted.errors import StoreFull
from inverted.stores import RunRecord, Store
from inverted.stores.base import Append
from inverted.testing import Call, ModelAnswer, ScriptedHost, always_replay, serve_http, tool_calls
from inverted.testing.host import Era
from inverted.testing.script import Model
from tests.agents.small import Body, error, result_of, run, serve

BOTH = pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])


async def greet(run: Run, name: str, times: int = 1) -> str:
    """Greet somebody."""
    said = await run.sample(f"Greet {name}.")
    await run.approve("Send it?")
    return f"{said.text}" * times


def hello(params: dict[str, Any]) -> str:
    return "Hello. "


def yes(params: dict[str, Any]) -> bool:
    return True


def host(
    era: Era = "2026-07-28", *, model: Model = hello, headers: dict[str, str] | None = None
) -> ScriptedHost:
    return ScriptedHost(
        model=model,
        person=yes,
        era=era,
        headers=headers,
        transport="memory" if headers is None else "http",
    )


# -- the call ------------------------------------------------------------------------------------


@BOTH
async def test_an_unknown_agent_is_named(era: Era) -> None:
    try:
        outcome = await host(era).run(serve(greet), "greeet", {"name": "Ada"})
        message = error(outcome)
    except MCPError as refused:
        message = refused.message
    assert "greeet" in message


@BOTH
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "name"),
        ({"name": "Ada", "times": "many"}, "times"),
        ({"name": "Ada", "tmes": 2}, "tmes"),
        ({"name": ["Ada"]}, "name"),
    ],
    ids=["missing", "wrong type", "unknown", "a list"],
)
async def test_a_wrong_argument_is_named_and_no_run_begins(
    arguments: dict[str, Any], field: str, era: Era
) -> None:
    server = serve(greet)
    message = error(await host(era).run(server, "greet", arguments))
    assert field in message
    assert "greet" in message
    assert await server.runtime.store.list() == []


@BOTH
async def test_a_run_key_belongs_to_its_arguments(era: Era) -> None:
    server = serve(greet)
    await host(era).run(server, "greet", {"name": "Ada"}, run_key="k")
    with pytest.raises(MCPError) as refused:
        await host(era).run(server, "greet", {"name": "Bob"}, run_key="k")
    assert refused.value.code == INVALID_PARAMS
    assert "'k'" in refused.value.message
    assert "another key" in refused.value.message


# -- the client ----------------------------------------------------------------------------------


async def think(run: Run) -> None:
    await run.sample("Think.")


async def think_with_tools(run: Run) -> None:
    def tool() -> None:
        """Do nothing."""

    await run.sample("Think.", tools=[tool])


async def ask(run: Run) -> None:
    await run.elicit("Well?", str)


async def visit(run: Run) -> None:
    await run.elicit_url("Sign in.", "https://example.org")


async def look(run: Run) -> None:
    await run.list_roots()


@BOTH
@pytest.mark.parametrize(
    ("body", "declared", "missing"),
    [
        (think, {"elicitation": {}}, "sampling"),
        (think_with_tools, {"sampling": {}}, "sampling.tools"),
        (ask, {"sampling": {"tools": {}}}, "elicitation.form"),
        (ask, {"elicitation": {"url": {}}}, "elicitation.form"),
        (visit, {"elicitation": {}}, "elicitation.url"),
        (look, {"sampling": {}}, "roots"),
    ],
    ids=["sampling", "tools", "elicitation", "forms", "pages", "roots"],
)
async def test_a_capability_that_the_client_lacks_is_named_and_nothing_is_asked(
    body: Body, declared: dict[str, Any], missing: str, era: Era
) -> None:
    outcome = await run(body, capabilities=declared, era=era)
    assert f"did not declare the capability {missing} " in error(outcome)
    assert "Use a client that supports it" in error(outcome)
    assert outcome.questions == []


@pytest.mark.parametrize("transport", ["memory", "http"])
async def test_a_client_of_2026_without_a_capability_gets_the_error_of_the_protocol(
    transport: Literal["memory", "http"],
) -> None:
    bare = ScriptedHost(era="2026-07-28", capabilities={"elicitation": {}}, transport=transport)
    async with bare.connect(serve(visit)) as connection:
        with pytest.raises(MCPError) as raised:
            await connection.send(Call("visit", {}))
    assert raised.value.error.code == MISSING_REQUIRED_CLIENT_CAPABILITY
    assert raised.value.error.data == {"requiredCapabilities": {"elicitation": {"url": {}}}}


async def careful(run: Run) -> str:
    """An agent that goes on when the client does not answer."""
    try:
        await run.sample("Think.")
    except ClientError as error:
        return f"{error.data['code']}: {error.message}"
    return "it answered"


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (PermissionError("not today"), -1),
        (MCPError.from_error_data(ErrorData(code=-32001, message="not today")), -32001),
    ],
    ids=["refusal", "error"],
)
async def test_over_the_back_channel_the_agent_sees_what_the_client_answered(
    refused: Exception, code: int
) -> None:
    outcome = await run(careful, model=[refused], era="2025-11-25")
    assert outcome.result.startswith(f"{code}: The client did not answer sampling/createMessage")
    assert "not today" in outcome.result


async def test_over_the_back_channel_an_uncaught_refusal_fails_the_agent_with_the_reason() -> None:
    outcome = await run(think, model=[PermissionError("not today")], era="2025-11-25")
    assert "not today" in error(outcome)
    assert "the client knows more" in error(outcome)


async def test_in_rounds_a_refusal_ends_the_call_at_the_client_and_the_run_stays() -> None:
    server = serve(greet)
    stubborn = host(model=[PermissionError("not today")])
    with pytest.raises(MCPError, match="not today"):
        await stubborn.run(server, "greet", {"name": "Ada"}, run_key="k")
    outcome = await host().run(server, "greet", {"name": "Ada"}, run_key="k")
    assert outcome.result == "Hello. "
    assert len(await server.runtime.store.list()) == 1


async def test_an_error_of_the_agent_itself_is_a_tool_error_with_its_type() -> None:
    async def fail(run: Run) -> None:
        raise ZeroDivisionError("of course")

    assert error(await run(fail)) == "Agent fail failed: ZeroDivisionError: of course"


async def test_the_errors_of_an_agent_can_be_masked() -> None:
    async def fail(run: Run) -> None:
        raise ZeroDivisionError("the password is hunter2")

    outcome = await ScriptedHost().run(serve(fail, mask_error_details=True), "fail")
    assert error(outcome) == "Agent fail failed."


# -- the journal ---------------------------------------------------------------------------------


class Rewritten(MemoryStore):
    """A store whose journals read as something else wrote them."""

    def __init__(self, old: bytes, new: bytes) -> None:
        super().__init__()
        self._old, self._new = old, new

    async def read(self, run_id: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        lines = await super().read(run_id, start, stop)
        return [line.replace(self._old, self._new) for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"v":1', b'"v":99', ["format 99", "Upgrade inverted"]),
        (b'"t":"answered"', b'"t":"forgotten"', ["damaged", "Restore"]),
        (b'"flags":[]', b'"flags":["time-travel"]', ["time-travel", "Upgrade inverted"]),
    ],
    ids=["newer format", "damaged", "newer behaviour"],
)
async def test_a_journal_that_cannot_be_read_says_why_and_what_to_do(
    old: bytes, new: bytes, says: list[str]
) -> None:
    server = always_replay(serve(greet, store=Rewritten(old, new)))
    async with host().connect(server) as connection:
        call = Call("greet", {"name": "Ada"})
        first = await connection.send(call)
        assert isinstance(first, InputRequiredResult)
        call = await connection.answered(call, first)
        await connection.send(call)
        # By now the journal holds the answer, and the run is read from it again.
        reply = await connection.send(call)
    assert isinstance(reply, CallToolResult)
    assert reply.is_error
    for each in [*says, "Nothing was changed"]:
        assert each in str(reply.content)


async def test_a_changed_body_shows_what_was_recorded_and_what_it_asks_now() -> None:
    store = MemoryStore()

    def version(prompt: str) -> Body:
        async def review(run: Run) -> str:
            await run.sample(prompt)
            await run.approve("Send it?")
            return "sent"

        return review

    call = Call("review")
    async with host().connect(serve(version("Look at it."), store=store)) as connection:
        first = await connection.send(call)
        assert isinstance(first, InputRequiredResult)
        call = await connection.answered(call, first)
        assert isinstance(await connection.send(call), InputRequiredResult)
    async with host().connect(serve(version("Look closely."), store=store)) as connection:
        reply = await connection.send(call)
    assert isinstance(reply, CallToolResult)
    assert reply.is_error
    message = str(reply.content)
    for each in ["-", "Look at it.", "+", "Look closely.", "run it with the version"]:
        assert each in message
    # The old version still finishes the run.
    outcome = await _finish(call, serve(version("Look at it."), store=store))
    assert outcome == "sent"


async def _finish(call: Call, server: Any) -> Any:
    async with host().connect(server) as connection:
        while True:
            reply = await connection.send(call)
            if isinstance(reply, CallToolResult):
                return result_of(reply)
            call = await connection.answered(call, reply)


# -- the store -----------------------------------------------------------------------------------


class FullOnce(MemoryStore):
    """A store whose disk is full for one write."""

    def __init__(self, write: int) -> None:
        super().__init__()
        self.left = write

    async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
        self._check()
        await super().create(record, lines)

    async def append(self, run_id: str, append: Append) -> RunRecord:
        self._check()
        return await super().append(run_id, append)

    def _check(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise StoreFull("There is no space left. Nothing was written. Free some space.")


@BOTH
@pytest.mark.parametrize("write", [1, 2, 3])
async def test_a_full_disk_is_an_error_and_the_same_call_works_when_there_is_space(
    write: int, era: Era
) -> None:
    server = serve(greet, store=FullOnce(write))
    message = error(await host(era).run(server, "greet", {"name": "Ada"}, run_key="k"))
    assert "no space left" in message
    assert "Free some space" in message
    outcome = await host(era).run(server, "greet", {"name": "Ada"}, run_key="k")
    assert outcome.result == "Hello. "


async def test_a_retry_after_a_full_disk_loses_nothing() -> None:
    server = serve(greet, store=FullOnce(2))
    async with host().connect(server) as connection:
        call = Call("greet", {"name": "Ada"})
        first = await connection.send(call)
        assert isinstance(first, InputRequiredResult)
        call = await connection.answered(call, first)
        reply = await connection.send(call)
        assert isinstance(reply, CallToolResult)
        assert reply.is_error
        second = await connection.send(call)
        assert isinstance(second, InputRequiredResult)
        assert second.input_requests != first.input_requests


async def test_a_locked_database_is_an_error_that_says_what_to_look_for(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3", busy_timeout=0.05)
    server = serve(greet, store=store)
    assert (await host().run(server, "greet", {"name": "Ada"})).result == "Hello. "
    other = sqlite3.connect(tmp_path / "runs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        message = error(await host().run(server, "greet", {"name": "Bob"}))
        assert "locked" in message
        assert "database browser" in message
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert (await host().run(server, "greet", {"name": "Bob"})).result == "Hello. "
    await store.aclose()


# -- the caller ----------------------------------------------------------------------------------

TOKENS: dict[str, dict[str, Any]] = {
    name: {"client_id": name, "sub": name, "scopes": []} for name in ("ada", "bob")
}


def of(name: str, era: Era = "2026-07-28") -> ScriptedHost:
    return host(era, headers={"Authorization": f"Bearer {name}"})


async def test_the_run_of_another_caller_cannot_be_found() -> None:
    store: Store = MemoryStore()
    server = serve(greet, store=store, auth=StaticTokenVerifier(TOKENS))
    call = Call("greet", {"name": "Eve"}, run_key="k")
    async with serve_http(server) as url:
        async with of("ada").connect(url) as connection:
            first = await connection.send(call)
            assert isinstance(first, InputRequiredResult)
            answered = await connection.answered(call, first)
        async with of("bob").connect(url) as connection:
            with pytest.raises(MCPError) as refused:
                await connection.send(answered)
            assert refused.value.code == INVALID_PARAMS
            # The key is Bob's own name for a run of his own.
            assert isinstance(await connection.send(call), InputRequiredResult)
        async with of("ada").connect(url) as connection:
            assert isinstance(await connection.send(answered), InputRequiredResult)
    owners = sorted(record.principal or "" for record in await store.list())
    assert len(owners) == 2
    assert "ada" in owners[0]
    assert "bob" in owners[1]


async def test_the_key_of_another_caller_names_another_run_on_the_back_channel() -> None:
    store = MemoryStore()
    server = serve(greet, store=store, auth=StaticTokenVerifier(TOKENS))
    async with serve_http(server) as url:
        for name in ("ada", "bob"):
            caller = of(name, era="2025-11-25")
            outcome = await caller.run(url, "greet", {"name": name}, run_key="k")
            assert outcome.result == "Hello. "
    assert len(await store.list()) == 2


async def test_the_store_knows_no_other_caller_even_with_a_state_of_its_run() -> None:
    """Below the sealed state, the run's own owner is checked again."""
    store = MemoryStore()
    server = serve(greet, store=store, auth=StaticTokenVerifier(TOKENS))
    async with serve_http(server) as url, of("ada").connect(url) as connection:
        call = Call("greet", {"name": "Eve"})
        first = await connection.send(call)
        assert isinstance(first, InputRequiredResult)
        answered = await connection.answered(call, first)
        record = (await store.list())[0]
        lines = await store.read(record.id)
        await store.delete(record.id)
        await store.create(record._replace(principal="somebody else"), lines)
        with pytest.raises(MCPError) as refused:
            await connection.send(answered)
    assert refused.value.code == INVALID_PARAMS
    assert "belongs to somebody else" in refused.value.message


# -- the model ------------------------------------------------------------------------------------


@BOTH
async def test_a_model_that_only_calls_tools_ends_with_an_error_that_names_the_limit(
    era: Era,
) -> None:
    async def loop(run: Run) -> None:
        def tool() -> None:
            """Do nothing."""

        await run.sample("Think.", tools=[tool], max_turns=2)

    def call(params: dict[str, Any]) -> ModelAnswer:
        return tool_calls(("tool", {}))

    outcome = await run(loop, model=call, era=era)
    assert "max_turns=2" in error(outcome)
