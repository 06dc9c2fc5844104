"""Which task a request means, and how messages name theirs."""

from __future__ import annotations

from typing import Any, Final

from mcp_types import INVALID_PARAMS

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.tasks import NOBODY, RELATED, begin, capable
from inverted_conformance.wire.http import HttpChannel
from inverted_conformance.wire.transcript import Message

STRANGE: Final = (NOBODY, "../../etc/passwd", "x" * 500, "'; DROP TABLE tasks; --", "*")
NO_TEXT: Final[tuple[Any, ...]] = ("", 7, None, ["a"], {})
"""What is no id at all; over HTTP the header that repeats the id cannot say these."""


@scenario(
    "tasks",
    checks=(
        "tasks.unknown-id-get",
        "tasks.unknown-id-result",
        "tasks.unknown-id-cancel",
        "tasks.unknown-id-update",
        "tasks.error-messages",
    ),
)
async def unknown_ids(lab: Lab) -> None:
    """Ids that name no task are refused."""
    client = await capable(lab)
    methods = ("get", "update", "cancel") if lab.modern else ("get", "result", "cancel")
    for method in methods:
        for id in STRANGE if lab.modern else (*STRANGE, *NO_TEXT):
            await _refused(lab, client, method, {"taskId": id})
        if not lab.modern:
            await _refused(lab, client, method, {})


async def _refused(lab: Lab, client: Client, method: str, params: Message) -> None:
    more: Message = {"inputResponses": {}} if method == "update" else {}
    reply = await client.request(f"tasks/{method}", {**params, **more})
    detail = f"tasks/{method} with {str(params)[:60]}: {reply.told}."
    lab.check(f"tasks.unknown-id-{method}", reply.code == INVALID_PARAMS, detail)
    told = (reply.error or {}).get("message")
    lab.check("tasks.error-messages", told, f"The error says {told!r}.")


@scenario(
    "tasks",
    checks=(
        "tasks.id-parameter-rules",
        "tasks.related-task-ignored",
        "tasks.no-related-task-in-results",
    ),
    wires=("2025-11-25",),
    needs=("slow_compute",),
)
async def parameter_rules(lab: Lab) -> None:
    """The taskId of a request says which task is meant, metadata of another one does not."""
    client = await capable(lab)
    meant = await begin(lab, client, "slow_compute", {"seconds": 0.05, "label": "meant"})
    other = await begin(lab, client, "slow_compute", {"seconds": 5, "label": "other"})
    meta = {RELATED: {"taskId": other.id}}
    here = {"taskId": meant.id}
    shown = (await client.request("tasks/get", here, meta=meta)).result
    _named(lab, shown.get("taskId") == meant.id, f"tasks/get showed {shown.get('taskId')!r}.")
    got = await client.request("tasks/result", here, meta=meta)
    _named(lab, got.text == "Computed meant", f"tasks/result: {got.told}.")
    meta = {RELATED: {"taskId": meant.id}}
    reply = await client.request("tasks/cancel", {"taskId": other.id}, meta=meta)
    said = reply.result
    ok = said.get("taskId") == other.id and (await other.get()).get("status") == "cancelled"
    _named(lab, ok, f"tasks/cancel of {other.id!r} showed {said.get('taskId')!r}.")
    listed = await client.request("tasks/list")
    for what, one in (("get", shown), ("cancel", said), *_of("list", listed.message)):
        there = RELATED in one.get("_meta", {})
        detail = f"The reply to tasks/{what} has related-task: {there}."
        lab.check("tasks.no-related-task-in-results", not there, detail)


def _named(lab: Lab, ok: object, detail: str) -> None:
    lab.check("tasks.id-parameter-rules", ok, detail)
    lab.check("tasks.related-task-ignored", ok, detail)


def _of(what: str, message: Message | None) -> list[tuple[str, Message]]:
    return [(what, message["result"])] if message and "result" in message else []


@scenario(
    "tasks", checks=("tasks.get-without-stream",), wires=("2025-11-25",), needs=("slow_compute",)
)
async def get_without_stream(lab: Lab) -> None:
    """tasks/get is answered at once and in one piece, without opening an SSE stream."""
    client = await capable(lab)
    if not isinstance(client.channel, HttpChannel):
        raise NotOffered("HTTP (--url)")
    task = await begin(lab, client, "slow_compute", {"seconds": 0})
    reply = await client.request("tasks/get", {"taskId": task.id})
    detail = f"tasks/get came back on a stream: {reply.streamed}."
    lab.check("tasks.get-without-stream", not reply.streamed, detail)
