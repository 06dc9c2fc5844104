"""Tools, and a prompt, that ask in rounds on 2026-07-28."""

# ruff: noqa: PT028 - these are tools, and no tests
from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any, Final

import mcp_types as types
from fastmcp import Context
from fastmcp.exceptions import ToolError
from fastmcp.prompts import Message
from mcp.shared.exceptions import MCPError
from typing_extensions import TypeIs

from targets.fastmcp_server.app import STATE, mcp
from targets.fastmcp_server.asking import asked, form, modern, question, texts

Round = str | types.InputRequiredResult

_used: Final[set[str]] = set()


def fields(**properties: str) -> dict[str, Any]:
    """The schema of a form, by the types of its fields."""
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }


NAME: Final = fields(name="string")
CONFIRM: Final = form("Please confirm", fields(ok="boolean"))


@mcp.tool
async def test_input_required_result_elicitation(ctx: Context) -> Round:
    """Ask the person for their name."""
    got = await asked(ctx, user_name=form("What is your name?", NAME))
    return got if asks(got) else f"Hello, {field(got['user_name'], 'name')}!"


@mcp.tool
async def test_input_required_result_sampling(ctx: Context) -> Round:
    """Ask the model one thing."""
    got = await asked(ctx, capital_question=question("What is the capital of France?"))
    return got if asks(got) else f"Sampling result: {texts(got['capital_question'])}"


@mcp.tool
async def test_input_required_result_list_roots(ctx: Context) -> Round:
    """Ask for the roots."""
    got = await asked(ctx, client_roots=types.ListRootsRequest())
    return got if asks(got) else f"Found {len(got['client_roots'].roots)} root(s)"


@mcp.tool
async def test_input_required_result_request_state(ctx: Context) -> Round:
    """Ask the person to confirm, with a state."""
    got = await asked(ctx, state="asked", confirm=CONFIRM)
    return got if asks(got) else f"state-ok: action={got['confirm'].action}"


@mcp.tool
async def test_input_required_result_tampered_state(ctx: Context) -> Round:
    """Ask the person to confirm, with a state."""
    got = await asked(ctx, state="asked", confirm=CONFIRM)
    return got if asks(got) else f"integrity-ok: action={got['confirm'].action}"


@mcp.tool
async def test_input_required_result_multiple_inputs(ctx: Context) -> Round:
    """Ask three things at once; what is missing is asked again."""
    wanted: dict[str, types.InputRequest] = {
        "user_name": form("What is your name?", NAME),
        "greeting": question("Generate a greeting", 50),
        "client_roots": types.ListRootsRequest(),
    }
    known: dict[str, str] = json.loads(ctx.request_state or "{}")
    answers: dict[str, Any] = dict(ctx.input_responses or {}) if ctx.request_state else {}
    if not modern(ctx):
        got = await asked(ctx, state=None, **wanted)
        answers = {} if asks(got) else got
    known |= {key: _short(answers[key]) for key in wanted if key in answers}
    missing = {key: request for key, request in wanted.items() if key not in known}
    if missing:
        return types.InputRequiredResult(input_requests=missing, request_state=json.dumps(known))
    return "Name: {user_name}; Greeting: {greeting}; Roots: {client_roots}".format(**known)


def _short(answer: Any) -> str:
    if isinstance(answer, types.ListRootsResult):
        return str(len(answer.roots))
    return field(answer, "name") if isinstance(answer, types.ElicitResult) else texts(answer)


@mcp.tool
async def test_input_required_result_multi_round(ctx: Context, seconds: float = 600) -> Round:
    """Ask for a name, then for a color."""
    known: dict[str, Any] = json.loads(ctx.request_state or "{}")
    if known and time.time() > known["until"]:
        raise MCPError(types.INVALID_PARAMS, "Invalid or expired requestState")
    until = time.time() + seconds
    second = form("Step 2: What is your favorite color?", fields(color="string"))
    name = known.get("name")
    if name is None:
        first = form("Step 1: What is your name?", NAME)
        got = await asked(ctx, state=json.dumps({"until": until}), step1=first)
        if asks(got):
            return got
        name = field(got["step1"], "name")
        if modern(ctx):
            state = json.dumps({"until": until, "name": name})
            return types.InputRequiredResult(input_requests={"step2": second}, request_state=state)
    got = await asked(ctx, state=json.dumps({"until": until, "name": name}), step2=second)
    if asks(got):
        return got
    return f"Multi-round complete for {name} who likes {field(got['step2'], 'color')}"


@mcp.tool
async def test_input_required_result_capabilities(ctx: Context) -> Round:
    """Ask for whatever the client has declared."""
    declared = ctx.session.client_capabilities or types.ClientCapabilities()
    wanted: dict[str, types.InputRequest] = {}
    modes = declared.elicitation
    if modes is not None and (modes.form is not None or modes.url is None):
        wanted["elicit_input"] = form("Elicitation input", fields(value="string"))
    if declared.sampling is not None:
        wanted["sample_input"] = question("Sample request", 50)
    if not wanted:
        return "No supported capabilities declared"
    got = await asked(ctx, state="asked", **wanted)
    return got if asks(got) else f"capabilities-ok: received {','.join(wanted)}"


@mcp.tool
async def test_redeem_once(ctx: Context) -> Round:
    """Ask the person to confirm; a state is good for one result."""
    state = ctx.request_state or secrets.token_hex(8)
    got = await asked(ctx, state=state, confirm=CONFIRM)
    if asks(got):
        return got
    if not _first_use(state):
        raise ToolError("This was redeemed before")
    return "Redeemed"


@mcp.tool
async def test_missing_capability(ctx: Context) -> str:
    """Need a client with sampling."""
    declared = ctx.session.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            types.MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return "Success"


@mcp.prompt
async def test_input_required_result_prompt(
    ctx: Context,
) -> list[Message] | types.InputRequiredResult:
    """Ask the person for a context."""
    wanted = form("What context should the prompt use?", fields(context="string"))
    got = await asked(ctx, user_context=wanted)
    if asks(got):
        return got
    return [Message(f"Prompt with context: {field(got['user_context'], 'context')}")]


def field(answer: types.ElicitResult, name: str) -> str:
    """What a form says in a field."""
    return str((answer.content or {}).get(name, "nobody"))


def asks(got: dict[str, Any] | types.InputRequiredResult) -> TypeIs[types.InputRequiredResult]:
    """Whether the answers are not there yet."""
    return isinstance(got, types.InputRequiredResult)


def _first_use(name: str) -> bool:
    if not STATE:
        first = name not in _used
        _used.add(name)
        return first
    try:
        (Path(STATE) / f"used-{name}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
