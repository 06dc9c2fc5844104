"""The carrier of every run: for each question it takes the first rung that works here.

The client is reached over a channel (back-channel, rounds, task). Whatever else can answer is a
means of the server: a model provider, a page for the person, a card in the host, the host's own
model. A rung's name is journaled with the answer, unless it is the plain one of the protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, cast

from mcp_types import INVALID_REQUEST, METHOD_NOT_FOUND

from inverted.carriers.client import read_answer
from inverted.carriers.emulation import as_text, from_text
from inverted.carriers.revisions import one_block_each
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.errors import AnswerError, CapabilityError
from inverted.runtime.ladders import RELAY, VIA, Ladders, Mode, Rung
from inverted.runtime.ports import Answer, Question

PLAIN: Final = frozenset({"sampling", "form", "client"})
"""The rungs that the protocol means; their answers are not marked."""
CANNOT: Final = frozenset({METHOD_NOT_FOUND, INVALID_REQUEST})
"""What a client answers that does not have what it declared."""


class Channel(Protocol):
    """The way to the client."""

    inline: bool
    """Whether `ask` gets the answer. Otherwise a later request brings it."""

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        """Why this client cannot be asked this, or None."""
        ...

    def read(self, question: Question, raw: Json) -> Answer:
        """Read an answer of the client.

        Raises:
            AnswerError: It is not an answer to this kind of question.
        """
        ...

    async def ask(self, question: Question) -> Answer:
        """Ask and wait. Only called when `inline`."""
        ...

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Carrier.notify`."""
        ...

    def describe(self) -> list[str]:
        """The features that the client declared."""
        ...


class Provider(Protocol):
    """A model that is configured on the server."""

    async def ask(self, question: Question) -> Answer:
        """Ask it; a failure is an answer too."""
        ...


class Pages(Protocol):
    """Pages of this server on which a person answers."""

    def refusal(self, *, opened_by_client: bool) -> str | None:
        """Why there is no page, or None.

        Args:
            opened_by_client: Whether the client opens it, or this server.
        """
        ...

    def url(self, question: Question) -> str:
        """The address of the page of a question."""
        ...

    async def open(self, question: Question) -> None:
        """Open it in the browser of this machine."""
        ...

    def agreed(self, question: Question) -> None:
        """The person agreed to open the page, or has the page or the card before them."""
        ...

    def has_agreed(self, question: Question) -> bool:
        """Whether they did, not long ago."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a request can use besides its client.

    Attributes:
        provider: A model that is configured on the server.
        pages: Where a person answers.
        card: Whether the host shows cards.
        relay: Whether the host's model can go on with a run.
        declines: Whether the client may decline a form without having asked anybody.
        by_model: Whether a model answers for this client, also what a person is asked.
    """

    provider: Provider | None = None
    pages: Pages | None = None
    card: bool = False
    relay: bool = False
    declines: bool = False
    by_model: bool = False


NOTHING: Final = Means()


