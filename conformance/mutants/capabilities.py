"""Servers that ask clients for what they did not declare, or refuse in a wrong way."""

from __future__ import annotations

from typing import Any, cast

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture import app, asking, tasks_extension
from inverted_conformance.fixture.asking import Call, Request, form, sampling
from inverted_conformance.fixture.tools import Returned
from inverted_conformance.server_mode.rounds import DECLARED, SAMPLING
from inverted_conformance.server_mode.scenarios.capabilities import NEEDING
from inverted_conformance.server_mode.scenarios.capabilities_meta import VISITING
from mutants import exchanges, patches
from mutants.mutant import mutant

NEW = ("2026-07-28",)
OLD = ("2025-11-25",)
META = "io.modelcontextprotocol/"


def _middleware(wrong: Any) -> None:
    patches.servers(lambda server: server.middleware.insert(0, wrong))


@mutant(
    "capabilities/undeclared-not-asked", "capabilities.negotiated-only", "capabilities.not-declared"
)
def asks_what_nobody_declared() -> None:
    """Asks and sees what comes back, without a look at what the client declared."""
    asking.Call.need = lambda self, request: None  # noqa: ARG005


@mutant("capabilities/undeclared-not-asked", "capabilities.missing-handled", wires=OLD)
def makes_up_what_it_cannot_ask() -> None:
    """Answers itself when the client has no model, as if that had said something."""
    right = app.TOOLS[SAMPLING].run

    async def wrong(call: Call) -> Returned:
        try:
            return await right(call)
        except MCPError:
            return "Sampling result: probably"

    patches.tool(SAMPLING)(wrong)


@mutant("capabilities/missing-capability", "capabilities.missing-error", wires=NEW)
def refuses_with_a_usual_code() -> None:
    """Refuses a client that lacks something as if its parameters were wrong."""
    right = asking.missing

    def wrong(path: tuple[str, ...]) -> MCPError:
        error = right(path).error
        return MCPError(types.INVALID_PARAMS, error.message, error.data)

    asking.missing = wrong


@mutant("capabilities/missing-capability", "capabilities.missing-error-data", wires=NEW)
def names_what_is_missing_in_a_list() -> None:
    """Lists the names of what a client lacks, instead of capabilities as clients declare them."""

    def wrong(path: tuple[str, ...]) -> MCPError:
        data = {"requiredCapabilities": [".".join(path)]}
        return MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing capability", data)

    asking.missing = wrong


@mutant("capabilities/missing-capability", "capabilities.codes-meaning", wires=NEW)
def uses_the_code_for_what_it_has_not() -> None:
    """Says that the client lacks something when it is the server that does."""

    async def wrong(call: Call) -> Returned:
        del call
        raise asking.missing(("sampling",))

    patches.tool(NEEDING)(wrong)


def _status(code: int) -> None:
    def change(message: exchanges.Message, answer: exchanges.Answer) -> exchanges.Answer:
        del message
        refused = answer.message.get("error", {}).get("code") == code
        return exchanges.Answer(200, answer.body) if refused else answer

    exchanges.answers(change)


@mutant("capabilities/missing-capability-status", "capabilities.missing-error-status", wires=NEW)
def refuses_with_status_200() -> None:
    """Refuses a client that lacks something with the status 200."""
    _status(types.MISSING_REQUIRED_CLIENT_CAPABILITY)


@mutant("capabilities/meta-missing-status", "capabilities.meta-missing-status", wires=NEW)
def refuses_bare_requests_with_status_200() -> None:
    """Refuses a request without its version or capabilities with the status 200."""
    _status(types.INVALID_PARAMS)


@mutant(
    "capabilities/declared-anew",
    "capabilities.per-request",
    "capabilities.not-declared",
    wires=NEW,
)
def remembers_what_was_declared() -> None:
    """Adds up what the requests of all clients declared."""
    seen: set[str] = set()

    @patches.tool(DECLARED)
    async def wrong(call: Call) -> str:
        declared = call.context.session.client_capabilities
        seen.update(declared.model_dump(exclude_none=True) if declared else {})
        could: dict[str, tuple[str, Request]] = {
            "elicitation": ("elicit_input", form("Input", {"value": {"type": "string"}})),
            "sampling": ("sample_input", sampling("Sample request")),
        }
        asking.Call.need = lambda self, request: None  # noqa: ARG005
        await call.ask(**dict(could[name] for name in could if name in seen))
        return "capabilities-ok"


@mutant("capabilities/extension-names", "capabilities.extension-names", wires=NEW)
def declares_a_bare_name() -> None:
    """Declares an extension whose name has no prefix."""

    def change(result: patches.Result) -> patches.Result:
        offers = cast("dict[str, Any]", result["capabilities"])
        extensions: dict[str, Any] = {**offers.get("extensions", {}), "my_extension": {}}
        return {**result, "capabilities": {**offers, "extensions": extensions}}

    patches.results("server/discover", change)


