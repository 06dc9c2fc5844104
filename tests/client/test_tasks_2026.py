"""Tasks of 2026-07-28, driven by a client with the extension: over memory and HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from fastmcp import Client as FastClient
from mcp import MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import (
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    TextContent,
)

from inverted.client import (
    QuestionRefused,
    Task,
    TaskCancelled,
    TaskDetached,
    TaskError,
    TaskFailed,
    TaskNotFound,
    TasksExtension,
    TasksUnsupported,
    attach,
    call_tool_as_task,
)
from tests.client.people import connected, everything, said
from tests.client.toy import FORM, PROMPT, Toy, ToyTask, Wire, text

Make = Callable[..., Toy]


@pytest.mark.parametrize("http", [False, True])
async def test_every_kind_of_question_is_answered_by_the_clients_callbacks(
    make: Make,
    *,
    http: bool,
) -> None:
    toy = make(everything)
    async with connected(toy, TasksExtension(), http=http) as client:
        assert said(await client.call_tool("work", {})) == "AdaAda a thought file:///tmp"
    answered = [key for params in toy.names("tasks/update") for key in params["inputResponses"]]
    assert answered == ["q1", "q2", "q3", "q4"]
    if http:
        (task,) = toy.tasks
        assert {name for _, _, name in toy.requests} == {task}  # Mcp-Name, on every request


async def test_it_works_in_fastmcps_client_too(make: Make) -> None:
    async def ask(task: ToyTask) -> Wire:
        return text((await task.ask("sampling/createMessage", PROMPT))["content"]["text"])

    async def think(messages: Any, params: Any, context: Any) -> str:
        return "FastMCP's thought"

    toy = make(ask)
    async with FastClient(toy.mcp, extensions=[TasksExtension()], sampling_handler=think) as client:
        found = await client.call_tool("work", {})
        (block,) = found.content
        assert isinstance(block, TextContent)
        assert block.text == "FastMCP's thought"


async def test_a_tool_error_is_a_result(make: Make) -> None:
    async def fail(task: ToyTask) -> Wire:
        return text("no luck", failed=True)

    async with connected(make(fail), TasksExtension()) as client:
        found = await client.call_tool("work", {})
        assert (found.is_error, said(found)) == (True, "no luck")


async def test_a_task_that_failed_raises_its_error(make: Make) -> None:
    async def fail(task: ToyTask) -> Wire:
        raise MCPError(-32050, "out of paper", {"tray": 2})

    async with connected(make(fail), TasksExtension()) as client:
        with pytest.raises(TaskFailed, match="out of paper") as failed:
            await client.call_tool("work", {})
    assert (failed.value.code, failed.value.data) == (-32050, {"tray": 2})
    assert failed.value.task_id


async def test_a_task_that_is_cancelled_elsewhere_raises(make: Make) -> None:
    async def wait(task: ToyTask) -> Wire:
        task.becomes("cancelled", "by somebody")
        return text("never seen")

    async with connected(make(wait), TasksExtension()) as client:
        with pytest.raises(TaskCancelled, match="was cancelled: by somebody"):
            await client.call_tool("work", {})


async def test_status_and_messages_are_told_once_each(make: Make) -> None:
    seen: list[tuple[str, str | None]] = []

    async def report(task: ToyTask) -> Wire:
        task.says("reading")
        await toy.heard("tasks/get", 4)  # the same thing is read several times
        return text("done")

    async def on_status(task: Task) -> None:
        seen.append((task.status, task.message))
        assert (task.ttl, task.poll_interval) == (None, 0.02)

    toy = make(report)
    async with connected(toy, TasksExtension(on_status=on_status)) as client:
        await client.call_tool("work", {})
    assert seen == [("working", "reading"), ("completed", None)]


async def test_polls_begin_fast_and_slow_down_to_what_the_server_wants(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    class Hasty:
        """anyio, with a patience that is noted and not had."""

        def move_on_after(self, delay: float) -> anyio.CancelScope:
            pauses.append(delay)
            return anyio.move_on_after(0)

        def __getattr__(self, name: str) -> Any:
            return getattr(anyio, name)

    async def slow(task: ToyTask) -> Wire:
        await toy.heard("tasks/get", 8)
        return text("done")

    toy = make(slow, interval=300)
    async with connected(toy, TasksExtension()) as client:
        monkeypatch.setattr("inverted.client.polling.anyio", Hasty())
        await client.call_tool("work", {})
    assert pauses[:6] == [0.02, 0.04, 0.08, 0.16, 0.3, 0.3]


async def test_answers_go_out_one_by_one_as_they_come(make: Make) -> None:
    first_sent = anyio.Event()

    async def two(task: ToyTask) -> Wire:
        slow, fast = (
            task.asks("elicitation/create", FORM),
            task.asks("sampling/createMessage", PROMPT),
        )
        pending = task.questions[slow][2]
        await task.questions[fast][2]
        first_sent.set()
        return text((await pending)["content"]["name"])

    async def late(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        await first_sent.wait()
        return ElicitResult(action="accept", content={"name": "late"})

    toy = make(two)
    async with connected(toy, TasksExtension(), elicitation_callback=late) as client:
        assert said(await client.call_tool("work", {})) == "late"
    assert [list(params["inputResponses"]) for params in toy.names("tasks/update")] == [
        ["q2"],
        ["q1"],
    ]


async def test_a_question_is_put_once_however_often_it_is_seen(make: Make) -> None:
    asked: list[str] = []

    async def ask(task: ToyTask) -> Wire:
        await task.ask("elicitation/create", FORM)
        return text("done")

    async def slow(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(str(context.request_id))
        await toy.heard("tasks/get", 4)  # until the question was seen several times
        return ElicitResult(action="decline")

    toy = make(ask)
    async with connected(toy, TasksExtension(), elicitation_callback=slow) as client:
        await client.call_tool("work", {})
    assert asked == ["q1"]


async def test_a_question_that_is_withdrawn_is_taken_back_from_its_callback(make: Make) -> None:
    asked, taken_back = anyio.Event(), anyio.Event()

    async def race(task: ToyTask) -> Wire:
        key = task.asks("elicitation/create", FORM)
        await asked.wait()
        task.withdraws(key)
        await taken_back.wait()
        return text("without them")

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            taken_back.set()
        raise AssertionError

    toy = make(race)
    async with connected(toy, TasksExtension(), elicitation_callback=never) as client:
        assert said(await client.call_tool("work", {})) == "without them"
    assert toy.names("tasks/update") == []


async def test_a_callback_that_refuses_leaves_the_task_waiting(make: Make) -> None:
    async def refuse(context: ClientRequestContext, params: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=-1, message="not today")

    toy = make(everything)
    async with connected(toy, TasksExtension(), elicitation_callback=refuse) as client:
        with pytest.raises(QuestionRefused, match=r"not today\. The task still waits") as refused:
            await client.call_tool("work", {})
        assert (refused.value.key, refused.value.code) == ("q1", -1)
        (task,) = toy.tasks.values()
        assert task.status == "input_required"


async def test_an_error_in_a_callback_is_raised_as_it_is(make: Make) -> None:
    async def broken(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        raise LookupError("a bug")

    async with connected(make(everything), TasksExtension(), elicitation_callback=broken) as client:
        with pytest.raises(LookupError, match="a bug"):
            await client.call_tool("work", {})


async def test_an_error_in_on_status_is_raised_as_it_is(make: Make) -> None:
    def broken(task: Task) -> None:
        raise LookupError(task.status)

    async with connected(make(everything), TasksExtension(on_status=broken)) as client:
        with pytest.raises(LookupError, match=r"input_required|working"):
            await client.call_tool("work", {})


async def test_an_answer_that_the_server_refuses_is_told(make: Make) -> None:
    toy = make(everything)
    toy.told["refuse"] = {}
    async with connected(toy, TasksExtension()) as client:
        with pytest.raises(TaskError, match=r"did not take the answer to 'q1'.*wrong shape"):
            await client.call_tool("work", {})


async def test_a_round_before_the_task_is_answered_as_in_any_call(make: Make) -> None:
    toy = make(everything, first=FORM)
    async with connected(toy, TasksExtension()) as client:
        assert said(await client.call_tool("work", {})).startswith("AdaAda")


async def test_without_the_extension_a_server_makes_no_task(make: Make) -> None:
    toy = make(everything)
    async with connected(toy) as client:
        assert said(await client.call_tool("work", {})) == "ran at once"
        with pytest.raises(TasksUnsupported, match=r"extensions=\[TasksExtension\(\)\]"):
            await attach(client.session, "x").get()


async def test_a_detached_task_is_handed_over_and_found_again_by_its_id(make: Make) -> None:
    toy = make(everything)
    async with connected(toy, TasksExtension(detach=True)) as client:
        with pytest.raises(TaskDetached, match="became task") as detached:
            await client.call_tool("work", {})
        assert (await detached.value.handle.get()).status in ("working", "input_required")
    # another connection, as after a restart of the client
    async with connected(toy, TasksExtension()) as client:
        found = await attach(client.session, detached.value.task_id).result()
        assert said(found).startswith("AdaAda")


async def test_cancelling_what_has_ended_changes_nothing(make: Make) -> None:
    async def done(task: ToyTask) -> Wire:
        return text("done")

    toy = make(done)
    async with connected(toy, TasksExtension()) as client:
        await client.call_tool("work", {})
        (task_id,) = toy.tasks
        task = await attach(client.session, task_id).cancel()
        assert (task.status, task.ended) == ("completed", True)


async def test_a_task_is_cancelled(make: Make) -> None:
    toy = make(everything)
    async with connected(toy, TasksExtension()) as client:
        task = await attach(client.session, toy.create().id).cancel()
        assert (task.status, task.message) == ("cancelled", "by the client")


async def test_an_unknown_task_is_told_as_such(make: Make) -> None:
    async with connected(make(everything), TasksExtension()) as client:
        handle = attach(client.session, "none")
        for call in (handle.get, handle.cancel, handle.result):
            with pytest.raises(TaskNotFound, match="knows no task none for this caller"):
                await call()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"taskId": "t"}, "breaks the protocol: status: Field required"),
        ({"taskId": "other", "status": "working"}, "answered about other"),
        (
            {"taskId": "t", "status": "input_required", "inputRequests": {"k": {"method": "?"}}},
            "asks something under 'k' that this client cannot read",
        ),
        (
            {"taskId": "t", "status": "completed", "result": {"content": 5}},
            "is no result of a tool",
        ),
        ({"taskId": "t", "status": "failed"}, "the server gave no reason"),
    ],
)
async def test_an_answer_that_breaks_the_protocol_is_a_clear_error(
    make: Make, answer: Wire, problem: str
) -> None:
    toy = make(everything)
    toy.told["tasks/get"] = answer
    async with connected(toy, TasksExtension()) as client:
        toy.tasks["t"] = ToyTask(20)
        with pytest.raises(TaskError, match=problem):
            await attach(client.session, "t").result()


async def test_whoever_stops_waiting_leaves_the_task_alone(make: Make) -> None:
    toy = make(everything)

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        scope.cancel()
        await anyio.sleep_forever()
        raise AssertionError

    async with connected(toy, TasksExtension(), elicitation_callback=never) as client:
        with anyio.CancelScope() as scope:
            await client.call_tool("work", {})
        assert scope.cancelled_caught
    (task,) = toy.tasks.values()
    assert task.status == "input_required"
    assert toy.names("tasks/cancel") == []


async def test_calls_are_made_tasks_by_the_server_alone(make: Make) -> None:
    async with connected(make(everything), TasksExtension()) as client:
        with pytest.raises(TasksUnsupported, match=r"TasksExtension\(detach=True\)"):
            await call_tool_as_task(client.session, "work")


def test_errors_are_told_apart_and_all_are_task_errors() -> None:
    kinds: Iterator[type[TaskError]] = iter(TaskError.__subclasses__())
    assert {kind.__name__ for kind in kinds} == {
        "QuestionRefused",
        "TaskCancelled",
        "TaskDetached",
        "TaskFailed",
        "TaskNotFound",
        "TasksUnsupported",
    }
