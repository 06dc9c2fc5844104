"""Capabilities: a server asks for nothing that the client did not declare, and says so."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from inverted_conformance.server_mode.client import FULL, TASKS, Client
from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.rounds import DECLARED, ELICITING, ROOTED, SAMPLING, done
from inverted_conformance.server_mode.said import ELICIT, ROOTS, SAMPLE
from inverted_conformance.wire.transcript import Message

NEEDING: Final = "test_missing_capability"
ASKS: Final = {SAMPLING: SAMPLE, ELICITING: ELICIT, ROOTED: ROOTS}
"""What each of these tools asks."""

MISSING: Final = -32021


@scenario(
    "capabilities",
    checks=(
        "capabilities.negotiated-only",
        "capabilities.not-declared",
        "capabilities.missing-handled",
    ),
    needs=tuple(ASKS),
)
async def undeclared_not_asked(lab: Lab) -> None:
    """A client is asked only for what it declared; a call that needs more fails, and no more."""
    client = await lab.client()
    for declared in (Message(), {"sampling": Message()}):
        if lab.modern:  # each request declares anew
            client.capabilities = declared
        else:
            client = await lab.client(declared)
        for tool, method in ASKS.items():
            if method.partition("/")[0] not in declared:
                await _undeclared(lab, client, tool, method)
    client = await lab.client()
    for tool, method in ASKS.items():
        reply = await client.call(tool)
        if method not in [question.method for question in reply.questions]:
            lab.wrong(f"{tool} should ask a client that has it for {method}, but {reply.told}.")


async def _undeclared(lab: Lab, client: Client, tool: str, method: str) -> None:
    reply = await client.call(tool)
    asked = [question.method for question in reply.questions]
    declared = sorted(client.capabilities) or "nothing"
    seen = f"{tool}, which needs {method}, with a client that declared {declared}"
    for key in ("capabilities.negotiated-only", "capabilities.not-declared"):
        lab.check(key, method not in asked, f"{seen}: the server asked for {asked}.")
    after = await client.request("tools/list")
    lab.check(
        "capabilities.missing-handled",
        reply.failed and not after.refused,
        f"{seen}: {reply.told}. tools/list after it: {'refused' if after.refused else 'answered'}.",
    )


@scenario(
    "capabilities",
    checks=(
        "capabilities.missing-error",
        "capabilities.missing-error-data",
        "capabilities.codes-meaning",
    ),
    wires=("2026-07-28",),
    needs=(NEEDING,),
)
async def missing_capability(lab: Lab) -> None:
    """A call that cannot do without a capability is refused with -32021, which says what lacks."""
    client = await lab.client({})
    reply = await client.request("tools/call", {"name": NEEDING, "arguments": {}})
    lab.check(
        "capabilities.missing-error", reply.code == MISSING, f"Without sampling: {reply.told}."
    )
    data = (reply.error or {}).get("data")
    required = data.get("requiredCapabilities") if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    lab.check(
        "capabilities.missing-error-data",
        isinstance(required, dict) and "sampling" in required,
        f"Without sampling, the error's data were {data!r}.",
    )
    client.capabilities = {"sampling": {}}
    reply = await client.request("tools/call", {"name": NEEDING, "arguments": {}})
    lab.check("capabilities.codes-meaning", reply.code != MISSING, f"With sampling: {reply.told}.")


@scenario(
    "capabilities",
    checks=("capabilities.missing-error-status",),
    wires=("2026-07-28",),
    needs=(NEEDING,),
)
async def missing_capability_status(lab: Lab) -> None:
    """Over HTTP a call that lacks a capability is refused with the status 400."""
    client = await lab.client({})
    reply = await client.request("tools/call", {"name": NEEDING, "arguments": {}})
    if reply.status is None:
        raise NotOffered("HTTP (--url)")
    lab.check(
        "capabilities.missing-error-status",
        reply.status == HTTPStatus.BAD_REQUEST,
        f"HTTP {reply.status}.",
    )


@scenario(
    "capabilities",
    checks=("capabilities.per-request", "capabilities.not-declared"),
    wires=("2026-07-28",),
    needs=(DECLARED,),
)
async def declared_anew(lab: Lab) -> None:
    """What one request declares does not hold for the next one on the same connection."""
    client = await lab.client()
    for declared in (FULL, {}, FULL, {"sampling": Message()}):
        client.capabilities = declared
        reply = await client.request("tools/call", {"name": DECLARED, "arguments": {}})
        asked: dict[str, Message] = reply.result.get("inputRequests", {})
        methods = sorted(request["method"].partition("/")[0] for request in asked.values())
        wanted = sorted({"sampling", "elicitation"} & set(declared))
        seen = f"A request that declared {sorted(declared)} was asked for {methods}."
        lab.check("capabilities.per-request", methods == wanted, seen)
        lab.check("capabilities.not-declared", set(methods) <= set(wanted), seen)


@scenario("capabilities", checks=("capabilities.extension-names",), wires=("2026-07-28",))
async def extension_names(lab: Lab) -> None:
    """The extensions that a server declares have names with a prefix."""
    client = await lab.client()
    extensions = list(client.offers.get("extensions", {}))
    if not extensions:
        raise NotOffered("an extension")
    for name in extensions:
        prefix, _, rest = name.partition("/")
        ok = _labels(prefix) and (not rest or (rest[0].isalnum() and rest[-1].isalnum()))
        lab.check("capabilities.extension-names", ok and "/" in name, f"It declares {name!r}.")


def _labels(prefix: str) -> bool:
    labels = prefix.split(".")
    return prefix.isascii() and all(
        label[:1].isalpha() and label[-1:].isalnum() and label.replace("-", "").isalnum()
        for label in labels
    )


@scenario(
    "capabilities",
    checks=("capabilities.extension-fallback",),
    wires=("2026-07-28",),
    needs=("slow_compute",),
)
async def extension_not_shared(lab: Lab) -> None:
    """A client without the tasks extension gets no task, and one with an unknown one is served."""
    client = await lab.client({})
    if TASKS not in client.offers.get("extensions", {}):
        raise NotOffered(f"the extension {TASKS}")
    params = {"name": "slow_compute", "arguments": {"seconds": 0}}
    reply = await client.request("tools/call", params)
    lab.check(
        "capabilities.extension-fallback",
        reply.refused or reply.kind == "complete",
        f"To a client without {TASKS}: {reply.told}.",
    )
    client.capabilities = {"extensions": {"com.example/unknown": {}}}
    reply = await client.request("tools/call", params)
    lab.check(
        "capabilities.extension-fallback",
        done(reply),
        f"To a client with an extension that nobody knows: {reply.told}.",
    )
