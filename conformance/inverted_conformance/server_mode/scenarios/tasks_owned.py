"""Whose tasks they are: nobody else reads, answers, cancels or lists them."""

from __future__ import annotations

from typing import Any

import anyio

from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.tasks import Running, begin, capable, pages
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message


@scenario("tasks", checks=("tasks.auth-rejects", "tasks.auth-list"), needs=("confirm_delete",))
async def of_somebody_else(lab: Lab) -> None:
    """A task of one principal is nothing that another one can read, answer, cancel or list."""
    other = await capable(lab, principal="other", who="other")
    mine = await capable(lab, who="first")
    task = await begin(lab, mine, "confirm_delete", {"filename": "secret.txt"})
    asking = await task.until("input_required")
    theirs = Running(other, task.created)
    methods = ("get", "update", "cancel") if lab.modern else ("get", "result", "cancel")
    for method in methods:
        more: Message = {}
        if method == "update":
            more["inputResponses"] = await task.answered(asking)
        reply = await theirs.ask(f"tasks/{method}", **more)
        shown: Any = None if reply.refused else reply.result
        detail = f"tasks/{method} of another's task: {reply.told} ({shown})."
        lab.check("tasks.auth-rejects", reply.refused, detail)
    status = (await task.get()).get("status")
    detail = f"After what another one tried it is {status!r}."
    lab.check("tasks.auth-rejects", status == "input_required", detail)
    if lab.modern:
        return
    if other.offers["tasks"].get("list") is None:
        lab.check("tasks.auth-list", ok=True, detail="There is no tasks.list.")
        return
    seen = [one["taskId"] for one in (await pages(other))[1]]
    detail = f"Another one's list of {len(seen)} tasks shows this one: {task.id in seen}."
    lab.check("tasks.auth-list", task.id not in seen, detail)


@scenario("tasks", checks=("tasks.auth-bound",), wires=("2025-11-25",), needs=("slow_compute",))
async def of_somebody(lab: Lab) -> None:
    """A task belongs to who asked for it: on another connection too, and to nobody else."""
    other = await capable(lab, principal="other", who="other")
    mine = await capable(lab, who="first")
    again = await lab.client(fresh=True, who="first, again")
    task = await begin(lab, mine, "slow_compute", {"seconds": 0})
    await task.until()
    reply = await Running(again, task.created).ask("tasks/get")
    lab.check("tasks.auth-bound", not reply.refused, f"On another connection: {reply.told}.")
    reply = await Running(other, task.created).ask("tasks/get")
    lab.check("tasks.auth-bound", reply.refused, f"For another one: {reply.told}.")


@scenario(
    "capabilities",
    checks=("capabilities.tasks-list-unidentified",),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def tasks_of_nobody(lab: Lab) -> None:
    """Clients that the server cannot tell apart get no list of tasks."""
    try:
        with anyio.fail_after(5):
            one = await lab.client(fresh=True, principal="nobody", who="one")
            two = await lab.client(fresh=True, principal="nobody", who="two")
    except (PeerError, TimeoutError) as error:
        raise NotOffered("a server for people without credentials") from error
    tasks: Message = one.offers.get("tasks") or {}
    declared: Any = tasks.get("list")
    key = "capabilities.tasks-list-unidentified"
    if declared is None:
        lab.check(key, ok=True, detail="Without credentials there is no tasks.list.")
        return
    task = await begin(lab, one, "slow_compute", {"seconds": 0})
    seen = task.id in [shown["taskId"] for shown in (await pages(two))[1]]
    lab.check(key, not seen, f"A second client without credentials sees the first one's: {seen}.")
