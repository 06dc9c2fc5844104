"""Which rung each kind of question would take in a client, without asking it.

The rungs come from the ladder that serves runs, asked about a client that need not be there; what
is known of a host comes from `carriers.hosts`. Used by `inverted doctor` and by agents that tell
about the client that called them.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf
from typing import Final, Literal

from fastmcp.server.dependencies import get_context
from mcp_types import ClientCapabilities
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict

from inverted.carriers.backchannel import NO_WAY_BACK
from inverted.carriers.client import Client
from inverted.carriers.host import Host, Sees
from inverted.carriers.hosts import host_of
from inverted.carriers.ladder import Ladder, Means
from inverted.carriers.later import Later
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.runtime.ladders import Asking, Ladders, Rung
from inverted.runtime.ports import Question
from inverted.server.app import AgentServer
from inverted.server.means import Peer, called_directly, shows_cards
from inverted.server.tasks.access import form_of
from inverted.server.tasks.rules import EXTENSION

Asked = Literal["model", "tools", "form", "approval", "url", "roots", "tasks"]

QUESTIONS: Final[dict[Asked, str]] = {
    "model": "a model turn",
    "tools": "a model turn with tools",
    "form": "a form",
    "approval": "an approval",
    "url": "a page to open",
    "roots": "roots",
    "tasks": "tasks",
}
"""Every kind of question, in words."""

RUNGS: Final[dict[str, str]] = {
    "sampling": "the client's model",
    "text": "the client's model, its tool calls written as text",
    "provider": "the model of the server",
    "relay": "the host's model, which goes on with continue_run",
    "form": "a form of the client",
    "url": "a page of the server, which the client opens",
    "card": "a card inside of the host (MCP Apps)",
    "page": "a page of the server, in the browser of its machine",
    "client": "the client",
    "server": "the server makes one of a call that takes long",
    "caller": "the client asks for one with its call",
}
"""Every rung, and whoever makes a task, in words."""


class Way(BaseModel):
    """How one kind of question is asked.

    Attributes:
        question: The kind.
        rung: The rung that is taken; for tasks who makes one: `server` or `caller`. None if there
            is none.
        then: What else is open, in order, when the client does not have what it declared.
        why: Why there is no rung.
        known: Whether that is known at all.
    """

    model_config = ConfigDict(frozen=True)

    question: Asked
    rung: str | None = None
    then: tuple[str, ...] = ()
    why: str | None = None
    known: bool = True


class Seen(BaseModel):
    """Where something was seen. See `carriers.hosts.Source`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    where: str
    date: str
    note: str


class Known(BaseModel):
    """What is recorded of a host, and cannot be told from its messages. See `carriers.hosts.Host`.

    Attributes:
        gives_up: Seconds after which a silent call is given up, or `never`; None if unknown.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    enable: str
    local: bool
    declines: bool
    asks_for_tasks: bool
    approves: bool | None
    validates: bool | None
    sees: Sees | None
    gives_up: float | Literal["never"] | None
    progress_resets: bool | None
    rounds: int | None
    habits: tuple[str, ...]
    sources: tuple[Seen, ...]

    @classmethod
    def of(cls, host: Host) -> Known:
        """The record of a host."""
        row = {name: getattr(host, name, None) for name in cls.model_fields}
        waits = host.timeout
        row["gives_up"] = "never" if waits is not None and isinf(waits) else waits
        return cls.model_validate(row)


class Diagnosis(BaseModel):
    """What a client can do.

    Attributes:
        client: The name that it gave itself.
        version: Its version.
        revision: Negotiated protocol revision.
        features: What it declared that questions need.
        apps: Whether it shows cards (MCP Apps).
        host: What is recorded of it; None for a client that nobody has recorded.
        ways: How each kind of question is asked.
        advice: What to enable.
    """

    model_config = ConfigDict(frozen=True)

    client: str | None
    version: str | None
    revision: str
    features: tuple[str, ...]
    apps: bool
    host: Known | None
    ways: tuple[Way, ...]
    advice: tuple[str, ...]

    def way(self, question: Asked) -> Way:
        """How a kind of question is asked."""
        return next(each for each in self.ways if each.question == question)


def diagnose(
    peer: Peer, means: Means, ladders: Ladders | None = None, *, version: str | None = None
) -> Diagnosis:
    """Tell what a client can do.

    Args:
        peer: The client.
        means: What a server has besides, as `Surroundings` says of this client.
        ladders: How the questions of the agent are asked.
        version: The client's version.

    Returns:
        The diagnosis. Nothing was asked for it.
    """
    ladders = ladders or Ladders()
    client = _client(peer)
    host = host_of(peer.name)
    channel = _Imagined(client, inline=peer.revision not in MODERN_PROTOCOL_VERSIONS)
    ladder = Ladder(channel, ladders, means)
    ways = [_way(asked, question, ladder, ladders) for asked, question in _PROBES.items()]
    ways.append(_tasks(peer, host))
    known = None if host is None else Known.of(host)
    return Diagnosis(
        client=peer.name,
        version=version,
        revision=peer.revision,
        features=tuple(sorted(client.features)),
        apps=shows_cards(peer),
        host=known,
        ways=tuple(ways),
        advice=tuple(_advice(known, ways, means, ladders)),
    )


async def diagnose_caller(server: AgentServer, agent: str) -> Diagnosis:
    """Tell what the client can do whose call is being served. For a step of the agent.

    Args:
        server: The server of the agent.
        agent: The agent that was called.

    Returns:
        The diagnosis, as the questions of this agent would be asked now.

    Raises:
        RuntimeError: No request is being served.
    """
    context = get_context()
    request = context.request_context
    if request is None:
        raise RuntimeError(
            "There is no client to tell about: this runs outside of a request. Serve the agent "
            'with task="never", and call this in a step of its run.'
        )
    wire = request._srctx  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the declared capabilities are only there
    params = wire.session.client_params
    direct = await called_directly(context, agent)
    return diagnose(
        Peer.of(wire),
        server.surroundings.to(
            Peer.of(wire), server.surroundings.pages.of(wire, agent), direct=direct
        ),
        server.agent_tools[agent].by.agent.ladders,
        version=None if params is None else params.client_info.version,
    )


def peer_of(host: Host) -> Peer:
    """A host as a server meets it, from its record."""
    declared = ClientCapabilities.model_validate(host.capabilities)
    return Peer(host.revision, declared, host.client_names[0])


class _Imagined(Later):
    """A client that is not there: it is asked only what it would refuse."""

    def __init__(self, client: Client, *, inline: bool) -> None:
        super().__init__(client)
        self.inline = inline

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Channel.notify`. Never called: nothing runs here."""
        raise NotImplementedError(f"nobody is there to hear {payload}")


