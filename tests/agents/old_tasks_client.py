# Written for mcp 1.26, which is not in this environment, so its types cannot be checked here.
# type: ignore  # noqa: PGH003
# ruff: noqa: ANN001, ANN002, ANN201, T201
"""A client of the previous generation with its experimental tasks; prints what it saw, as JSON.

`old_tasks_client.py stdio COMMAND...` or `old_tasks_client.py http URL TOKEN`, run with a Python
that has mcp 1.26.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from mcp import ClientSession, McpError, StdioServerParameters, stdio_client, types
from mcp.client.streamable_http import streamable_http_client

RELATED = "io.modelcontextprotocol/related-task"
HEARD = []
Result = types.CallToolResult


async def sample(context, params):
    HEARD.append(["sample", shown(params)])
    text = types.TextContent(type="text", text=f"{params.messages[0].content.text} yes")
    return types.CreateMessageResult(role="assistant", model="old", content=text)


async def elicit(context, params):
    HEARD.append(["elicit", shown(params)])
    return types.ElicitResult(action="accept", content={"value": "Ada"})


async def on_message(message):
    if isinstance(message, types.ServerNotification):
        HEARD.append(
            [message.root.method, message.root.model_dump(mode="json", by_alias=True)["params"]]
        )


@asynccontextmanager
async def streams(transport, *where):
    if transport == "stdio":
        command, *arguments = where
        async with stdio_client(StdioServerParameters(command=command, args=arguments)) as pair:
            yield pair
    else:
        url, token = where
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=30) as http,
            streamable_http_client(url, http_client=http) as (read, write, _),
        ):
            yield read, write


async def refused(request):
    try:
        await request
    except McpError as error:
        return error.error.code
    return None


def shown(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def to_the_end(tasks, task_id):
    """Poll, and fetch the result as soon as the server asks, which carries the questions."""
    statuses = []
    async for status in tasks.poll_task(task_id):
        statuses.append(status.status)
        if status.status == "input_required":
            await tasks.get_task_result(task_id, Result)
    return statuses


async def main():
    async with (
        streams(*sys.argv[1:]) as (read, write),
        ClientSession(
            read,
            write,
            timedelta(seconds=30),
            sampling_callback=sample,
            elicitation_callback=elicit,
            message_handler=on_message,
        ) as session,
    ):
        tasks, seen = session.experimental, {}
        seen["capabilities"] = shown((await session.initialize()).capabilities).get("tasks")
        listed = (await session.list_tools()).tools
        seen["support"] = {each.name: shown(each).get("execution") for each in listed}

        made = await tasks.call_tool_as_task(
            "greet", {"word": "tea"}, ttl=60_000, meta={"progressToken": "token"}
        )
        greeting = made.task.taskId
        seen["created"] = shown(made)
        seen["statuses"] = await to_the_end(tasks, greeting)
        seen["result"] = shown(await tasks.get_task_result(greeting, Result))
        seen["again"] = shown(await tasks.get_task_result(greeting, Result))

        resting = (await tasks.call_tool_as_task("rest", {"seconds": 3600})).task.taskId
        seen["listed"] = [task.taskId for task in (await tasks.list_tasks()).tasks]
        seen["cancelled"] = (await tasks.cancel_task(resting)).status
        seen["of cancelled"] = shown(await tasks.get_task_result(resting, Result))
        seen["twice"] = await refused(tasks.cancel_task(resting))

        failing = (await tasks.call_tool_as_task("fail", {"kind": "tool"})).task.taskId
        seen["failed"] = await to_the_end(tasks, failing)
        seen["of failed"] = shown(await tasks.get_task_result(failing, Result))
        broken = (await tasks.call_tool_as_task("fail", {"kind": "protocol"})).task.taskId
        seen["broken"] = await to_the_end(tasks, broken)
        seen["of broken"] = await refused(tasks.get_task_result(broken, Result))

        seen["unknown"] = [
            await refused(tasks.get_task("nobody")),
            await refused(tasks.get_task_result("nobody", Result)),
            await refused(tasks.cancel_task("nobody")),
            await refused(tasks.list_tasks("no cursor")),
            await refused(tasks.call_tool_as_task("quick", {})),
            await refused(session.call_tool("fail", {"kind": "tool"})),
        ]
        seen["inline"] = shown(await session.call_tool("greet", {"word": "rum"}))
        seen["ids"] = {"greeting": greeting, "resting": resting}
        seen["heard"] = HEARD
        print(json.dumps(seen))


asyncio.run(main())
