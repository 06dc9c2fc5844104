"""Who answers the toy server: callbacks of a client, and the script that asks them all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mcp import Client
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CallToolResult,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    ListRootsResult,
    Root,
    TextContent,
)

from inverted.client import TasksExtension
from inverted.testing.serving import serve_http
from tests.client.toy import FORM, PROMPT, Toy, ToyTask, Wire, text


async def elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"name": "Ada"})


async def sample(
    context: ClientRequestContext, params: CreateMessageRequestParams
) -> CreateMessageResult:
    said = TextContent(type="text", text="a thought")
    return CreateMessageResult(role="assistant", model="m", content=said)


async def roots(context: ClientRequestContext) -> ListRootsResult:
    return ListRootsResult(roots=[Root.model_validate({"uri": "file:///tmp"})])


@asynccontextmanager
async def connected(
    toy: Toy, extension: TasksExtension | None = None, *, http: bool = False, **settings: Any
) -> AsyncGenerator[Client]:
    settings = {
        "elicitation_callback": elicit,
        "sampling_callback": sample,
        "list_roots_callback": roots,
        **settings,
    }
    async with AsyncExitStack() as stack:
        server: Any = toy.mcp._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        if http:
            server = await stack.enter_async_context(serve_http(toy.mcp))
        extensions = [] if extension is None else [extension]
        yield await stack.enter_async_context(Client(server, extensions=extensions, **settings))


def said(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def everything(task: ToyTask) -> Wire:
    """Several rounds of each kind of question."""
    who = await task.ask("elicitation/create", FORM)
    thought = await task.ask("sampling/createMessage", PROMPT)
    where = await task.ask("roots/list", {})
    again = await task.ask("elicitation/create", FORM)
    names = who["content"]["name"] + again["content"]["name"]
    return text(f"{names} {thought['content']['text']} {where['roots'][0]['uri']}")
