"""Who gets tasks on 2026-07-28: only clients that declare the extension with the very request."""

from __future__ import annotations

from typing import Any, Final, cast

from mcp_types import METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY

from inverted_conformance.server_mode.client import FULL, TASKS
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Reply
from inverted_conformance.server_mode.tasks import (
    CAPABLE,
    begin,
    capable,
    earlier,
    offered,
)
from inverted_conformance.wire.transcript import Message

LEGACY: Final[Message] = {
    **FULL,
    "tasks": {
        "list": {},
        "cancel": {},
        "requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}},
    },
}
"""What a client declares that has the tasks of 2025-11-25, and no others."""


@scenario(
    "capabilities",
    checks=(
        "capabilities.tasks-not-to-undeclared",
        "capabilities.tasks-legacy-not-enough",
        "tasks.result-type-reserved",
        "tasks.task-field-ignored",
    ),
    wires=("2026-07-28",),
    needs=("slow_compute",),
)
async def tasks_for_whom(lab: Lab) -> None:
    """A call without the extension is no task, whatever else says that the client has tasks."""
    client = await capable(lab)
    await begin(lab, client, "slow_compute", {"seconds": 0})
    call: Message = {"name": "slow_compute", "arguments": {"seconds": 0, "label": "plain"}}
    ways: tuple[tuple[str, Message, Message], ...] = (
        ("capabilities.tasks-not-to-undeclared", FULL, {}),
        ("capabilities.tasks-legacy-not-enough", LEGACY, {}),
        ("tasks.task-field-ignored", FULL, {"task": {"ttl": 60_000}}),
    )
    for key, declared, more in ways:
        client.capabilities = declared
        reply = await client.request("tools/call", {**call, **more})
        ok = not reply.refused and reply.kind == "complete" and reply.text == "Computed plain"
        lab.check(key, ok, f"With {sorted(declared)} and {more}: {reply.told}.")
    client.capabilities = CAPABLE
    reply = await client.request("tools/call", {**call, "name": "greet", "task": {"ttl": 60_000}})
    kind = "an error" if reply.refused else reply.kind
    lab.check("tasks.task-field-ignored", kind != "task", f"greet with a task gave {kind}.")
    looked = await client.request("tools/list")
    lab.check("tasks.result-type-reserved", looked.kind == "complete", f"It is {looked.kind!r}.")


@scenario(
    "capabilities",
    checks=("capabilities.tasks-required-error", "tasks.error-messages"),
    wires=("2026-07-28",),
    needs=("failing_job",),
)
async def tasks_required(lab: Lab) -> None:
    """A tool that only runs as a task says which capability it misses."""
    client = await capable(lab)
    client.capabilities = FULL
    reply = await client.request("tools/call", {"name": "failing_job", "arguments": {}})
    _names_extension(lab, "capabilities.tasks-required-error", reply)
    told = (reply.error or {}).get("message")
    lab.check("tasks.error-messages", told, f"The error says {told!r}.")


def _names_extension(lab: Lab, key: str, reply: Reply) -> None:
    data = (reply.error or {}).get("data")
    ok = reply.code == MISSING_REQUIRED_CLIENT_CAPABILITY and _required(data)
    lab.check(key, ok, f"{reply.method}: {reply.told}, with data {data}.")


def _required(data: Any) -> bool:
    """Whether the data of an error names the extension where it should."""
    for name in ("requiredCapabilities", "extensions", TASKS):
        there = cast("Message", data) if isinstance(data, dict) else {}
        if name not in there:
            return False
        data = there[name]
    return True


