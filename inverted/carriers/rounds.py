"""Rounds (2026-07-28): a tool call returns its questions, and the client calls again with answers.

All outstanding questions travel in one round. The `requestState` is only the name of the run and
how many rounds its call has had: where the run stands is in the store. The server seals it
(`RequestStateSecurity`), so it cannot be forged, and the journal makes a replayed one harmless.

Source: specification 2026-07-28, basic/patterns/mrtr; SEP-2322.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from mcp_types import (
    ClientCapabilities,
    CreateMessageRequest,
    ElicitRequest,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
)

from inverted.carriers.client import Client
from inverted.carriers.later import Later
from inverted.core.effects import Json, Kind
from inverted.runtime.ports import Question

_ROUNDS: Final = ":"
"""No run id has it."""


class Rounds(Later):
    """Leaves questions parked for the next round. Implements `Channel`.

    Args:
        revision: Negotiated protocol revision.
        capabilities: What the client declared on this request.
        notify: Sends a one-way message to the client.
    """

    def __init__(
        self,
        revision: str,
        capabilities: ClientCapabilities | None,
        notify: Callable[[dict[str, Json]], Awaitable[None]],
    ) -> None:
        super().__init__(Client.of(revision, capabilities))
        self._notify = notify

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Channel.notify`."""
        await self._notify(payload)


def input_required(questions: Iterable[Question], state: str) -> InputRequiredResult:
    """The result that asks questions.

    Args:
        questions: As the client shall see them.
        state: The `requestState`.
    """
    return InputRequiredResult(
        input_requests={question.id: _request(question) for question in questions},
        request_state=state,
    )


def state_of(run_id: str, rounds: int) -> str:
    """The `requestState` of a run, when so many rounds of its call have been answered."""
    return f"{run_id}{_ROUNDS}{rounds}" if rounds else run_id


def read_state(state: str) -> tuple[str, int]:
    """The run that a `requestState` names, and the rounds of its call that have been answered."""
    run_id, _, rounds = state.partition(_ROUNDS)
    return run_id, int(rounds or 0)


def _request(question: Question) -> InputRequest:
    match question.kind:
        case Kind.SAMPLE:
            return CreateMessageRequest.model_validate({"params": question.params}, by_name=False)
        case Kind.ELICIT:
            return ElicitRequest.model_validate({"params": question.params}, by_name=False)
        case _:
            return ListRootsRequest()
