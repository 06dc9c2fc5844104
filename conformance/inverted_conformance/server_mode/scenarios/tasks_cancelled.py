"""Tasks that are cancelled: while they run, while they ask, as they end, or too late."""

from __future__ import annotations

from typing import Final

import anyio
from mcp_types import INVALID_PARAMS

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Answer, Question, Reply
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.server_mode.tasks import ENDED, Running, begin, capable
from inverted_conformance.wire.transcript import Message

RACES: Final = 8
"""Tasks that are cancelled about when they end."""


@scenario(
    "tasks",
    checks=(
        "tasks.cancel-status",
        "tasks.cancel-final",
        "tasks.cancel-empty",
        "tasks.cancel-result-type",
    ),
    needs=("slow_compute",),
)
async def cancel(lab: Lab) -> None:
    """A running task is cancelled: the reply says so as the form wants it."""
    client = await _cancels(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0.6, "label": "cancel"})
    reply = await task.ask("tasks/cancel")
    status = reply.result.get("status")
    lab.check("tasks.cancel-status", status == "cancelled", f"The reply shows {status!r}.")
    left = sorted(reply.result.keys() - {"_meta", "resultType"})
    lab.check("tasks.cancel-empty", not left, f"Besides the envelope the reply has {left}.")
    kind = reply.result.get("resultType")
    lab.check("tasks.cancel-result-type", kind == "complete", f"resultType is {kind!r}.")
    if lab.modern:
        return  # there a server need not obey
    status = (await task.get()).get("status")
    lab.check("tasks.cancel-status", status == "cancelled", f"tasks/get shows {status!r} then.")
    longer = await begin(lab, client, "slow_compute", {"seconds": 0.7, "label": "longer"})
    await longer.until()
    status = (await task.get()).get("status")
    detail = f"After the work would have ended it is {status!r}."
    lab.check("tasks.cancel-final", status == "cancelled", detail)


