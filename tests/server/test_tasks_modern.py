"""Tasks in the form of SEP-2663, on 2026-07-28 and nowhere else."""

from __future__ import annotations

import re
from typing import Any

import anyio
import httpx2
import pytest
from fastmcp import FastMCP
from mcp import MCPError

from inverted import ClientError, MemoryStore, Run, TaskSettings
from inverted.server.tasks.rules import EXTENSION
from inverted.server.tool import RUN_KEY
from inverted.testing import serve_http
from tests.server.tasks_peer import (
    ASKS,
    DECLARES,
    LEGACY,
    MODERN,
    Peer,
    accepted,
    ask,
    both,
    broken,
    connected,
    hello,
    rest,
    said,
    serve,
)

NEEDED: dict[str, Any] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
QUICK = TaskSettings(poll_interval=0.05, patience=0.05)
PATIENT = TaskSettings(poll_interval=0.05, patience=30)


async def first_asked(peer: Peer, run_id: str) -> dict[str, Any]:
    shown = await peer.until(run_id, "input_required")
    return shown["inputRequests"]


# -- when a call becomes a task --------------------------------------------------------------


async def test_a_task_is_shown_in_the_shapes_of_its_form() -> None:
    async with connected(serve(rest, task="always")) as peer:
        made = await peer.call("rest", task={"ttl": 5})
        shown = await peer.send("tasks/get", taskId=made["taskId"])
    meta = made.pop("_meta")
    assert meta["io.modelcontextprotocol/serverInfo"]["name"] == "tasks"
    assert set(made) == {
        "resultType",
        "taskId",
        "status",
        "createdAt",
        "lastUpdatedAt",
        "ttlMs",
        "pollIntervalMs",
    }
    assert (made["resultType"], made["ttlMs"], made["pollIntervalMs"]) == ("task", None, 50)
    assert len(made["taskId"]) >= 22  # 128 bits
    shown.pop("_meta")
    assert shown == {**made, "resultType": "complete"}


async def test_a_run_that_is_quick_is_no_task() -> None:
    async with connected(serve(hello)) as peer:
        reply = await peer.call("hello")
    assert reply["resultType"] == "complete"
    assert reply["structuredContent"] == {"result": "hello"}


async def test_a_run_that_takes_longer_becomes_a_task() -> None:
    gate = anyio.Event()

    async def agent(run: Run) -> str:
        """Work."""
        await run.step(gate.wait)
        return "worked"

    async with connected(serve(agent, tasks=QUICK)) as peer:
        run_id = await peer.create("agent")
        assert (await peer.send("tasks/get", taskId=run_id))["status"] == "working"
        gate.set()
        shown = await peer.until(run_id, "completed")
    assert shown["result"]["structuredContent"] == {"result": "worked"}


async def test_a_run_that_sleeps_for_longer_becomes_a_task_at_once() -> None:
    settings = TaskSettings(poll_interval=0.05, patience=600)
    async with connected(serve(rest, tasks=settings)) as peer:
        assert (await peer.call("rest"))["resultType"] == "task"


async def test_questions_travel_in_rounds_before_the_run_becomes_a_task() -> None:
    async def agent(run: Run) -> str:
        """Ask, then work."""
        name = await run.elicit("Name?", str)
        await run.sleep(0.2)
        again = await run.elicit("Again?", str)
        return f"{name.data} {again.data}"

    async with connected(serve(agent, tasks=QUICK)) as peer:
        asked = await peer.call("agent")
        assert asked["resultType"] == "input_required"
        assert "taskId" not in asked
        (key,) = asked["inputRequests"]
        made = await peer.send(
            "tools/call",
            name="agent",
            arguments={},
            requestState=asked["requestState"],
            inputResponses={key: accepted("Ada")},
        )
        assert made["resultType"] == "task"
        assert {"requestState", "inputRequests"}.isdisjoint(made)
        run_id = made["taskId"]
        (other,) = await first_asked(peer, run_id)
        assert other != key
        await peer.send("tasks/update", taskId=run_id, inputResponses={other: accepted("B")})
        shown = await peer.until(run_id, "completed")
    assert shown["result"]["structuredContent"] == {"result": "Ada B"}


