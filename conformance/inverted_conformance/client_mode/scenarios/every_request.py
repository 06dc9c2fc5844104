"""What the requests of a client of 2026-07-28 say, and what does not change them."""

from __future__ import annotations

import re
from typing import Final

from inverted_conformance.client_mode.asks import text, tool
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.judging import core_only, judged
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.rounds import MODERN, expected, question, retried
from inverted_conformance.client_mode.server import META, UNSUPPORTED_VERSION
from inverted_conformance.client_mode.stage import NotOffered, Stage
from inverted_conformance.wire.transcript import Message

LABEL: Final = r"[a-zA-Z]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
EXTENSION: Final = re.compile(rf"{LABEL}(\.{LABEL})*/[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?")


@CLIENT.scenario(
    "capabilities", checks=("capabilities.meta", "capabilities.client-info"), wires=MODERN
)
async def every_request(stage: Stage) -> None:
    """Each request says its protocol version, the client's capabilities, and what the client is."""
    await stage.open(tool("ask"), tool("again"))
    for name in ("ask", "again"):
        call = await stage.called(name)
        await retried(stage, call, {"inputRequests": {"who": question(stage)}})
        call.finish()
    await stage.last()
    # What a client of both revisions sends to find out which one the server speaks does not count.
    asked = [each for each in stage.server.requests if each.method != "initialize"]
    wrong = [
        f"{each.method}: {judged(each, stage.wire)}" for each in asked if judged(each, stage.wire)
    ]
    stage.check(
        "capabilities.meta",
        not wrong,
        f"Of {len(asked)} requests {len(wrong)} lack something: {'; '.join(wrong) or 'none'}.",
        "protocolVersion and clientCapabilities in every _meta",
    )
    bare = [each.method for each in asked if not mapping(each.meta.get(f"{META}clientInfo"))]
    stage.check(
        "capabilities.client-info", not bare, f"Without clientInfo came {bare or 'none'}.", "none"
    )


@CLIENT.scenario("capabilities", checks=("capabilities.meta-values",), wires=MODERN)
async def unknown_reserved_keys(stage: Stage) -> None:
    """Reserved keys that no client can know, in results of all kinds, change nothing."""
    odd = {f"{META}inverted": {"retry": True}, f"{META}clientCapabilities": {"sampling": False}}
    await stage.open(tool("ask"), tool("after"))
    call = await stage.called("ask")
    asked = {"inputRequests": {"who": question(stage)}, "requestState": "s", "_meta": odd}
    retry = await retried(stage, call, asked)
    same = retry.params.get("requestState") == "s" and not judged(retry, stage.wire)
    call.finish(_meta=odd)
    after = await stage.called("after")
    stage.check(
        "capabilities.meta-values",
        same and not any(key in after.exchange.meta for key in (f"{META}inverted",)),
        f"After results with reserved keys the client retried as usual: {same}.",
        "no difference, and the keys of others not sent on",
    )
    after.finish()


@CLIENT.scenario("capabilities", checks=("capabilities.info-no-effect",), wires=MODERN)
async def another_server_info(stage: Stage) -> None:
    """The server calls itself something else with every result; the client does the same."""
    names = ("inverted-conformance", "Claude", "", "../../etc")
    await stage.open(*(tool(f"as_{number}") for number in range(len(names))))
    seen: list[Message] = []
    for number, name in enumerate(names):
        info = {"_meta": {f"{META}serverInfo": {"name": name, "version": str(number)}}}
        call = await stage.called(f"as_{number}")
        asked = question(stage)
        retry = await retried(stage, call, {"inputRequests": {"who": asked}, **info})
        answer = mapping(mapping(retry.params.get("inputResponses")).get("who"))
        seen.append({"answered": expected(asked, answer), "_meta": sorted(retry.meta)})
        call.finish("Done.", **info)
    stage.check(
        "capabilities.info-no-effect",
        all(each == seen[0] for each in seen),
        f"To servers of the names {names} the client did {seen}.",
        "the same each time",
    )


@CLIENT.scenario("capabilities", checks=("capabilities.version-retried",), wires=MODERN)
async def version_refused(stage: Stage) -> None:
    """The server refuses 2026-07-28 and lists 2025-11-25: the client takes that, or gives up."""
    stage.may_fail = True
    supported = ["2025-11-25"]

    def refuse(request: Exchange) -> None:
        data = {"supported": supported, "requested": stage.wire}
        request.error(UNSUPPORTED_VERSION, "Not this version.", data, status=400)

    for method in ("server/discover", "tools/list", "tools/call"):
        stage.server.routes[method] = refuse
    offered: list[object] = []

    def accept(request: Exchange) -> None:
        offered.append(request.params.get("protocolVersion"))
        request.error(-32603, "That is all that this scenario looks at.")

    stage.server.routes["initialize"] = accept
    await stage.start()
    await stage.maybe(lambda: offered or stage.exited, 6)
    stage.check(
        "capabilities.version-retried",
        offered == supported or stage.exited,
        f"The client sent {[each.method for each in stage.server.requests]}, and "
        f"{'ended' if stage.exited else f'offered {offered}'}.",
        "initialize with 2025-11-25, or an end",
    )
    await stage.maybe(lambda: stage.exited, 6)


@CLIENT.scenario("capabilities", checks=("capabilities.extension-names",), wires=MODERN)
async def extension_names(stage: Stage) -> None:
    """Every extension that the client declares has a name with a prefix."""
    await stage.open(tool("ask"))
    names = list(mapping((stage.server.declared or {}).get("extensions")))
    if not names:
        raise NotOffered("The client declares no extension.")
    wrong = [name for name in names if not EXTENSION.fullmatch(name)]
    stage.check(
        "capabilities.extension-names",
        not wrong,
        f"The client declares {names}; not well formed: {wrong or 'none'}.",
        "prefix/name",
    )


@CLIENT.scenario("capabilities", checks=("capabilities.extension-fallback",), wires=MODERN)
async def server_without_extensions(stage: Stage) -> None:
    """With a server that has no extension the client keeps to the core protocol."""
    await stage.open(tool("ask"))
    if not mapping((stage.server.declared or {}).get("extensions")):
        raise NotOffered("The client declares no extension.")
    call = await stage.called("ask")
    call.exchange.result(stage.server.complete({"content": [text("Done.")]}))
    await stage.last()
    core_only(stage, "capabilities.extension-fallback", "has no extension")
