"""Odd questions about the tasks of a client: unknown ids, other ids, pages, times to live."""

from __future__ import annotations

from typing import Any, Final

from inverted_conformance.client_mode.asks import sample, say, tool
from inverted_conformance.client_mode.own_task import SAMPLING, OwnTask, ask
from inverted_conformance.client_mode.plain import array, mapping
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.handshake import LEGACY
from inverted_conformance.client_mode.scenarios.own_tasks import INVALID, THINKS, begun
from inverted_conformance.client_mode.scenarios.progress import PROGRESS, TOKEN
from inverted_conformance.client_mode.scenarios.tasks_2025 import related
from inverted_conformance.client_mode.stage import MOMENT, NotOffered, Stage
from inverted_conformance.client_mode.task import RELATED

ABSURD: Final = 10**15
"""Milliseconds: thirty thousand years."""

SHORT: Final = 300
"""Milliseconds."""


@CLIENT.scenario(
    "tasks",
    checks=("tasks.unknown-id-get", "tasks.unknown-id-result", "tasks.unknown-id-cancel"),
    wires=LEGACY,
)
async def own_unknown_ids(stage: Stage) -> None:
    """tasks/get, tasks/result and tasks/cancel of a task that never was."""
    call = await begun(stage)
    for what in ("get", "result", "cancel"):
        answer = await ask(stage, call, f"tasks/{what}", {"taskId": "never"})
        stage.check(
            f"tasks.unknown-id-{what}",
            answer.error.get("code") == INVALID,
            f"tasks/{what} of a task that never was got {answer}.",
            "the error -32602",
        )
    call.finish()


@CLIENT.scenario(
    "tasks", checks=("tasks.related-task-ignored", "tasks.id-parameter-rules"), wires=LEGACY
)
async def own_task_misnamed(stage: Stage) -> None:
    """The requests about one task name another in related-task: the parameter decides."""
    call = await begun(stage)
    one = await OwnTask.make(stage, call, sample(say("one")))
    two = await OwnTask.make(stage, call, sample(say("two")))
    other = {RELATED: {"taskId": two.id}}
    look = await one.get(_meta=other)
    found = await one.result(_meta=other)
    for key in ("tasks.related-task-ignored", "tasks.id-parameter-rules"):
        stage.check(
            key,
            look.result.get("taskId") == one.id and found.text == "one",
            f"About {one.id}, naming {two.id} in related-task: {look}, and {found}.",
            "the task of the parameter",
        )
    call.finish()


@CLIENT.scenario(
    "tasks",
    checks=(
        "tasks.list-next-cursor",
        "tasks.list-complete",
        "tasks.list-bad-cursor",
        "tasks.no-related-task-in-results",
    ),
    wires=LEGACY,
)
async def own_list(stage: Stage) -> None:
    """The list of five tasks, page by page, and a cursor that was never given."""
    call = await begun(stage)
    if not stage.declares("tasks.list"):
        raise NotOffered("The client does not declare tasks.list.")
    made = [await OwnTask.make(stage, call, sample(say("hello"))) for _ in range(5)]
    listed: list[Any] = []
    cursor: dict[str, Any] = {}
    for _ in range(10):
        page = await ask(stage, call, "tasks/list", cursor)
        listed += [mapping(each).get("taskId") for each in array(page.result.get("tasks"))]
        stage.check(
            "tasks.no-related-task-in-results", not related(page.result), "A page of the list.", ""
        )
        if "nextCursor" not in page.result:
            break
        cursor = {"cursor": page.result["nextCursor"]}
    missing = [each.id for each in made if each.id not in listed]
    for key in ("tasks.list-complete", "tasks.list-next-cursor"):
        stage.check(
            key,
            not missing,
            f"Of five tasks, all pages together have not {missing or 'none'}.",
            "every task on some page",
        )
    answer = await ask(stage, call, "tasks/list", {"cursor": "never given"})
    stage.check(
        "tasks.list-bad-cursor",
        answer.error.get("code") == INVALID,
        f"A cursor that was never given got {answer}.",
        "the error -32602",
    )
    call.finish()


@CLIENT.scenario("tasks", checks=("tasks.limit-ttl", "tasks.expired-gone"), wires=LEGACY)
async def own_time_to_live(stage: Stage) -> None:
    """A task for thirty thousand years, and one for a third of a second."""
    call = await begun(stage)
    own = await OwnTask.make(stage, call, sample(say("hello")), ttl=ABSURD)
    ttl = own.task.get("ttl")
    stage.check(
        "tasks.limit-ttl",
        own.created.refused or (isinstance(ttl, int | float) and ttl < ABSURD),
        f"Asked to keep a task for {ABSURD} ms, the client said {ttl!r}.",
        "less, or an error",
    )
    brief = await OwnTask.make(stage, call, sample(say("hello")), ttl=SHORT)
    kept = brief.task.get("ttl")
    await stage.maybe(lambda: None, SHORT / 1000 + MOMENT * 2)
    if kept == SHORT:
        look = await brief.get()
        stage.check(
            "tasks.expired-gone",
            look.refused,
            f"Well after its ttl of {SHORT} ms a task got {look}.",
            "the error -32602",
        )
    call.finish()


@CLIENT.scenario(
    "capabilities",
    checks=("capabilities.tasks-undeclared-ignored", "capabilities.tasks-declared"),
    wires=LEGACY,
)
async def own_tasks_undeclared(stage: Stage) -> None:
    """A client that declares no tasks answers a request with a task as if it had none."""
    await stage.open(tool("ask"), without=["tasks"])
    stage.needs("sampling")
    call = await stage.called("ask")
    request = sample(say("hello"), task={"ttl": 60_000})
    answer = await call.ask(request)
    stage.check(
        "capabilities.tasks-undeclared-ignored",
        answer.text == "hello",
        f"Without tasks declared, a request with a task got {answer}.",
        "the answer itself",
    )
    stage.check(
        "capabilities.tasks-declared",
        "task" not in answer.result,
        f"Without tasks declared, a request with a task got {answer}.",
        "no task",
    )
    call.finish()


@CLIENT.scenario(
    "progress",
    checks=("progress.task-lifetime", "progress.task-token", "progress.task-ends"),
    wires=LEGACY,
)
async def own_task_progress(stage: Stage) -> None:
    """What the client reports while its task runs comes under the token of the request."""
    call = await begun(stage, SAMPLING)
    request = sample(say("hello", think=THINKS), _meta={TOKEN: "of the task"})
    own = await OwnTask.make(stage, call, request)
    await own.ended()

    def reports() -> list[object]:
        sent = [each for _, each in stage.server.notifications if each["method"] == PROGRESS]
        return [mapping(each.get("params")).get(TOKEN) for each in sent]

    found = reports()
    await stage.maybe(lambda: None, MOMENT)
    if not found:
        raise NotOffered("The client reports no progress of its tasks.")
    for key in ("progress.task-lifetime", "progress.task-token"):
        stage.check(
            key,
            set(found) == {"of the task"},
            f"After the task was created progress came under {found}.",
            "the token of the request",
        )
    late = len(reports()) - len(found)
    stage.check("progress.task-ends", not late, f"After the end came {late} reports.", "none")
    call.finish()