@scenario("tasks", checks=("tasks.get-cancelled",), wires=("2026-07-28",), needs=("slow_compute",))
async def cancelled_is_shown(lab: Lab) -> None:
    """A task that was cancelled is shown as such, with neither result nor error."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 1, "label": "shown"})
    await task.ask("tasks/cancel")
    last = await task.until()
    if last.get("status") != "cancelled":
        raise NotOffered("cancellation that stops the work")
    left = [name for name in ("result", "error", "inputRequests") if name in last]
    lab.check("tasks.get-cancelled", not left, f"It is shown as cancelled, with {left}.")


@scenario(
    "tasks",
    checks=("tasks.cancel-stops",),
    wires=("2025-11-25",),
    needs=("slow_compute", "finished_jobs"),
)
async def cancel_stops(lab: Lab) -> None:
    """The work of a cancelled task is stopped."""
    client = await _cancels(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0.5, "label": "to be stopped"})
    await task.ask("tasks/cancel")
    longer = await begin(lab, client, "slow_compute", {"seconds": 0.6, "label": "to go on"})
    await longer.until()
    done = (await client.call("finished_jobs")).text.split("\n")
    if "to go on" not in done:
        lab.wrong(f"finished_jobs should name the job that ended, but named {done}.")
    stopped = "to be stopped" not in done
    lab.check("tasks.cancel-stops", stopped, f"The cancelled job ran to its end: {not stopped}.")


@scenario(
    "tasks",
    checks=("tasks.cancel-terminal", "tasks.terminal-stays", "tasks.error-messages"),
    wires=("2025-11-25",),
    needs=("slow_compute", "failing_job"),
)
async def cancel_ended(lab: Lab) -> None:
    """A task that has ended, in whichever way, cannot be cancelled."""
    client = await _cancels(lab)
    done = await begin(lab, client, "slow_compute", {"seconds": 0})
    failed = await begin(lab, client, "failing_job")
    stopped = await begin(lab, client, "slow_compute", {"seconds": 5})
    await stopped.ask("tasks/cancel")
    for task in (done, failed, stopped):
        status = (await task.until()).get("status")
        reply = await task.ask("tasks/cancel")
        ok = reply.code == INVALID_PARAMS
        lab.check("tasks.cancel-terminal", ok, f"Cancelling a {status} task: {reply.told}.")
        told = (reply.error or {}).get("message")
        lab.check("tasks.error-messages", told, f"The error says {told!r}.")
        now = (await task.get()).get("status")
        lab.check("tasks.terminal-stays", now == status, f"It was {status!r} and is {now!r}.")


@scenario(
    "tasks",
    checks=("tasks.cancel-final", "tasks.cancel-terminal", "tasks.terminal-stays"),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def cancel_races(lab: Lab) -> None:
    """Tasks that are cancelled about when they end either were in time or are refused."""
    client = await _cancels(lab)
    tasks = [
        await begin(lab, client, "slow_compute", {"seconds": n * 0.005, "label": f"race {n}"})
        for n in range(RACES)
    ]
    ids = [await client.begin("tasks/cancel", {"taskId": task.id}) for task in tasks]
    replies = [await client.reply(id) for id in ids]
    slow = await begin(lab, client, "slow_compute", {"seconds": 0.1, "label": "after the races"})
    await slow.until()
    for task, reply in zip(tasks, replies, strict=True):
        await _settled(lab, task, reply)
    # The last ones may all have ended in the same way, so one of each is made certain.
    last = await begin(lab, client, "slow_compute", {"seconds": 2, "label": "in time"})
    await _settled(lab, last, await last.ask("tasks/cancel"))
    await _settled(lab, slow, await slow.ask("tasks/cancel"))


async def _settled(lab: Lab, task: Running, reply: Reply) -> None:
    status = (await task.get()).get("status")
    if reply.refused:
        ok = status in ENDED
        detail = f"tasks/cancel was refused, and the task is {status!r}."
        lab.check("tasks.terminal-stays", ok, detail)
        lab.check("tasks.cancel-terminal", reply.code == INVALID_PARAMS, f"{reply.told}.")
    else:
        detail = f"tasks/cancel was granted, and the task is {status!r}."
        lab.check("tasks.cancel-final", status == "cancelled", detail)


@scenario(
    "tasks",
    checks=("tasks.cancel-status", "tasks.cancel-final", "tasks.cancel-empty"),
    needs=("confirm_delete",),
)
async def cancel_while_it_asks(lab: Lab) -> None:
    """A task that waits for an answer is cancelled; the late answer changes nothing."""
    client = await _cancels(lab)
    task = await begin(lab, client, "confirm_delete", {"filename": "a.txt"})
    asking = await task.until("input_required")
    late = anyio.Event()

    async def answers(question: Question) -> Answer:
        await late.wait()
        return await Script()(question)

    client.answers = answers
    waiting = 0
    if not lab.modern:  # there the question comes to whoever fetches the result
        waiting = await client.begin("tasks/result", {"taskId": task.id})
        if not await client.until(lambda: bool(client.questions)):
            lab.wrong("A task that is input_required should ask whoever calls tasks/result.")
    reply = await task.ask("tasks/cancel")
    left = sorted(reply.result.keys() - {"_meta", "resultType"})
    lab.check("tasks.cancel-empty", not left, f"Besides the envelope the reply has {left}.")
    status = reply.result.get("status")
    lab.check("tasks.cancel-status", status == "cancelled", f"The reply shows {status!r}.")
    if lab.modern:
        await task.ask("tasks/update", inputResponses=await task.answered(asking))
    else:
        await client.reply(waiting)
    late.set()
    ended = await task.until()
    status = ended.get("status")
    lab.check("tasks.cancel-final", status == "cancelled", f"It ended as {status!r}.")


async def _cancels(lab: Lab) -> Client:
    client = await capable(lab)
    tasks: Message = client.offers.get("tasks", {})
    if not lab.modern and tasks.get("cancel") is None:
        raise NotOffered("tasks.cancel")
    return client
