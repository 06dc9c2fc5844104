"""Tasks when something is missing: the store, the stream, the session, the client."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Any

import anyio
import httpx2
import pytest
from fastmcp import Client
from mcp_types import LoggingMessageNotification, ProgressNotification

from inverted import MemoryStore, Run, TaskSettings
from inverted.errors import StoreError
from inverted.server.tool import RUN_KEY
from inverted.stores.base import RunRecord
from inverted.testing import serve_http
from inverted.testing.host import Era
from tests.server.tasks_peer import (
    LEGACY,
    MODERN,
    Peer,
    ask,
    connected,
    hello,
    rest,
    serve,
)

RELATED = "io.modelcontextprotocol/related-task"


class LostStore(MemoryStore):
    """A store that can be taken away."""

    lost = False

    async def get(self, run_id: str) -> RunRecord | None:
        self._check()
        return await super().get(run_id)

    async def create(self, record: RunRecord, lines: Any) -> None:
        self._check()
        await super().create(record, lines)

    async def list(self, **query: Any) -> list[RunRecord]:
        self._check()
        return await super().list(**query)

    def _check(self) -> None:
        if self.lost:
            raise StoreError("The disk is gone.")


@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_a_store_that_is_gone_is_an_internal_error_and_nothing_is_lost(era: Era) -> None:
    store = LostStore()
    methods = ["get", "cancel", *(["update"] if era == MODERN else ["result", "list"])]
    async with connected(serve(rest, store=store, task="always"), era) as peer:
        run_id = await peer.create("rest")
        store.lost = True
        for method in methods:
            code, message, data = await peer.refusal(
                f"tasks/{method}", taskId=run_id, inputResponses={}
            )
            assert (code, data) == (-32603, {"reason": "StoreError"})
            assert "The disk is gone. Nothing was lost" in message
        params: dict[str, Any] = {} if era == MODERN else {"task": {}}
        code, message, _ = await peer.refusal("tools/call", name="rest", arguments={}, **params)
        assert (code, message) == (-32603, "The disk is gone.")
        store.lost = False
        assert (await peer.send("tasks/get", taskId=run_id))["status"] == "working"


async def test_giving_up_on_a_result_leaves_the_task_and_withdraws_the_question() -> None:
    asked, over = anyio.Event(), anyio.Event()

    async def silent(params: dict[str, Any]) -> str:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            over.set()
        raise NotImplementedError

    async with connected(serve(ask), LEGACY, person=silent, model=["yes"]) as peer:
        run_id = await peer.create("ask")
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                await peer.send("tasks/result", taskId=run_id)

            group.start_soon(wait)
            with anyio.fail_after(10):
                await asked.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(10):
            await over.wait()
        assert (await peer.send("tasks/get", taskId=run_id))["status"] == "input_required"


async def test_a_task_that_expires_ends_the_wait_for_its_result() -> None:
    async with connected(serve(rest), LEGACY) as peer:
        run_id = (await peer.call("rest", {"ttl": 300}))["task"]["taskId"]
        code, message, _ = await peer.refusal("tasks/result", taskId=run_id)
    assert code == -32602
    assert "has expired" in message


async def test_a_call_that_stays_open_goes_on_with_the_run_that_was_a_task() -> None:
    async def agent(run: Run) -> str:
        """Ask, sleep, and ask again."""
        first = await run.elicit("First?", str)
        await run.sleep(0.05)
        second = await run.elicit("Second?", str)
        return f"{first.data} {second.data}"

    server = serve(agent)
    call: dict[str, Any] = {"name": "agent", "arguments": {}, "_meta": {RUN_KEY: "k"}}
    async with connected(server, LEGACY, person=["A", "B"]) as peer:
        made = await peer.send("tools/call", task={}, **call)
        await peer.until(made["task"]["taskId"], "input_required")
        reply = await peer.send("tools/call", **call)
        assert reply["structuredContent"] == {"result": "A B"}
        shown = await peer.send("tasks/get", taskId=made["task"]["taskId"])
        assert shown["status"] == "completed"


async def test_a_run_that_expires_while_its_call_waits_does_not_begin_again() -> None:
    begun: list[int] = []

    async def agent(run: Run) -> None:
        """Count, then rest."""
        await run.step(begun.append, 1)
        await run.step(anyio.sleep, 0.5)

    settings = TaskSettings(poll_interval=0.05, default_ttl=0.1, patience=20)
    async with connected(serve(agent, tasks=settings)) as peer:
        code, *_ = await peer.refusal("tools/call", name="agent", arguments={})
    assert code == -32602
    assert begun == [1]


async def test_what_a_task_says_reaches_its_creator_in_order() -> None:
    async def agent(run: Run) -> str:
        """Tell."""
        await run.report_progress(1, 3, "one")
        await run.report_progress(1, 3, "one again")
        await run.info("a word", logger_name="agent")
        await run.debug("nobody wants it")
        await run.report_progress(2, 3)
        await run.sleep(0.01)
        return "told"

    heard: list[tuple[str, dict[str, Any]]] = []
    over = anyio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, ProgressNotification | LoggingMessageNotification):
            assert message.params is not None
            shown = message.model_dump(mode="json", by_alias=True, exclude_none=True)
            heard.append((message.method, shown["params"]))
            if len(heard) == 3:
                over.set()

    server = serve(agent)
    async with Client(server, mode="legacy", message_handler=hear) as client:
        await client.set_logging_level("info")
        dispatcher = getattr(client.session, "_dispatcher")  # noqa: B009 # private
        meta = {"progressToken": "mine"}
        made = await dispatcher.send_raw_request(
            "tools/call", {"name": "agent", "arguments": {}, "task": {}, "_meta": meta}, {}
        )
        with anyio.fail_after(10):
            await over.wait()
    related = {RELATED: {"taskId": made["task"]["taskId"]}}
    progress = {"progressToken": "mine", "total": 3.0, "_meta": related}
    assert heard == [
        ("notifications/progress", {**progress, "progress": 1.0, "message": "one"}),
        (
            "notifications/message",
            {
                "level": "info",
                "data": {"msg": "a word", "extra": None},
                "logger": "agent",
                "_meta": related,
            },
        ),
        ("notifications/progress", {**progress, "progress": 2.0}),
    ]


# -- raw HTTP on 2025-11-25 --------------------------------------------------------------------


class Session:
    """A session over HTTP, without the SDK: it opens a stream for the server, or does not."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self.client = client
        self.url = url
        self.headers = {"accept": "application/json, text/event-stream"}
        self._ids = 0

    async def open(self) -> None:
        params: dict[str, Any] = {
            "protocolVersion": LEGACY,
            "capabilities": {"elicitation": {}, "sampling": {}},
            "clientInfo": {"name": "raw", "version": "1"},
        }
        async with self.posted("initialize", params) as reply:
            self.headers["mcp-session-id"] = reply.headers["mcp-session-id"]
        self.headers["mcp-protocol-version"] = LEGACY
        await self.tell({"method": "notifications/initialized"})

    async def tell(self, message: dict[str, Any]) -> None:
        body = {"jsonrpc": "2.0", **message}
        reply = await self.client.post(self.url, json=body, headers=self.headers)
        assert reply.status_code == 202

    @asynccontextmanager
    async def posted(self, method: str, params: Any) -> AsyncGenerator[httpx2.Response]:
        self._ids += 1
        body = {"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params}
        async with self.client.stream("POST", self.url, json=body, headers=self.headers) as reply:
            yield reply

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        async with self.posted(method, params) as reply:
            return (await message_of(reply.aiter_lines(), "result"))["result"]


async def message_of(lines: AsyncIterator[str], key: str) -> dict[str, Any]:
    """The next message that has a key."""
    with anyio.fail_after(10):
        async for line in lines:
            if line.startswith("data:") and line[5:].strip():
                message = json.loads(line[5:])
                if key in message:
                    return message
    raise AssertionError(f"the stream ended without {key}")


@asynccontextmanager
async def raw_session(url: str) -> AsyncGenerator[Session]:
    async with httpx2.AsyncClient(timeout=20) as client:
        session = Session(client, url)
        await session.open()
        yield session


async def until(session: Session, run_id: str, status: str) -> None:
    """Poll as a client does."""
    shown = ""
    with anyio.fail_after(20):
        while shown != status:
            await anyio.sleep(0.01)
            shown = (await session.send("tasks/get", taskId=run_id))["status"]


async def test_a_question_on_a_stream_that_broke_is_asked_again_on_the_next() -> None:
    async with (
        serve_http(serve(ask)) as url,
        raw_session(url) as session,
        connected(url, LEGACY, person=["Ada"], model=["yes"]) as peer,
    ):
        made = await session.send("tools/call", name="ask", arguments={}, task={})
        run_id = made["task"]["taskId"]
        async with session.posted("tasks/result", {"taskId": run_id}) as reply:
            question = await message_of(reply.aiter_lines(), "method")
            assert question["method"] == "elicitation/create"
            assert question["params"]["_meta"] == {RELATED: {"taskId": run_id}}
        result = await peer.send("tasks/result", taskId=run_id)
        assert result["structuredContent"] == {"result": "Ada: yes"}
        # An answer that comes late is accepted and changes nothing.
        late = {"id": question["id"], "result": {"action": "decline"}}
        await session.tell(late)
        assert (await peer.send("tasks/result", taskId=run_id)) == result


async def test_a_client_that_only_polls_is_asked_on_the_stream_of_its_get() -> None:
    async with serve_http(serve(ask)) as url, raw_session(url) as session:
        headers = {**session.headers, "accept": "text/event-stream"}
        async with session.client.stream("GET", url, headers=headers) as listening:
            lines = listening.aiter_lines()
            made = await session.send("tools/call", name="ask", arguments={}, task={})
            run_id = made["task"]["taskId"]
            for result in (
                {"action": "accept", "content": {"value": "Ada"}},
                {
                    "role": "assistant",
                    "model": "m",
                    "content": {"type": "text", "text": "yes"},
                },
            ):
                await until(session, run_id, "input_required")
                await session.send("tasks/get", taskId=run_id)
                question = await asked(lines)
                assert question["params"]["_meta"] == {RELATED: {"taskId": run_id}}
                await session.tell({"id": question["id"], "result": result})
            await until(session, run_id, "completed")
            ended = await session.send("tasks/result", taskId=run_id)
    assert ended["structuredContent"] == {"result": "Ada: yes"}


async def asked(lines: AsyncIterator[str]) -> dict[str, Any]:
    while True:
        message = await message_of(lines, "method")
        if "id" in message:
            return message


async def test_a_client_that_reconnects_is_asked_where_it_is_now() -> None:
    server = serve(ask)
    async with serve_http(server) as url:
        async with raw_session(url) as first:
            made = await first.send("tools/call", name="ask", arguments={}, task={})
            run_id = made["task"]["taskId"]
            await until(first, run_id, "input_required")
            await first.send("tasks/get", taskId=run_id)  # asked, and nobody hears it
        async with connected(url, LEGACY, person=["Ada"], model=["yes"]) as peer:
            await peer.until(run_id, "completed")


async def test_an_answer_of_the_wrong_shape_is_an_error_of_the_client() -> None:
    async with serve_http(serve(ask)) as url, raw_session(url) as session:
        made = await session.send("tools/call", name="ask", arguments={}, task={})
        run_id = made["task"]["taskId"]
        async with session.posted("tasks/result", {"taskId": run_id}) as reply:
            lines = reply.aiter_lines()
            question = await message_of(lines, "method")
            await session.tell({"id": question["id"], "result": {"action": "perhaps"}})
            ended = await message_of(lines, "result")
    assert ended["result"]["isError"]
    assert "did not answer elicitation/create" in ended["result"]["content"][0]["text"]


async def test_a_client_that_is_asked_outside_of_requests_is_asked_once() -> None:
    store = MemoryStore()
    server = serve(ask, store=store)
    async with serve_http(server) as url, raw_session(url) as session:
        headers = {**session.headers, "accept": "text/event-stream"}
        async with session.client.stream("GET", url, headers=headers) as listening:
            lines = listening.aiter_lines()
            made = await session.send("tools/call", name="ask", arguments={}, task={})
            run_id = made["task"]["taskId"]
            for _ in range(5):
                await until(session, run_id, "input_required")
            first = await asked(lines)
            async with session.posted("tasks/result", {"taskId": run_id}) as reply:
                second = await message_of(reply.aiter_lines(), "method")
                await session.send("tasks/get", taskId=run_id)
                assert second["method"] == first["method"]
                withdrawn = await message_of(lines, "method")
                while withdrawn["method"] != "notifications/cancelled":
                    withdrawn = await message_of(lines, "method")
                assert withdrawn["params"]["requestId"] == first["id"]
    # Nobody has answered, and the server is gone.
    async with connected(serve(ask, store=store), LEGACY) as peer:
        assert (await peer.send("tasks/get", taskId=run_id))["status"] == "input_required"


async def test_a_server_that_ends_while_it_asks_leaves_the_question() -> None:
    store = MemoryStore()
    async with serve_http(serve(ask, store=store)) as url, raw_session(url) as session:
        made = await session.send("tools/call", name="ask", arguments={}, task={})
        run_id = made["task"]["taskId"]
        for _ in range(3):
            await until(session, run_id, "input_required")
    async with connected(serve(ask, store=store), LEGACY) as peer:
        assert (await peer.send("tasks/get", taskId=run_id))["status"] == "input_required"


async def test_without_sessions_tasks_work_and_nothing_is_asked() -> None:
    async with (
        serve_http(serve(ask, hello), stateless_http=True) as url,
        httpx2.AsyncClient(timeout=20) as client,
    ):
        session = Session(client, url)
        session.headers["mcp-protocol-version"] = LEGACY
        made = await session.send("tools/call", name="hello", arguments={}, task={})
        run_id = made["task"]["taskId"]
        result = await session.send("tasks/result", taskId=run_id)
        assert result["structuredContent"] == {"result": "hello"}
        made = await session.send("tools/call", name="ask", arguments={}, task={})
        await until(session, made["task"]["taskId"], "failed")


async def test_a_session_that_ends_leaves_nothing_behind() -> None:
    server = serve(rest)
    registered: dict[str, Any] = vars(server)["_extensions"]
    extension = registered["io.modelcontextprotocol/tasks"]
    teller: dict[str, Any] = attrgetter("_teller.__dict__")(extension)
    async with serve_http(server) as url, connected(url, LEGACY) as peer:
        assert isinstance(peer, Peer)
        for _ in range(3):
            await peer.create("rest")
        assert len(teller["_told"]) == 3
        assert len(teller["_connections"]) == 1
        async with connected(url, LEGACY, transport="http") as other:
            await other.create("rest")
            assert len(teller["_told"]) == 4
        with anyio.fail_after(10):
            while len(teller["_told"]) > 3:  # noqa: ASYNC110 # there is no event for what ends
                await anyio.sleep(0.01)
        assert len(teller["_connections"]) == 1