async def test_a_run_that_samples_stays_in_rounds_for_a_client_that_samples() -> None:
    """FastMCP's client has tasks and sampling, and gives up on sampling inside a task."""

    async def agent(run: Run) -> str:
        """Work, then ask the model."""
        await run.sleep(0.2)
        return str((await run.sample("Well?")).text)

    async with connected(serve(agent, tasks=QUICK)) as peer:
        assert (await peer.call("agent"))["resultType"] == "input_required"
    without: dict[str, Any] = {"elicitation": {}, "extensions": {EXTENSION: {}}}
    async with connected(serve(agent, tasks=QUICK, relay=False), capabilities=without) as peer:
        assert (await peer.call("agent"))["resultType"] == "task"


async def test_a_run_that_the_hosts_model_answers_is_no_task() -> None:
    """No model reads what a task asks; MCP Inspector's command line has tasks and no sampling."""

    async def agent(run: Run) -> str:
        """Work, then ask the model."""
        await run.sleep(0.2)
        return str((await run.sample("Well?")).text)

    without: dict[str, Any] = {"extensions": {EXTENSION: {}}}
    async with connected(serve(agent, tasks=QUICK), capabilities=without) as peer:
        reply = await peer.call("agent")
        next_call = reply["_meta"]["inverted/continue"]
        (question,) = re.findall(r"^## (.+)$", reply["content"][0]["text"], re.MULTILINE)
        given = {"handle": next_call["handle"], "answers": [{"id": question, "text": "Well."}]}
        reply = await peer.call(next_call["tool"], **given)
    assert reply["structuredContent"] == {"result": "Well."}


async def test_that_an_agent_samples_is_learned_where_its_code_does_not_tell() -> None:
    async def agent(run: Run) -> str:
        """Ask the model in a way that is not seen."""
        verb = getattr(run, "sam" + "ple")
        await verb("First?")
        await run.sleep(0.2)
        return (await verb("Second?")).text

    async with connected(serve(agent, tasks=QUICK)) as peer:
        await peer.call("agent")
        asked = await peer.call("agent")
        assert asked["resultType"] == "input_required"
        (key,) = asked["inputRequests"]
        reply = await peer.send(
            "tools/call",
            name="agent",
            arguments={},
            requestState=asked["requestState"],
            inputResponses={key: said("one")},
        )
    assert reply["resultType"] == "input_required"


async def test_a_call_that_goes_on_without_the_declaration_waits_for_the_result() -> None:
    async def agent(run: Run) -> str:
        """Ask, then sleep."""
        name = await run.elicit("Name?", str)
        await run.sleep(0.2)
        return str(name.data)

    server = serve(agent, tasks=QUICK)
    async with connected(server) as peer:
        asked = await peer.call("agent")
    (key,) = asked["inputRequests"]
    async with connected(server, capabilities=ASKS) as peer:
        reply = await peer.send(
            "tools/call",
            name="agent",
            arguments={},
            requestState=asked["requestState"],
            inputResponses={key: accepted("Ada")},
        )
    assert reply["structuredContent"] == {"result": "Ada"}


async def test_a_run_key_continues_in_rounds_what_was_begun_in_rounds() -> None:
    server = serve(both)
    call: dict[str, Any] = {"name": "both", "arguments": {}, "_meta": {RUN_KEY: "k"}}
    async with connected(server, capabilities=ASKS) as peer:
        first = await peer.send("tools/call", **call)
    async with connected(server) as peer:
        stamped = await peer.session.call_tool(
            "both", {}, meta={RUN_KEY: "k"}, allow_input_required=True
        )
    assert stamped.model_dump(by_alias=True)["inputRequests"].keys() == (
        first["inputRequests"].keys()
    )


async def test_a_call_that_is_given_up_before_it_is_a_task_cancels_the_run() -> None:
    started, over = anyio.Event(), anyio.Event()

    async def work() -> None:
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            over.set()

    async def agent(run: Run) -> None:
        """Work."""
        await run.step(work)

    async with connected(serve(agent, tasks=PATIENT)) as peer:
        async with anyio.create_task_group() as group:
            group.start_soon(peer.call, "agent")
            with anyio.fail_after(10):
                await started.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(10):
            await over.wait()


