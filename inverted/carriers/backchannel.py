"""The back-channel of the handshake eras: the server sends requests while a tool call is open.

Every question rides the stream of the request that caused it (`related_request_id`), and several
are asked at once. Source: specification 2025-11-25, client/sampling and client/elicitation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import CONNECTION_CLOSED, RequestId
from pydantic import ValidationError

from inverted.carriers.client import METHODS, Client, canonical, read_answer
from inverted.carriers.raw import send_raw
from inverted.carriers.revisions import form_for, messages_for
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.errors import ClientError, ClientGone
from inverted.runtime.ports import Answer, Question

MODES_SINCE: Final = "2025-11-25"
"""The revision in which elicitation got its modes."""
INITIALIZED_SECONDS: Final = 5.0
"""How long a client that has not said that it is initialized is waited for."""
NO_WAY_BACK: Final = (
    "this connection has no way back to the client (a server with json_response=True, or stateless "
    "HTTP). Serve with streaming responses, or let the client speak 2026-07-28."
)


class BackChannel:
    """Asks through server-to-client requests. Implements `Channel`.

    Args:
        session: The session of the tool call.
        request_id: Id of the tool call.
        notify: Sends a one-way message to the client.
    """

    inline = True

    def __init__(
        self,
        session: ServerSession,
        request_id: RequestId,
        notify: Callable[[dict[str, Json]], Awaitable[None]],
    ) -> None:
        unreachable = None if session.can_send_request else NO_WAY_BACK
        self._client = Client.of(session.protocol_version, session.client_capabilities, unreachable)
        self._session = session
        self._metadata = ServerMessageMetadata(related_request_id=request_id)
        self._notify = notify

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        """See `Channel.refusal`."""
        return self._client.refusal(kind, params)

    def read(self, question: Question, raw: Json) -> Answer:
        """See `Channel.read`."""
        return read_answer(question, raw)

    async def ask(self, question: Question) -> Answer:
        """See `Channel.ask`.

        Raises:
            ClientGone: The connection was closed.
        """
        method, params = METHODS[question.kind], self._params(question)
        connection = self._session._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # it alone knows
        if not connection.initialized.is_set():
            # 2025-11-25 basic/lifecycle, Initialization: before that a server asks nothing.
            with anyio.move_on_after(INITIALIZED_SECONDS):
                await connection.initialized.wait()
        try:
            raw = await send_raw(self._session, method, params, self._metadata)
            return Answer(canonical(question.kind, raw))  # the SDK has validated it by now
        except (MCPError, ValidationError) as error:
            if isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
                raise ClientGone(
                    "The client went away before it answered. Nothing was lost: call the agent "
                    "again with the same run key to go on."
                ) from error
            code = error.code if isinstance(error, MCPError) else None
            return Answer(
                failure=Failure.of(
                    ClientError(
                        f"The client did not answer {METHODS[question.kind]}: {error}. It may have "
                        "been "
                        "refused by the person, or failed; the client knows more.",
                        {} if code is None else {"code": code},
                    )
                )
            )

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Channel.notify`."""
        await self._notify(payload)

    def describe(self) -> list[str]:
        """See `Channel.describe`."""
        return sorted(self._client.features)

    def _form(self, params: dict[str, Json]) -> dict[str, Json] | None:
        return form_for(params["requestedSchema"], self._client.revision)

    def _params(self, question: Question) -> dict[str, Json]:
        params = question.params
        if question.kind is Kind.SAMPLE:
            return {**params, "messages": messages_for(params["messages"], self._client.revision)}
        if question.kind is Kind.ROOTS:
            return params
        if params["mode"] == "url":
            return {**params, "elicitationId": f"{question.run_id}:{question.id}"}
        params = {**params, "requestedSchema": self._form(params)}
        if self._client.revision < MODES_SINCE:
            del params["mode"]
        return params
