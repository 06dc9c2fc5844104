"""An agent as a FastMCP tool: picks the carrier for each call and speaks the protocol's errors.

- 2025-11-25 and older: the call stays open, questions go over the back-channel;
- 2026-07-28: the call returns `input_required` until the run has ended;
- where `tasks.extension` planned it, the call becomes a task.

A client may name its run with `_meta["inverted/run-key"]`. Calling the same agent with the same
arguments and key continues that run, on both eras, also after a crash.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import anyio
from fastmcp.exceptions import NotFoundError, ToolError
from fastmcp.exceptions import ValidationError as ArgumentError
from fastmcp.server.dependencies import get_context
from fastmcp.server.middleware.middleware import Middleware
from fastmcp.tools.base import InputRequiredToolResult, Tool, ToolResult
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import authenticated_principal
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field, ValidationError
from pydantic.json_schema import SkipJsonSchema

from inverted.carriers.backchannel import BackChannel
from inverted.carriers.nobody import Nobody
from inverted.carriers.rounds import Rounds, input_required
from inverted.core.effects import Json, Kind
from inverted.core.lifecycle import Status
from inverted.errors import (
    AnswerError,
    ClientGone,
    InvertedError,
    LimitExceeded,
    RunError,
    RunNotFound,
)
from inverted.run.signature import Signature
from inverted.run.tools import explain
from inverted.runtime.ports import Agent, Carrier, Ended, Outcome, Parked
from inverted.runtime.runtime import Runtime, new_run_id
from inverted.runtime.tasks import Tasks, View
from inverted.server.notices import Notifier, forwarding
from inverted.server.outcome import (
    Refused,
    RequestError,
    failure_text,
    protocol_error,
)
from inverted.server.tasks.call import CALL, Plan

if TYPE_CHECKING:
    from fastmcp.server.context import Context

RUN_KEY: Final = "inverted/run-key"
"""The `_meta` entry with which a client names its run."""

CLEANUP_SECONDS: Final = 5.0
"""How long the cleanup of a cancelled run may take while its request is being torn down."""


class ProtocolErrors(Middleware):
    """Answers a wrong request with a JSON-RPC error.

    FastMCP turns every error under a tool into a result with `isError`, which is right for a failed
    run and wrong for an unknown tool (server/tools, error handling) or an answer of the wrong shape
    (2026-07-28 basic/patterns/mrtr, error handling).
    """

    async def on_call_tool(self, context: Any, call_next: Any) -> Any:
        """See `Middleware.on_call_tool`."""
        try:
            return await call_next(context)
        except (RequestError, Refused) as error:
            raise error.error from error
        except NotFoundError as error:
            raise MCPError(
                INVALID_PARAMS,
                f"{error}. Ask tools/list what this server has.",
                {"reason": "NotFound"},
            ) from error


@dataclass(slots=True)
class Served:
    """What serves the calls of an `AgentTool`.

    Attributes:
        agent: The agent.
        signature: Its function.
        runtime: What drives its runs.
        tasks: What drives them when they are tasks.
        samples: Whether its runs sample, as far as is known.
    """

    agent: Agent
    signature: Signature
    runtime: Runtime
    tasks: Tasks
    samples: bool


class AgentTool(Tool):
    """The tool that runs an agent. Made by `agent_tool`."""

    served: Annotated[SkipJsonSchema[Any], Field(exclude=True)] = None

    @property
    def _by(self) -> Served:
        return cast("Served", self.served)

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Serve one `tools/call`.

        Raises:
            ArgumentError: The arguments do not fit the agent's signature.
            RequestError: Unknown run, or an answer of the wrong shape.
            ToolError: The run failed, was cancelled, or cannot be served now.
        """
        context = get_context()
        request = context.request_context
        if request is None:
            raise ToolError(
                f"Agent {self.name} was called outside of an MCP request. Call it through a "
                "client, or with "
                "inverted.testing."
            )
        wire: ServerRequestContext[Any, Any] = request._srctx  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the raw params are only there
        call = CALL.get()
        plan = None if call is None else call.take()
        try:
            outcome = await self._serve(context, wire, arguments, plan)
        except ValidationError as error:  # from binding the arguments, before anything is written
            raise ArgumentError(f"Invalid arguments for {self.name}: {explain(error)}") from error
        except (AnswerError, RunError) as error:
            raise RequestError(error) from error
        except InvertedError as error:
            if plan is None or plan.patient:
                raise ToolError(str(error)) from error
            raise RequestError(error, INTERNAL_ERROR) from error  # there is no task to tell it with
        if isinstance(outcome, View):
            assert call is not None  # noqa: S101 - there was a plan
            assert plan is not None  # noqa: S101 - the same
            call.reply = plan.created(self._by.tasks, outcome)
            return ToolResult(content=[])
        if isinstance(outcome, Ended):
            return self._ended(outcome)
        self._by.samples |= any(each.kind is Kind.SAMPLE for each in outcome.questions)
        return InputRequiredToolResult(input_required(outcome))

    async def _serve(
        self,
        context: Context,
        wire: ServerRequestContext[Any, Any],
        arguments: dict[str, Json],
        plan: Plan | None,
    ) -> Outcome | View:
        """Where the run stands after this call; a `View` if the call has become a task."""
        if plan is not None and not plan.patient:
            return await self._create(wire, arguments, plan)
        if plan is not None and not self._must_not_hand_over(plan):
            outcome = await self._wait_a_while(context, wire, arguments, plan)
            if outcome is not None:
                return outcome
        modern = wire.protocol_version in MODERN_PROTOCOL_VERSIONS
        while True:
            outcome = await (self._round if modern else self._conversation)(
                context, wire, arguments
            )
            if isinstance(outcome, Ended) or outcome.questions:
                return outcome
            # It is the task of an earlier call, and sleeps: this client has to wait.
            tasks, principal = self._by.tasks, authenticated_principal(wire)
            view = await tasks.look(outcome.run_id, principal=principal)
            outcome = _outcome_of(await tasks.settled(view, math.inf))
            if modern or isinstance(outcome, Ended):
                return outcome

    def _must_not_hand_over(self, plan: Plan) -> bool:
        """Whether a task would be the end of this call.

        A client that has sampling and tasks need not have sampling inside tasks: that of FastMCP
        gives the call up. So a run that samples stays in rounds, if the server may choose.
        """
        return self._by.samples and "sampling" in plan.info.features

    async def _create(
        self, wire: ServerRequestContext[Any, Any], arguments: dict[str, Json], plan: Plan
    ) -> View:
        """Make this call a task, whatever the run does."""
        tasks, run_id = self._by.tasks, new_run_id()
        silence = plan.told(tasks, run_id)
        try:
            view = await tasks.create(
                self._by.agent,
                arguments,
                plan.info,
                principal=authenticated_principal(wire),
                key=_run_key(wire.params or {}),
                run_id=run_id,
            )
        except BaseException:
            silence()
            raise
        if view.record.id != run_id:  # the key named another run
            silence()
            plan.told(tasks, view.record.id)
        return view

    async def _wait_a_while(
        self,
        context: Context,
        wire: ServerRequestContext[Any, Any],
        arguments: dict[str, Json],
        plan: Plan,
    ) -> Outcome | View | None:
        """Drive the run apart from this call, and see how far it gets with little time.

        Returns:
            The questions or the end that it came to; the task that it becomes otherwise. None when
            this run has to go on in rounds.
        """
        tasks, principal = self._by.tasks, authenticated_principal(wire)
        params: Mapping[str, Any] = wire.params or {}
        state, run_id, key = params.get("requestState"), new_run_id(), _run_key(params)
        async with forwarding(tasks, run_id, Notifier(context)) as forwarded:
            try:
                if state is not None:
                    answers: Mapping[str, Json] = params.get("inputResponses") or {}
                    forwarded.add(state)
                    view = await tasks.answer(state, answers, principal=principal)
                else:
                    if await self._is_no_task(key, principal):
                        return None
                    view = await tasks.create(
                        self._by.agent,
                        arguments,
                        plan.info,
                        principal=principal,
                        key=key,
                        run_id=run_id,
                    )
                    forwarded.add(view.record.id)
                view = await tasks.settled(view)
            except LimitExceeded:
                return None
            except RunNotFound:
                if state is None:
                    raise  # it has expired by now
                return None
            except anyio.get_cancelled_exc_class():
                if state is None and key is None:
                    await _given_up(tasks.cancel(run_id, "client", principal=principal))
                raise
        return view if view.status is Status.WORKING else _outcome_of(view)

    async def _is_no_task(self, key: str | None, principal: str | None) -> bool:
        """Whether a key names a run that was begun in rounds."""
        by = self._by
        known = None if key is None else await by.runtime.store.find(by.agent.name, principal, key)
        return known is not None and known.task is None

    async def _round(
        self, context: Context, wire: ServerRequestContext[Any, Any], arguments: dict[str, Json]
    ) -> Outcome:
        """2026-07-28: one round of a run."""
        carrier = Rounds(wire.protocol_version, wire.session.client_capabilities, Notifier(context))
        params: Mapping[str, Any] = wire.params or {}
        run_id = params.get("requestState")
        if run_id is None:
            return await self._begin(wire, arguments, carrier)
        answers: Mapping[str, Json] = params.get("inputResponses") or {}
        principal = authenticated_principal(wire)
        return await self._by.runtime.resume(
            self._by.agent, run_id, answers, carrier, principal=principal
        )

    async def _conversation(
        self, context: Context, wire: ServerRequestContext[Any, Any], arguments: dict[str, Json]
    ) -> Outcome:
        """The handshake eras: a whole run, while the call is open."""
        assert wire.request_id is not None  # noqa: S101 - a tool call is a request
        return await self._begin(
            wire, arguments, BackChannel(wire.session, wire.request_id, Notifier(context))
        )

    async def _begin(
        self, wire: ServerRequestContext[Any, Any], arguments: dict[str, Json], carrier: Carrier
    ) -> Outcome:
        principal, key, run_id = (
            authenticated_principal(wire),
            _run_key(wire.params or {}),
            new_run_id(),
        )
        try:
            return await self._by.runtime.begin(
                self._by.agent, arguments, carrier, principal=principal, key=key, run_id=run_id
            )
        except (anyio.get_cancelled_exc_class(), ClientGone):
            if key is None:
                runtime, nobody = self._by.runtime, Nobody("the client cancelled the call")
                cancelling = runtime.cancel(
                    self._by.agent, run_id, "client", nobody, principal=principal
                )
                await _given_up(cancelling)
            raise

    def _ended(self, ended: Ended) -> ToolResult:
        error = protocol_error(ended)
        if error is not None:
            raise Refused(error)
        if ended.status is not Status.COMPLETED:
            raise ToolError(failure_text(self._by.agent, ended))
        return ToolResult.from_mcp_result(
            CallToolResult.model_validate(ended.result, by_name=False)
        )


async def _given_up(cancelling: Awaitable[object]) -> None:
    """Cancel a run whose caller gave up before it could name it: nobody can come back for it."""
    with (
        anyio.CancelScope(shield=True),
        anyio.move_on_after(CLEANUP_SECONDS),
        # It was never written, or it ended: there is nothing to cancel.
        contextlib.suppress(InvertedError),
    ):
        await cancelling


def _outcome_of(view: View) -> Outcome:
    run_id = view.record.id
    if view.status is Status.CANCELLED:
        return Ended(run_id, Status.CANCELLED)
    return view.ended or Parked(run_id, view.questions)


def _run_key(params: Mapping[str, Any]) -> str | None:
    meta: Mapping[str, Any] = params.get("_meta") or {}
    key = meta.get(RUN_KEY)
    return key if isinstance(key, str) and key else None