async def test_when_there_are_too_many_tasks_a_run_that_may_choose_goes_on_in_rounds() -> None:
    server = serve(rest, task="always", tasks=TaskSettings(concurrent=1, poll_interval=0.05))
    server.agent(both)
    async with connected(server) as peer:
        await peer.create("rest")
        code, message, _ = await peer.refusal("tools/call", name="rest", arguments={})
        assert code == -32603
        assert "cancel one" in message
        assert (await peer.call("both"))["resultType"] == "input_required"


async def test_what_a_run_says_before_it_is_a_task_goes_to_the_call() -> None:
    async def agent(run: Run) -> str:
        """Tell."""
        await run.report_progress(1, 2, "half")
        await run.report_progress(2, 2, "whole")
        return "told"

    heard: list[Any] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with connected(serve(agent)) as peer:
        await peer.session.call_tool("agent", {}, progress_callback=progress)
    assert heard == [(1.0, 2.0, "half"), (2.0, 2.0, "whole")]


async def test_what_a_task_says_is_its_message() -> None:
    async def agent(run: Run) -> None:
        """Tell, then sleep."""
        await run.report_progress(1, 2, "half")
        await run.sleep(3600)

    async with connected(serve(agent, task="always")) as peer:
        run_id = await peer.create("agent")
        assert (await peer.send("tasks/get", taskId=run_id))["statusMessage"] == "half"


# -- questions -------------------------------------------------------------------------------


async def test_the_model_and_the_person_are_asked_inside_the_task() -> None:
    async with connected(serve(ask, task="always")) as peer:
        run_id = await peer.create("ask", word="rum")
        asked = await first_asked(peer, run_id)
        ((first, question),) = asked.items()
        assert question["method"] == "elicitation/create"
        assert question["params"]["message"] == "Your name?"
        assert await first_asked(peer, run_id) == asked
        answers = {first: accepted("Ada")}
        reply = await peer.send("tasks/update", taskId=run_id, inputResponses=answers)
        assert set(reply) == {"resultType", "_meta"}
        await peer.send("tasks/update", taskId=run_id, inputResponses=answers)  # twice
        ((second, question),) = (await first_asked(peer, run_id)).items()
        assert question["method"] == "sampling/createMessage"
        assert second != first
        await peer.send("tasks/update", taskId=run_id, inputResponses={second: said("yes")})
        shown = await peer.until(run_id, "completed")
        late = await peer.send("tasks/update", taskId=run_id, inputResponses=answers)
    assert late["resultType"] == "complete"
    assert shown["result"]["structuredContent"] == {"result": "Ada: yes"}
    assert "io.modelcontextprotocol/related-task" not in shown["result"].get("_meta", {})


async def test_some_of_the_answers_leave_the_others_outstanding() -> None:
    async with connected(serve(both, task="always")) as peer:
        run_id = await peer.create("both")
        first, second = await first_asked(peer, run_id)
        update = {first: accepted("A"), "unknown": {"any": "thing"}}
        await peer.send("tasks/update", taskId=run_id, inputResponses=update)
        shown = await peer.send("tasks/get", taskId=run_id)
        assert shown["status"] == "input_required"
        assert list(shown["inputRequests"]) == [second]
        # The first answer counts.
        update = {first: accepted("X"), second: accepted("B")}
        await peer.send("tasks/update", taskId=run_id, inputResponses=update)
        shown = await peer.until(run_id, "completed")
    assert shown["result"]["structuredContent"] == {"result": "A B"}


async def test_an_answer_of_the_wrong_shape_refuses_the_whole_update() -> None:
    async with connected(serve(both, task="always")) as peer:
        run_id = await peer.create("both")
        first, second = await first_asked(peer, run_id)
        code, message, data = await peer.refusal(
            "tasks/update",
            taskId=run_id,
            inputResponses={first: accepted("A"), second: {"action": "perhaps"}},
        )
        assert (code, data) == (-32602, {"reason": "AnswerError"})
        assert "Nothing was recorded" in message
        assert set(await first_asked(peer, run_id)) == {first, second}


