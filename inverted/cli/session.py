"""One call of an agent, from `tools/call` to its result, on either era.

On the handshake eras the server's questions arrive while the call is open, and the SDK hands them
to `conversation`. On 2026-07-28 the call ends with the questions instead
(`InputRequiredResult`), and is sent again with the answers and the server's `requestState`, byte
for byte, until a result comes:
https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr. The loop is written
out here, not left to `Client.call_tool`, because the view shows rounds.

Every call carries the run's key in `_meta`; servers that are not built with inverted ignore it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import anyio
from mcp import Client, ClientSession, MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CallToolResult,
    ElicitationRequiredErrorData,
    ErrorData,
    InputRequest,
    InputRequiredResult,
    InputResponses,
    Result,
)
from pydantic import ValidationError

from inverted.cli.conversation import Conversation
from inverted.cli.errors import HostProblem
from inverted.cli.events import Progress, RoundStarted, Watcher

RUN_KEY: Final = "inverted/run-key"

_URL_REQUIRED: Final = -32042  # 2025-11-25 only: open these pages, then call again
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


@dataclass(frozen=True)
class Call:
    """What to call.

    Attributes:
        agent: The tool's name.
        arguments: Its arguments.
        run_key: The name of the run.
        max_rounds: How many rounds of questions are answered before giving up.
    """

    agent: str
    arguments: dict[str, Any]
    run_key: str
    max_rounds: int


async def call_agent(
    client: Client, call: Call, conversation: Conversation, watch: Watcher
) -> CallToolResult:
    """Call an agent and answer its questions until it has a result.

    Args:
        client: A connected client.
        call: What to call.
        conversation: Answers the questions.
        watch: Is told of rounds and progress.

    Returns:
        The result, which may be a tool error.

    Raises:
        HostProblem: There were more rounds than allowed, or a question could not be answered.
        MCPError: The server answered the call with a protocol error, or is gone.
        RuntimeError: The result breaks the tool's own output schema.
    """

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        watch(Progress(progress, total, message))

    responses: InputResponses | None = None
    state: str | None = None
    rounds = 0
    pause = _FIRST_PAUSE
    while True:
        try:
            found = await client.session.call_tool(
                call.agent,
                call.arguments,
                progress_callback=on_progress,
                input_responses=responses,
                request_state=state,
                meta={RUN_KEY: call.run_key},
                allow_input_required=True,
            )
        except MCPError as error:
            rounds += 1
            if rounds > call.max_rounds or not await _pages_opened(error, client, conversation):
                raise
            continue
        if not isinstance(found, InputRequiredResult):
            return _final(found)
        state = found.request_state
        if not found.input_requests:
            # The server asks for nothing but to come back: it works. Waiting is no round.
            responses = None
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            continue
        pause = _FIRST_PAUSE
        rounds += 1
        if rounds > call.max_rounds:
            raise HostProblem(
                f"the server went on asking after {call.max_rounds} rounds. If that is right, "
                "allow more with --max-rounds."
            )
        watch(RoundStarted(rounds, len(found.input_requests)))
        responses = await _answers(client.session, found.input_requests)


async def _answers(session: ClientSession, requests: dict[str, InputRequest]) -> InputResponses:
    """Answer all questions of a round, side by side."""
    responses: InputResponses = {}
    failure: ErrorData | None = None

    async def answer(key: str, request: InputRequest) -> None:
        nonlocal failure
        meta = request.params.meta if request.params else None
        context = ClientRequestContext(session=session, request_id=key, meta=meta)
        found = await session.dispatch_input_request(context, request)
        if isinstance(found, ErrorData):
            failure = found
            tasks.cancel_scope.cancel()
        else:
            responses[key] = found

    async with anyio.create_task_group() as tasks:
        for key, request in requests.items():
            tasks.start_soon(answer, key, request)
    if failure is not None:
        raise HostProblem(failure.message)
    return responses


async def _pages_opened(error: MCPError, client: Client, conversation: Conversation) -> bool:
    """Whether the call may be sent again: the error named pages, and the person agreed to all."""
    if error.code != _URL_REQUIRED:
        return False
    try:
        wanted = ElicitationRequiredErrorData.model_validate(error.data)
    except ValidationError:
        return False
    context = ClientRequestContext(session=client.session, request_id=0)
    for page in wanted.elicitations:
        found = await conversation.elicit(context, page)
        if isinstance(found, ErrorData) or found.action != "accept":
            return False
    return bool(wanted.elicitations)


def _final(found: Result) -> CallToolResult:
    if isinstance(found, CallToolResult):
        return found
    raise RuntimeError(f"a result of type {type(found).__name__}, which nobody asked for")
