"""`subscriptions/listen` with task ids: what a client hears without polling."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest

from inverted.server.tasks.rules import EXTENSION
from inverted.testing import serve_http
from tests.server.tasks_peer import (
    DECLARES,
    MODERN,
    accepted,
    both,
    broken,
    connected,
    hello,
    rest,
    serve,
)


class Stream:
    """Messages of one open request."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> dict[str, Any]:
        with anyio.fail_after(10):
            async for line in self._lines:
                if line.startswith("data:") and line[5:].strip():
                    return json.loads(line[5:])
        raise AssertionError("the stream ended")


@asynccontextmanager
async def listening(
    url: str, notifications: Any, capabilities: Any = DECLARES, caller: str | None = None
) -> AsyncGenerator[Stream]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    params = {"notifications": notifications, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": "L", "method": "subscriptions/listen", "params": params}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": MODERN,
        "mcp-method": "subscriptions/listen",
    }
    if caller is not None:
        headers["authorization"] = f"Bearer {caller}"
    async with (
        httpx2.AsyncClient(timeout=20) as client,
        client.stream("POST", url, json=body, headers=headers) as reply,
    ):
        yield Stream(reply.aiter_lines())


ABOUT = {"io.modelcontextprotocol/subscriptionId": "L"}


async def test_every_status_is_told_as_a_whole_task() -> None:
    async with (
        serve_http(serve(both, task="always")) as url,
        connected(url) as peer,
    ):
        run_id = await peer.create("both")
        first, second = (await peer.until(run_id, "input_required"))["inputRequests"]
        async with listening(url, {"taskIds": [run_id, "nobody", run_id]}) as stream:
            acknowledged = await stream.next()
            assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
            assert acknowledged["params"] == {
                "notifications": {"taskIds": [run_id]},
                "_meta": ABOUT,
            }
            told = await stream.next()
            shown = await peer.send("tasks/get", taskId=run_id)
            assert told["method"] == "notifications/tasks"
            assert told["params"].pop("_meta") == ABOUT
            assert "resultType" not in told["params"]
            assert told["params"] == {
                key: value for key, value in shown.items() if key not in ("_meta", "resultType")
            }
            answer = {first: accepted("A")}
            await peer.send("tasks/update", taskId=run_id, inputResponses=answer)
            assert list((await stream.next())["params"]["inputRequests"]) == [second]
            answer = {second: accepted("B")}
            await peer.send("tasks/update", taskId=run_id, inputResponses=answer)
            told = await stream.next()
            while told["params"]["status"] == "working":
                told = await stream.next()
            assert told["params"]["result"]["structuredContent"] == {"result": "A B"}
            ended = await stream.next()
            assert ended["id"] == "L"
            assert ended["result"]["resultType"] == "complete"
            assert ended["result"]["_meta"].items() >= ABOUT.items()


async def test_several_tasks_are_told_on_one_stream() -> None:
    async with (
        serve_http(serve(rest, broken, task="always")) as url,
        connected(url) as peer,
    ):
        resting = await peer.create("rest")
        failed = await peer.create("broken", kind="protocol")
        async with listening(url, {"taskIds": [resting, failed]}) as stream:
            assert (await stream.next())["params"]["notifications"]["taskIds"] == [resting, failed]
            await peer.send("tasks/cancel", taskId=resting)
            told = dict[str, Any]()
            while {each["status"] for each in told.values()} != {"cancelled", "failed"}:
                params = (await stream.next())["params"]
                told[params["taskId"]] = params
    assert told[resting]["status"] == "cancelled"
    assert told[failed]["error"]["code"] == -32099


async def test_a_stream_is_not_opened_without_the_declaration() -> None:
    async with (
        serve_http(serve(hello)) as url,
        listening(url, {"taskIds": ["x"]}, {"elicitation": {}}) as stream,
    ):
        with pytest.raises(AssertionError):
            await stream.next()  # plain JSON, no stream
    async with connected(serve(hello), capabilities={"elicitation": {}}) as peer:
        code, _, data = await peer.refusal("subscriptions/listen", notifications={"taskIds": ["x"]})
    assert code == -32021
    assert data == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


@pytest.mark.parametrize("ids", ["x", [5], {"x": 1}, ["x"] * 1001])
async def test_ids_of_the_wrong_shape_are_refused(ids: Any) -> None:
    async with connected(serve(hello)) as peer:
        code, message, _ = await peer.refusal(
            "subscriptions/listen", notifications={"taskIds": ids}
        )
    assert code == -32602
    assert message


async def test_nothing_else_is_promised_on_the_stream() -> None:
    async with serve_http(serve(hello)) as url, connected(url) as peer:
        declared = peer.session.server_capabilities
        assert declared is not None
        assert declared.tools is not None
        assert not declared.tools.list_changed
        async with listening(url, {"toolsListChanged": True}) as stream:
            acknowledged = await stream.next()
    assert acknowledged["params"] == {"notifications": {}, "_meta": ABOUT}


async def test_a_client_that_leaves_is_forgotten() -> None:
    server = serve(rest, task="always")
    async with serve_http(server) as url, connected(url) as peer:
        run_id = await peer.create("rest")
        async with listening(url, {"taskIds": [run_id]}) as stream:
            await stream.next()
            await stream.next()
            waiting: dict[str, Any] = vars(server.tasks)["_waiting"]
            assert list(waiting) == [run_id]
        with anyio.fail_after(10):
            while waiting:  # noqa: ASYNC110 # there is no event for what is not there any more
                await anyio.sleep(0.01)
