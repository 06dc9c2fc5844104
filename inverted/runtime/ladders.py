"""Ladders: the ordered ways to get an answer, from a model or from a person.

A rung is tried when the client, or the server, has what it needs. Which one was used is journaled
with the answer, so that the body, a replay and whoever reads the journal know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

ModelRung = Literal["sampling", "text", "provider", "relay"]
"""How a model is asked.

- `sampling`: the client's model, as the protocol has it;
- `text`: the client's model where its sampling has no tools: tool calls are written as text;
- `provider`: a model that is configured on the server;
- `relay`: the model of the host application, through the result of the tool and a second tool.
"""
PersonRung = Literal["form", "url", "card", "page", "relay"]
"""How a person is asked.

- `form`: the client's form;
- `url`: a page of this server, which the client opens;
- `card`: a card inside of the host application (MCP Apps);
- `page`: a page of this server, which it opens in the browser of its own machine;
- `relay`: the host's model asks the person, or does not: its answer is that of a model.
"""
OnRefusal = Literal["raise", "next"]
"""What follows when a rung was tried and refused or failed: an error in the body, or the next."""

RELAY: Final = "relay"
VIA: Final = "via"
"""The field of a journaled answer that names its rung, where that is not the plain one."""
BY_A_PERSON: Final[tuple[PersonRung, ...]] = ("form", "url", "card", "page")
"""The rungs on which a person must have answered."""


@dataclass(frozen=True, slots=True)
class Ladders:
    """How a server, or one agent, gets its answers.

    Attributes:
        model: How a model is asked, the first choice first.
        person: How a person is asked. `relay` is not among them unless it is named here.
        approval: What `run.approve` accepts. `relay` never counts.
        on_refusal: What follows when a model refused or failed. A client that declared what it does
            not have is always passed over; a person's no is an answer and never is.
        rounds: How many rounds of questions one call has on 2026-07-28 before the run goes on in
            another call. Clients stop after ten.
        hold: Seconds that a call waits for a person at a page before the run goes on in another
            call. Many hosts give a call up after a minute.

    Raises:
        ValueError: A name is no rung, or stands twice; a number is too small.
    """

    model: tuple[ModelRung, ...] = ("sampling", "text", "provider", "relay")
    person: tuple[PersonRung, ...] = BY_A_PERSON
    approval: tuple[PersonRung, ...] = BY_A_PERSON
    on_refusal: OnRefusal = "raise"
    rounds: int = 9
    hold: float = 45.0

    def __post_init__(self) -> None:
        """Refuse what is no ladder."""
        check_rungs("model", self.model, get_args(ModelRung))
        check_rungs("person", self.person, get_args(PersonRung))
        check_rungs("approval", self.approval, BY_A_PERSON)
        if self.on_refusal not in get_args(OnRefusal):
            raise ValueError(
                f"on_refusal is 'raise' or 'next', not {self.on_refusal!r}: raise an error in the "
                "agent, or try the next rung."
            )
        if self.rounds < 1 or self.hold < 0:
            raise ValueError(
                f"A call needs at least one round (rounds={self.rounds}) and no negative time "
                f"(hold={self.hold})."
            )


def check_rungs(which: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Refuse a ladder with a rung that does not exist or stands twice.

    Raises:
        ValueError: It does.
    """
    unknown = [each for each in given if each not in known]
    if unknown or len(set(given)) < len(given):
        problem = f"{unknown[0]!r} is none" if unknown else "one stands twice"
        raise ValueError(
            f"The {which} ladder {given!r} is not understood: {problem}. Its rungs are "
            f"{', '.join(known)}."
        )


Mode = Literal["ask", "hold", "park"]
"""How a rung is asked.

- `ask`: the leg asks and waits;
- `hold`: the leg asks, and somebody else posts the answer; the leg waits, but not for ever;
- `park`: a later request answers.
"""


class Rung(NamedTuple):
    """How one question is asked.

    Attributes:
        name: A `ModelRung` or `PersonRung`; `client` for what has no ladder.
        mode: Whether the leg waits for the answer.
    """

    name: str
    mode: Mode


class Asking(NamedTuple):
    """What an author wants of one question. Not journaled: the body says it again on replay.

    Attributes:
        rungs: The ladder of this question; the agent's if None.
        on_refusal: As `Ladders.on_refusal`; the agent's if None.
        approval: Whether only a person may answer.
    """

    rungs: tuple[str, ...] | None = None
    on_refusal: OnRefusal | None = None
    approval: bool = False


ANYHOW: Final = Asking()
"""A question that follows the ladders of its agent."""
