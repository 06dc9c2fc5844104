"""Tasks of 2025-11-25, created and driven by a client of the current SDK: over memory and HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from fastmcp import Client as FastClient
from fastmcp import FastMCP
from mcp import MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import REQUEST_TIMEOUT, ElicitRequestParams, ElicitResult, ErrorData

from inverted.client import (
    Task,
    TaskCancelled,
    TaskError,
    TaskFailed,
    TaskNotFound,
    TasksExtension,
    TasksUnsupported,
    attach,
    call_tool_as_task,
)
from tests.client.people import connected, everything, said
from tests.client.toy import FORM, Toy, ToyTask, Wire, text

Make = Callable[..., Toy]


@pytest.mark.parametrize("http", [False, True])
async def test_a_call_becomes_a_task_and_its_questions_come_to_the_callbacks(
    make: Make, *, http: bool
) -> None:
    toy = make(everything)
    async with connected(toy, http=http, mode="legacy") as client:
        handle = await call_tool_as_task(client.session, "work", {}, ttl=60)
        assert (handle.id, handle.modern) == (next(iter(toy.tasks)), False)
        found = await handle.result()
    assert said(found) == "AdaAda a thought file:///tmp"
    assert found.meta == {"io.modelcontextprotocol/related-task": {"taskId": handle.id}}
    assert toy.names("tasks/get") == []  # nothing asked to be told of its status


async def test_it_works_with_fastmcps_client_and_beside_the_extension(make: Make) -> None:
    async def done(task: ToyTask) -> Wire:
        return text("done")

    toy = make(done)
    async with FastClient(toy.mcp, mode="legacy", extensions=[TasksExtension()]) as client:
        assert said(await (await call_tool_as_task(client.session, "work")).result()) == "done"


async def test_another_connection_comes_back_to_a_task_by_its_id(make: Make) -> None:
    toy = make(everything)
    async with connected(toy, mode="legacy") as client:
        task_id = (await call_tool_as_task(client.session, "work")).id
    async with connected(toy, mode="legacy") as client:
        assert said(await attach(client.session, task_id).result()).startswith("AdaAda")


async def test_a_tool_error_is_a_result_although_the_task_failed(make: Make) -> None:
    async def fail(task: ToyTask) -> Wire:
        return text("no luck", failed=True)

    async with connected(make(fail), mode="legacy") as client:
        handle = await call_tool_as_task(client.session, "work")
        found = await handle.result()
        assert (found.is_error, said(found)) == (True, "no luck")
        assert (await handle.get()).status == "failed"


async def test_a_task_that_failed_raises_its_error(make: Make) -> None:
    async def fail(task: ToyTask) -> Wire:
        raise MCPError(-32050, "out of paper", {"tray": 2})

    async with connected(make(fail), mode="legacy") as client:
        handle = await call_tool_as_task(client.session, "work")
        with pytest.raises(TaskFailed, match="out of paper") as failed:
            await handle.result()
    assert (failed.value.code, failed.value.data) == (-32050, {"tray": 2})


async def test_a_task_that_is_cancelled_elsewhere_raises(make: Make) -> None:
    asked = anyio.Event()

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    toy = make(everything)
    async with connected(toy, mode="legacy", elicitation_callback=never) as client:
        handle = await call_tool_as_task(client.session, "work")

        async def cancel() -> None:
            await asked.wait()
            task = await handle.cancel()
            assert task.status == "cancelled"

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancel)
            with pytest.raises(TaskCancelled, match="was cancelled: by the client"):
                await handle.result()


async def test_cancelling_what_has_ended_changes_nothing(make: Make) -> None:
    async def done(task: ToyTask) -> Wire:
        return text("done")

    async with connected(make(done), mode="legacy") as client:
        handle = await call_tool_as_task(client.session, "work")
        await handle.result()
        assert (await handle.cancel()).status == "completed"


async def test_status_and_messages_are_told(make: Make) -> None:
    seen: list[tuple[str, str | None]] = []

    async def report(task: ToyTask) -> Wire:
        task.says("reading")
        await toy.heard("tasks/get", 3)
        return text("done")

    def on_status(task: Task) -> None:
        seen.append((task.status, task.message))

    toy = make(report)
    async with connected(toy, mode="legacy") as client:
        await (await call_tool_as_task(client.session, "work", on_status=on_status)).result()
    assert seen == [("working", "reading"), ("completed", None)]


async def test_an_error_in_on_status_is_raised_as_it_is(make: Make) -> None:
    def broken(task: Task) -> None:
        raise LookupError(task.status)

    async with connected(make(everything), mode="legacy") as client:
        with pytest.raises(LookupError):
            await (await call_tool_as_task(client.session, "work", on_status=broken)).result()


async def test_a_time_limit_on_requests_does_not_end_a_task(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def done(task: ToyTask) -> Wire:
        return text("done")

    async with connected(make(done), mode="legacy") as client:
        handle = await call_tool_as_task(client.session, "work")
        plain, late = client.session.send_request, [True, True]

        async def slow(*args: Any, **settings: Any) -> Any:
            if late and late.pop():
                raise MCPError(REQUEST_TIMEOUT, "Timed out")
            return await plain(*args, **settings)

        monkeypatch.setattr(client.session, "send_request", slow)
        assert said(await handle.result()) == "done"
        assert late == []


async def test_a_callback_that_refuses_is_the_servers_to_deal_with(make: Make) -> None:
    async def ask(task: ToyTask) -> Wire:
        await task.ask("elicitation/create", FORM)
        return text("answered")

    async def refuse(context: ClientRequestContext, params: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=-1, message="not today")

    async with connected(make(ask), mode="legacy", elicitation_callback=refuse) as client:
        handle = await call_tool_as_task(client.session, "work")
        with pytest.raises(TaskFailed, match="not today"):
            await handle.result()


async def test_a_cancelled_task_may_end_with_an_error_too(make: Make) -> None:
    toy = make(everything)
    async with connected(toy, mode="legacy") as client:
        handle = await call_tool_as_task(client.session, "work")
        task = toy.tasks[handle.id]
        task.error = {"code": -1, "message": "stopped", "data": None}
        task.becomes("cancelled")
        with pytest.raises(TaskCancelled):
            await handle.result()


async def test_an_answer_that_is_neither_task_nor_result_is_a_clear_error(make: Make) -> None:
    toy = make(everything)
    toy.told["tools/call"] = {"odd": 1}
    async with connected(toy, mode="legacy") as client:
        with pytest.raises(TaskError, match="neither a task nor a result"):
            await call_tool_as_task(client.session, "work")


async def test_an_unknown_task_is_told_as_such(make: Make) -> None:
    async with connected(make(everything), mode="legacy") as client:
        handle = attach(client.session, "none")
        for call in (handle.get, handle.cancel, handle.result):
            with pytest.raises(TaskNotFound, match="knows no task none for this caller"):
                await call()


async def test_a_server_that_runs_the_call_at_once_breaks_its_word(make: Make) -> None:
    toy = make(everything)
    async with connected(toy, mode="legacy") as client:
        toy.mcp.tool(lambda: "at once", name="plain")
        with pytest.raises(TaskError, match="ran plain at once instead of making a task"):
            await call_tool_as_task(client.session, "plain")


async def test_a_server_without_tasks_is_told_as_such() -> None:
    async with FastClient(FastMCP("plain"), mode="legacy") as client:
        with pytest.raises(TasksUnsupported, match="takes no calls as tasks"):
            await call_tool_as_task(client.session, "work")
        with pytest.raises(TasksUnsupported, match="This server has no tasks on 2025-11-25"):
            await attach(client.session, "x").get()


async def test_a_revision_without_tasks_is_told_as_such(make: Make) -> None:
    async with FastClient(make(everything).mcp, mode="legacy") as client:
        session = client.session
        session._negotiated_version = "2025-06-18"  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as an old server does
        with pytest.raises(TasksUnsupported, match="no tasks in protocol revision 2025-06-18"):
            attach(session, "x")