@pytest.mark.parametrize("answers", [None, "yes", ["yes"], 5])
async def test_an_update_without_answers_is_refused(answers: Any) -> None:
    async with connected(serve(both, task="always")) as peer:
        run_id = await peer.create("both")
        code, message, _ = await peer.refusal("tasks/update", taskId=run_id, inputResponses=answers)
    assert code == -32602
    assert "needs params.inputResponses, an object" in message


async def test_a_client_may_refuse_a_question() -> None:
    async def agent(run: Run) -> str:
        """Ask the model."""
        try:
            await run.sample("Well?")
        except ClientError as error:
            return f"{error.data}: {error}"
        raise NotImplementedError

    async with connected(serve(agent, task="always")) as peer:
        run_id = await peer.create("agent")
        (key,) = await first_asked(peer, run_id)
        refusal = {"error": {"code": -1, "message": "not today"}}
        await peer.send("tasks/update", taskId=run_id, inputResponses={key: refusal})
        shown = await peer.until(run_id, "completed")
    result = shown["result"]["structuredContent"]["result"]
    assert result.startswith("{'code': -1}")
    assert "not today" in result


async def test_nothing_is_asked_that_the_client_did_not_declare() -> None:
    server = serve(ask, task="always")
    async with connected(server, capabilities={"extensions": {EXTENSION: {}}}) as peer:
        run_id = await peer.create("ask")
        shown = await peer.until(run_id, "completed")
    assert shown["result"]["isError"]
    assert "did not declare the capability" in shown["result"]["content"][0]["text"]


# -- ends ------------------------------------------------------------------------------------


async def test_a_failed_run_is_completed_with_a_result_that_says_why() -> None:
    async with connected(serve(broken, task="always")) as peer:
        run_id = await peer.create("broken", kind="tool")
        shown = await peer.until(run_id, "completed", "failed")
    assert shown["status"] == "completed"
    assert shown["result"]["isError"]
    assert "it broke" in shown["result"]["content"][0]["text"]


async def test_an_error_of_the_protocol_fails_the_task() -> None:
    async with connected(serve(broken, task="always")) as peer:
        run_id = await peer.create("broken", kind="protocol")
        shown = await peer.until(run_id, "completed", "failed")
    assert shown["status"] == "failed"
    assert shown["error"] == {"code": -32099, "message": "no way", "data": {"why": "a test"}}
    assert shown["statusMessage"] == "no way"
    assert "result" not in shown


async def test_an_error_of_the_protocol_is_one_without_a_task_too() -> None:
    async with connected(serve(broken)) as peer:
        refusal = await peer.refusal("tools/call", name="broken", arguments={"kind": "protocol"})
    assert refusal == (-32099, "no way", {"why": "a test"})


async def test_cancelling_is_acknowledged_also_after_the_end() -> None:
    server = serve(rest, hello, task="always")
    async with connected(server) as peer:
        resting, done = await peer.create("rest"), await peer.create("hello")
        await peer.until(done, "completed")
        for run_id in (resting, resting, done):
            reply = await peer.send("tasks/cancel", taskId=run_id)
            assert set(reply) == {"resultType", "_meta"}
        shown = await peer.until(resting, "cancelled")
        assert {"result", "error", "inputRequests"}.isdisjoint(shown)
        assert (await peer.send("tasks/get", taskId=done))["status"] == "completed"


# -- who may ---------------------------------------------------------------------------------


async def test_a_request_without_the_declaration_is_refused() -> None:
    server = serve(rest, task="always")
    async with connected(server) as peer:
        run_id = await peer.create("rest")
    others: list[Any] = [{}, {"tasks": {"list": {}, "cancel": {}}}, ASKS]
    for capabilities in others:
        async with connected(server, capabilities=capabilities) as peer:
            for each in (run_id, "unknown"):
                for method in ("get", "update", "cancel"):
                    code, message, data = await peer.refusal(
                        f"tasks/{method}", taskId=each, inputResponses={}
                    )
                    if each == "unknown" and "tasks" in capabilities and method != "update":
                        assert code == -32602  # it could have been one of its old tasks
                        continue
                    assert (code, data) == (-32021, NEEDED)
                    assert EXTENSION in message
            code, _, data = await peer.refusal("tools/call", name="rest", arguments={})
            assert (code, data) == (-32021, NEEDED)
            code, _, data = await peer.refusal(
                "subscriptions/listen", notifications={"taskIds": [run_id]}
            )
            assert (code, data) == (-32021, NEEDED)


