"""One call of an agent, from `tools/call` to its result, on either era.

On the handshake eras the server's questions arrive while the call is open, and the SDK hands them
to `conversation`. On 2026-07-28 the call ends with the questions instead
(`InputRequiredResult`), and is sent again with the answers and the server's `requestState`, byte
for byte, until a result comes:
https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr. The loop is written
out here, not left to `Client.call_tool`, because the view shows rounds.

Every call carries the run's key in `_meta`; servers that are not built with inverted ignore it.

A call may become a task: on 2025-11-25 because this host asks for it, on 2026-07-28 because the
server decides so. Then `call_agent` returns the task, and `drive` stays with it to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

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
from inverted.cli.errors import CliError, ConnectionProblem, HostProblem, UsageProblem
from inverted.cli.events import Progress, RoundStarted, TaskChanged, Watcher
from inverted.cli.text import clean
from inverted.client import (
    QuestionRefused,
    Task,
    TaskCancelled,
    TaskError,
    TaskFailed,
    TaskHandle,
    TaskNotFound,
    TasksUnsupported,
    attach,
    call_tool_as_task,
)
from inverted.client.wire import Created
from inverted.server.relay.reply import CONTINUE

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
        as_task: Whether to ask for a task (2025-11-25).
    """

    agent: str
    arguments: dict[str, Any]
    run_key: str
    max_rounds: int
    as_task: bool = False


def task_handle(client: Client, task_id: str, watch: Watcher) -> TaskHandle:
    """A task of the server, whose changes are shown.

    Raises:
        UsageProblem: The negotiated revision has no tasks.
    """
    try:
        return attach(client.session, task_id, on_status=_teller(watch))
    except TaskError as error:
        raise task_problem(error) from None


async def drive(handle: TaskHandle) -> CallToolResult:
    """Stay with a task until its end; its questions come to the conversation.

    Returns:
        The result, which may be a tool error.

    Raises:
        CliError: There is no result.
        MCPError: The server refused a request, or is gone.
    """
    try:
        return await handle.result()
    except TaskError as error:
        raise task_problem(error) from None


async def cancel_task(handle: TaskHandle) -> Task:
    """Cancel a task.

    Returns:
        The task afterwards.

    Raises:
        CliError: There is no such task.
        MCPError: The server refused a request, or is gone.
    """
    try:
        return await handle.cancel()
    except TaskError as error:
        raise task_problem(error) from None


def task_problem(error: TaskError) -> CliError:
    """What ended the work on a task, for a person."""
    said = clean(error.message)
    match error:
        case TaskFailed():
            return CliError(f"the task failed: {said} ({error.code}). There is no result.")
        case TaskCancelled():
            return CliError(f"{said} There is no result.")
        case TaskNotFound():
            return UsageProblem(
                f"the server knows no task {clean(error.task_id)}: it has expired, belongs to "
                "somebody else, or was made by another server. Call the agent again."
            )
        case TasksUnsupported():
            return UsageProblem(f"{said} See --era and --no-task.")
        case QuestionRefused():
            return HostProblem(said)
        case _:
            return ConnectionProblem(said)


def _teller(watch: Watcher) -> Callable[[Task], None]:
    def tell(task: Task) -> None:
        watch(TaskChanged(task.id, task.status, task.message or ""))

    return tell


async def call_agent(
    client: Client, call: Call, conversation: Conversation, watch: Watcher
) -> CallToolResult | TaskHandle:
    """Call an agent and answer its questions until it has a result, or has become a task.

    Args:
        client: A connected client.
        call: What to call.
        conversation: Answers the questions.
        watch: Is told of rounds and progress.

    Returns:
        The result, which may be a tool error; or the task that the call became.

    Raises:
        HostProblem: There were more rounds than allowed, or a question could not be answered.
        MCPError: The server answered the call with a protocol error, or is gone.
        RuntimeError: The result breaks the tool's own output schema.
    """

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        watch(Progress(progress, total, message))

    if call.as_task:
        return await _as_task(client, call, watch)
    name, arguments = call.agent, call.arguments
    responses: InputResponses | None = None
    state: str | None = None
    rounds = 0
    pause = _FIRST_PAUSE
    while True:
        try:
            found = await client.session.call_tool(
                name,
                arguments,
                progress_callback=on_progress,
                input_responses=responses,
                request_state=state,
                meta={RUN_KEY: call.run_key},
                allow_input_required=True,
                allow_claimed=True,
            )
        except MCPError as error:
            rounds += 1
            if rounds > call.max_rounds or not await _pages_opened(error, client, conversation):
                raise
            continue
        if isinstance(found, Created):
            watch(TaskChanged(found.task_id, "working", ""))
            return task_handle(client, found.task_id, watch)
        if not isinstance(found, InputRequiredResult):
            result = _final(found)
            following = _following(result)
            if following is None:
                return result
            name, arguments = following
            responses = state = None
            continue
        state = found.request_state
        if not found.input_requests:
            # The server asks for nothing but to come back: it works. Waiting is no round.
            responses = None
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            continue
        pause = _FIRST_PAUSE
        rounds += 1
        _check_rounds(rounds, call)
        watch(RoundStarted(rounds, len(found.input_requests)))
        responses = await _answers(client.session, found.input_requests)


async def _as_task(client: Client, call: Call, watch: Watcher) -> TaskHandle:
    try:
        handle = await call_tool_as_task(
            client.session,
            call.agent,
            call.arguments,
            # Progress keeps coming under this token until the task ends; `connect` listens.
            meta={RUN_KEY: call.run_key, "progressToken": call.run_key},
            on_status=_teller(watch),
        )
    except TaskError as error:
        raise task_problem(error) from None
    watch(TaskChanged(handle.id, "working", ""))
    return handle


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


def _check_rounds(rounds: int, call: Call) -> None:
    if rounds > call.max_rounds:
        raise HostProblem(
            f"the server went on asking after {call.max_rounds} rounds. If that is right, allow "
            "more with --max-rounds."
        )


def _following(result: CallToolResult) -> tuple[str, dict[str, Any]] | None:
    """The call that a result names to go on with, if it wants nothing else.

    A server of ours names one before a run has more rounds than clients answer in one call.
    """
    meta: dict[str, Any] = result.meta or {}
    named = cast("dict[str, Any]", meta.get(CONTINUE) or {})
    if named.get("questions") != 0:
        return None
    return str(named["tool"]), {"handle": named["handle"]}


def _final(found: Result) -> CallToolResult:
    if isinstance(found, CallToolResult):
        return found
    raise RuntimeError(f"a result of type {type(found).__name__}, which nobody asked for")
