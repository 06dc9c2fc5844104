"""Connects to a server and negotiates the protocol era.

With `--era auto` and `--era 2026-07-28` the SDK asks `server/discover` and falls back to the
`initialize` handshake; with `--era 2025-11-25` it does the handshake alone. What came out of it is
compared with what was asked for, never assumed: the SDK's own pin to a version would skip the
question. Every failure before the first call becomes one `ConnectionProblem`.

Called by `session`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client import Transport
from mcp.client.session import IncomingMessage
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    Implementation,
    LoggingMessageNotificationParams,
    ProgressNotification,
    ProgressNotificationParams,
    SamplingCapability,
    SamplingToolsCapability,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from inverted import __version__
from inverted.cli.conversation import Conversation
from inverted.cli.diagnosis import Evidence, connecting_failed, too_slow
from inverted.cli.errors import CliError, ConnectionProblem, UsageProblem
from inverted.cli.target import Command
from inverted.client import TasksExtension


@dataclass(frozen=True)
class Wanted:
    """How to connect.

    Attributes:
        era: auto, or a protocol version.
        headers: HTTP headers, as `NAME:VALUE`.
        timeout: Seconds until the handshake must be done.
        has_roots: Whether to declare the roots capability.
        tasks: Whether to tell the server that calls may become tasks (2026-07-28).
    """

    era: str
    headers: Sequence[str]
    timeout: float
    has_roots: bool
    tasks: bool = True


@asynccontextmanager
async def connected(
    wanted: Wanted,
    evidence: Evidence,
    conversation: Conversation,
    on_log: Callable[[LoggingMessageNotificationParams], None],
    on_progress: Callable[[ProgressNotificationParams], None],
) -> AsyncGenerator[Client]:
    """Hold a connection, negotiated and ready for calls.

    Args:
        wanted: How to connect.
        evidence: Where to connect, and what is learnt on the way.
        conversation: Answers what the server asks, and ends the run if the handshake is too slow.
        on_log: Takes the server's log messages.
        on_progress: Takes progress under a token that this host has made itself: that of a task.

    Raises:
        ConnectionProblem: There is no server, it is no MCP server, or it speaks another era.
        UsageProblem: The headers do not fit the target.
    """

    async def log_message(params: LoggingMessageNotificationParams) -> None:
        on_log(params)

    async def other(message: IncomingMessage) -> None:
        if isinstance(message, ValidationError):
            evidence.saw_noise(message)
        elif isinstance(message, ProgressNotification):
            on_progress(message.params)

    def alarm() -> None:
        conversation.stop(too_slow(evidence, wanted.timeout))

    client: Client | None = None
    problem: CliError | None = None
    async with AsyncExitStack() as stack:
        timer = asyncio.get_running_loop().call_later(wanted.timeout, alarm)
        try:
            client = Client(
                await _transport(wanted, evidence, stack),
                mode="legacy" if wanted.era in HANDSHAKE_PROTOCOL_VERSIONS else "auto",
                sampling_callback=conversation.sample,
                sampling_capabilities=SamplingCapability(tools=SamplingToolsCapability()),
                elicitation_callback=conversation.elicit,
                list_roots_callback=conversation.list_roots if wanted.has_roots else None,
                logging_callback=log_message,
                log_level="info",
                message_handler=other,
                client_info=Implementation(name="inverted", version=__version__),
                cache=None,
                extensions=[TasksExtension()] if wanted.tasks else [],
            )
            await stack.enter_async_context(client)
            problem = _wrong_era(wanted.era, client.protocol_version)
        except CliError as known:
            problem = known
        except Exception as error:  # noqa: BLE001 - boundary: transports raise what lies below them
            problem = connecting_failed(error, evidence)
        finally:
            timer.cancel()
        if client is not None and problem is None:
            yield client
    if problem is not None:
        # Raised last: on its way out of the connection it would be wrapped in groups.
        raise problem


def _wrong_era(wanted: str, negotiated: str) -> ConnectionProblem | None:
    if wanted not in MODERN_PROTOCOL_VERSIONS or negotiated == wanted:
        return None
    return ConnectionProblem(
        f"the server does not speak {wanted}: it negotiated {negotiated}. Use --era auto, or "
        "leave it out."
    )


async def _transport(wanted: Wanted, evidence: Evidence, stack: AsyncExitStack) -> Transport:
    target = evidence.target
    if isinstance(target, Command):
        if wanted.headers:
            raise UsageProblem("--header is for a server at a URL; this one is a command.")
        command, *arguments = target.argv
        parameters = StdioServerParameters(command=command, args=arguments, env=dict(target.env))
        return stdio_client(parameters, errlog=stack.enter_context(evidence.log.open()))
    headers = _headers(wanted.headers)
    if target.is_sse:
        return sse_client(target.url, headers=headers)

    async def saw(response: httpx2.Response) -> None:
        evidence.saw_response(response.status_code)

    http = httpx2.AsyncClient(
        headers=headers,
        # No read timeout: a person may think for as long as they like.
        timeout=httpx2.Timeout(30.0, read=None),
        event_hooks={"response": [saw]},
    )
    return streamable_http_client(target.url, http_client=await stack.enter_async_context(http))


def _headers(given: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip():
            raise UsageProblem(f"--header {one} does not fit: write NAME:VALUE.")
        headers[name.strip()] = value.strip()
    return headers
