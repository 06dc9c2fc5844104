"""Pages and cards of this server, on which a person answers.

A page is opened in the browser of the machine that a stdio server runs on, or by a client that
opens addresses; an HTTP server has pages where its public address is known. A card is drawn by the
host and answers through a tool that only cards are told of. Every answer is posted to the store
before the person reads that it was recorded, so it does not matter who drives the run.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mcp.server.context import ServerRequestContext

from inverted.core.effects import Json, Kind
from inverted.pages.desk import Desk, Posted, State
from inverted.pages.form import Shown
from inverted.pages.local import LocalPages
from inverted.pages.web import PATH
from inverted.runtime.ports import Question
from inverted.runtime.tasks import Tasks

if TYPE_CHECKING:
    from inverted.pages.local import Opener

AGAIN: Final = 300.0
"""Seconds after which a page or a card is shown again, if somebody still waits for it: the person
may have closed it."""
REMEMBERED: Final = 10_000
"""Questions and cards that are remembered; an older one is asked again."""
NO_PAGE: Final = "this server has no page: it is served over HTTP, and its public address is unset"

Name = tuple[str, str]
"""The id of a run and of a question in it."""


class Pages:
    """The pages of one server.

    Args:
        server: Its name.
        tasks: Where answers are posted.
        public_url: Where the server is reached from the web, if it is.
        opener: Opens an address of this machine; the person's browser unless given.
    """

    def __init__(
        self,
        server: str,
        tasks: Tasks,
        *,
        public_url: str | None = None,
        opener: Opener | None = None,
    ) -> None:
        clock = tasks.runtime.clock
        self.desk = Desk(self._post, now=clock.now)
        self.public_url = None if public_url is None else public_url.rstrip("/")
        self._local = LocalPages(self.desk, opener)
        self._is_local = opener is not None
        self.server = server
        self._tasks = tasks
        self._via: OrderedDict[Name, str] = OrderedDict()
        self._agreed: OrderedDict[Name, float] = OrderedDict()
        self._now = clock.now
        self._cards: OrderedDict[str, dict[str, str]] = OrderedDict()

    def serve_locally(self) -> None:
        """The server runs on the person's machine: a client started it over stdio."""
        self._is_local = True

    async def aclose(self) -> None:
        """Pages take no more answers."""
        await self._local.aclose()

    def of(self, wire: ServerRequestContext[Any, Any] | None, agent: str) -> AgentPages:
        """The pages of one agent, for a request.

        Args:
            wire: The request; None for a task, which may outlive it.
            agent: The agent's name.
        """
        over_http = wire is not None and wire.request is not None
        return AgentPages(self, agent, local=self._is_local and not over_http)

    async def answer(self, token: str, question: str, result: dict[str, Json]) -> State:
        """Record what a person answered on a card.

        Args:
            token: The token of the card.
            question: The id of the question.
            result: The answer: `action` and, when accepted, `content`.

        Returns:
            What became of it.
        """
        on_card = self._cards.get(token)
        if on_card is None or question not in on_card:
            return "unknown"
        return await self.desk.answer(on_card[question], result)

    def put(self, question: Question, agent: str, via: str) -> str:
        """Let a question wait at the desk.

        Returns:
            The token that answers it.
        """
        self._remember(self._via, (question.run_id, question.id), via)
        return self.desk.put(self.shown(question, agent))

    def put_card(self, agent: str, questions: Sequence[Question]) -> str:
        """Let questions wait for one card.

        Returns:
            The token of the card.
        """
        token = secrets.token_urlsafe(32)
        on_card = {each.id: self.put(each, agent, "card") for each in questions}
        self._remember(self._cards, token, on_card)
        return token

    def shown(self, question: Question, agent: str) -> Shown:
        """A question as the person reads it."""
        return Shown(
            question.run_id,
            question.id,
            self.server,
            agent,
            question.params["message"],
            question.params["requestedSchema"],
        )

    async def open(self, question: Question, agent: str) -> None:
        """Open the page of a question in the browser of this machine."""
        self._remember(self._via, (question.run_id, question.id), "page")
        await self._local.open(self.shown(question, agent))

    def local_url(self, token: str) -> str:
        """The address of a question on this machine."""
        return self._local.url(token)

    def unavailable(self) -> str | None:
        """Why no browser can be opened here."""
        return self._local.unavailable()

    def agree(self, question: Question) -> None:
        """The person agreed to answer elsewhere, or has the question before them."""
        self._remember(self._agreed, (question.run_id, question.id), self._now())

    def has_agreed(self, question: Question) -> bool:
        """Whether they did, as far as this process knows, and not long ago."""
        at = self._agreed.get((question.run_id, question.id))
        return at is not None and self._now() < at + AGAIN

    async def _post(self, shown: Shown, result: dict[str, Json]) -> Posted:
        name = (shown.run_id, shown.id)
        question = Question(*name, Kind.ELICIT, {})
        return await self._tasks.post(question, result, self._via.get(name, "page"))

    @staticmethod
    def _remember(where: OrderedDict[Any, Any], key: object, value: object) -> None:
        where[key] = value
        where.move_to_end(key)
        if len(where) > REMEMBERED:
            where.popitem(last=False)


class AgentPages(NamedTuple):
    """The pages of one agent, as one request can use them. Implements `ladder.Pages`.

    Attributes:
        pages: The pages of the server.
        agent: The agent's name.
        local: Whether the person sits at the machine of this server.
    """

    pages: Pages
    agent: str
    local: bool

    def refusal(self, *, opened_by_client: bool) -> str | None:
        """See `ladder.Pages.refusal`."""
        if not self.local:
            return NO_PAGE if self.pages.public_url is None or not opened_by_client else None
        return None if opened_by_client else self.pages.unavailable()

    def url(self, question: Question) -> str:
        """See `ladder.Pages.url`."""
        token = self.pages.put(question, self.agent, "url")
        if self.local:
            return self.pages.local_url(token)
        return f"{self.pages.public_url}{PATH}{token}"

    async def open(self, question: Question) -> None:
        """See `ladder.Pages.open`."""
        await self.pages.open(question, self.agent)

    def agreed(self, question: Question) -> None:
        """See `ladder.Pages.agreed`."""
        self.pages.agree(question)

    def has_agreed(self, question: Question) -> bool:
        """See `ladder.Pages.has_agreed`."""
        return self.pages.has_agreed(question)
