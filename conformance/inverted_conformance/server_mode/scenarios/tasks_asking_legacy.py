"""Tasks of 2025-11-25 that ask: whoever calls tasks/result is asked."""

from __future__ import annotations

from contextlib import suppress

import anyio

from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Answer, Question
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.server_mode.tasks import ENDED, RELATED, begin, capable, outcome, text
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message


@scenario(
    "tasks",
    checks=(
        "tasks.input-required",
        "tasks.question-names-task",
        "tasks.question-same-task",
        "tasks.related-task",
        "tasks.related-task-in-result",
        "tasks.leaves-input-required",
        "tasks.result-blocks",
    ),
    wires=("2025-11-25",),
    needs=("confirm_delete",),
)
async def asks(lab: Lab) -> None:
    """A task that needs an answer says so, asks through tasks/result, and goes on with it."""
    client = await capable(lab)
    answer = anyio.Event()

    async def answers(question: Question) -> Answer:
        await answer.wait()
        said = await Script()(question)
        return {**said, "_meta": {RELATED: {"taskId": task.id}}} if isinstance(said, dict) else said

    client.answers = answers
    task = await begin(lab, client, "confirm_delete", {"filename": "a.txt"})
    with suppress(PeerError):
        await task.until("input_required", seconds=2)
    waiting = await client.begin("tasks/result", {"taskId": task.id})
    if not await client.until(lambda: bool(client.questions)):
        lab.wrong("confirm_delete should ask the person through tasks/result, but nothing came.")
    status = (await task.get()).get("status")
    lab.check("tasks.input-required", status == "input_required", f"While it asks: {status!r}.")
    lab.check("tasks.result-blocks", not client.answered(waiting), f"It is {status!r} then.")
    named = client.questions[0].params.get("_meta", {}).get(RELATED)
    detail = f"{client.questions[0].method} came with {RELATED} {named!r}; it is {task.id!r}."
    lab.check("tasks.question-names-task", isinstance(named, dict), detail)
    lab.check("tasks.question-same-task", named == {"taskId": task.id}, detail)
    lab.check("tasks.related-task", named == {"taskId": task.id}, detail)
    answer.set()
    end = outcome(await client.reply(waiting))
    status = (await task.get()).get("status")
    ok = status != "input_required"
    lab.check("tasks.leaves-input-required", ok, f"When answered it is {status!r}.")
    named = end.get("result", {}).get("_meta", {}).get(RELATED)
    detail = f"tasks/result came with {RELATED} {named!r}."
    lab.check("tasks.related-task-in-result", named == {"taskId": task.id}, detail)
    lab.check("tasks.related-task", named == {"taskId": task.id}, detail)
    if "confirm" not in text(end):
        lab.wrong(f"confirm_delete should say what the person filled in, but said {end}.")


@scenario(
    "tasks",
    checks=("tasks.related-task", "tasks.question-names-task", "tasks.result-success"),
    wires=("2025-11-25",),
    needs=("multi_round_job",),
)
async def asks_several(lab: Lab) -> None:
    """A task asks twice at once and then once more; each question names it, whoever waits."""
    client = await capable(lab)
    task = await begin(lab, client, "multi_round_job")
    await task.until("input_required")
    client.answers = Script(["Hi"], [{"name": "Ada", "confirm": True}])
    # Two requests wait for the same result: what is asked must still come once only.
    waiting = [await client.begin("tasks/result", {"taskId": task.id}) for _ in range(2)]
    ends = [outcome(await client.reply(id)) for id in waiting]
    for end in ends:
        ok = text(end) == "Ada\nAda\nHi"
        lab.check("tasks.result-success", ok, f"The task ended with {end}.")
    for question in client.questions:
        named = question.params.get("_meta", {}).get(RELATED)
        detail = f"{question.method} came with {RELATED} {named!r}."
        lab.check("tasks.question-names-task", named == {"taskId": task.id}, detail)
    messages: list[Message] = [*client.requests, *client.notifications]
    for message in messages:
        if message["method"] == "notifications/tasks/status":
            continue  # these name their task by themselves
        named = message.get("params", {}).get("_meta", {}).get(RELATED)
        detail = f"{message['method']} came with {RELATED} {named!r}."
        lab.check("tasks.related-task", named == {"taskId": task.id}, detail)


@scenario(
    "tasks",
    checks=("tasks.no-related-task-in-notification",),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def notifications(lab: Lab) -> None:
    """Notifications of a task's status name it in their parameters only."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0.4})
    await task.finish()
    told = [one for one in client.notifications if one["method"] == "notifications/tasks/status"]
    if not told:
        raise NotOffered("status notifications")
    for one in told:
        there = RELATED in one["params"].get("_meta", {})
        detail = f"A status notification has related-task: {there}."
        lab.check("tasks.no-related-task-in-notification", not there, detail)


@scenario(
    "tasks",
    checks=("tasks.result-success", "tasks.leaves-input-required"),
    wires=("2025-11-25",),
    needs=("confirm_delete",),
)
async def break_while_it_asks(lab: Lab) -> None:
    """A task whose asking was broken off goes on when the result is fetched anew."""
    client = await capable(lab)
    held = anyio.Event()
    decline = Script(person=["decline"])

    async def late(question: Question) -> Answer:
        await held.wait()
        return await decline(question)

    client.answers = late
    task = await begin(lab, client, "confirm_delete", {"filename": "b.txt"})
    await task.until("input_required")
    waiting = await client.begin("tasks/result", {"taskId": task.id})
    await client.until(lambda: bool(client.questions))
    await client.cancel(waiting)
    client.answers = decline
    waiting = await client.begin("tasks/result", {"taskId": task.id})
    # A server may ask again or wait for the answer that is still to come.
    await client.until(lambda: client.answered(waiting), 0.2)
    held.set()
    end = outcome(await client.reply(waiting))
    ok = "action=decline" in text(end)
    detail = f"After {len(client.questions)} questions it ended with {end}."
    lab.check("tasks.result-success", ok, detail)
    status = (await task.until()).get("status")
    lab.check("tasks.leaves-input-required", status in ENDED, f"When answered it is {status!r}.")
