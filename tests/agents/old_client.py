# Written for mcp 1.26, which is not in this environment, so its types cannot be checked here.
# type: ignore  # noqa: PGH003
# ruff: noqa: ANN001, ANN002, ANN201, T201
"""A client of the previous generation: it calls `triage` and prints what it saw, as JSON.

`old_client.py stdio COMMAND...` or `old_client.py http URL`, run with a Python that has mcp 1.26.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

from mcp import ClientSession, StdioServerParameters, stdio_client, types
from mcp.client.streamable_http import streamable_http_client

SEEN = []


def tool_use(number, name):
    arguments = {"word": "boom"}
    return types.ToolUseContent(type="tool_use", id=str(number), name=name, input=arguments)


def said(*content):
    kind = "toolUse" if content[0].type == "tool_use" else "endTurn"
    return types.CreateMessageResultWithTools(
        role="assistant", model="old", stopReason=kind, content=list(content)
    )


async def sample(context, params):
    SEEN.append("sample")
    first, last = params.messages[0].content, params.messages[-1].content
    if not params.tools:
        reply = types.TextContent(type="text", text=f"yes to {last.text}")
        return types.CreateMessageResult(role="assistant", model="old", content=reply)
    if first.text == "Plan.":
        questions = ["one", "two", "three", "four", "five"]
        return said(
            types.ToolUseContent(
                type="tool_use", id="9", name="final_response", input={"questions": questions}
            )
        )
    if len(params.messages) == 1:
        return said(tool_use(1, "look_up"), tool_use(2, "count"))
    return said(types.TextContent(type="text", text=f"boom {last[1].content[0].text}"))


async def elicit(context, params):
    SEEN.append("elicit")
    (name,) = params.requestedSchema["properties"]
    answer = "high" if "severe" in params.message else True
    return types.ElicitResult(action="accept", content={name: answer})


@asynccontextmanager
async def streams(transport, *where):
    if transport == "stdio":
        command, *arguments = where
        async with stdio_client(StdioServerParameters(command=command, args=arguments)) as pair:
            yield pair
    else:
        async with streamable_http_client(where[0]) as (read, write, _):
            yield read, write


async def main():
    tools = types.SamplingCapability(tools=types.SamplingToolsCapability())
    async with (
        streams(*sys.argv[1:]) as (read, write),
        ClientSession(
            read,
            write,
            timedelta(seconds=30),
            sampling_callback=sample,
            sampling_capabilities=tools,
            elicitation_callback=elicit,
        ) as session,
    ):
        initialized = await session.initialize()
        result = await session.call_tool("triage", {"report": "boom"})
        seen = {
            "version": initialized.protocolVersion,
            "result": result.structuredContent,
            "is_error": result.isError,
            "seen": SEEN,
        }
        print(json.dumps(seen))


asyncio.run(main())
