"""Tasks as scenarios see them, in both forms: SEP-1686 on 2025-11-25, SEP-2663 on 2026-07-28."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, cast

import anyio

from inverted_conformance.server_mode.client import FULL, TASKS, Client
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.said import Answers, Question, Refusal, Reply
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.server_mode.target import Principal
from inverted_conformance.wire.channel import PeerError
from inverted_conformance.wire.transcript import Message

CAPABLE: Final[Message] = {**FULL, "extensions": {TASKS: {}}}
"""What a client declares that has everything, tasks included."""

RELATED: Final = "io.modelcontextprotocol/related-task"
ENDED: Final = ("completed", "failed", "cancelled")
STATUSES: Final = ("working", "input_required", *ENDED)

PAUSE: Final = 0.03
"""Seconds between two polls where the server says nothing else."""

PATIENCE: Final = 1.0
"""Seconds between two polls at most, whatever the server says."""

NOBODY: Final = "0" * 32
"""An id that no server makes."""


@dataclass(slots=True)
class Running:
    """A task of the server, and the client that asked for it."""

    client: Client
    created: Message
    """The task as the reply to the call showed it."""

    seen: list[Message] = field(default_factory=list[Message])
    """The task as it was at each look since, in order."""

    @property
    def id(self) -> Any:
        """Its id, as it came."""
        return self.created.get("taskId")

    @property
    def legacy(self) -> bool:
        """Whether it is one of 2025-11-25."""
        return self.client.wire == "2025-11-25"

    @property
    def statuses(self) -> list[str]:
        """Every status that was seen, in order."""
        return [str(task.get("status")) for task in (self.created, *self.seen)]

    async def get(self) -> Message:
        """Look at it.

        Raises:
            PeerError: The server does not show it.
        """
        task = (await self.client.request("tasks/get", {"taskId": self.id})).result
        self.seen.append(task)
        return task

    async def until(self, *statuses: str, seconds: float = 6) -> Message:
        """Poll it until it has one of some statuses, or has ended.

        Args:
            statuses: What to wait for.
            seconds: How long to wait at most.

        Returns:
            The task as it is then.

        Raises:
            PeerError: It did not come so far in that time.
        """
        with anyio.move_on_after(seconds):
            while True:
                task = await self.get()
                if task.get("status") in (*statuses, *ENDED):
                    return task
                await anyio.sleep(_pause(task))
        raise PeerError(
            f"The task was still {self.statuses[-1]} after {seconds:g} s; it should have become "
            f"{' or '.join(statuses or ENDED)}."
        )

    async def ask(self, method: str, **more: Any) -> Reply:
        """Send a request about it.

        Args:
            method: The method, such as `tasks/cancel`.
            more: Further parameters.
        """
        return await self.client.request(method, {"taskId": self.id, **more})

    async def finish(self, answers: Answers | None = None) -> Message:
        """Answer what it asks until it has ended.

        Args:
            answers: What answers; a script that accepts by default.

        Returns:
            `result` or `error`, as JSON-RPC has it, without what only the envelope has.

        Raises:
            PeerError: It does not end, or its end shows neither.
        """
        if answers is not None:
            self.client.answers = answers
        if self.legacy:
            return outcome(await self.ask("tasks/result"))
        while True:
            task = await self.until("input_required")
            if task.get("status") in ENDED:
                return {key: task[key] for key in ("result", "error") if key in task}
            await self.ask("tasks/update", inputResponses=await self.answered(task, answers))
            await anyio.sleep(_pause(task))

    async def answered(self, task: Message, answers: Answers | None = None) -> Message:
        """Answer what a task asks (2026-07-28), without sending the answers.

        Args:
            task: The task, as tasks/get shows it.
            answers: What answers; a script that accepts by default.

        Returns:
            The `inputResponses`.
        """
        responses: Message = {}
        for key, request in cast("dict[str, Message]", task.get("inputRequests", {})).items():
            question = Question(request.get("method", ""), request.get("params", {}), key)
            answer = await (answers or Script())(question)
            if not isinstance(answer, Refusal):
                responses[key] = answer
        return responses


def _pause(task: Message) -> float:
    told = task.get("pollIntervalMs", task.get("pollInterval"))
    return min(told / 1000, PATIENCE) if isinstance(told, int | float) else PAUSE


def outcome(reply: Reply) -> Message:
    """What came back for a request, without what only the envelope has.

    Args:
        reply: The response.

    Returns:
        `result` or `error`, as JSON-RPC has it.

    Raises:
        PeerError: Nothing came.
    """
    return {"error": reply.error} if reply.error is not None else {"result": reply.result}


def same(one: Message, other: Message) -> bool:
    """Whether two outcomes are the same, but for metadata and the result's type.

    Args:
        one: One of them.
        other: The other one.
    """
    return _bare(one) == _bare(other)


def _bare(end: Message) -> Message:
    left = {
        key: value
        for key, value in cast("Message", end.get("result", {})).items()
        if key not in ("_meta", "resultType")
    }
    left.setdefault("isError", False)
    return {"error": end["error"]} if "error" in end else left


def text(end: Message) -> str:
    """The texts of a result; empty for an error.

    Args:
        end: An outcome.
    """
    blocks = cast("list[Message]", end.get("result", {}).get("content", []))
    return "\n".join(str(block.get("text", "")) for block in blocks)


def offered(client: Client) -> bool:
    """Whether the server declares tasks for calls of tools.

    Args:
        client: A connection to it.
    """
    if client.wire == "2026-07-28":
        return TASKS in (client.offers.get("extensions") or {})
    requests = client.offers.get("tasks", {}).get("requests", {})
    return requests.get("tools", {}).get("call") is not None


async def capable(lab: Lab, *, principal: Principal = "first", who: str = "") -> Client:
    """A connection of a client that has tasks, to a server that has them.

    Args:
        lab: The scenario's lab.
        principal: As whom to come.
        who: What the transcript calls it.

    Raises:
        NotOffered: The server declares no tasks.
    """
    client = await lab.client(CAPABLE if lab.modern else None, principal=principal, who=who)
    if not offered(client):
        raise NotOffered("tasks")
    return client


async def earlier(lab: Lab, capabilities: Message | None = None) -> Client:
    """A connection on which 2025-11-25 is spoken, beside those of the scenario.

    Args:
        lab: The scenario's lab.
        capabilities: What the client declares; everything but tasks by default.

    Raises:
        NotOffered: The server does not speak that revision.
    """
    wire = "2025-11-25"
    try:
        client = await lab.client(capabilities, wire=wire, who=wire)
    except PeerError as error:
        raise NotOffered(f"revision {wire} beside this one") from error
    if client.opening.get("protocolVersion") != wire:
        raise NotOffered(f"revision {wire} beside this one")
    return client


def begun(lab: Lab, client: Client, reply: Reply) -> Running:
    """The task that a call became.

    Args:
        lab: The scenario's lab.
        client: Who called.
        reply: What came back.

    Raises:
        PeerError: It became none.
    """
    legacy = client.wire == "2025-11-25"
    if reply.refused or (not legacy and reply.kind != "task"):
        lab.wrong(f"The call should become a task, but {reply.told}.")
    created = reply.result.get("task") if legacy else reply.result
    if not isinstance(created, dict):
        lab.wrong(f"The call should become a task, but {reply.told}.")
    return Running(client, cast("Message", created))


async def begin(
    lab: Lab, client: Client, tool: str, arguments: Message | None = None, **task: Any
) -> Running:
    """Call a tool as a task.

    Args:
        lab: The scenario's lab.
        client: Who calls.
        tool: The tool.
        arguments: Its arguments.
        task: What goes into the field `task` (2025-11-25).

    Raises:
        PeerError: The call became no task.
    """
    params: Message = {"name": tool, "arguments": arguments or {}}
    if client.wire == "2025-11-25":
        params["task"] = {"ttl": 60_000, **task}
    return begun(lab, client, await client.request("tools/call", params))


async def pages(client: Client, most: int = 500) -> tuple[list[Message], list[Message]]:
    """Every page of the list of tasks (2025-11-25).

    Args:
        client: Who lists.
        most: Pages to fetch at most.

    Returns:
        The pages as they came, and all tasks on them.
    """
    found: list[Message] = []
    cursor: Message = {}
    for _ in range(most):
        page = (await client.request("tasks/list", cursor)).result
        found.append(page)
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    return found, [task for page in found for task in page.get("tasks", [])]
