"""The cells of the table: an agent in the double of a host, what must come of it, and what came.

What must come is said from what the host declares alone, so that a mistake of the engine shows.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from inverted import AgentServer, MemoryStore
from inverted.carriers.hosts import HOSTS
from inverted.core.effects import QUESTIONS, Kind
from inverted.core.journal import Answered, Asked, Codec
from inverted.runtime.ladders import VIA
from inverted.testing import Outcome, profile
from inverted.testing.serving import Transport
from tests.hosts.agents import AGENTS, person
from tests.hosts.browsing import browser

Place = Literal["local", "remote"]
"""Where the server runs: on the person's machine, so that it has pages there, or elsewhere."""

COMPLETED: Final = "completed"
NOBODY: Final = "nobody to ask"
"""Refused, because no rung is left on which a person could answer (docs/ladders.md)."""
DECLINED: Final = "declined by the host"
"""Refused, because a host that declines by itself has no other rung (docs/ladders.md)."""
SAID: Final = {
    NOBODY: "No other way is open (form, url, card, page). Use a host with forms or MCP Apps, or "
    "serve over stdio where a browser is.",
    DECLINED: "Not approved",
}
"""What a refusal says. The agents that only ask are told `decline` instead of the second."""
FRAMING_GOAL: Final = 150
"""Tokens of framing for one question of the relay, at most (estimate: four characters each)."""
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """An agent in a host.

    Attributes:
        agent: A key of `AGENTS`.
        host: A key of `PROFILES`.
        place: Where the server runs.
        transport: How it was reached.
        must: What must come of it: `completed`, or the name of a refusal.
        came: What came of it; what is none of these is said in full.
        model: How often a model was asked on each rung.
        person: How often a person answered on each rung.
        rounds: Rounds of questions.
        hops: Calls that followed from an unfinished reply.
        framing: Tokens that the relay added, estimated.
        per_question: The same for each question that it asked; None where it asked nothing.
    """

    agent: str
    host: str
    place: Place
    transport: Transport
    must: str
    came: str
    model: dict[str, int]
    person: dict[str, int]
    rounds: int
    hops: int
    framing: float
    per_question: float | None

    @property
    def met(self) -> bool:
        """Whether it came as it must, with no more framing than the goal allows."""
        return self.came == self.must and (self.per_question or 0) < FRAMING_GOAL

    def as_json(self) -> dict[str, Any]:
        """As a row of a list."""
        return {
            "name": f"{self.agent} in {self.host}, {self.place}, over {self.transport}",
            **asdict(self),
            "met": self.met,
        }


def places_of(host: str) -> tuple[Place, ...]:
    """Where the servers of a host can run, the usual place first."""
    return ("local", "remote") if HOSTS[host].local else ("remote",)


def must(agent: str, host: str, place: Place) -> str:
    """What must come of an agent in a host, by what the host declares and does."""
    if not AGENTS[agent].asks_person:
        return COMPLETED
    about = HOSTS[host]
    elicitation = about.capabilities.get("elicitation")
    forms = elicitation is not None and about.revision >= "2025-06-18"
    cards = about.cards and "io.modelcontextprotocol/ui" in about.capabilities.get("extensions", {})
    if place == "local" or cards or (forms and not about.declines):
        return COMPLETED
    return DECLINED if forms else NOBODY


async def run(
    agent: str, host: str, place: Place = "local", transport: Transport = "memory"
) -> Cell:
    """Run an agent in the double of a host.

    Args:
        agent: A key of `AGENTS`.
        host: One of `PROFILES`.
        place: Where the server runs.
        transport: How it is reached.
    """
    subject, store = AGENTS[agent], MemoryStore()
    async with browser("blue") as opener:
        server = AgentServer(
            "table",
            store=store,
            keys=["k" * 32],
            opener=opener if place == "local" else None,
            mask_error_details=False,
        )
        subject.register(server)
        double = profile(host, model=subject.model, person=person, transport=transport)
        with tempfile.TemporaryDirectory(prefix="inverted-hosts-") as folder:
            outcome = await double.run(server, agent, subject.arguments(Path(folder)))
    rungs = await _rungs(store)
    relayed = sum(counted["relay"] for counted in rungs.values())
    framing = outcome.framing / CHARACTERS_PER_TOKEN
    return Cell(
        agent=agent,
        host=host,
        place=place,
        transport=transport,
        must=must(agent, host, place),
        came=_came(agent, outcome, rungs),
        model=dict(rungs[Kind.SAMPLE]),
        person=dict(rungs[Kind.ELICIT]),
        rounds=outcome.rounds,
        hops=outcome.hops,
        framing=framing,
        per_question=framing / relayed if relayed else None,
    )


def _came(agent: str, outcome: Outcome, rungs: dict[Kind, Counter[str]]) -> str:
    """The name of what came of it."""
    subject = AGENTS[agent]
    if not outcome.is_error:
        asked = rungs[Kind.SAMPLE].total()
        if subject.asks_model not in (None, asked):
            return f"a model was asked {asked} times in place of {subject.asks_model}"
        if subject.expected(outcome.result):
            return COMPLETED
        if agent == "parallel" and outcome.result[-2:] == ["decline None"] * 2:
            return DECLINED
        return f"wrong result: {outcome.result}"
    for name, words in SAID.items():
        if words in str(outcome.result):
            return name
    return f"error: {outcome.result}"


async def _rungs(store: MemoryStore) -> dict[Kind, Counter[str]]:
    """How often each rung answered, from the journal."""
    plain = {Kind.SAMPLE: "sampling", Kind.ELICIT: "form", Kind.ROOTS: "client"}
    rungs = {kind: Counter[str]() for kind in QUESTIONS}
    for record in await store.list():
        codec, kinds = Codec(), dict[str, Kind]()
        for line in await store.read(record.id, 0):
            entry, _ = codec.decode(line)
            if isinstance(entry, Asked):
                kinds[entry.id] = entry.kind
            elif isinstance(entry, Answered) and entry.failure is None:
                kind = kinds[entry.id]
                if kind in QUESTIONS:
                    answer = cast("dict[str, Any]", entry.value)
                    rungs[kind][answer.get(VIA, plain[kind])] += 1
    return rungs
