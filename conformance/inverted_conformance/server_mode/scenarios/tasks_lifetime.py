"""How long tasks last: their time to live, a restart of the server, and their progress."""

from __future__ import annotations

from contextlib import suppress

import anyio
from mcp_types import INVALID_PARAMS

from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.tasks import (
    ENDED,
    PAUSE,
    RELATED,
    Running,
    begin,
    capable,
    text,
)
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message

AGES = 9_000_000_000_000_000
"""Milliseconds: more than a quarter of a million years."""

SOON = 3.0
"""Seconds within which an expired task must be gone."""


@scenario("tasks", checks=("tasks.limit-ttl",), wires=("2025-11-25",), needs=("slow_compute",))
async def longest_ttl(lab: Lab) -> None:
    """A task cannot be kept for ages."""
    client = await capable(lab)
    params = {"name": "slow_compute", "arguments": {"seconds": 0}, "task": {"ttl": AGES}}
    reply = await client.request("tools/call", params)
    if reply.refused:
        lab.check("tasks.limit-ttl", ok=True, detail=f"A ttl of ages: {reply.told}.")
        return
    ttl = (await Running(client, reply.result["task"]).get()).get("ttl")
    ok = isinstance(ttl, int | float) and ttl < AGES
    lab.check("tasks.limit-ttl", ok, f"For a ttl of {AGES} ms there is one of {ttl}.")


