"""How tools ask: by requests on 2025-11-25, in rounds on 2026-07-28."""

from __future__ import annotations

from typing import Any

import mcp_types as types
from fastmcp import Context

Result = types.CreateMessageResult | types.CreateMessageResultWithTools


def modern(ctx: Context) -> bool:
    """Whether 2026-07-28 is spoken, on which `ctx.elicit` is forbidden."""
    request = ctx.request_context
    return request is None or request.protocol_version == "2026-07-28"


async def asked(
    ctx: Context, *, state: str | None = None, **requests: types.InputRequest
) -> dict[str, Any] | types.InputRequiredResult:
    """The answers to questions, by key, or the round that asks them.

    Args:
        ctx: The call.
        state: What travels with the questions; answers without any state do not count then.
        requests: The questions, by key.
    """
    if not modern(ctx):
        return {key: await _request(ctx, request) for key, request in requests.items()}
    given = ctx.input_responses or {}
    if (state is None or ctx.request_state) and requests.keys() <= given.keys():
        return {key: given[key] for key in requests}
    return types.InputRequiredResult(input_requests=requests, request_state=state)


async def _request(ctx: Context, request: types.InputRequest) -> Any:
    here = ctx.request_id
    match request:
        case types.CreateMessageRequest(params=params):
            return await ctx.session.create_message(  # pyright: ignore[reportDeprecated]
                params.messages, max_tokens=params.max_tokens, related_request_id=here
            )
        case types.ElicitRequest(params=types.ElicitRequestFormParams() as params):
            return await ctx.session.elicit_form(params.message, params.requested_schema, here)
        case types.ListRootsRequest():
            return await ctx.session.list_roots()  # pyright: ignore[reportDeprecated]
        case _:
            raise TypeError(f"{request.method} is asked elsewhere")


def form(message: str, schema: dict[str, Any]) -> types.ElicitRequest:
    """A form."""
    params = types.ElicitRequestFormParams(message=message, requested_schema=schema)
    return types.ElicitRequest(params=params)


def question(text: str, max_tokens: int = 100) -> types.CreateMessageRequest:
    """A question to the model."""
    params = types.CreateMessageRequestParams(messages=prompted(text), max_tokens=max_tokens)
    return types.CreateMessageRequest(params=params)


def prompted(text: str) -> list[types.SamplingMessage]:
    """The beginning of a conversation."""
    return [types.SamplingMessage(role="user", content=types.TextContent(text=text))]


def texts(answer: Result) -> str:
    """The texts of an answer of the model."""
    content = answer.content if isinstance(answer.content, list) else [answer.content]
    return "\n".join(block.text for block in content if isinstance(block, types.TextContent))
