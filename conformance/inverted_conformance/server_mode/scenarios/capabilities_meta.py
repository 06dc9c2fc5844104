"""Capabilities: what each request says in `_meta`, and what becomes of one that does not."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from inverted_conformance.server_mode.client import TASKS, Client
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.rounds import (
    ELICITING,
    SAMPLING,
    STATEFUL,
    TWICE,
    call,
    done,
)
from inverted_conformance.server_mode.said import Reply
from inverted_conformance.wire.transcript import Message

_META: Final = "io.modelcontextprotocol/"
_REQUIRED: Final = (f"{_META}protocolVersion", f"{_META}clientCapabilities")
_UNKNOWN: Final = "1900-01-01"
_INVALID: Final = -32602
_VERSION: Final = -32022
_DEFINED: Final = {-32020, -32021, -32022}
_LEGACY: Final = range(-32019, -31999)
_RESERVED: Final = range(-32099, -32019)
_URL_REQUIRED: Final = -32042
_AGREED: Final = "notifications/subscriptions/acknowledged"
VISITING: Final = "test_url_elicitation_required"


async def _incomplete(client: Client, field: str) -> Reply:
    meta = {name: value for name, value in client.meta.items() if name != field}
    return await client.request("tools/list", meta=meta, bare=True)


async def _another_version(client: Client) -> Reply:
    return await client.request(
        "tools/list",
        meta={_REQUIRED[0]: _UNKNOWN},
        headers={"mcp-protocol-version": _UNKNOWN},
    )


@scenario("capabilities", checks=("capabilities.meta-missing",), wires=("2026-07-28",))
async def meta_missing(lab: Lab) -> None:
    """A request that does not say its version or the client's capabilities is refused."""
    client = await lab.client()
    for field in _REQUIRED:
        reply = await _incomplete(client, field)
        lab.check("capabilities.meta-missing", reply.code == _INVALID, f"No {field}: {reply.told}.")
    reply = await client.request("tools/list")
    if reply.refused:
        lab.wrong(f"A complete request after that should be served, but {reply.told}.")


@scenario("capabilities", checks=("capabilities.meta-missing-status",), wires=("2026-07-28",))
async def meta_missing_status(lab: Lab) -> None:
    """Over HTTP a request without its version or capabilities is refused with the status 400."""
    client = await lab.client()
    for field in _REQUIRED:
        reply = await _incomplete(client, field)
        if reply.status is None:
            raise NotOffered("HTTP (--url)")
        ok = reply.status == HTTPStatus.BAD_REQUEST
        lab.check("capabilities.meta-missing-status", ok, f"No {field}: HTTP {reply.status}.")


@scenario(
    "capabilities", checks=("capabilities.meta-values",), wires=("2026-07-28",), needs=(ELICITING,)
)
async def meta_unknown(lab: Lab) -> None:
    """Names in `_meta` that are reserved and that no server knows change nothing."""
    client = await lab.client()
    usual = await client.request("tools/list")
    for value in (7, None, "x", ["x"], {"x": 1}):
        meta = {f"{_META}unknown": value, "dev.mcp/unknown": value}
        reply = await client.request("tools/list", meta=meta)
        lab.check(
            "capabilities.meta-values",
            not reply.refused and reply.result.get("tools") == usual.result.get("tools"),
            f"tools/list with {value!r} there: {_same(reply, usual)}.",
        )
        reply = await client.call(ELICITING, meta=meta)
        lab.check(
            "capabilities.meta-values", done(reply), f"A call with {value!r} there: {reply.told}."
        )


@scenario(
    "capabilities",
    checks=("capabilities.info-no-effect",),
    wires=("2026-07-28",),
    needs=(TWICE,),
)
async def another_name(lab: Lab) -> None:
    """A client is served the same whatever it calls itself, also in the middle of a call."""
    client = await lab.client()
    usual = await client.request("tools/list")
    waiting = await call(lab, client, TWICE)
    waiting = await waiting.next(waiting.accept(name="Ada"))
    for name in ("Claude", "inverted-conformance", "x"):
        meta = {f"{_META}clientInfo": {"name": name, "version": "9"}}
        reply = await client.request("tools/list", meta=meta)
        lab.check(
            "capabilities.info-no-effect",
            not reply.refused and reply.result.get("tools") == usual.result.get("tools"),
            f"tools/list of {name!r}: {_same(reply, usual)}.",
        )
        reply = await client.request(
            "tools/call", waiting.retry_with(waiting.accept(color="blue")), meta=meta
        )
        lab.check(
            "capabilities.info-no-effect",
            done(reply) and "Ada who likes blue" in reply.text,
            f"A call that {name!r} goes on with: {reply.told}.",
        )


def _same(reply: Reply, usual: Reply) -> str:
    if reply.refused:
        return reply.told
    same = reply.result.get("tools") == usual.result.get("tools")
    return "the same list as ever" if same else "another list"


