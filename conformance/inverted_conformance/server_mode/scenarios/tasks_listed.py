"""The list of tasks (2025-11-25)."""

from __future__ import annotations

from typing import Final

from mcp_types import INVALID_PARAMS

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.tasks import begin, capable, pages

MANY: Final = 12
"""Tasks to list: more than fit on a small page."""

WRONG: Final = ("no such page", "AAAA", "-1", "9" * 40)


@scenario(
    "tasks",
    checks=("tasks.list-complete", "tasks.list-next-cursor"),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def lists(lab: Lab) -> None:
    """Every task that can be read is on some page of the list, with the same status."""
    client = await _lists(lab)
    mine = [await begin(lab, client, "slow_compute", {"seconds": 0}) for _ in range(MANY)]
    for task in mine:
        await task.until()
    found, tasks = await pages(client)
    ids = [task.get("taskId") for task in tasks]
    missing = [task.id for task in mine if ids.count(task.id) == 0]
    readable = [id for id in missing if not await _gone(client, id)]
    detail = f"{len(found)} pages show {MANY - len(missing)} of {MANY} tasks; missing: {missing}."
    lab.check("tasks.list-complete", not readable, detail)
    lab.check("tasks.list-next-cursor", not readable, detail)
    listed = {task.get("taskId"): task.get("status") for task in tasks}.get(mine[0].id)
    status = mine[0].statuses[-1]
    detail = f"tasks/get shows the first as {status!r}, and the list as {listed!r}."
    lab.check("tasks.list-complete", listed == status, detail)


async def _gone(client: Client, id: str) -> bool:
    return (await client.request("tasks/get", {"taskId": id})).refused


@scenario("tasks", checks=("tasks.list-bad-cursor", "tasks.error-messages"), wires=("2025-11-25",))
async def bad_cursors(lab: Lab) -> None:
    """Cursors that the server never gave are refused."""
    client = await _lists(lab)
    for cursor in WRONG:
        reply = await client.request("tasks/list", {"cursor": cursor})
        detail = f"The cursor {cursor!r}: {reply.told}."
        lab.check("tasks.list-bad-cursor", reply.code == INVALID_PARAMS, detail)
        told = (reply.error or {}).get("message")
        lab.check("tasks.error-messages", told, f"The error says {told!r}.")


async def _lists(lab: Lab) -> Client:
    client = await capable(lab)
    if client.offers["tasks"].get("list") is None:
        raise NotOffered("tasks.list")
    return client
