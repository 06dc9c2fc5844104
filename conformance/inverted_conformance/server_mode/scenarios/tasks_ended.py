"""How tasks end, and what they leave: results, failures, and states that stay."""

from __future__ import annotations

import anyio
from mcp_types import INTERNAL_ERROR

from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.server_mode.tasks import (
    CAPABLE,
    ENDED,
    RELATED,
    STATUSES,
    begin,
    capable,
    outcome,
    same,
    text,
)
from inverted_conformance.wire.transcript import Message


@scenario(
    "tasks",
    checks=(
        "tasks.result-terminal",
        "tasks.result-exact",
        "tasks.result-success",
        "tasks.related-task-in-result",
        "tasks.get-completed",
        "tasks.completed-result-exact",
    ),
    needs=("slow_compute",),
)
async def result(lab: Lab) -> None:
    """A task ends with the result that the plain call has, however often one asks for it."""
    client = await capable(lab)
    arguments = {"seconds": 0.02, "label": "result"}
    task = await begin(lab, client, "slow_compute", arguments)
    last = await task.until()
    lab.check("tasks.get-completed", last.get("status") == "completed", f"It ended as {last}.")
    got = await task.finish()
    again = await task.finish()
    client.capabilities = {**CAPABLE, "extensions": {}} if lab.modern else client.capabilities
    plain = outcome(await client.call("slow_compute", arguments))
    detail = f"The task gave {got}, and the plain call {plain}."
    lab.check("tasks.get-completed", "result" in got, detail)
    lab.check("tasks.result-success", "result" in got, detail)
    lab.check("tasks.result-exact", same(got, plain), detail)
    lab.check("tasks.completed-result-exact", same(got, plain), detail)
    lab.check("tasks.result-terminal", same(got, again), f"It gave {got}, and later {again}.")
    named = got.get("result", {}).get("_meta", {}).get(RELATED)
    ok = named == {"taskId": task.id}
    lab.check("tasks.related-task-in-result", ok, f"tasks/result came with {RELATED} {named!r}.")


@scenario(
    "tasks",
    checks=("tasks.result-exact", "tasks.completed-result-exact", "tasks.id-unique"),
    wires=("2025-11-25", "2026-07-28"),
    needs=("slow_compute",),
)
async def many_at_once(lab: Lab) -> None:
    """Ten tasks that run at the same time end with a result each, and each with its own."""
    client = await capable(lab)
    tasks = [
        await begin(lab, client, "slow_compute", {"seconds": 0.1 - n / 100, "label": f"job {n}"})
        for n in range(10)
    ]
    different = len({task.id for task in tasks})
    lab.check("tasks.id-unique", different == len(tasks), f"Ten tasks have {different} ids.")
    for number, task in enumerate(tasks):
        said = text(await task.finish())
        detail = f"Task {number} of ten said {said!r}."
        lab.check("tasks.result-exact", said == f"Computed job {number}", detail)
        lab.check("tasks.completed-result-exact", said == f"Computed job {number}", detail)


@scenario(
    "tasks",
    checks=(
        "tasks.result-success",
        "tasks.result-terminal",
        "tasks.failed-only-rpc",
        "tasks.tool-error-completed",
    ),
    needs=("failing_job",),
)
async def tool_error(lab: Lab) -> None:
    """A tool that fails has a result, which tells so."""
    client = await capable(lab)
    task = await begin(lab, client, "failing_job")
    last = await task.until()
    status = last.get("status")
    lab.check("tasks.failed-only-rpc", status != "failed", f"It ended as {status!r}.")
    got = await task.finish()
    kept = got.get("result", {}).get("isError") is True and text(got) == "This job fails"
    detail = f"It ended as {status!r} with {got}."
    lab.check("tasks.tool-error-completed", status == "completed" and kept, detail)
    lab.check("tasks.result-success", kept, detail)
    lab.check("tasks.result-terminal", kept, detail)


@scenario(
    "tasks",
    checks=(
        "tasks.result-error",
        "tasks.result-terminal",
        "tasks.get-failed",
        "tasks.failed-error",
        "tasks.failed-error-exact",
        "tasks.failed-status-message",
    ),
    needs=("protocol_error_job",),
)
async def protocol_error(lab: Lab) -> None:
    """A call that breaks leaves its JSON-RPC error, as it was."""
    client = await capable(lab)
    task = await begin(lab, client, "protocol_error_job")
    last = await task.until()
    status = last.get("status")
    lab.check("tasks.get-failed", status == "failed", f"It ended as {status!r}.")
    told = last.get("statusMessage")
    lab.check("tasks.failed-status-message", told, f"statusMessage is {told!r}.")
    got = await task.finish()
    error: Message = got.get("error") or {}
    lab.check("tasks.failed-error", "error" in got, f"It left {got}.")
    there = (error.get("code"), error.get("message"), error.get("data"))
    ok = there == (INTERNAL_ERROR, "This job breaks", {"job": 1})
    for key in ("tasks.failed-error-exact", "tasks.result-error", "tasks.result-terminal"):
        lab.check(key, ok, f"It left {got}.")


@scenario("tasks", checks=("tasks.result-blocks",), wires=("2025-11-25",), needs=("slow_compute",))
async def result_blocks(lab: Lab) -> None:
    """tasks/result of a task that runs is answered when the task has ended, and not before."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0.5, "label": "slow"})
    waiting = await client.begin("tasks/result", {"taskId": task.id})
    looks = 0
    while (await task.get()).get("status") not in ENDED and not client.answered(waiting):
        looks += 1
        await anyio.sleep(0.03)
    early = client.answered(waiting) and (await task.get()).get("status") not in ENDED
    detail = f"After {looks} looks at the running task, tasks/result was answered: {early}."
    lab.check("tasks.result-blocks", looks and not early, detail)
    reply = await client.reply(waiting)
    ok = (await task.get()).get("status") in ENDED
    lab.check("tasks.result-blocks", ok, f"When it was answered, {reply.told}.")


@scenario(
    "tasks",
    checks=("tasks.transitions", "tasks.terminal-stays"),
    wires=("2025-11-25",),
    needs=("multi_round_job",),
)
async def transitions(lab: Lab) -> None:
    """A task goes from working to input_required and back, ends once, and stays so."""
    client = await capable(lab)
    task = await begin(lab, client, "multi_round_job")
    await task.until("input_required")
    end = await task.finish(Script(["Hi"], [{"name": "Ada", "confirm": True}]))
    told = [
        str(one["params"]["status"])
        for one in client.notifications
        if one["method"] == "notifications/tasks/status" and one["params"]["taskId"] == task.id
    ]
    await task.until()
    for what, statuses in (("Looks", task.statuses), *([("Notifications", told)] if told else [])):
        known = all(status in STATUSES for status in statuses)
        ended = [place for place, status in enumerate(statuses) if status in ENDED]
        ok = known and len({*statuses[ended[0] :]} if ended else {0}) == 1
        lab.check("tasks.transitions", ok, f"{what} showed {' > '.join(statuses)} ({end}).")
    await task.ask("tasks/cancel")
    last = task.statuses[-1]
    now = (await task.get()).get("status")
    lab.check("tasks.terminal-stays", now == last, f"It was {last!r}; after tasks/cancel {now!r}.")