@scenario(
    "capabilities",
    checks=("capabilities.version-refused", "capabilities.codes-meaning"),
    wires=("2026-07-28",),
)
async def version_unknown(lab: Lab) -> None:
    """A version that no server speaks is refused with -32022 and the versions that it speaks."""
    client = await lab.client()
    reply = await _another_version(client)
    data: Any = (reply.error or {}).get("data")
    supported = data.get("supported") if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    lab.check(
        "capabilities.version-refused",
        reply.code == _VERSION and isinstance(supported, list) and lab.wire in supported,
        f"Version {_UNKNOWN}: {reply.told}; data {data!r}.",
    )
    reply = await client.request("tools/list")
    lab.check(
        "capabilities.codes-meaning",
        reply.code != _VERSION,
        f"Version {lab.wire} after that: {'served' if not reply.refused else reply.told}.",
    )


@scenario("capabilities", checks=("capabilities.discover",), wires=("2026-07-28",))
async def discover(lab: Lab) -> None:
    """`server/discover` tells the server's versions and capabilities."""
    client = await lab.client()
    reply = await client.request("server/discover")
    said: Message = {} if reply.refused else reply.result
    versions, offers = said.get("supportedVersions"), said.get("capabilities")
    lab.check(
        "capabilities.discover",
        isinstance(versions, list) and lab.wire in versions and isinstance(offers, dict),
        f"supportedVersions were {versions!r} and capabilities {offers!r}.",
    )


@scenario(
    "capabilities",
    checks=(
        "capabilities.codes-legacy",
        "capabilities.codes-defined",
        "capabilities.codes-meaning",
    ),
    wires=("2026-07-28",),
    needs=(SAMPLING, STATEFUL),
)
async def error_codes(lab: Lab) -> None:
    """Errors of every kind have codes that are free to be used, or those that mean just that."""
    client = await lab.client()
    refused: dict[str, Reply] = {
        "an unknown method": await client.request("no/such"),
        "an unknown tool": await _call(client, "no_such_tool"),
        "no tool": await client.request("tools/call", {}),
        "a state of nobody's": await _call(client, STATEFUL, requestState="x"),
        "answers that are none": await _call(client, STATEFUL, inputResponses="x"),
        "an unknown resource": await client.request("resources/read", {"uri": "test://no/such"}),
        "an unknown prompt": await client.request("prompts/get", {"name": "no_such_prompt"}),
    }
    for what, reply in refused.items():
        _free(lab, what, reply)
        lab.check(
            "capabilities.codes-meaning", reply.code not in _DEFINED, f"For {what}: {reply.code}."
        )
    _free(lab, "an unknown version", await _another_version(client))
    client.capabilities = {}
    _free(lab, "a missing capability", await _call(client, SAMPLING))


async def _call(client: Client, tool: str, **more: Any) -> Reply:
    return await client.request("tools/call", {"name": tool, "arguments": {}, **more})


def _free(lab: Lab, what: str, reply: Reply) -> None:
    code, seen = reply.code, f"For {what}: {reply.code}."
    lab.check("capabilities.codes-legacy", code not in _LEGACY, seen)
    lab.check("capabilities.codes-defined", code not in _RESERVED or code in _DEFINED, seen)


@scenario("url", checks=("url.no-required-error",), wires=("2026-07-28",), needs=(VISITING,))
async def no_required_error(lab: Lab) -> None:
    """A call that needs a visit to a page first asks in a round; it is not refused with -32042."""
    client = await lab.client()
    reply = await client.request(
        "tools/call", {"name": VISITING, "arguments": {"account": "no-required-error"}}
    )
    lab.check("url.no-required-error", reply.code != _URL_REQUIRED, f"{VISITING}: {reply.told}.")
    if reply.refused or reply.kind != "input_required":
        lab.wrong(f"{VISITING} should ask for a visit in a round, but {reply.told}.")


@scenario(
    "tasks", checks=("tasks.subscription-id",), wires=("2026-07-28",), needs=("slow_compute",)
)
async def told_with_subscription(lab: Lab) -> None:
    """What a listening client is told about a task names the request that listens."""
    client = await lab.client({"extensions": {TASKS: {}}})
    reply = await client.request(
        "tools/call", {"name": "slow_compute", "arguments": {"seconds": 0.4}}
    )
    if reply.kind != "task":
        raise NotOffered(f"the extension {TASKS}")
    wanted = {"notifications": {"taskIds": [reply.result["taskId"]]}}
    id = await client.begin("subscriptions/listen", wanted)
    await client.until(lambda: client.answered(id) or bool(_told(client, _AGREED)))
    agreed = _told(client, _AGREED)
    if not agreed or not agreed[0]["params"].get("notifications", {}).get("taskIds"):
        raise NotOffered("notifications about tasks")
    if not await client.until(lambda: bool(_told(client, "notifications/tasks")), 3):
        lab.wrong("Nothing was told about the task, which was over after 0.4 s.")
    for message in _told(client, "notifications/tasks"):
        said = message["params"].get("_meta", {}).get(f"{_META}subscriptionId")
        lab.check("tasks.subscription-id", said == id, f"Request {id} listens; told with {said!r}.")
    await client.until(lambda: client.answered(id), 1)


def _told(client: Client, method: str) -> list[Message]:
    return [message for message in client.notifications if message["method"] == method]