async def test_a_task_of_2025_11_25_can_be_read_and_cancelled_by_a_client_that_has_only_those() -> (
    None
):
    server = serve(rest, task="always")
    async with connected(server, LEGACY) as peer:
        old = (await peer.call("rest", task={}))["task"]["taskId"]
    async with connected(server, capabilities={"tasks": {"cancel": {}}}) as peer:
        assert (await peer.send("tasks/get", taskId=old))["taskId"] == old
        await peer.send("tasks/cancel", taskId=old)
        assert (await peer.send("tasks/get", taskId=old))["status"] == "cancelled"
        code, *_ = await peer.refusal("tasks/update", taskId=old, inputResponses={})
        assert code == -32021
    async with connected(server, capabilities={}) as peer:
        code, *_ = await peer.refusal("tasks/get", taskId=old)
        assert code == -32021


async def test_methods_of_the_other_form_are_not_there() -> None:
    async with connected(serve(hello)) as peer:
        for method in ("tasks/result", "tasks/list"):
            code, *_ = await peer.refusal(method, taskId="x")
            assert code == -32601


@pytest.mark.parametrize("method", ["get", "update", "cancel"])
async def test_an_unknown_task_is_not_found(method: str) -> None:
    async with connected(serve(hello)) as peer:
        code, message, data = await peer.refusal(
            f"tasks/{method}", taskId="nobody", inputResponses={}
        )
        assert (code, data) == (-32602, {"reason": "RunNotFound"})
        assert "Call the tool again" in message
        code, message, _ = await peer.refusal(f"tasks/{method}", taskId=5, inputResponses={})
    assert (code, message) == (-32602, f"tasks/{method} needs params.taskId, a string.")


async def test_a_run_that_is_no_task_is_not_found() -> None:
    store = MemoryStore()
    server = serve(both, store=store)
    async with connected(server, capabilities=ASKS) as peer:
        await peer.call("both")
    (record,) = await store.list()
    async with connected(server) as peer:
        code, *_ = await peer.refusal("tasks/get", taskId=record.id)
    assert code == -32602


async def test_a_task_is_gone_after_its_ttl() -> None:
    server = serve(rest, task="always", tasks=TaskSettings(default_ttl=0.2, poll_interval=0.05))
    async with connected(server) as peer:
        made = await peer.call("rest")
        assert made["ttlMs"] == 200
        code, *_ = await peer.gone(made["taskId"])
    assert code == -32602


# -- over HTTP -------------------------------------------------------------------------------


