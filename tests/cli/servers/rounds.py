"""A server of 2026-07-28, written with plain FastMCP: its tools ask by ending the call."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Context, FastMCP
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
    Tool,
    ToolResultContent,
    ToolUseContent,
)

mcp = FastMCP("rounds", version="1.2")

SEARCH = Tool(
    name="search",
    description="Search the source.",
    input_schema={
        "type": "object",
        "properties": {"query": {"type": "string", "default": "crash"}},
        "required": ["query"],
    },
)
FINAL = Tool(
    name="final_response",
    input_schema={
        "type": "object",
        "properties": {"summary": {"type": "string"}},
        "required": ["summary"],
    },
)


def sample(*messages: SamplingMessage, tools: list[Tool] | None = None) -> CreateMessageRequest:
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=list(messages), max_tokens=500, tools=tools)
    )


def says(text: str) -> SamplingMessage:
    return SamplingMessage(role="user", content=TextContent(type="text", text=text))


def form(message: str, **properties: dict[str, Any]) -> ElicitRequest:
    required = [name for name, schema in properties.items() if not schema.pop("optional", False)]
    return ElicitRequest(
        params=ElicitRequestFormParams(
            message=message,
            requested_schema={"type": "object", "properties": properties, "required": required},
        )
    )


def given(ctx: Context) -> dict[str, Any]:
    """The answers of this round, untyped: each tool knows what it asked for."""
    return dict(ctx.input_responses or {})


def ask(state: str, **requests: InputRequest) -> InputRequiredResult:
    return InputRequiredResult(input_requests=requests, request_state=state)


@mcp.tool
async def triage(ctx: Context, report: str, pause: float = 0.0) -> Any:
    """Turn a bug report into a plan.

    Asks the model twice and the person once.
    """
    answers = given(ctx)
    prompt = says(f"Plan the triage of: {report}")
    match ctx.request_state:
        case None:
            return ask("searched", plan=sample(prompt, tools=[SEARCH, FINAL]))
        case "searched":
            calls: list[Any] = answers["plan"].content  # several blocks, as tools were offered
            uses: list[ToolUseContent] = [one for one in calls if isinstance(one, ToolUseContent)]
            results = SamplingMessage(
                role="user",
                content=[
                    ToolResultContent(
                        type="tool_result",
                        tool_use_id=use.id,
                        content=[TextContent(type="text", text=f"3 places match {use.input}")],
                    )
                    for use in uses
                ],
            )
            turn = SamplingMessage(role="assistant", content=list(uses))
            for done in range(4):
                await ctx.report_progress(done + 1, 4, f"reading file {done + 1}")
                await asyncio.sleep(pause)
            return ask(
                "planned",
                plan=sample(prompt, turn, results, tools=[SEARCH, FINAL]),
                severity=form(
                    "Which severity?",
                    severity={
                        "type": "string",
                        "oneOf": [
                            {"const": "low", "title": "Low, can wait"},
                            {"const": "high", "title": "High, today"},
                        ],
                        "default": "low",
                    },
                ),
            )
        case _:
            severity = answers["severity"]
            chosen = severity.content["severity"] if severity.action == "accept" else "none"
            use: Any = answers["plan"].content[0]
            return (
                f"# Triage of {report}\n\n- severity: **{chosen}**\n- plan: {json.dumps(use.input)}"
            )


@mcp.tool
async def answers(ctx: Context, schema: dict[str, Any], message: str = "Fill this in") -> Any:
    """Ask the person one form and return what came back."""
    if not ctx.input_responses:
        return InputRequiredResult(
            input_requests={
                "form": ElicitRequest(
                    params=ElicitRequestFormParams(message=message, requested_schema=schema)
                )
            },
            request_state="asked",
        )
    answer = given(ctx)["form"]
    return {"action": answer.action, "content": answer.content}


@mcp.tool
async def two_questions(ctx: Context) -> Any:
    """Ask the person two things in one round."""
    if not ctx.input_responses:
        return ask(
            "asked",
            first=form("First?", name={"type": "string"}),
            second=form("Second?", name={"type": "string"}),
        )
    return {key: answer.content for key, answer in sorted(given(ctx).items())}


@mcp.tool
async def page(ctx: Context, url: str) -> Any:
    """Ask the person to open a page."""
    if not ctx.input_responses:
        params = ElicitRequestURLParams(message="Please sign in", url=url)
        return ask("asked", page=ElicitRequest(params=params))
    return given(ctx)["page"].action


@mcp.tool
async def where(ctx: Context) -> Any:
    """Ask which directories may be used."""
    if not ctx.input_responses:
        return ask("asked", roots=ListRootsRequest())
    return [str(root.uri) for root in given(ctx)["roots"].roots]


@mcp.tool
async def poll(ctx: Context) -> Any:
    """Have the client come back twice before there is a result."""
    count = int(ctx.request_state or "0")
    return "done" if count == 2 else InputRequiredResult(request_state=str(count + 1))


@mcp.tool
async def endless(ctx: Context) -> Any:
    """Ask for ever."""
    return ask("again", turn=sample(says("And now?")))


@mcp.tool
async def run_key(ctx: Context) -> str:
    """The key that the client named this run with."""
    context: Any = ctx.request_context
    return str(dict(context.meta or {}).get("inverted/run-key"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        mcp.run("http", port=int(sys.argv[1]), show_banner=False)
    else:
        mcp.run()