@scenario(
    "capabilities",
    checks=("capabilities.tasks-methods-undeclared", "tasks.result-removed"),
    wires=("2026-07-28",),
    needs=("slow_compute",),
)
async def tasks_methods(lab: Lab) -> None:
    """The methods of tasks are refused to who does not declare the extension."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0})
    reply = await task.ask("tasks/result")
    lab.check("tasks.result-removed", reply.code == METHOD_NOT_FOUND, f"{reply.told}.")
    client.capabilities = FULL
    for method in ("get", "update", "cancel"):
        more: Message = {"inputResponses": {}} if method == "update" else {}
        reply = await task.ask(f"tasks/{method}", **more)
        ok = reply.code == MISSING_REQUIRED_CLIENT_CAPABILITY
        detail = f"tasks/{method}: {reply.told}."
        lab.check("capabilities.tasks-methods-undeclared", ok, detail)


@scenario(
    "capabilities",
    checks=("capabilities.tasks-listen-undeclared",),
    wires=("2026-07-28",),
    needs=("slow_compute",),
)
async def tasks_listen(lab: Lab) -> None:
    """Listening for tasks is refused to who does not declare the extension."""
    client = await capable(lab)
    task = await begin(lab, client, "slow_compute", {"seconds": 0})
    client.capabilities = FULL
    params = {"notifications": {"taskIds": [task.id]}}
    id = await client.begin("subscriptions/listen", params)
    acknowledged = "notifications/subscriptions/acknowledged"
    await client.until(
        lambda: (
            client.answered(id) or any(n["method"] == acknowledged for n in client.notifications)
        )
    )
    if not client.answered(id):
        await client.cancel(id)
        detail = "subscriptions/listen with a task was acknowledged."
        lab.check("capabilities.tasks-listen-undeclared", ok=False, detail=detail)
        return
    reply = await client.reply(id)
    if reply.code == METHOD_NOT_FOUND:
        raise NotOffered("subscriptions/listen")
    _names_extension(lab, "capabilities.tasks-listen-undeclared", reply)


@scenario(
    "capabilities", checks=("capabilities.tasks-legacy-not-advertised",), wires=("2026-07-28",)
)
async def tasks_declared_now(lab: Lab) -> None:
    """The tasks capability of 2025-11-25 is not declared any more."""
    declared = (await lab.client()).offers.get("tasks")
    detail = f"server/discover declares tasks: {declared}."
    lab.check("capabilities.tasks-legacy-not-advertised", declared is None, detail)


@scenario(
    "capabilities",
    checks=("capabilities.tasks-extension-in-2025-11-25", "capabilities.tasks-migrated"),
    wires=("2026-07-28",),
    needs=("slow_compute",),
)
async def tasks_in_both_revisions(lab: Lab) -> None:
    """The extension means nothing on 2025-11-25; tasks there mean that it is declared here."""
    client = await lab.client()
    before = await earlier(lab, CAPABLE)
    old = before.offers.get("tasks")
    detail = f"2025-11-25 declares {old}, and the extension is declared: {offered(client)}."
    lab.check("capabilities.tasks-migrated", old is None or offered(client), detail)
    reply = await before.call("slow_compute", {"seconds": 0, "label": "old"})
    ok = not reply.refused and reply.text == "Computed old"
    detail = f"On 2025-11-25, with the extension and no task: {reply.told}."
    lab.check("capabilities.tasks-extension-in-2025-11-25", ok, detail)


@scenario(
    "tasks", checks=("tasks.legacy-tasks-served",), wires=("2026-07-28",), needs=("slow_compute",)
)
async def old_tasks(lab: Lab) -> None:
    """A task of 2025-11-25 can be read by the same client, which now speaks 2026-07-28."""
    before = await earlier(lab)
    if not offered(before):
        raise NotOffered("tasks on 2025-11-25")
    old = await begin(lab, before, "slow_compute", {"seconds": 0, "label": "old"})
    await old.until()
    client = await lab.client(LEGACY)
    reply = await client.request("tasks/get", {"taskId": old.id})
    ok = not reply.refused and reply.result.get("taskId") == old.id
    lab.check("tasks.legacy-tasks-served", ok, f"tasks/get of an old task: {reply.told}.")
