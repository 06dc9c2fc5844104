"""A task belongs to whoever created it. For everybody else it does not exist, in any form."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import MCPError

from inverted.testing import serve_http
from inverted.testing.host import Era
from tests.server.tasks_peer import LEGACY, MODERN, accepted, both, connected, hello, rest, serve
from tests.server.test_tasks_listening import listening

METHODS = {LEGACY: ["get", "result", "cancel"], MODERN: ["get", "update", "cancel"]}


@pytest.mark.parametrize("created", [LEGACY, MODERN])
@pytest.mark.parametrize("seen", [LEGACY, MODERN])
async def test_every_method_says_not_found_as_for_a_task_that_never_was(
    created: Era, seen: Era
) -> None:
    server = serve(both, task="always", auth=True)
    async with (
        serve_http(server) as url,
        connected(url, created, caller="ada") as ada,
        connected(url, seen, caller="bob") as bob,
    ):
        run_id = await ada.create("both")
        asked = await ada.until(run_id, "input_required")
        answers = {key: accepted("stolen") for key in asked.get("inputRequests", ["1"])}
        for method in METHODS[seen]:
            foreign = await bob.refusal(f"tasks/{method}", taskId=run_id, inputResponses=answers)
            unknown = await bob.refusal(f"tasks/{method}", taskId="never", inputResponses=answers)
            assert foreign == unknown
            assert foreign[0] == -32602
        shown = await ada.send("tasks/get", taskId=run_id)
        assert shown["status"] == "input_required"
        assert shown.get("inputRequests") == asked.get("inputRequests")
        assert (await ada.send("tasks/cancel", taskId=run_id)) is not None


async def test_a_list_has_only_the_callers_own_tasks() -> None:
    server = serve(rest, auth=True)
    async with (
        serve_http(server) as url,
        connected(url, LEGACY, caller="ada") as ada,
        connected(url, LEGACY, caller="bob") as bob,
    ):
        run_id = await ada.create("rest")
        assert [each["taskId"] for each in (await ada.send("tasks/list"))["tasks"]] == [run_id]
        assert await bob.send("tasks/list") == {"tasks": []}


async def test_a_cursor_of_somebody_else_is_none() -> None:
    server = serve(hello, auth=True)
    async with (
        serve_http(server) as url,
        connected(url, LEGACY, caller="ada") as ada,
        connected(url, LEGACY, caller="bob") as bob,
    ):
        for _ in range(51):
            await ada.create("hello")
        cursor = (await ada.send("tasks/list"))["nextCursor"]
        code, *_ = await bob.refusal("tasks/list", cursor=cursor)
    assert code == -32602


async def test_nobody_listens_to_tasks_of_others() -> None:
    server = serve(rest, task="always", auth=True)
    async with serve_http(server) as url, connected(url, caller="ada") as ada:
        run_id = await ada.create("rest")
        async with listening(url, {"taskIds": [run_id]}, caller="bob") as stream:
            assert (await stream.next())["params"]["notifications"] == {"taskIds": []}
            assert (await stream.next())["result"]["resultType"] == "complete"


async def test_a_round_of_somebody_else_cannot_be_answered() -> None:
    server = serve(both, auth=True)
    async with (
        serve_http(server) as url,
        connected(url, caller="ada") as ada,
        connected(url, caller="bob") as bob,
    ):
        asked = await ada.call("both")
        with pytest.raises(MCPError):
            await bob.send(
                "tools/call",
                name="both",
                arguments={},
                requestState=asked["requestState"],
                inputResponses={key: accepted("stolen") for key in asked["inputRequests"]},
            )


async def test_tasks_of_one_caller_do_not_count_for_another() -> None:
    server: Any = serve(rest, auth=True, task="always")
    async with (
        serve_http(server) as url,
        connected(url, LEGACY, caller="ada") as ada,
        connected(url, LEGACY, caller="bob") as bob,
    ):
        object.__setattr__(server.tasks.settings, "concurrent", 1)
        await ada.create("rest")
        await bob.create("rest")
        code, *_ = await ada.refusal("tools/call", name="rest", arguments={}, task={})
    assert code == -32603