class Http:
    """Requests with any headers."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self.client = client
        self.url = url

    def body(self, method: str, capabilities: Any, **params: Any) -> dict[str, Any]:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        }
        return {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": meta}}

    def headers(self, method: str, header: str | None) -> dict[str, str]:
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MODERN,
            "mcp-method": method,
        }
        return headers if header is None else {**headers, "mcp-name": header}

    async def post(
        self, method: str, header: str | None, capabilities: Any = DECLARES, **params: Any
    ) -> tuple[int, dict[str, Any]]:
        reply = await self.client.post(
            self.url,
            json=self.body(method, capabilities, **params),
            headers=self.headers(method, header),
        )
        return reply.status_code, reply.json()


async def test_headers_and_statuses_over_http() -> None:
    server = serve(rest, task="always")
    async with serve_http(server) as url, httpx2.AsyncClient(timeout=20) as client:
        http = Http(client, url)
        status, reply = await http.post("tools/call", "rest", name="rest", arguments={})
        assert status == 200
        run_id = reply["result"]["taskId"]
        for method in ("get", "update", "cancel"):
            wanted: dict[str, Any] = {"taskId": run_id, "inputResponses": {}}
            status, reply = await http.post(f"tasks/{method}", run_id, **wanted)
            assert (status, reply["result"]["resultType"]) == (200, "complete")
            status, reply = await http.post(f"tasks/{method}", "another", **wanted)
            assert (status, reply["error"]["code"]) == (400, -32020)
            assert "Mcp-Name" in reply["error"]["message"].title()
            status, reply = await http.post(f"tasks/{method}", None, **wanted)
            assert (status, reply["result"]["resultType"]) == (200, "complete")
            status, reply = await http.post(f"tasks/{method}", run_id, {}, **wanted)
            assert (status, reply["error"]["code"]) == (400, -32021)
            assert reply["error"]["data"] == NEEDED
            status, reply = await http.post(f"tasks/{method}", "no", taskId="no", inputResponses={})
            assert (status, reply["error"]["code"]) == (400, -32602)
        status, reply = await http.post("tools/call", "rest", {}, name="rest", arguments={})
        assert (status, reply["error"]["code"]) == (400, -32021)
        for method in ("tasks/result", "tasks/list"):
            status, reply = await http.post(method, run_id, taskId=run_id)
            assert (status, reply["error"]["code"]) == (404, -32601)


async def test_an_encoded_header_names_the_same_task() -> None:
    async with serve_http(serve(rest)) as url, httpx2.AsyncClient(timeout=20) as client:
        http = Http(client, url)
        encoded = "=?base64?xaXDvA==?="  # "ťü" is no id, but compared after decoding
        status, reply = await http.post("tasks/get", encoded, taskId="\u0165\xfc")
    assert (status, reply["error"]["code"]) == (400, -32602)


# -- places ----------------------------------------------------------------------------------


async def test_agents_under_a_plain_root_are_tasks_too() -> None:
    root = FastMCP[Any]("root")
    root.mount(serve(ask, task="always"), namespace="one")
    root.mount(serve(hello, task="always"), namespace="two")
    async with connected(root) as peer:
        first, second = await peer.create("one_ask"), await peer.create("two_hello")
        (key,) = await first_asked(peer, first)
        await peer.send("tasks/update", taskId=first, inputResponses={key: accepted("Ada")})
        await peer.until(second, "completed")
        code, *_ = await peer.refusal("tasks/get", taskId="nobody")
    assert code == -32602


async def test_a_task_goes_on_in_a_server_that_is_started_later() -> None:
    store = MemoryStore()
    async with connected(serve(both, store=store, task="always")) as peer:
        run_id = await peer.create("both")
        asked = await first_asked(peer, run_id)
    async with connected(serve(both, store=store, task="always")) as peer:
        assert await first_asked(peer, run_id) == asked
        answers = {key: accepted(key) for key in asked}
        await peer.send("tasks/update", taskId=run_id, inputResponses=answers)
        await peer.until(run_id, "completed")


async def test_a_task_of_an_agent_that_is_gone_is_still_shown() -> None:
    store = MemoryStore()
    async with connected(serve(rest, store=store, task="always")) as peer:
        run_id = await peer.create("rest")
    async with connected(serve(hello, store=store)) as peer:
        shown = await peer.send("tasks/get", taskId=run_id)
    assert shown["status"] == "working"
    assert "no agent 'rest'" in shown["statusMessage"]


# -- polls -----------------------------------------------------------------------------------


async def test_polls_without_a_pause_are_held_back_and_then_refused() -> None:
    server = serve(rest, task="always", tasks=TaskSettings(poll_interval=0.05, polls=10))
    refused: list[tuple[int, str]] = []

    async def poll(peer: Peer, run_id: str) -> None:
        try:
            await peer.send("tasks/get", taskId=run_id)
        except MCPError as error:
            refused.append((error.error.code, error.error.message))

    async with connected(server) as peer:
        run_id = await peer.create("rest")
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(poll, peer, run_id)
    assert refused
    assert {code for code, _ in refused} == {-32603}
    assert all("polled too often" in message for _, message in refused)
    assert len(refused) < 70
