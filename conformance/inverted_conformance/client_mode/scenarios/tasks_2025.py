"""What only the tasks of 2025-11-25 have: gating by the server, streams, notifications, lists."""

from __future__ import annotations

from typing import Any, Final

from inverted_conformance.client_mode.asks import accept, form, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.handshake import LEGACY
from inverted_conformance.client_mode.scenarios.rounds import NAME
from inverted_conformance.client_mode.stage import END, MOMENT, NotOffered, Over, Stage
from inverted_conformance.client_mode.task import (
    INVALID_PARAMS,
    Task,
    needs_tasks,
    offered,
    task_tool,
)
from inverted_conformance.wire.transcript import Message

STATUS: Final = "notifications/tasks/status"
CURSORS: Final = ["eyJwYWdlIjoyfQ==", " 3 / é\n", '{"page":4}']


@CLIENT.scenario("capabilities", checks=("capabilities.tasks-none",), wires=LEGACY)
async def server_without_tasks(stage: Stage) -> None:
    """The server has no tasks at all, although a tool of it says that it needs one."""
    await stage.open(task_tool("slow"), task_tool("after"))
    await _untasked(stage, ("capabilities.tasks-none",), "without a tasks capability")


@CLIENT.scenario(
    "capabilities",
    checks=("capabilities.tasks-over-tool-support", "capabilities.tasks-augment-declared"),
    wires=LEGACY,
)
async def server_without_task_calls(stage: Stage) -> None:
    """The server has tasks, but not for calls of tools, although a tool says that it needs one."""
    stage.server.capabilities = {"tools": {}, "tasks": {"cancel": {}}}
    await stage.open(task_tool("slow"), task_tool("after"))
    keys = ("capabilities.tasks-over-tool-support", "capabilities.tasks-augment-declared")
    await _untasked(stage, keys, "without tasks.requests.tools.call")


async def _untasked(stage: Stage, keys: tuple[str, ...], server: str) -> None:
    """Nothing is called as a task. A client may also not call the tools at all."""

    def answered() -> bool:
        for name in ("slow", "after"):
            call = stage.take(name)
            if call is not None:
                Call(stage, call).finish()
        return any(each.params.get("name") == END for each in stage.server.calls)

    await stage.maybe(answered, MOMENT * 6)
    called = [each.params for each in stage.server.requests if each.method == "tools/call"]
    asked = [each.get("name") for each in called if "task" in each]
    for key in keys:
        stage.check(
            key,
            not asked,
            f"On a server {server} the client called {asked or 'nothing'} as a task.",
            "nothing",
        )


@CLIENT.scenario("tasks", checks=("tasks.poll-beside-notifications",), wires=LEGACY)
async def notified_and_polled(stage: Stage) -> None:
    """The server reports the status once or twice, and then no more: the client has polled on."""
    offered(stage)
    await stage.open(task_tool("slow"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    task = Task(stage, call)
    stream = await _beside(stage)
    for _ in range(2):
        stream.send({"jsonrpc": "2.0", "method": STATUS, "params": task.wire()})
    before = len(task.polls)
    await stage.maybe(lambda: len(task.polls) >= before + 3, MOMENT * 4)
    more = len(task.polls) - before
    stage.check(
        "tasks.poll-beside-notifications",
        more > 0,
        f"After two status notifications the client polled {more} times.",
        "further polls",
    )
    task.complete()


async def _beside(stage: Stage) -> Exchange:
    """The stream beside the requests.

    Raises:
        NotOffered: The client opens none.
    """
    found = await stage.maybe(lambda: list(stage.server.streams), MOMENT * 2)
    if not found:
        raise NotOffered("The client opens no stream with GET.")
    return found[-1]


@CLIENT.scenario("tasks", checks=("tasks.messages-on-any-stream",), wires=LEGACY)
async def question_on_another_stream(stage: Stage) -> None:
    """A question of a task comes on the stream that the client opened with GET."""
    offered(stage)
    await stage.open(task_tool("slow"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    stage.needs("elicitation.form")
    stream = await _beside(stage)
    task = Task(stage, call)
    await task.polled()
    task.status = "input_required"
    try:
        answers = await task.ask_on(stream, {"who": form(accept(name="Ada"), NAME)})
    except Over as over:
        stage.broke("tasks.messages-on-any-stream", f"On the stream of GET: {over}", "an answer")
    else:
        stage.check(
            "tasks.messages-on-any-stream",
            answers["who"].result.get("content") == {"name": "Ada"},
            f"On the stream of GET a question of a task got {answers['who']}.",
            "its answer",
        )
    task.complete()


@CLIENT.scenario("tasks", checks=("tasks.poll-beside-result",), wires=LEGACY, seconds=25)
async def lost_result(stage: Stage) -> None:
    """The stream of tasks/result breaks off: the client polls again, and gets to the end."""
    offered(stage)
    await stage.open(task_tool("slow"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    task = Task(stage, call)
    await task.polled()
    task.status = "input_required"
    stream = await task.result_asked()
    task.status = "working"
    before = len(task.polls)
    stream.close()
    await stage.maybe(lambda: len(task.polls) > before, MOMENT * 5)
    more = len(task.polls) - before
    again = len(task.waiting) - 1
    stage.check(
        "tasks.poll-beside-result",
        more > 0,
        f"After its tasks/result broke off the client polled {more} times, and asked for the "
        f"result {again} times again.",
        "further polls",
    )
    task.complete()


@CLIENT.scenario("tasks", checks=("tasks.list-cursor-opaque",), wires=LEGACY)
async def lists_tasks(stage: Stage) -> None:
    """A client that lists its tasks sends back the cursors of the pages as they are."""
    requests: Message = {"tools": {"call": {}}}
    stage.server.capabilities = {"tools": {}, "tasks": {"list": {}, "requests": requests}}
    pages: list[Any] = []

    def page(request: Exchange) -> None:
        cursor = request.params.get("cursor")
        pages.append(cursor)
        if cursor is not None and cursor not in CURSORS:
            request.error(INVALID_PARAMS, "That is no cursor of this list.")
            return
        following = CURSORS[len(pages) - 1 : len(pages)]
        request.result({"tasks": [], **({"nextCursor": following[0]} if following else {})})

    stage.server.routes["tasks/list"] = page
    await stage.open(tool("plain"))
    (await stage.called("plain")).finish()
    await stage.last()
    await stage.maybe(lambda: stage.exited, MOMENT * 3)
    if len(pages) < 2:  # noqa: PLR2004 - one page has no cursor to send back
        raise NotOffered("The client does not list its tasks page by page.")
    stage.check(
        "tasks.list-cursor-opaque",
        pages == [None, *CURSORS][: len(pages)],
        f"Given the cursors {CURSORS} the client sent {pages[1:]}.",
        "each as it was",
    )


def related(answer: Message) -> object:
    """The task that a message names in its `_meta`.

    Args:
        answer: The result.
    """
    return mapping(mapping(answer.get("_meta")).get("io.modelcontextprotocol/related-task")).get(
        "taskId"
    )
