"""Tasks in the form of SEP-1686, on 2025-11-25 and nowhere else."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from fastmcp import FastMCP
from mcp import MCPError

from inverted import ClientError, MemoryStore, Run, TaskSettings
from inverted.server.tool import RUN_KEY
from inverted.testing import accept, serve_http
from inverted.testing.host import Era
from tests.server.tasks_peer import (
    LEGACY,
    MODERN,
    ask,
    both,
    broken,
    connected,
    hello,
    rest,
    serve,
)

RELATED = "io.modelcontextprotocol/related-task"
ERAS: list[Era] = ["2025-06-18", LEGACY, MODERN]


async def capabilities(era: Era, server: Any, **how: Any) -> dict[str, Any]:
    async with connected(server, era, **how) as peer:
        shown = peer.session.server_capabilities
        assert shown is not None
        return shown.model_dump(mode="json", by_alias=True, exclude_none=True)


# -- who sees what ---------------------------------------------------------------------------


async def test_each_era_sees_its_own_form_and_no_other() -> None:
    server = serve(hello)
    seen = {era: await capabilities(era, server) for era in ERAS}
    assert "tasks" not in seen["2025-06-18"]
    assert "extensions" not in seen["2025-06-18"]
    everything: Any = {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
    assert seen[LEGACY]["tasks"] == everything
    assert "extensions" not in seen[LEGACY]
    assert "tasks" not in seen[MODERN]
    assert seen[MODERN]["extensions"]["io.modelcontextprotocol/tasks"] == {}


@pytest.mark.parametrize("era", ERAS)
async def test_what_an_agent_says_of_tasks_is_only_seen_on_2025_11_25(era: Era) -> None:
    server = serve(hello)
    server.agent(task="always")(rest)
    server.agent(task="never")(ask)
    async with connected(server, era) as peer:
        listed = (await peer.send("tools/list"))["tools"]
    shown = {each["name"]: each.get("execution") for each in listed}
    if era == LEGACY:
        assert shown == {
            "hello": {"taskSupport": "optional"},
            "rest": {"taskSupport": "required"},
            "ask": None,
        }
    else:
        assert shown == dict.fromkeys(("hello", "rest", "ask", "continue_run"))


async def test_tasks_are_not_there_on_older_revisions() -> None:
    async with connected(serve(hello), "2025-06-18") as peer:
        reply = await peer.call("hello", task={"ttl": -1})
        assert reply["structuredContent"] == {"result": "hello"}
        for method in ("get", "result", "cancel", "list", "update"):
            code, *_ = await peer.refusal(f"tasks/{method}", taskId="x")
            assert code == -32601


async def test_over_http_nobody_lists_tasks_without_signing_in() -> None:
    server = serve(hello)
    seen = await capabilities(LEGACY, server, transport="http")
    assert "list" not in seen["tasks"]
    async with connected(server, LEGACY, transport="http") as peer:
        code, message, _ = await peer.refusal("tasks/list")
    assert code == -32601
    assert "cannot tell its callers apart" in message


# -- from the call to the result -------------------------------------------------------------


async def test_a_task_is_shown_in_the_shapes_of_its_form() -> None:
    async with connected(serve(ask), LEGACY) as peer:
        made = await peer.call("ask", {"ttl": 60_000})
        task = made["task"]
        assert set(made) == {"task", "_meta"}
        assert "ask" in made["_meta"]["io.modelcontextprotocol/model-immediate-response"]
        assert set(task) == {
            "taskId",
            "status",
            "createdAt",
            "lastUpdatedAt",
            "ttl",
            "pollInterval",
        }
        assert (task["status"], task["ttl"], task["pollInterval"]) == ("working", 60_000, 50)
        assert len(task["taskId"]) >= 22  # 128 bits
        shown = await peer.until(task["taskId"], "input_required")
        assert set(shown) == set(task)
        assert (shown["taskId"], shown["ttl"]) == (task["taskId"], 60_000)


async def test_the_result_waits_and_carries_the_questions() -> None:
    asked: list[Any] = []

    def model(params: dict[str, Any]) -> str:
        asked.append(params)
        return "yes"

    async with connected(serve(ask), LEGACY, model=model, person=["Ada"]) as peer:
        run_id = await peer.create("ask", word="rum")
        result = await peer.send("tasks/result", taskId=run_id)
        again = await peer.send("tasks/result", taskId=run_id)
    assert result["structuredContent"] == {"result": "Ada: yes"}
    assert result["_meta"][RELATED] == {"taskId": run_id}
    assert again == result
    assert len(asked) == 1


async def test_questions_that_do_not_wait_for_each_other_are_asked_together() -> None:
    waiting = 0
    together = anyio.Event()

    async def person(params: dict[str, Any]) -> str:
        nonlocal waiting
        waiting += 1
        if waiting == 2:
            together.set()
        with anyio.fail_after(10):
            await together.wait()
        return params["message"]

    async with connected(serve(both), LEGACY, person=person) as peer:
        run_id = await peer.create("both")
        result = await peer.send("tasks/result", taskId=run_id)
    assert result["structuredContent"] == {"result": "First? Second?"}


async def test_a_page_is_opened_inside_a_task() -> None:
    async def agent(run: Run) -> str:
        """Send the person to a page."""
        return (await run.elicit_url("Sign in", "https://example.org/")).action

    asked: list[dict[str, Any]] = []

    def person(params: dict[str, Any]) -> Any:
        asked.append(params)
        return accept()

    async with connected(serve(agent), LEGACY, person=person) as peer:
        run_id = await peer.create("agent")
        result = await peer.send("tasks/result", taskId=run_id)
    assert result["structuredContent"] == {"result": "accept"}
    assert asked[0]["url"] == "https://example.org/"
    assert asked[0]["elicitationId"].startswith(run_id)


async def test_a_refused_question_fails_at_its_line() -> None:
    async def agent(run: Run) -> str:
        """Ask the model."""
        try:
            await run.sample("Well?")
        except ClientError as error:
            return f"{error.data['code']}: {error}"
        raise NotImplementedError

    server = serve(agent)
    async with connected(server, LEGACY, model=[MCPError(-1, "not today")]) as peer:
        run_id = await peer.create("agent")
        result = await peer.send("tasks/result", taskId=run_id)
    assert "not today" in result["structuredContent"]["result"]


async def test_an_answer_that_a_second_session_gives_withdraws_the_question() -> None:
    asked, over = anyio.Event(), anyio.Event()

    async def silent(params: dict[str, Any]) -> str:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            over.set()
        raise NotImplementedError

    server, results = serve(ask), list[Any]()
    async with (
        connected(server, LEGACY, person=silent, model=["one"]) as first,
        connected(server, LEGACY, person=["Ada"], model=["two"]) as second,
        anyio.create_task_group() as group,
    ):
        run_id = await first.create("ask")

        async def wait() -> None:
            results.append(await first.send("tasks/result", taskId=run_id))

        group.start_soon(wait)
        with anyio.fail_after(10):
            await asked.wait()
        results.append(await second.send("tasks/result", taskId=run_id))
        with anyio.fail_after(10):
            await over.wait()
    assert results[0]["content"] == results[1]["content"]
    assert "Ada: " in results[0]["content"][0]["text"]


async def test_a_client_that_only_polls_is_asked_outside_of_any_request() -> None:
    """VS Code asks for the result when the task has completed, and not before."""
    async with connected(serve(ask), LEGACY, person=["Ada"], model=["yes"]) as peer:
        run_id = await peer.create("ask")
        shown = await peer.until(run_id, "completed")
        result = await peer.send("tasks/result", taskId=run_id)
    assert shown["status"] == "completed"
    assert result["structuredContent"] == {"result": "Ada: yes"}


async def test_a_result_that_is_asked_for_takes_the_questions_over() -> None:
    asked = 0
    first_asked = anyio.Event()

    async def person(params: dict[str, Any]) -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            first_asked.set()
            await anyio.sleep_forever()
        return "Ada"

    async with connected(serve(ask), LEGACY, person=person, model=["yes"]) as peer:
        run_id = await peer.create("ask")
        await peer.until(run_id, "input_required")
        await peer.send("tasks/get", taskId=run_id)
        with anyio.fail_after(10):
            await first_asked.wait()
        result = await peer.send("tasks/result", taskId=run_id)
    assert result["structuredContent"] == {"result": "Ada: yes"}
    assert asked == 2


async def test_without_a_task_the_call_stays_open() -> None:
    async with connected(serve(ask), LEGACY, person=["Ada"], model=["yes"]) as peer:
        reply = await peer.call("ask", task=False)
    assert reply["structuredContent"] == {"result": "Ada: yes"}


async def test_a_task_that_is_null_is_none() -> None:
    async with connected(serve(hello), LEGACY) as peer:
        reply = await peer.send("tools/call", name="hello", arguments={}, task=None)
    assert reply["structuredContent"] == {"result": "hello"}


# -- ends ------------------------------------------------------------------------------------


async def test_a_failed_run_is_failed_and_its_result_says_why() -> None:
    async with connected(serve(broken), LEGACY) as peer:
        run_id = await peer.create("broken", kind="tool")
        shown = await peer.until(run_id, "failed")
        result = await peer.send("tasks/result", taskId=run_id)
    assert shown["statusMessage"] == "Agent broken failed: ValueError: it broke"
    assert result["isError"]
    assert result["content"][0]["text"] == shown["statusMessage"]
    assert result["_meta"][RELATED] == {"taskId": run_id}


async def test_an_error_of_the_protocol_is_the_same_error_from_the_result() -> None:
    server = serve(broken)
    async with connected(server, LEGACY) as peer:
        run_id = await peer.create("broken", kind="protocol")
        shown = await peer.until(run_id, "failed")
        assert shown["statusMessage"] == "no way"
        for _ in range(2):
            refusal = await peer.refusal("tasks/result", taskId=run_id)
            assert refusal == (-32099, "no way", {"why": "a test"})
        inline = await peer.refusal("tools/call", name="broken", arguments={"kind": "protocol"})
    assert inline == (-32099, "no way", {"why": "a test"})


async def test_a_cancelled_task_is_cancelled_before_the_answer_and_stays_so() -> None:
    server = serve(rest)
    async with connected(server, LEGACY) as peer:
        run_id = await peer.create("rest")
        shown = await peer.send("tasks/cancel", taskId=run_id)
        assert (shown["taskId"], shown["status"]) == (run_id, "cancelled")
        result = await peer.send("tasks/result", taskId=run_id)
        assert result["isError"]
        assert result["content"][0]["text"] == "The run of rest was cancelled."
        assert (await peer.send("tasks/get", taskId=run_id))["status"] == "cancelled"
        code, message, _ = await peer.refusal("tasks/cancel", taskId=run_id)
    assert code == -32602
    assert "cancelled already" in message


async def test_a_task_that_has_ended_cannot_be_cancelled() -> None:
    async with connected(serve(hello), LEGACY) as peer:
        run_id = await peer.create("hello")
        await peer.until(run_id, "completed")
        code, message, _ = await peer.refusal("tasks/cancel", taskId=run_id)
    assert code == -32602
    assert "completed already" in message


# -- wrong use -------------------------------------------------------------------------------


async def test_tasks_are_refused_where_an_agent_has_none_and_demanded_where_it_must() -> None:
    server = serve(hello, task="never")
    server.agent(task="always")(rest)

    @server.tool
    def plain() -> str:
        """A tool of FastMCP."""
        return "plain"

    async with connected(server, LEGACY) as peer:
        for name in ("hello", "plain"):
            code, message, _ = await peer.refusal("tools/call", name=name, arguments={}, task={})
            assert (code, message) == (
                -32601,
                f"{name} is not served as a task. Call it without params.task.",
            )
            assert (await peer.call(name, task=False))["content"][0]["text"] == name
        code, message, _ = await peer.refusal("tools/call", name="rest", arguments={})
        assert code == -32601
        assert "served only as a task" in message
        code, message, _ = await peer.refusal("tools/call", name="no", arguments={}, task={})
        assert code == -32602
        assert "no" in message


@pytest.mark.parametrize("ttl", [0, -1, True])
async def test_a_ttl_that_is_no_duration_is_refused(ttl: Any) -> None:
    async with connected(serve(hello), LEGACY) as peer:
        code, message, data = await peer.refusal(
            "tools/call", name="hello", arguments={}, task={"ttl": ttl}
        )
    assert code == -32602
    assert "task.ttl must be a positive number of milliseconds" in message
    assert data == {"reason": "BadTtl"}


@pytest.mark.parametrize(
    ("ttl", "settings", "granted"),
    [
        ({"ttl": 1000}, TaskSettings(), 1000),
        ({"ttl": 10**18}, TaskSettings(), 24 * 3600 * 1000),
        ({"ttl": 10**18}, TaskSettings(max_ttl=10.0**9), 2**31 - 1),
        ({"ttl": None}, TaskSettings(), None),
        ({}, TaskSettings(default_ttl=5.0), 5000),
    ],
)
async def test_a_ttl_is_granted_within_the_limits(
    ttl: Any, settings: TaskSettings, granted: int | None
) -> None:
    async with connected(serve(rest, tasks=settings), LEGACY) as peer:
        made = (await peer.call("rest", ttl))["task"]
        assert made["ttl"] == granted
        assert (await peer.send("tasks/get", taskId=made["taskId"]))["ttl"] == granted


async def test_a_task_is_gone_after_its_ttl() -> None:
    async with connected(serve(hello), LEGACY) as peer:
        run_id = (await peer.call("hello", {"ttl": 1}))["task"]["taskId"]
        code, *_ = await peer.gone(run_id)
    assert code == -32602


async def test_arguments_that_do_not_fit_are_an_error_of_the_call() -> None:
    async with connected(serve(rest), LEGACY) as peer:
        code, message, _ = await peer.refusal(
            "tools/call", name="rest", arguments={"seconds": "soon"}, task={}
        )
        assert code == -32602
        assert "seconds" in message
        assert (await peer.send("tasks/list"))["tasks"] == []


async def test_too_many_tasks_are_refused_with_what_to_do() -> None:
    server = serve(rest, tasks=TaskSettings(poll_interval=0.05, concurrent=1))
    async with connected(server, LEGACY) as peer:
        first = await peer.create("rest")
        code, message, data = await peer.refusal("tools/call", name="rest", arguments={}, task={})
        assert (code, data) == (-32603, {"reason": "LimitExceeded"})
        assert "cancel one" in message
        await peer.send("tasks/cancel", taskId=first)
        await peer.send("tasks/result", taskId=first)
        with anyio.fail_after(10):
            while True:
                try:
                    await peer.create("rest")
                    break
                except MCPError:
                    await anyio.sleep(0.01)


@pytest.mark.parametrize("params", [{}, {"taskId": 5}, {"taskId": None}])
@pytest.mark.parametrize("method", ["get", "result", "cancel"])
async def test_params_of_the_wrong_shape_are_refused(method: str, params: Any) -> None:
    async with connected(serve(hello), LEGACY) as peer:
        code, message, _ = await peer.refusal(f"tasks/{method}", **params)
    assert code == -32602
    assert message == f"tasks/{method} needs params.taskId, a string."


async def test_a_run_key_names_one_task() -> None:
    async with connected(serve(rest), LEGACY) as peer:
        call: dict[str, Any] = {"name": "rest", "task": {}, "_meta": {RUN_KEY: "k"}}
        made = [
            (await peer.send("tools/call", arguments={"seconds": 60}, **call))["task"]["taskId"]
            for _ in range(2)
        ]
        assert made[0] == made[1]
        code, message, _ = await peer.refusal("tools/call", arguments={"seconds": 61}, **call)
    assert code == -32602
    assert "other arguments" in message


# -- lists -----------------------------------------------------------------------------------


async def test_a_list_goes_on_from_page_to_page() -> None:
    server = serve(hello)
    async with connected(server, LEGACY) as peer:
        made = [await peer.create("hello") for _ in range(120)]
        listed: list[str] = []
        page = await peer.send("tasks/list")
        sizes = [len(page["tasks"])]
        while True:
            listed += [each["taskId"] for each in page["tasks"]]
            if "nextCursor" not in page:
                break
            page = await peer.send("tasks/list", cursor=page["nextCursor"])
            sizes.append(len(page["tasks"]))
    assert sizes == [50, 50, 20]
    assert sorted(listed) == sorted(made)
    assert "io.modelcontextprotocol" not in str(page)


@pytest.mark.parametrize("cursor", ["", "x", "v1.AAAA", 5])
async def test_a_bad_cursor_is_refused(cursor: Any) -> None:
    async with connected(serve(hello), LEGACY) as peer:
        code, message, _ = await peer.refusal("tasks/list", cursor=cursor)
    assert code == -32602
    assert "no cursor of this list" in message


async def test_a_list_shows_what_get_shows() -> None:
    server = serve(hello, broken, ask, rest)
    async with connected(server, LEGACY) as peer:
        made = [
            await peer.create("hello"),
            await peer.create("broken", kind="tool"),
            await peer.create("broken", kind="protocol"),
            await peer.create("ask"),
            await peer.create("rest"),
        ]
        for run_id, status in zip(
            made, ("completed", "failed", "failed", "input_required", "working"), strict=True
        ):
            await peer.until(run_id, status)
        listed = {each["taskId"]: each for each in (await peer.send("tasks/list"))["tasks"]}
        for run_id in made:
            assert listed[run_id] == await peer.send("tasks/get", taskId=run_id)


# -- places ----------------------------------------------------------------------------------


async def test_agents_under_a_plain_root_are_tasks_too() -> None:
    root = FastMCP[Any]("root")
    root.mount(serve(ask), namespace="one")
    root.mount(serve(hello, rest), namespace="two")
    async with connected(root, LEGACY, person=["Ada"], model=["yes"]) as peer:
        run_id = await peer.create("one_ask")
        result = await peer.send("tasks/result", taskId=run_id)
        assert result["structuredContent"] == {"result": "Ada: yes"}
        other = await peer.create("two_hello")
        assert (await peer.until(other, "completed"))["taskId"] == other
        listed = {each["taskId"] for each in (await peer.send("tasks/list"))["tasks"]}
        assert listed == {run_id, other}


async def test_servers_that_share_a_store_show_each_task_once_and_whole() -> None:
    store = MemoryStore()
    root = FastMCP[Any]("root")
    root.mount(serve(hello, store=store), namespace="one")
    root.mount(serve(ask, store=store), namespace="two")
    async with connected(root, LEGACY, person=["Ada"], model=["yes"]) as peer:
        run_id = await peer.create("two_ask")
        listed = [each["taskId"] for each in (await peer.send("tasks/list"))["tasks"]]
        assert listed == [run_id]
        result = await peer.send("tasks/result", taskId=run_id)
    assert result["structuredContent"] == {"result": "Ada: yes"}


async def test_a_task_goes_on_in_a_server_that_is_started_later() -> None:
    store = MemoryStore()
    async with connected(serve(ask, store=store), LEGACY) as peer:
        run_id = await peer.create("ask")
        await peer.until(run_id, "input_required")
    server = serve(ask, store=store)
    async with connected(server, LEGACY, person=["Ada"], model=["yes"]) as peer:
        result = await peer.send("tasks/result", taskId=run_id)
    assert result["structuredContent"] == {"result": "Ada: yes"}


async def test_a_server_that_cannot_ask_says_so_inside_the_task() -> None:
    server = serve(ask)
    async with (
        serve_http(server, json_response=True) as url,
        connected(url, LEGACY, person=["Ada"], model=["yes"]) as peer,
    ):
        run_id = await peer.create("ask")
        shown = await peer.until(run_id, "failed")
    assert "cannot answer a question to the person" in shown["statusMessage"]


async def test_a_tool_that_calls_an_agent_gets_its_result() -> None:
    server = serve(hello, task="always")

    @server.tool
    async def outer() -> str:
        """Call an agent."""
        return str((await server.call_tool("hello", {})).content)

    async with connected(server, LEGACY) as peer:
        reply = await peer.call("outer", task=False)
    assert "hello" in reply["content"][0]["text"]
