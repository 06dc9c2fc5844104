"""Tools that ask the model: FastMCP 4 has no API for that, the SDK's session and rounds do."""

# ruff: noqa: PT028 - these are tools, and no tests
from __future__ import annotations

from typing import Any, Final

import mcp_types as types
from fastmcp import Context
from fastmcp.exceptions import ToolError
from pydantic import TypeAdapter

from targets.fastmcp_server.app import mcp
from targets.fastmcp_server.asking import Result, asked, modern, prompted, question, texts

TURNS: Final = 5
Messages = list[types.SamplingMessage]
MESSAGES: Final = TypeAdapter(Messages)
CITY: Final = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OFFERED: Final = [
    types.Tool(name="get_weather", description="The weather in a city", input_schema=CITY),
    types.Tool(
        name="get_time",
        description="The time of day",
        input_schema={"type": "object", "properties": {}},
    ),
]


@mcp.tool
async def test_sampling(
    ctx: Context, prompt: str = "Say something"
) -> str | types.InputRequiredResult:
    """Ask the client's model one thing."""
    got = await asked(ctx, model=question(prompt))
    if isinstance(got, types.InputRequiredResult):
        return got
    return f"LLM response: {texts(got['model'])}"


@mcp.tool
async def test_sampling_tools(
    ctx: Context, prompt: str = "What is the weather in Paris?"
) -> str | types.InputRequiredResult:
    """Let the client's model use tools until it is done."""
    if modern(ctx):
        return _round(ctx, prompt)
    messages = prompted(prompt)
    for turn in range(1, TURNS + 1):
        answer = await ctx.session.create_message(  # pyright: ignore[reportDeprecated]
            messages,
            max_tokens=1000,
            tools=OFFERED,
            tool_choice=types.ToolChoice(mode="none") if turn == TURNS else None,
            related_request_id=ctx.request_id,
        )
        more = _results(answer)
        if not more:
            return texts(answer)
        messages += more
    raise ToolError(f"The model still wants tools after {TURNS} turns")


def _round(ctx: Context, prompt: str) -> str | types.InputRequiredResult:
    messages = MESSAGES.validate_json(ctx.request_state) if ctx.request_state else prompted(prompt)
    answer: Any = (ctx.input_responses or {}).get("model") if ctx.request_state else None
    if answer is not None:
        more = _results(answer)
        if not more:
            return texts(answer)
        messages += more
    turn = sum(message.role == "assistant" for message in messages) + 1
    if turn > TURNS:
        raise ToolError(f"The model still wants tools after {TURNS} turns")
    params = types.CreateMessageRequestParams(
        messages=messages,
        max_tokens=1000,
        tools=OFFERED,
        tool_choice=types.ToolChoice(mode="none") if turn == TURNS else None,
    )
    state = MESSAGES.dump_json(messages, by_alias=True, exclude_none=True).decode()
    model = types.CreateMessageRequest(params=params)
    return types.InputRequiredResult(input_requests={"model": model}, request_state=state)


def _results(answer: Result) -> Messages:
    """The answer and what its tools brought; nothing if it uses none."""
    content = answer.content if isinstance(answer.content, list) else [answer.content]
    uses = [block for block in content if isinstance(block, types.ToolUseContent)]
    if not uses:
        return []
    return [
        types.SamplingMessage(role="assistant", content=answer.content),
        types.SamplingMessage(role="user", content=[_used(use) for use in uses]),
    ]


def _used(use: types.ToolUseContent) -> types.ToolResultContent:
    try:
        text, failed = _run(use.name, use.input), None
    except (KeyError, TypeError, ValueError) as error:
        text, failed = f"{type(error).__name__}: {error}", True
    content: list[types.ContentBlock] = [types.TextContent(text=text)]
    return types.ToolResultContent(tool_use_id=use.id, content=content, is_error=failed)


def _run(name: str, arguments: dict[str, Any]) -> str:
    if name == "get_time":
        return "12:00"
    if name != "get_weather":
        raise KeyError(name)
    city = arguments["city"]
    if not isinstance(city, str):
        raise TypeError("city must be a string")
    if city == "Atlantis":
        raise ValueError("Atlantis has no weather")
    return f"Sunny in {city}"
