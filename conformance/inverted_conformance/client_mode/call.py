"""One call of a tool by the client under test, and what is asked during it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.asks import text
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.wire.transcript import Message

TOGETHER: Final = "together_"
"""What the names of tools begin with that are called at the same time."""

if TYPE_CHECKING:
    from inverted_conformance.client_mode.stage import Stage


class Call:
    """One call of a tool, with the rounds that it takes on 2026-07-28.

    Attributes:
        name: The tool.
        exchange: The request that is open; the last retry on 2026-07-28.
        earlier: The requests before it.
    """

    def __init__(self, stage: Stage, exchange: Exchange) -> None:
        self.name: Final[str] = exchange.params["name"]
        self.exchange = exchange
        self.earlier: list[Exchange] = []
        self._stage = stage

    async def ask(self, request: Message, *, state: str | None = None) -> Answer:
        """Ask one question.

        Args:
            request: Its method and its parameters.
            state: The state to give along (2026-07-28).

        Raises:
            Over: The client does nothing about it.
        """
        return (await self.ask_all({"question": request}, state=state))["question"]

    async def ask_all(
        self, requests: Mapping[str, Message], *, state: str | None = None
    ) -> dict[str, Answer]:
        """Ask several questions at once.

        Args:
            requests: The method and the parameters of each, by key.
            state: The state to give along (2026-07-28).

        Returns:
            The answers under the same keys.

        Raises:
            Over: The client does nothing about them.
        """
        if self._stage.modern:
            return await self._round(requests, state)
        server = self._stage.server
        ids = {key: server.ask(self.exchange, request) for key, request in requests.items()}
        return await self._stage.answers(ids)

    async def round(self, result: Message) -> Exchange | None:
        """Ask for input with a result as it is, and wait for the retry (2026-07-28).

        Args:
            result: The result; its type is added.

        Returns:
            The retry, which is the open request from now on. `None` if the client went on to
            another tool, or ended.

        Raises:
            Over: The client does nothing.
        """
        stage = self._stage
        self.exchange.result({"resultType": "input_required", **result})
        await stage.until(self._moved, f"to retry {self.name}, or to go on")
        retry = stage.take(self.name)
        if retry is not None:
            self.earlier.append(self.exchange)
            self.exchange = retry
        return retry

    def _moved(self) -> bool:
        """Whether the client has retried, or has gone on to another tool, or has ended."""
        names = [str(each.params.get("name")) for each in self._stage.server.calls]
        # A call that runs beside this one says nothing about it.
        moved = [name for name in names if name == self.name or not name.startswith(TOGETHER)]
        return self._stage.exited or bool(moved)

    async def _round(self, requests: Mapping[str, Message], state: str | None) -> dict[str, Answer]:
        given = {} if state is None else {"requestState": state}
        retry = await self.round({"inputRequests": dict(requests), **given})
        said = mapping(retry.params.get("inputResponses") if retry is not None else None)
        return {key: Answer(said.get(key)) for key in requests}

    def finish(self, said: str = "Done.", **more: Any) -> None:
        """End the call; nothing if the client has given it up.

        Args:
            said: The text of the result.
            more: Other fields of the result.
        """
        if not self.exchange.done:
            self.exchange.result(self._stage.server.complete({"content": [text(said)], **more}))

    def notify(self, method: str, params: Message) -> None:
        """Send a notification on the stream of the call.

        Args:
            method: Its method.
            params: Its parameters.
        """
        self.exchange.send({"jsonrpc": "2.0", "method": method, "params": params})
