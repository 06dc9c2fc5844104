# Written for mcp 1.26, which is not in this environment, so its types cannot be checked here.
# type: ignore  # noqa: PGH003
# ruff: noqa: ANN001, ANN201, ANN202, BLE001
"""The other end of bridge.py with the SDK of the previous generation, PyPI `mcp` 1.26."""

import asyncio
import itertools
import json
import os
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters, stdio_client, types
from mcp.client.streamable_http import streamable_http_client

CONFIG = json.loads(sys.argv[1])
ANSWERS = {}
KEYS = itertools.count()


def write(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def wire(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def ask(method, params):
    key = next(KEYS)
    ANSWERS[key] = answered = asyncio.get_running_loop().create_future()
    write({"ask": key, "method": method, "params": wire(params)})
    return await answered


async def sample(context, params):
    said = await ask("sampling/createMessage", params)
    with_tools = types.CreateMessageResultWithTools
    return (with_tools if params.tools else types.CreateMessageResult).model_validate(said)


async def elicit(context, params):
    return types.ElicitResult.model_validate(await ask("elicitation/create", params))


@asynccontextmanager
async def streams(where):
    if isinstance(where, str):
        async with streamable_http_client(where) as (read, write_, _):
            yield read, write_
    else:
        command, *arguments = where
        server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        async with stdio_client(server) as pair:
            yield pair


async def serve(session, message):
    async def beat(progress, total, text):
        write({"id": message["id"], "beat": True})

    try:
        if "list" in message:
            result = [wire(each) for each in (await session.list_tools()).tools]
        else:
            call = message["call"]
            on_progress = beat if call.get("progress") else None
            result = wire(
                await session.call_tool(
                    call["name"], call["arguments"], progress_callback=on_progress
                )
            )
    except Exception as error:
        write({"id": message["id"], "error": f"{type(error).__name__}: {error}"})
    else:
        write({"id": message["id"], "result": result})


async def main():
    hands = CONFIG["hands"]
    tools = types.SamplingToolsCapability() if hands["model"] == "tools" else None
    async with (
        streams(CONFIG["where"]) as (read, write_),
        ClientSession(
            read,
            write_,
            sampling_callback=None if hands["model"] == "none" else sample,
            sampling_capabilities=types.SamplingCapability(tools=tools),
            elicitation_callback=elicit if hands["person"] else None,
        ) as session,
        asyncio.TaskGroup() as tasks,
    ):
        write({"ready": (await session.initialize()).protocolVersion})
        while line := await asyncio.to_thread(sys.stdin.readline):
            message = json.loads(line)
            if "answer" in message:
                ANSWERS.pop(message["answer"]).set_result(message["result"])
            else:
                tasks.create_task(serve(session, message))


asyncio.run(main())