@scenario(
    "tasks",
    checks=("tasks.expired-gone",),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def expires(lab: Lab) -> None:
    """A task whose time has passed is gone."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0}, ttl=200)
    ttl = task.created.get("ttl")
    if not isinstance(ttl, int | float) or ttl / 1000 > SOON:
        raise NotOffered(f"a ttl short enough to wait for (200 ms became {ttl})")
    gone = False
    with anyio.move_on_after(ttl / 1000 + SOON):
        while not gone:
            await anyio.sleep(PAUSE)
            gone = (await task.ask("tasks/get")).refused
    lab.check("tasks.expired-gone", gone, f"With a ttl of {ttl} ms it is gone: {gone}.")


@scenario(
    "tasks",
    checks=("tasks.unknown-id-get", "tasks.terminal-stays", "tasks.completed-result-exact"),
    needs=("slow_compute",),
    seconds=40,
)
async def restart(lab: Lab) -> None:
    """After a restart a task is as it was, or plainly unknown."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0, "label": "kept"})
    before = await task.until()
    client = await lab.restart(client)
    reply = await client.request("tasks/get", {"taskId": task.id})
    if reply.refused:
        ok = reply.code == INVALID_PARAMS
        if lab.check("tasks.unknown-id-get", ok, f"After a restart: {reply.told}."):
            raise NotOffered("tasks that survive a restart")
        return
    now = reply.result
    lab.check("tasks.unknown-id-get", now.get("taskId") == task.id, f"It shows {now}.")
    shown = ("status", "createdAt", "result")
    kept = {name: before.get(name) for name in shown} == {name: now.get(name) for name in shown}
    detail = f"It was {before}, and is {now} after a restart."
    lab.check("tasks.terminal-stays", kept, detail)
    said = text(await Running(client, task.created).finish())
    lab.check("tasks.completed-result-exact", said == "Computed kept", f"Its result is {said!r}.")


@scenario(
    "tasks",
    checks=("tasks.terminal-stays", "tasks.unknown-id-get", "tasks.get-failed"),
    needs=("slow_compute",),
    seconds=40,
)
async def restart_while_it_runs(lab: Lab) -> None:
    """A task that ran when the server was killed runs on, has failed, or is unknown."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0.3, "label": "interrupted"})
    client = await lab.restart(client)
    reply = await client.request("tasks/get", {"taskId": task.id})
    if reply.refused:
        ok = reply.code == INVALID_PARAMS
        if lab.check("tasks.unknown-id-get", ok, f"After a restart: {reply.told}."):
            raise NotOffered("tasks that survive a restart")
        return
    lab.check("tasks.unknown-id-get", ok=True, detail="After a restart it is known.")
    again = Running(client, task.created)
    with suppress(PeerError):
        await again.until(*ENDED, seconds=3)
    status = again.statuses[-1]
    if status not in ENDED:
        raise NotOffered("tasks that end after a restart")
    later = (await again.get()).get("status")
    lab.check("tasks.terminal-stays", status == later, f"It ended as {status!r}, then {later!r}.")
    end = await again.finish()
    ok = "error" in end if status == "failed" else text(end) == "Computed interrupted"
    lab.check("tasks.get-failed", ok, f"It is {status!r} with {end}.")


@scenario(
    "progress",
    checks=("progress.task-lifetime", "progress.task-token", "progress.task-ends"),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def progress_of_a_task(lab: Lab) -> None:
    """Progress of a task comes under the token of its call, and ends with the task."""
    client = await capable(lab)
    params: Message = {
        "name": "slow_compute",
        "arguments": {"seconds": 0.5, "label": "progress"},
        "task": {"ttl": 60_000},
    }
    created = await client.request("tools/call", params, meta={"progressToken": "a token"})
    task = Running(client, created.result["task"])
    waiting = await client.begin("tasks/result", {"taskId": task.id})
    await client.reply(waiting)
    told = [one for one in client.notifications if one["method"] == "notifications/progress"]
    tokens = [one["params"].get("progressToken") for one in told]
    detail = f"After the task was created progress came under the tokens {tokens}."
    lab.check("progress.task-lifetime", "a token" in tokens, detail)
    lab.check("progress.task-token", {*tokens} == {"a token"}, detail)
    named = [one["params"].get("_meta", {}).get(RELATED) for one in told]
    before = len(client.notifications)
    await task.until()
    await client.request("ping")
    late = [one for one in client.notifications[before:] if one["method"] == told[0]["method"]]
    detail = f"When the task had ended {len(late)} came; they named {named}."
    lab.check("progress.task-ends", not late, detail)


@scenario(
    "tasks",
    checks=("tasks.no-progress-on-listen", "tasks.subscription-id"),
    wires=("2026-07-28",),
    needs=("slow_compute",),
)
async def listens(lab: Lab) -> None:
    """Who listens for a task is told its status, and neither progress nor log messages."""
    client = await capable(lab)
    call = {"name": "slow_compute", "arguments": {"seconds": 0.5, "label": "listened"}}
    level = {"io.modelcontextprotocol/logLevel": "debug", "progressToken": "a token"}
    created = await client.request("tools/call", call, meta=level)
    task = Running(client, created.result)
    filters = {"notifications": {"taskIds": [task.id]}}
    id = await client.begin("subscriptions/listen", filters, meta=level)
    await client.until(lambda: client.answered(id) or _ended(client.notifications), 3)
    if client.answered(id) and (await client.reply(id)).refused:
        raise NotOffered("subscriptions/listen for tasks")
    await task.until()
    methods = [one["method"] for one in client.notifications]
    stray = {"notifications/progress", "notifications/message"} & {*methods}
    detail = f"While it listened it was told {methods}."
    lab.check("tasks.no-progress-on-listen", not stray, detail)
    about = [one for one in client.notifications if one["method"] == "notifications/tasks"]
    if not about and not stray:
        raise NotOffered("notifications about tasks")
    for one in about:
        named = one["params"].get("_meta", {}).get("io.modelcontextprotocol/subscriptionId")
        detail = f"A notification about a task names the subscription {named!r}; it is {id!r}."
        lab.check("tasks.subscription-id", str(named) == str(id), detail)
    if not client.answered(id):
        await client.cancel(id)


def _ended(notifications: list[Message]) -> bool:
    return any(
        one["method"] == "notifications/tasks" and one["params"].get("status") in ENDED
        for one in notifications
    )