@mutant("capabilities/extension-not-shared", "capabilities.extension-fallback", wires=NEW)
def makes_tasks_for_everybody() -> None:
    """Makes a task of a call whether or not the client knows what that is."""
    tasks_extension.declares = lambda ctx: True  # noqa: ARG005


@mutant("capabilities/meta-missing", "capabilities.meta-missing", wires=NEW)
def fills_in_what_is_missing() -> None:
    """Supposes the newest version and no capabilities where a request does not say them."""
    usual: dict[str, Any] = {f"{META}protocolVersion": NEW[0], f"{META}clientCapabilities": {}}

    def change(message: exchanges.Message) -> exchanges.Message:
        if "id" not in message:
            return message
        params: exchanges.Message = message.get("params") or {}
        return {**message, "params": {**params, "_meta": {**usual, **params.get("_meta", {})}}}

    exchanges.requests(change)


@mutant("capabilities/meta-unknown", "capabilities.meta-values", wires=NEW)
def refuses_names_it_does_not_know() -> None:
    """Refuses a request that has a reserved name in `_meta` which it does not know."""
    known = {"protocolVersion", "clientCapabilities", "clientInfo", "logLevel"}

    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        meta: dict[str, Any] = (ctx.params or {}).get("_meta") or {}
        named = {name.removeprefix(META) for name in meta if name.startswith(META)}
        if named - known:
            raise MCPError(types.INVALID_PARAMS, "Unknown metadata")
        return await call_next(ctx)

    _middleware(wrong)


@mutant("capabilities/another-name", "capabilities.info-no-effect", wires=NEW)
def shows_less_to_one_client() -> None:
    """Shows fewer tools to a client of one name."""

    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        client = ctx.session.client_params
        if ctx.method != "tools/list" or client is None or client.client_info.name != "Claude":
            return result
        listed = cast("dict[str, Any]", result)
        return {**listed, "tools": listed["tools"][:3]}

    _middleware(wrong)


@mutant("capabilities/version-unknown", "capabilities.version-refused", wires=NEW)
def does_not_say_which_versions() -> None:
    """Refuses a version with the right code and does not say which it speaks."""

    def change(message: exchanges.Message, answer: exchanges.Answer) -> exchanges.Answer:
        del message
        said = answer.message
        if said.get("error", {}).get("code") != types.UNSUPPORTED_PROTOCOL_VERSION:
            return answer
        return answer.saying({**said, "error": {**said["error"], "data": None}})

    exchanges.answers(change)


@mutant("capabilities/version-unknown", "capabilities.version-refused", wires=NEW)
def serves_any_version() -> None:
    """Serves a version that it does not know like the newest one."""

    def change(message: exchanges.Message) -> exchanges.Message:
        params: exchanges.Message = message.get("params") or {}
        meta: dict[str, Any] = params.get("_meta", {})
        if f"{META}protocolVersion" in meta:
            meta[f"{META}protocolVersion"] = NEW[0]
        return message

    exchanges.requests(change, {b"mcp-protocol-version": NEW[0].encode()})


@mutant("capabilities/discover", "capabilities.discover", wires=NEW)
def does_not_tell_its_versions() -> None:
    """Leaves its versions out of `server/discover`."""
    patches.results(
        "server/discover",
        lambda result: {key: result[key] for key in result if key != "supportedVersions"},
    )


def _unknown_tool(code: int) -> None:
    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if (ctx.params or {}).get("name") == "no_such_tool":
            raise MCPError(code, "There is no such tool")
        return await call_next(ctx)

    _middleware(wrong)


@mutant("capabilities/error-codes", "capabilities.codes-legacy", wires=NEW)
def uses_an_old_code() -> None:
    """Has a code of its own among those that older implementations used."""
    _unknown_tool(-32001)


@mutant("capabilities/error-codes", "capabilities.codes-defined", wires=NEW)
def uses_a_reserved_code() -> None:
    """Has a code of its own among those that are kept for the specification."""
    _unknown_tool(-32050)


@mutant("capabilities/error-codes", "capabilities.codes-meaning", wires=NEW)
def uses_a_code_for_something_else() -> None:
    """Says that a header does not match when a tool does not exist."""
    _unknown_tool(-32020)


@mutant("url/no-required-error", "url.no-required-error", wires=NEW)
def refuses_until_the_visit() -> None:
    """Refuses a call with -32042 until the person has been to a page, as in 2025-11-25."""

    async def wrong(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if (ctx.params or {}).get("name") == VISITING:
            raise MCPError(types.URL_ELICITATION_REQUIRED, "Visit a page first")
        return await call_next(ctx)

    _middleware(wrong)


@mutant("tasks/told-with-subscription", "tasks.subscription-id", wires=NEW)
def does_not_name_the_subscription() -> None:
    """Tells about tasks without saying for which subscription."""
    right = tasks_extension.notification

    def wrong(method: str, params: dict[str, Any]) -> types.ServerNotification:
        return right(method, {key: params[key] for key in params if key != "_meta"})

    tasks_extension.notification = wrong