def _probe(kind: Kind, params: dict[str, Json], *, approval: bool = False) -> Question:
    return Question("", "", kind, params, Asking(approval=approval))


def _form(kind: str) -> dict[str, Json]:
    schema = {"type": "object", "properties": {"value": {"type": kind}}}
    return {"mode": "form", "message": "a question", "requestedSchema": schema}


_PROBES: Final[dict[Asked, Question]] = {
    "model": _probe(Kind.SAMPLE, {"messages": []}),
    "tools": _probe(Kind.SAMPLE, {"messages": [], "tools": []}),
    "form": _probe(Kind.ELICIT, _form("string")),
    "approval": _probe(Kind.ELICIT, _form("boolean"), approval=True),
    "url": _probe(Kind.ELICIT, {"mode": "url", "message": "", "url": ""}),
    "roots": _probe(Kind.ROOTS, {}),
}


def _client(peer: Peer) -> Client:
    unreachable = None if peer.reachable else NO_WAY_BACK
    return Client.of(peer.revision, peer.capabilities, unreachable)


def _way(asked: Asked, question: Question, ladder: Ladder, ladders: Ladders) -> Way:
    rung = ladder.rung(question)
    if isinstance(rung, Failure):
        return Way(question=asked, why=rung.message)
    names = ladders.model if question.kind is Kind.SAMPLE else ladders.person
    open_ones = [name for name in names if _is_open(name, question, ladder)]
    then = open_ones[1:] if rung.name in open_ones else ()
    return Way(question=asked, rung=rung.name, then=tuple(then))


def _is_open(name: str, question: Question, ladder: Ladder) -> bool:
    """Whether a question could be asked on this rung alone."""
    asking = question.asking._replace(rungs=(name,))
    return isinstance(ladder.rung(question._replace(asking=asking)), Rung)


def _tasks(peer: Peer, host: Host | None) -> Way:
    form = form_of(peer.revision)
    if form is None:
        return Way(question="tasks", why=f"Protocol {peer.revision} has no tasks.")
    if form.decider == "server":
        declared = peer.capabilities.extensions if peer.capabilities else None
        if EXTENSION in (declared or {}):
            return Way(question="tasks", rung="server")
        return Way(question="tasks", why=f"It did not declare the extension {EXTENSION}.")
    if host is None:
        return Way(
            question="tasks",
            why=f"On {peer.revision} the client asks for a task with each call, and does not "
            "declare that it will.",
            known=False,
        )
    if host.asks_for_tasks:
        return Way(question="tasks", rung="caller")
    return Way(question="tasks", why="It was not seen to ask for a task with a call.")


def _advice(host: Known | None, ways: list[Way], means: Means, ladders: Ladders) -> Iterator[str]:
    by = {way.question: way for way in ways}
    if host is None:
        yield (
            "This client is not recorded, so nothing is known of it beyond what it declares. "
            "docs/clients.md tells how to record it."
        )
    else:
        yield host.enable
    if means.declines and by["form"].rung == "form":
        after = " or ".join(RUNGS[each] for each in by["form"].then) or "nothing else"
        yield (
            "It may decline a form without having asked anybody. After a decline there is: "
            f"{after}."
        )
    if by["tasks"].rung is not None and {"relay", "card"} & {each.rung for each in ways}:
        yield (
            "A call that becomes a task is answered neither by relay nor on cards. Serve what "
            'needs them with task="never".'
        )
    possible = means.provider is None and "provider" in ladders.model
    if possible and by["tools"].rung in (None, "relay"):
        yield (
            "A model of the server's own (INVERTED_PROVIDER) answers model turns without the host."
        )
