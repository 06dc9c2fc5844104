"""Calls that become tasks: the client polls, answers what is asked, and gets to the end."""

from __future__ import annotations

import itertools
from typing import Final

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.asks import accept, form, sample, say, tool
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.rounds import NAME, expected
from inverted_conformance.client_mode.stage import MOMENT, NotOffered, Stage
from inverted_conformance.client_mode.task import (
    EXTENSION,
    RELATED,
    Task,
    needs_tasks,
    offered,
    task_tool,
)
from inverted_conformance.wire.transcript import Message

INTERVAL: Final = 300
EARLY: Final = 0.9
"""The share of the interval that a poll must have waited; clocks and queues are not exact."""


def task_requests(stage: Stage) -> list[Exchange]:
    """What the client asked about tasks.

    Args:
        stage: The scenario.
    """
    return [each for each in stage.server.requests if each.method.startswith("tasks/")]


@CLIENT.scenario(
    "tasks",
    checks=(
        "tasks.poll-interval",
        "tasks.poll-until-terminal",
        "tasks.notification-not-needed",
        "tasks.both-shapes",
        "tasks.name-header",
        "tasks.tool-required",
        "tasks.tool-forbidden",
        "tasks.no-related-task-in-requests",
    ),
    seconds=25,
)
async def to_the_end(stage: Stage) -> None:
    """A task that works for a while and completes, and a call beside it that is none."""
    offered(stage)
    other = tool("forbidden", execution={"taskSupport": "forbidden"})
    await stage.open(task_tool("slow"), tool("plain"), other, task_tool("again"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    task = Task(stage, call, interval=INTERVAL)
    stage.blame = ("tasks.poll-until-terminal", "tasks.notification-not-needed")
    await task.polled(4)
    task.complete()
    plain = await stage.called("plain")
    stage.blame = ("tasks.both-shapes",)
    times = [task.created, *(each.at for each in task.polls)]
    gaps = [round((two - one) * 1000) for one, two in itertools.pairwise(times)][1:]
    stage.check(
        "tasks.poll-interval",
        all(gap >= INTERVAL * EARLY for gap in gaps),
        f"With an interval of {INTERVAL} ms the gaps between polls were {gaps} ms.",
        "none shorter",
    )
    stage.met(
        "tasks.poll-until-terminal", f"The client polled {len(task.polls)} times, to the end."
    )
    stage.met("tasks.notification-not-needed", "No status notification was sent, nor needed.")
    for each in (plain, None):
        current = each or await stage.called("forbidden")
        stage.check(
            "tasks.tool-forbidden",
            "task" not in current.exchange.params,
            f"{current.name}, which cannot be a task, was called with {current.exchange.params}.",
            "no task",
        )
        current.finish()
    again = await stage.called("again")
    stage.check(
        "tasks.tool-required",
        stage.modern or "task" in again.exchange.params,
        f"Another tool with taskSupport required was called with {again.exchange.params}.",
        "a task",
    )
    if stage.modern or "task" not in again.exchange.params:
        again.finish()
    else:
        Task(stage, again, task_id="task-again").complete()
    await stage.last()
    stage.met("tasks.both-shapes", "After the task a plain result was taken as well.")
    _headers(stage, task)


def _headers(stage: Stage, task: Task) -> None:
    asked = [each for each in task_requests(stage) if each.params.get("taskId") == task.id]
    names = [each.headers.get("mcp-name") for each in asked]
    stage.check(
        "tasks.name-header",
        all(name == task.id for name in names),
        f"The requests about {task.id} had Mcp-Name {sorted(set(map(str, names)))}.",
        "the task's id",
    )
    related = [each.method for each in asked if RELATED in each.meta]
    stage.check(
        "tasks.no-related-task-in-requests",
        not related,
        f"related-task stood in {related or 'no request about the task'}.",
        "none",
    )


@CLIENT.scenario("tasks", checks=("tasks.poll-until-terminal",))
async def failed(stage: Stage) -> None:
    """A task that fails is over: the client goes on with its next call."""
    offered(stage)
    await stage.open(task_tool("slow"), tool("after"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    task = Task(stage, call)
    await task.polled(2)
    task.fail()
    (await stage.called("after")).finish()
    stage.met("tasks.poll-until-terminal", "The client polled until the task had failed.")


@CLIENT.scenario("tasks", checks=("tasks.poll-until-terminal",))
async def unknown_status(stage: Stage) -> None:
    """A status that no revision has: the client goes on polling, or gives the task up."""
    offered(stage)
    await stage.open(task_tool("slow"), tool("after"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    task = Task(stage, call)
    await task.polled()
    task.status = "inverted"
    await stage.maybe(lambda: None, MOMENT)
    task.complete()
    (await stage.called("after")).finish()
    stage.met("tasks.poll-until-terminal", "The client got over a status that does not exist.")


@CLIENT.scenario(
    "tasks",
    checks=(
        "tasks.input-inspected",
        "tasks.input-answered",
        "tasks.input-like-standalone",
        "tasks.observed-after-update",
        "tasks.result-at-input-required",
        "tasks.related-task",
    ),
    seconds=25,
)
async def questions(stage: Stage) -> None:
    """A task asks the person and the model, twice."""
    offered(stage)
    await stage.open(task_tool("slow"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    task = Task(stage, call)
    await task.polled()
    for number in (1, 2):
        asked = _questions(stage, str(number))
        stage.blame = (
            "tasks.input-inspected",
            "tasks.input-answered",
            "tasks.result-at-input-required",
        )
        answers = await task.ask(asked)
        stage.blame = ()
        wrong = [k for k, each in asked.items() if not expected(each, answers[k].result, k)]
        seen = f"Asked for {sorted(asked)}, the client answered {_shown(answers)}."
        stage.check("tasks.input-inspected", not wrong, seen, "what each directive says")
        stage.check("tasks.input-like-standalone", not wrong, seen, "what each directive says")
        stage.met("tasks.input-answered", "The answers came in tasks/update.")
        if not stage.modern:
            stage.met("tasks.result-at-input-required", "At input_required came tasks/result.")
            _named(stage, task, answers)
            if wrong:
                stage.fault(seen)
    if stage.modern:
        polls = len(task.polls)
        await stage.maybe(lambda: len(task.polls) > polls, MOMENT * 2)
        more = len(task.polls) - polls
        seen = f"After the last tasks/update the client polled {more} times."
        stage.check("tasks.observed-after-update", more > 0, seen, "polls until the end")
    task.complete()
    await stage.last()


def _shown(answers: dict[str, Answer]) -> str:
    return ", ".join(f"{key}: {answer}" for key, answer in answers.items())


def _questions(stage: Stage, number: str) -> dict[str, Message]:
    asked: dict[str, Message] = {}
    if stage.declares("elicitation.form"):
        asked[f"person {number}"] = form(accept(name=f"person {number}"), NAME)
    if stage.declares("sampling"):
        asked[f"model {number}"] = sample(say(f"model {number}"))
    if not asked:
        raise NotOffered("The client declares neither elicitation.form nor sampling.")
    return asked


def _named(stage: Stage, task: Task, answers: dict[str, Answer]) -> None:
    """Each answer to a question of a task names the task (2025-11-25)."""
    metas = [mapping(each.result.get("_meta")) for each in answers.values()]
    named = [mapping(each.get(RELATED)).get("taskId") for each in metas]
    stage.check(
        "tasks.related-task",
        all(each == task.id for each in named),
        f"The answers to the questions of {task.id} name the tasks {named}.",
        f"{task.id!r} in every _meta",
    )


@CLIENT.scenario("tasks", checks=("tasks.input-answered-once",), wires=("2026-07-28",))
async def seen_again(stage: Stage) -> None:
    """A question stays in sight for some polls after it was answered: it is answered once."""
    offered(stage)
    await stage.open(task_tool("slow"))
    call = await stage.called("slow")
    needs_tasks(stage, call)
    task = Task(stage, call)
    task.status = "input_required"
    task.questions = _questions(stage, "1")
    keys = sorted(task.questions)
    await stage.until(lambda: task.answered.keys() >= set(keys), "to answer by tasks/update")
    await task.polled(3)
    times = {key: len(task.answered[key]) for key in keys}
    stage.check(
        "tasks.input-answered-once",
        all(count == 1 for count in times.values()),
        f"The questions were answered so many times: {times}.",
        "once each",
    )
    task.questions = {}
    task.complete()


@CLIENT.scenario("tasks", checks=("tasks.cancel-by-request",))
async def cancels(stage: Stage) -> None:
    """The client cancels a task that runs, with tasks/cancel."""
    offered(stage)
    await stage.open(task_tool("cancel_task"), tool("after"))
    call = await stage.called("cancel_task")
    needs_tasks(stage, call)
    task = Task(stage, call)
    cancelled = "notifications/cancelled"

    def notified() -> list[Message]:
        return [each for _, each in stage.server.notifications if each["method"] == cancelled]

    await stage.maybe(lambda: task.cancels or notified(), MOMENT * 4)
    if not task.cancels and not notified():
        task.complete()
        raise NotOffered("The client cancels no task.")
    stage.check(
        "tasks.cancel-by-request",
        bool(task.cancels) and not notified(),
        f"The client sent tasks/cancel {len(task.cancels)} times and {len(notified())} "
        "notifications/cancelled.",
        "tasks/cancel alone",
    )
    task.complete()
    (await stage.called("after")).finish()


@CLIENT.scenario("tasks", checks=("tasks.unsupported-request",), wires=("2026-07-28",))
async def task_of_a_listing(stage: Stage) -> None:
    """The answer to tools/list is a task, which cannot be: nobody polls it."""
    offered(stage)
    stage.may_fail = True
    task = {"taskId": "t-list", "status": "working", "pollIntervalMs": 50, "ttlMs": None}
    times = {"createdAt": "2026-07-28T00:00:00Z", "lastUpdatedAt": "2026-07-28T00:00:00Z"}
    stage.server.routes["tools/list"] = lambda request: request.result(
        {"resultType": "task", **task, **times}
    )
    await stage.open()
    stage.needs(f"extensions.{EXTENSION}")
    await stage.maybe(lambda: task_requests(stage), MOMENT * 2)
    asked = [each.method for each in task_requests(stage)]
    stage.check(
        "tasks.unsupported-request",
        not asked,
        f"After a task in answer to tools/list the client sent {asked or 'nothing about it'}.",
        "nothing about it",
    )
    del stage.server.routes["tools/list"]
    await stage.maybe(lambda: stage.exited, MOMENT * 4)
