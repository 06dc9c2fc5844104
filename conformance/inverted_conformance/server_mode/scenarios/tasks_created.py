"""How tasks begin: what a new one looks like, its id, and which calls become one."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

from mcp_types import METHOD_NOT_FOUND

from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.tasks import Running, begin, begun, capable, offered
from inverted_conformance.wire.transcript import Message

MANY: Final = 12
"""Tasks whose ids are compared."""

ENOUGH: Final = 64
"""Bits that must differ from id to id: fewer can be tried out."""


@scenario(
    "tasks",
    checks=(
        "tasks.create-result",
        "tasks.create-result-type",
        "tasks.create-promptly",
        "tasks.created-durably",
        "tasks.created-consistently",
        "tasks.id-string",
        "tasks.starts-working",
        "tasks.created-at",
        "tasks.last-updated-at",
        "tasks.ttl-in-get",
        "tasks.get-working",
        "tasks.get-result-type",
    ),
    needs=("slow_compute",),
)
async def created(lab: Lab) -> None:
    """A slow call becomes a task at once, and the task can be read at once."""
    client = await capable(lab)
    params: Message = {"name": "slow_compute", "arguments": {"seconds": 1, "label": "created"}}
    if not lab.modern:
        params["task"] = {"ttl": 60_000}
    reply = await client.request("tools/call", params)
    lab.check("tasks.create-result-type", reply.kind == "task", f"It came back as {reply.kind!r}.")
    task = begun(lab, client, reply)
    lab.check("tasks.create-result", "content" not in reply.result, f"The call got {reply.result}.")
    lab.check("tasks.id-string", isinstance(task.id, str), f"The id was {task.id!r}.")
    status = task.created.get("status")
    lab.check("tasks.starts-working", status == "working", f"The first status was {status!r}.")
    ids = [await client.begin("tasks/get", {"taskId": task.id}) for _ in range(5)]
    looks = [await client.reply(id) for id in ids]
    lost = [look.told for look in looks if look.refused]
    found = f"{len(looks) - len(lost)} of {len(looks)} looks at once found the task {lost[:1]}."
    lab.check("tasks.created-durably", not looks[0].refused, f"The first look: {found}")
    lab.check("tasks.created-consistently", not lost, found)
    shown = looks[0].result
    status = shown.get("status")
    lab.check("tasks.create-promptly", status == "working", f"At once it was {status!r}.")
    lab.check("tasks.get-working", status == "working", f"At once it was {status!r}.")
    lab.check("tasks.get-result-type", looks[0].kind == "complete", f"It is {looks[0].kind!r}.")
    for what, said in (("The call", task.created), ("tasks/get", shown)):
        _dated(lab, what, said)
    lab.check("tasks.ttl-in-get", _span(shown.get("ttl", "")), f"ttl is {shown.get('ttl', '-')!r}.")
    await task.ask("tasks/cancel")


def _dated(lab: Lab, what: str, task: Message) -> None:
    for key, name in (
        ("tasks.created-at", "createdAt"),
        ("tasks.last-updated-at", "lastUpdatedAt"),
    ):
        lab.check(key, _timestamp(task.get(name)), f"{what} shows {name} {task.get(name)!r}.")


def _timestamp(said: Any) -> bool:
    try:
        return isinstance(said, str) and datetime.fromisoformat(said).tzinfo is not None
    except ValueError:
        return False


def _span(said: Any) -> bool:
    return said is None or (isinstance(said, int | float) and not isinstance(said, bool))


@scenario(
    "tasks",
    checks=("tasks.id-unique", "tasks.id-entropy", "tasks.id-generated"),
    needs=("slow_compute",),
)
async def ids(lab: Lab) -> None:
    """The ids of many tasks differ in what nobody can guess, and none is taken from the client."""
    client = await capable(lab)
    arguments = {"seconds": 0, "label": "ids"}
    if not lab.modern:
        task = {"ttl": 60_000, "taskId": "mine"}
        call = {"name": "slow_compute", "arguments": arguments, "task": task}
        reply = await client.request("tools/call", call)
        taken = not reply.refused and reply.result.get("task", {}).get("taskId") == "mine"
        lab.check("tasks.id-generated", not taken, f"The client's id was taken: {taken}.")
    tasks = [await begin(lab, client, "slow_compute", arguments) for _ in range(MANY)]
    named = [str(task.id) for task in tasks]
    different = len(set(named))
    lab.check("tasks.id-unique", different == MANY, f"{MANY} tasks have {different} ids.")
    bits = _bits(named)
    detail = f"Ids such as {named[0]!r} and {named[1]!r} differ in about {bits:.0f} bits."
    lab.check("tasks.id-entropy", bits >= ENOUGH, detail)


def _bits(named: list[str]) -> float:
    """How many bits differ among ids, as far as one can see: constant places count for nothing."""
    shortest = min(map(len, named))
    letters = {letter for id in named for letter in id}
    places = sum(len({id[place] for id in named}) > MANY // 3 for place in range(shortest))
    return places * math.log2(len(letters))


@scenario("tasks", checks=("tasks.tool-forbidden-error",), wires=("2025-11-25",), needs=("greet",))
async def tool_forbidden(lab: Lab) -> None:
    """A tool that runs no tasks refuses to become one."""
    client = await capable(lab)
    params = {"name": "greet", "arguments": {"name": "Ada"}, "task": {"ttl": 60_000}}
    reply = await client.request("tools/call", params)
    lab.check(
        "tasks.tool-forbidden-error", reply.code == METHOD_NOT_FOUND, f"As a task: {reply.told}."
    )


@scenario(
    "tasks",
    checks=("tasks.tool-required-error", "tasks.error-messages"),
    wires=("2025-11-25",),
    needs=("failing_job",),
)
async def tool_required(lab: Lab) -> None:
    """A tool that only runs as a task refuses a plain call."""
    client = await capable(lab)
    reply = await client.request("tools/call", {"name": "failing_job", "arguments": {}})
    lab.check(
        "tasks.tool-required-error",
        reply.code == METHOD_NOT_FOUND,
        f"As a plain call: {reply.told}.",
    )
    told = (reply.error or {}).get("message")
    lab.check("tasks.error-messages", told, f"The error says {told!r}.")


@scenario(
    "capabilities",
    checks=("capabilities.tasks-declared",),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def tasks_declared(lab: Lab) -> None:
    """A server that makes a task of a call has declared it."""
    client = await lab.client()
    params = {"name": "slow_compute", "arguments": {"seconds": 0}, "task": {"ttl": 60_000}}
    reply = await client.request("tools/call", params)
    if reply.refused or "task" not in reply.result:
        raise NotOffered("tasks")
    declared = client.offers.get("tasks")
    lab.check("capabilities.tasks-declared", offered(client), f"It declared {declared!r}.")
    await Running(client, reply.result["task"]).until()


@scenario(
    "capabilities",
    checks=("capabilities.tasks-undeclared-ignored",),
    wires=("2025-11-25",),
)
async def tasks_undeclared(lab: Lab) -> None:
    """A `task` on a request that has no tasks changes nothing."""
    client = await lab.client()
    params: Message = {"task": {"ttl": 60_000}}
    replies = [await client.request(method, params) for method in ("tools/list", "ping")]
    if not offered(client) and "greet" in lab.tools:
        call = {"name": "greet", "arguments": {"name": "Ada"}, **params}
        replies.append(await client.request("tools/call", call))
    for reply in replies:
        ok = not reply.refused and "task" not in reply.result
        detail = f"{reply.method} with a task: {reply.told}."
        lab.check("capabilities.tasks-undeclared-ignored", ok, detail)