class Ladder:
    """Picks the rung of every question and asks on it. Implements `Carrier`.

    Args:
        channel: The way to the client.
        ladders: The order of the rungs.
        means: What there is besides the client.
    """

    def __init__(
        self, channel: Channel, ladders: Ladders | None = None, means: Means = NOTHING
    ) -> None:
        self.channel = channel
        self._ladders = ladders or Ladders()
        self._means = means
        # Only a host that can call again may be told to: another one would lose the run.
        self.patience: float | None = self._ladders.hold if means.relay else None
        self._client = Rung("client", "ask" if channel.inline else "park")
        self._has_tools = _TOOLS in channel.describe()

    # -- choosing ---------------------------------------------------------------------------

    def allows(self, question: Question, name: str) -> bool:
        """Whether a question may be answered on a rung, if it comes to that."""
        return name in self._names(question)

    def rung(self, question: Question) -> Rung | Failure:
        """See `Carrier.rung`."""
        return self._first(question, self._names(question))

    def _first(self, question: Question, names: tuple[str, ...]) -> Rung | Failure:
        for name in names:
            mode = self._mode(name, question)
            if mode is not None:
                return Rung(name, mode)
        return self._refused(question, names)

    def _mode(  # noqa: PLR0911 # one for each rung
        self, name: str, question: Question
    ) -> Mode | None:
        """How a rung would ask, or None where it cannot."""
        match name:
            case "sampling" | "form" | "client":
                return self._native(question)
            case "text":
                return self._text()
            case "provider":
                return None if self._means.provider is None else "ask"
            case "url":
                return self._url(question)
            case "card":
                return self._card(question)
            case "page":
                pages = self._means.pages
                return "hold" if pages and pages.refusal(opened_by_client=False) is None else None
            case _:  # the relay
                return "park" if self._means.relay else None

    def _names(self, question: Question) -> tuple[str, ...]:
        """The ladder of a question."""
        asking, ladders = question.asking, self._ladders
        if question.kind is Kind.SAMPLE:
            return asking.rungs or ladders.model
        if question.kind is Kind.ROOTS or question.params["mode"] == "url":
            return _CLIENT
        names: tuple[str, ...] = asking.rungs or ladders.person
        if asking.approval and self._means.by_model:
            return ()
        if asking.approval:
            return tuple(name for name in names if name in ladders.approval)
        return names

    def _native(self, question: Question) -> Mode | None:
        """The plain request of the protocol."""
        refused = self.channel.refusal(question.kind, question.params)
        return self._client.mode if refused is None else None

    def _text(self) -> Mode | None:
        """The client's model, without tools."""
        if self.channel.refusal(Kind.SAMPLE, {"messages": []}) is not None:
            return None
        return self._client.mode

    def _url(self, question: Question) -> Mode | None:
        pages = self._means.pages
        if pages is None or pages.refusal(opened_by_client=True) is not None:
            return None
        if self.channel.refusal(Kind.ELICIT, {"mode": "url"}) is not None:
            return None
        if self.channel.inline or pages.has_agreed(question):
            return "hold"
        return "park"

    def _card(self, question: Question) -> Mode | None:
        if not self._means.card or self._means.pages is None:
            return None
        return "hold" if self._means.pages.has_agreed(question) else "park"

    def _refused(self, question: Question, names: tuple[str, ...]) -> Failure:
        refused = self.channel.refusal(question.kind, question.params)
        if names == _CLIENT and refused is not None:
            return refused
        if question.asking.approval and self._means.by_model:
            why = (
                "This run is answered by a model, and a model cannot approve for a person. Use a "
                "client that has tasks or elicitation."
            )
        else:
            why = "" if refused is None else refused.message
            tried = f"No other way is open ({', '.join(names) or 'none is allowed'})."
            why = f"{why} {tried} {_HINTS[question.kind]}".lstrip()
        about: dict[str, Json] = {} if refused is None else refused.data or {}
        return Failure.of(CapabilityError(why, {**about, "rungs": list(names)}))

    # -- asking -----------------------------------------------------------------------------

    async def ask(self, question: Question, rung: Rung) -> Answer | Rung | None:
        """See `Carrier.ask`."""
        plain = rung.name in PLAIN
        if plain:
            answer = await self.channel.ask(self._simple(question))
        else:
            answer = await self._ask_elsewhere(question, rung)
        if answer is None:
            return None
        if plain and answer.failure is None and not self._means.declines:
            return self._marked(answer, rung.name) if self._means.by_model else answer
        if self._goes_on(question, answer, rung):
            names = self._names(question)
            after = self._first(question, names[names.index(rung.name) + 1 :])
            if isinstance(after, Rung):
                return after
        return self._marked(answer, rung.name)

    async def _ask_elsewhere(self, question: Question, rung: Rung) -> Answer | None:
        means = self._means
        match rung.name:
            case "text":
                return self._from_text(question, await self.channel.ask(self._as_text(question)))
            case "provider":
                assert means.provider is not None  # noqa: S101 - it was chosen
                return await means.provider.ask(question)
            case "url":
                return await self._ask_with_url(question)
            case "page":
                assert means.pages is not None  # noqa: S101 - it was chosen
                if not means.pages.has_agreed(question):
                    means.pages.agreed(question)
                    await means.pages.open(question)
                return None
            case _:  # a card, which was drawn by an earlier reply
                return None

    async def _ask_with_url(self, question: Question) -> Answer | None:
        pages = self._means.pages
        assert pages is not None  # noqa: S101 - it was chosen
        if not pages.has_agreed(question):
            answer = await self.channel.ask(self._with_url(question))
            if answer.failure is not None or answer.value["action"] != "accept":
                return answer
            pages.agreed(question)
        return None

    def _goes_on(self, question: Question, answer: Answer, rung: Rung) -> bool:
        """Whether the next rung is tried after an answer."""
        if answer.failure is None:
            # Nobody may have seen it: somebody is asked who can say no.
            said: dict[str, Json] = answer.value
            by_itself = self._means.declines and rung.name in ("form", "url")
            return by_itself and said["action"] == "decline"
        code = (answer.failure.data or {}).get("code")
        policy = question.asking.on_refusal or self._ladders.on_refusal
        return code in CANNOT or (policy == "next" and question.kind is Kind.SAMPLE)

    def outgoing(self, question: Question) -> Question | None:
        """What a client is sent that answers in a later request; None for what it is not asked."""
        rung = self.rung(question)
        if isinstance(rung, Failure) or rung.mode != "park":
            return None
        match rung.name:
            case "text":
                return self._as_text(question)
            case "url":
                return self._with_url(question)
            case "sampling" | "form" | "client":
                return self._simple(question)
            case _:
                return None

    def _as_text(self, question: Question) -> Question:
        return self._simple(question._replace(params=as_text(question.params)))

    def _simple(self, question: Question) -> Question:
        """The question with one block in each message, where the client has no tools.

        Such clients were written for the revisions in which a message held one block; VS Code
        drops a message whose content is a list.
        """
        if question.kind is not Kind.SAMPLE or self._has_tools:
            return question
        messages = one_block_each(question.params["messages"])
        return question._replace(params={**question.params, "messages": messages})

    def _with_url(self, question: Question) -> Question:
        assert self._means.pages is not None  # noqa: S101 - it was chosen
        url = self._means.pages.url(question)
        params = {"mode": "url", "message": question.params["message"], "url": url}
        return question._replace(params=params)

    # -- reading ----------------------------------------------------------------------------

    def read(self, question: Question, raw: Json, via: str | None = None) -> Answer | None:
        """See `Carrier.read`."""
        if via is not None:
            return self._read_from(question, raw, via)
        rung = self.rung(question)
        if isinstance(rung, Failure) or rung.name in _ELSEWHERE:
            return None
        answer = self.channel.read(question, raw)
        if answer.failure is not None:
            return answer
        if rung.name == "text":
            answer = self._from_text(question, answer)
        elif rung.name == "url" and answer.value["action"] == "accept":
            assert self._means.pages is not None  # noqa: S101 - it was chosen
            self._means.pages.agreed(question)
            return None
        return self._marked(answer, rung.name)

    def _read_from(self, question: Question, raw: Json, via: str) -> Answer:
        if via not in self._names(question):
            raise AnswerError(
                f"{question.id!r} is not answered by {via}: only a person may answer it, or the "
                "agent does not allow this way. Nothing was recorded."
            )
        return self._marked(read_answer(question, raw), via)

    def _from_text(self, question: Question, answer: Answer) -> Answer:
        if answer.failure is not None:
            return answer
        return answer._replace(value=from_text(question.params, answer.value))

    def _marked(self, answer: Answer, name: str) -> Answer:
        """The answer, with the rung that gave it."""
        if self._means.by_model:
            name = RELAY
        if answer.failure is not None or name in PLAIN:
            return answer
        return answer._replace(value={**cast("dict[str, Json]", answer.value), VIA: name})

    # -- the rest ---------------------------------------------------------------------------

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Carrier.notify`."""
        await self.channel.notify(payload)

    def describe(self) -> list[str]:
        """See `Carrier.describe`. A provider has tools, whatever the client declared."""
        features = self.channel.describe()
        probe = Question("", "", Kind.SAMPLE, {"messages": [], "tools": []})
        rung = self.rung(probe)
        if isinstance(rung, Rung) and rung.name == "provider" and _TOOLS not in features:
            features = sorted([*features, _TOOLS])
        return features


_TOOLS: Final = "sampling.tools"
_CLIENT: Final = ("client",)
_ELSEWHERE: Final = frozenset({"provider", "relay", "card", "page"})
"""The rungs on which the client itself has nothing to say."""
_HINTS: Final = {
    Kind.SAMPLE: "Configure a provider on the server (INVERTED_PROVIDER), or allow the relay.",
    Kind.ELICIT: "Use a host with forms or MCP Apps, or serve over stdio where a browser is.",
}
