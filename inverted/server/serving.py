"""One `tools/call` about a run: picks the carrier, drives the run, and says how it stands.

- 2025-11-25 and older: the call stays open, questions go over the back-channel;
- 2026-07-28: the call returns `input_required` until the run has ended;
- where `tasks.extension` planned it, the call becomes a task;
- where the client cannot answer, or has answered as often as it will, the reply says how to go on
  with another call (`relay`).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio
from fastmcp.tools.base import InputRequiredToolResult, ToolResult
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import authenticated_principal
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.carriers.backchannel import BackChannel
from inverted.carriers.ladder import Ladder
from inverted.carriers.nobody import Nobody
from inverted.carriers.rounds import Rounds, input_required, read_state, state_of
from inverted.core.effects import Json, Kind
from inverted.core.lifecycle import Status
from inverted.errors import ClientGone, InvertedError, LimitExceeded, RunNotFound
from inverted.run.signature import Signature
from inverted.runtime.ladders import RELAY, Rung
from inverted.runtime.ports import Agent, Ended, Given, Outcome, Parked, Question
from inverted.runtime.runtime import Runtime, new_run_id
from inverted.runtime.tasks import Tasks, View
from inverted.server.means import Peer, Surroundings
from inverted.server.notices import Notifier, forwarding, keeping_alive
from inverted.server.relay.reply import unfinished
from inverted.server.tasks.call import Plan

if TYPE_CHECKING:
    from fastmcp.server.context import Context

RUN_KEY: Final = "inverted/run-key"
"""The `_meta` entry with which a client names its run."""
CLEANUP_SECONDS: Final = 5.0
"""How long the cleanup of a cancelled run may take while its request is being torn down."""
ALIVE_SECONDS: Final = 15.0
"""Between two signs of life; the shortest patience of a known host is a minute."""
_A_SAMPLE: Final = Question("", "", Kind.SAMPLE, {"messages": []})
_A_FORM: Final = Question(
    "", "", Kind.ELICIT, {"mode": "form", "message": "", "requestedSchema": {"properties": {}}}
)


@dataclass(slots=True)
class Served:
    """What serves the calls of an `AgentTool`.

    Attributes:
        agent: The agent.
        signature: Its function.
        runtime: What drives its runs.
        tasks: What drives them when they are tasks.
        surroundings: What there is besides the client.
        samples: Whether its runs sample, as far as is known.
        elicits: Whether they ask a person.
    """

    agent: Agent
    signature: Signature
    runtime: Runtime
    tasks: Tasks
    surroundings: Surroundings
    samples: bool
    elicits: bool


class Serving:
    """One call.

    Args:
        context: The request.
        by: The agent that it is about.
        structured: Whether the tool that was called has an output schema.
        direct: Whether the client called it.
    """

    def __init__(self, context: Context, by: Served, *, structured: bool, direct: bool) -> None:
        request = context.request_context
        assert request is not None  # noqa: S101 - the caller has checked it
        wire: ServerRequestContext[Any, Any] = request._srctx  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the raw params are only there
        self._by = by
        self._structured = structured
        self.wire = wire
        self._params: Mapping[str, Any] = wire.params or {}
        self._principal = authenticated_principal(wire)
        self.modern = wire.protocol_version in MODERN_PROTOCOL_VERSIONS
        self._notifier = Notifier(context)
        state: str | None = self._params.get("requestState")
        self._run_id, self._rounds = (None, 0) if state is None else read_state(state)
        self._pages = by.surroundings.pages.of(wire, by.agent.name)
        self._means = by.surroundings.to(Peer.of(wire), self._pages, direct=direct)
        if self.modern:
            channel = Rounds(
                wire.protocol_version, wire.session.client_capabilities, self._notifier
            )
        else:
            assert wire.request_id is not None  # noqa: S101 - a tool call is a request
            channel = BackChannel(wire.session, wire.request_id, self._notifier)
        self._carrier = Ladder(channel, by.agent.ladders, self._means)

    # -- the ways of a call -----------------------------------------------------------------

    async def call(self, arguments: dict[str, Json], plan: Plan | None) -> Outcome | View:
        """Serve a call of the agent.

        Returns:
            Where the run stands after it; a `View` if the call has become a task.
        """
        with self._alive():
            if plan is not None and not plan.patient:
                return await self._create(arguments, plan)
            if plan is not None and not self._must_not_hand_over(plan):
                outcome = await self._wait_a_while(arguments, plan)
                if outcome is not None:
                    return outcome
            while True:
                if self._run_id is not None:
                    outcome = await self._resume(self._run_id, self._responses())
                else:
                    outcome = await self._begin(arguments)
                if isinstance(outcome, Ended) or outcome.questions:
                    return outcome
                tasks, patience = self._by.tasks, self._carrier.patience
                try:
                    view = await tasks.look(outcome.run_id, principal=self._principal)
                except RunNotFound:
                    return outcome  # it sleeps for longer than this call lasts
                # It is the task of an earlier call, and sleeps: this client has to wait.
                view = await tasks.settled(view, math.inf if patience is None else patience)
                outcome = _outcome_of(view)
                if self.modern or isinstance(outcome, Ended) or not outcome.questions:
                    return outcome

    async def go_on(self, run_id: str, answers: Mapping[str, Given], *, wait: bool) -> Outcome:
        """Serve a call that goes on with a run.

        Args:
            run_id: The run.
            answers: What the host's model answered.
            wait: Whether the call may last; otherwise it only says how the run stands.
        """
        given: dict[str, Json] = {**self._responses(), **answers}
        if not wait:
            self._carrier.patience = 0.0
        with self._alive():
            return await self._resume(run_id, given)

    def _responses(self) -> Mapping[str, Json]:
        return self._params.get("inputResponses") or {}

    async def relayed(self, run_id: str) -> list[Question]:
        """The questions of a run that the host's model may answer."""
        questions = await self._by.runtime.questions(self._by.agent, run_id)
        return [each for each in questions if self._carrier.allows(each, RELAY)]

    async def _resume(self, run_id: str, answers: Mapping[str, Json]) -> Outcome:
        return await self._by.runtime.resume(
            self._by.agent, run_id, answers, self._carrier, principal=self._principal
        )

    async def _begin(self, arguments: dict[str, Json]) -> Outcome:
        runtime, agent, key, run_id = self._by.runtime, self._by.agent, self._key(), new_run_id()
        try:
            return await runtime.begin(
                agent,
                arguments,
                self._carrier,
                principal=self._principal,
                key=key,
                run_id=run_id,
            )
        except (anyio.get_cancelled_exc_class(), ClientGone):
            if key is None:
                nobody = Nobody("the client cancelled the call")
                cancelling = runtime.cancel(
                    agent, run_id, "client", nobody, principal=self._principal
                )
                await _given_up(cancelling)
            raise

    # -- calls that become tasks ------------------------------------------------------------

    def _must_not_hand_over(self, plan: Plan) -> bool:
        """Whether a task would be the end of this call.

        A client that has sampling and tasks need not have sampling inside tasks: that of FastMCP
        gives the call up. And no host's model reads what a task asks, nor does a host draw a card
        for it. So a run stays in rounds where one of these would answer, if the server may choose.
        """
        by = self._by
        if by.samples and ("sampling" in plan.info.features or self._first_is(RELAY, _A_SAMPLE)):
            return True
        return by.elicits and self._first_is("card", _A_FORM)

    def _first_is(self, name: str, question: Question) -> bool:
        rung = self._carrier.rung(question)
        return isinstance(rung, Rung) and rung.name == name

    async def _create(self, arguments: dict[str, Json], plan: Plan) -> View:
        """Make this call a task, whatever the run does."""
        tasks, run_id = self._by.tasks, new_run_id()
        silence = plan.told(tasks, run_id)
        try:
            view = await tasks.create(
                self._by.agent,
                arguments,
                plan.info,
                principal=self._principal,
                key=self._key(),
                run_id=run_id,
            )
        except BaseException:
            silence()
            raise
        if view.record.id != run_id:  # the key named another run
            silence()
            plan.told(tasks, view.record.id)
        return view

    async def _wait_a_while(self, arguments: dict[str, Json], plan: Plan) -> Outcome | View | None:
        """Drive the run apart from this call, and see how far it gets with little time.

        Returns:
            The questions or the end that it came to; the task that it becomes otherwise. None when
            this run has to go on in rounds.
        """
        tasks, principal, known = self._by.tasks, self._principal, self._run_id
        run_id, key = new_run_id(), self._key()
        async with forwarding(tasks, run_id, self._notifier) as forwarded:
            try:
                if known is not None:
                    forwarded.add(known)
                    view = await tasks.answer(known, self._responses(), principal=principal)
                else:
                    if await self._is_no_task(key):
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
                if known is None:
                    raise  # it has expired by now
                return None
            except anyio.get_cancelled_exc_class():
                if known is None and key is None:
                    await _given_up(tasks.cancel(run_id, "client", principal=principal))
                raise
        if view.status is Status.WORKING or self._last_round(view.ended):
            return view
        return _outcome_of(view)

    async def _is_no_task(self, key: str | None) -> bool:
        """Whether a key names a run that was begun in rounds."""
        by = self._by
        known = None if key is None else await by.runtime.known(by.agent, self._principal, key)
        return known is not None and known.task is None

    def _key(self) -> str | None:
        meta: Mapping[str, Any] = self._params.get("_meta") or {}
        key = meta.get(RUN_KEY)
        return key if isinstance(key, str) and key else None

    # -- replies ----------------------------------------------------------------------------

    def reply(self, parked: Parked, notes: list[str] | None = None) -> ToolResult:
        """What the client is told of a run that has not ended.

        Args:
            parked: Where the run stands.
            notes: What was wrong with the answers of the host's model.
        """
        self._by.samples |= any(each.kind is Kind.SAMPLE for each in parked.questions)
        self._by.elicits |= any(each.kind is Kind.ELICIT for each in parked.questions)
        if not (notes or self._last_round(None)):
            sent = parked.questions
            if parked.rungs:
                sent = [
                    shown
                    for each in parked.questions
                    if (shown := self._carrier.outgoing(each)) is not None
                ]
            # With nothing to ask, the client calls again at once, and waits on.
            if sent or (self.modern and not _needs_host(parked)):
                state = state_of(parked.run_id, self._rounds + 1)
                return InputRequiredToolResult(input_required(sent, state))
        return unfinished(self.wire, self._pages, parked, notes or [], structured=self._structured)

    def _last_round(self, ended: Ended | None) -> bool:
        """Whether the client would not answer another round."""
        if ended is not None or not self.modern:
            return False
        return self._rounds >= self._by.agent.ladders.rounds and self._means.relay

    def _alive(self) -> contextlib.AbstractContextManager[object]:
        """Signs of life while this lasts, for a client that wants to hear of progress."""
        meta: Mapping[str, Any] = self._params.get("_meta") or {}
        if meta.get("progressToken") is None:
            return contextlib.nullcontext()
        return keeping_alive(self._notifier, self._by.runtime.clock, ALIVE_SECONDS)


async def _given_up(cancelling: Awaitable[object]) -> None:
    """Cancel a run whose caller gave up before it could name it: nobody can come back for it."""
    with (
        anyio.CancelScope(shield=True),
        anyio.move_on_after(CLEANUP_SECONDS),
        # It was never written, or it ended: there is nothing to cancel.
        contextlib.suppress(InvertedError),
    ):
        await cancelling


def _needs_host(parked: Parked) -> bool:
    """Whether the host has to read the reply: its model is asked, or it draws a card."""
    rungs = (parked.rungs.get(each.id) for each in parked.questions)
    return any(rung is not None and rung.name in ("relay", "card") for rung in rungs)


def _outcome_of(view: View) -> Outcome:
    run_id = view.record.id
    if view.status is Status.CANCELLED:
        return Ended(run_id, Status.CANCELLED)
    return view.ended or Parked(run_id, view.questions)
