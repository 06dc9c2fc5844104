"""Which rung a question takes, what follows when it does not work, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND

from inverted.carriers.client import Client
from inverted.carriers.ladder import Ladder, Means
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.errors import AnswerError, ClientError
from inverted.runtime.ladders import BY_A_PERSON, Asking, Ladders, Rung
from inverted.runtime.ports import Answer, Question

FEATURES = ("sampling", "sampling.tools", "elicitation.form", "elicitation.url")
HELLO: dict[str, Any] = {"role": "user", "content": {"type": "text", "text": "Hello"}}
SAID: dict[str, Any] = {
    "role": "assistant",
    "content": {"type": "text", "text": "hi"},
    "model": "m",
}
YES: dict[str, Any] = {"action": "accept", "content": {"value": True}}
NO: dict[str, Any] = {"action": "decline"}
TOOLS: dict[str, Any] = {"tools": [{"name": "add", "inputSchema": {"type": "object"}}]}


@dataclass
class Line:
    """A way to a client that declared some features. Implements `Channel`."""

    features: frozenset[str] = frozenset()
    inline: bool = True
    answer: Answer = field(default_factory=lambda: Answer(SAID))
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    notices: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        return Client("2025-11-25", self.features).refusal(kind, params)

    def read(self, question: Question, raw: Json) -> Answer:
        if raw == "failed":
            return failed(None)
        return Answer(raw)

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question.params)
        return self.answer

    async def notify(self, payload: dict[str, Json]) -> None:
        self.notices.append(payload)

    def describe(self) -> list[str]:
        return sorted(self.features)


@dataclass
class Web:
    """Pages. Implements `ladder.Pages`."""

    for_client: bool = True
    here: bool = True
    opened: list[str] = field(default_factory=list[str])
    told: set[str] = field(default_factory=set[str])

    def refusal(self, *, opened_by_client: bool) -> str | None:
        there = self.for_client if opened_by_client else self.here
        return None if there else "no page"

    def url(self, question: Question) -> str:
        return f"http://127.0.0.1/{question.id}"

    async def open(self, question: Question) -> None:
        self.opened.append(question.id)

    def agreed(self, question: Question) -> None:
        self.told.add(question.id)

    def has_agreed(self, question: Question) -> bool:
        return question.id in self.told


@dataclass
class Own:
    """A model of the server. Implements `ladder.Provider`."""

    answer: Answer = field(default_factory=lambda: Answer(SAID))

    async def ask(self, question: Question) -> Answer:
        return self.answer


def line(*features: str, inline: bool = True, answer: Answer | None = None) -> Line:
    return Line(frozenset(features), inline, answer or Answer(SAID))


def sample(asking: Asking | None = None, **params: Any) -> Question:
    return Question(
        "run", "1", Kind.SAMPLE, {"messages": [HELLO], "maxTokens": 9, **params}, asking or Asking()
    )


def form(asking: Asking | None = None) -> Question:
    schema = {"type": "object", "properties": {"value": {"type": "boolean"}}}
    params = {"mode": "form", "message": "Ship it?", "requestedSchema": schema}
    return Question("run", "1", Kind.ELICIT, params, asking or Asking())


APPROVAL = Asking(approval=True)
ROOTS = Question("run", "1", Kind.ROOTS, {})
PAGE = Question("run", "1", Kind.ELICIT, {"mode": "url", "message": "Sign in", "url": "https://x"})


def failed(code: int | None) -> Answer:
    return Answer(
        failure=Failure.of(ClientError("refused", {} if code is None else {"code": code}))
    )


def name(found: Rung | Failure) -> str | None:
    return found.name if isinstance(found, Rung) else None


# -- choosing -------------------------------------------------------------------------------


@given(
    st.frozensets(st.sampled_from(FEATURES)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.permutations(["sampling", "text", "provider", "relay"]),
    st.integers(0, 4),
)
def test_a_sample_takes_the_first_rung_of_its_ladder_that_there_is(  # noqa: PLR0917
    features: frozenset[str],
    inline: bool,  # noqa: FBT001 - all are drawn
    tools: bool,  # noqa: FBT001
    provider: bool,  # noqa: FBT001
    relay: bool,  # noqa: FBT001
    order: list[Any],
    length: int,
) -> None:
    there = {
        "sampling": ("sampling.tools" if tools else "sampling") in features,
        "text": "sampling" in features,
        "provider": provider,
        "relay": relay,
    }
    ladders = Ladders(model=tuple(order[:length]))
    means = Means(provider=Own() if provider else None, relay=relay)
    found = Ladder(Line(features, inline), ladders, means).rung(sample(**(TOOLS if tools else {})))
    wanted = next((each for each in order[:length] if there[each]), None)
    assert name(found) == wanted
    if isinstance(found, Rung):
        by_client = "ask" if inline else "park"
        modes = {"provider": "ask", "relay": "park"}
        assert found.mode == modes.get(found.name, by_client)
    else:
        assert found.type == "CapabilityError"
        assert found.data is not None
        assert found.data["rungs"] == order[:length]


@given(
    st.frozensets(st.sampled_from(FEATURES)),
    st.booleans(),
    st.sampled_from([None, (False, False), (True, False), (False, True), (True, True)]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.permutations([*BY_A_PERSON, "relay"]),
)
def test_a_person_is_asked_on_the_first_rung_of_the_ladder_that_there_is(  # noqa: PLR0917
    features: frozenset[str],
    inline: bool,  # noqa: FBT001 - all are drawn
    pages: tuple[bool, bool] | None,
    card: bool,  # noqa: FBT001
    relay: bool,  # noqa: FBT001
    approval: bool,  # noqa: FBT001
    order: list[Any],
) -> None:
    for_client, here = pages or (False, False)
    there = {
        "form": "elicitation.form" in features,
        "url": for_client and "elicitation.url" in features,
        "card": card and pages is not None,
        "page": here,
        "relay": relay and not approval,
    }
    means = Means(pages=Web(*pages) if pages else None, card=card, relay=relay)
    ladder = Ladder(Line(features, inline), Ladders(person=tuple(order)), means)
    question = form(Asking(approval=approval))
    found = ladder.rung(question)
    assert name(found) == next((each for each in order if there[each]), None)
    by_client = "ask" if inline else "park"
    modes = {"form": by_client, "url": "hold" if inline else "park", "page": "hold"}
    if isinstance(found, Rung):
        assert found.mode == modes.get(found.name, "park")
    assert ladder.allows(question, "relay") is not approval


def test_an_agent_and_a_question_have_ladders_of_their_own() -> None:
    everything = Means(Own(), Web(), card=True, relay=True)
    there = line(*FEATURES)
    asking = Asking(rungs=("relay",))
    assert (
        name(Ladder(there, Ladders(model=("provider",)), everything).rung(sample())) == "provider"
    )
    assert name(Ladder(there, Ladders(), everything).rung(sample(asking))) == "relay"
    assert name(Ladder(there, Ladders(), everything).rung(form(asking))) == "relay"
    only_cards = Ladders(approval=("card",))
    assert name(Ladder(there, only_cards, everything).rung(form(APPROVAL))) == "card"
    assert name(Ladder(there, only_cards, everything).rung(form())) == "form"


def test_a_model_never_approves() -> None:
    relay = Means(relay=True)
    asking = Asking(rungs=("relay", "page"), approval=True)
    found = Ladder(line(), Ladders(), relay).rung(form(asking))
    assert isinstance(found, Failure)
    by_model = Ladder(line(*FEATURES), Ladders(), Means(by_model=True)).rung(form(APPROVAL))
    assert isinstance(by_model, Failure)
    assert "a model cannot approve for a person" in by_model.message


@pytest.mark.parametrize(
    ("question", "hints"),
    [(sample(), "INVERTED_PROVIDER"), (form(), "Use a host with forms or MCP Apps")],
)
def test_a_question_that_nobody_can_be_asked_says_what_to_enable(
    question: Question, hints: str
) -> None:
    found = Ladder(line()).rung(question)
    assert isinstance(found, Failure)
    assert "it did not declare the capability" in found.message
    assert "No other way is open" in found.message
    assert hints in found.message
    none = Ladder(line(*FEATURES)).rung(question._replace(asking=Asking(rungs=("relay",))))
    assert isinstance(none, Failure)
    assert none.message.startswith("No other way is open (relay).")


def test_roots_and_addresses_of_the_author_are_for_the_client_alone() -> None:
    everything = Means(Own(), Web(), card=True, relay=True)
    for question, feature in ((ROOTS, "roots"), (PAGE, "elicitation.url")):
        assert Ladder(line(feature), None, everything).rung(question) == Rung("client", "ask")
        later = Ladder(line(feature, inline=False), None, everything)
        assert later.rung(question) == Rung("client", "park")
        refused = Ladder(line(), None, everything).rung(question)
        assert isinstance(refused, Failure)
        assert refused.data == {"capability": feature, "revision": "2025-11-25"}


def test_a_leg_is_patient_only_where_the_host_can_call_again() -> None:
    assert Ladder(line(), Ladders(hold=7.0), Means(relay=True)).patience == 7.0
    assert Ladder(line(), Ladders(hold=7.0)).patience is None


# -- asking ---------------------------------------------------------------------------------


async def asked(ladder: Ladder, question: Question) -> Answer | Rung | None:
    rung = ladder.rung(question)
    assert isinstance(rung, Rung)
    return await ladder.ask(question, rung)


async def test_an_answer_as_the_protocol_has_it_is_kept_as_it_is() -> None:
    there = line(*FEATURES)
    assert await asked(Ladder(there), sample(**TOOLS)) == Answer(SAID)
    assert there.asked == [sample(**TOOLS).params]
    there.answer = Answer(YES)
    assert await asked(Ladder(there), form()) == Answer(YES)


async def test_an_answer_of_another_rung_says_which() -> None:
    assert await asked(Ladder(line("sampling")), sample(**TOOLS)) == Answer({**SAID, "via": "text"})
    own = Ladder(line(), None, Means(provider=Own()))
    assert await asked(own, sample()) == Answer({**SAID, "via": "provider"})
    by_model = Ladder(line(*FEATURES), None, Means(by_model=True))
    assert await asked(by_model, sample()) == Answer({**SAID, "via": "relay"})


async def test_tools_are_written_for_a_model_that_has_none_and_its_calls_are_read() -> None:
    call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
    there = line("sampling", answer=Answer({**SAID, "content": {"type": "text", "text": call}}))
    answer = await asked(Ladder(there), sample(**TOOLS))
    assert isinstance(answer, Answer)
    value: Any = answer.value
    assert [each["name"] for each in value["content"] if each["type"] == "tool_use"] == ["add"]
    assert "tools" not in there.asked[0]
    assert '"name":"add"' in there.asked[0]["systemPrompt"]


LIST: dict[str, Any] = {
    "role": "user",
    "content": [{"type": "text", "text": each} for each in ("a", "b")],
}
SINGLES: list[dict[str, Any]] = [{"role": "user", "content": each} for each in LIST["content"]]


@pytest.mark.parametrize("tools", [{}, TOOLS])
async def test_a_client_without_tools_is_sent_one_block_in_a_message(tools: dict[str, Any]) -> None:
    """VS Code drops a message whose content is a list."""
    there = line("sampling")
    await asked(Ladder(there), sample(messages=[HELLO, LIST], **tools))
    assert there.asked[0]["messages"] == [HELLO, *SINGLES]
    later = Ladder(line("sampling", inline=False)).outgoing(sample(messages=[LIST], **tools))
    assert later is not None
    assert later.params["messages"] == SINGLES


async def test_a_client_with_tools_is_sent_a_conversation_as_it_is() -> None:
    there = line(*FEATURES)
    await asked(Ladder(there), sample(messages=[LIST]))
    assert there.asked[0]["messages"] == [LIST]


@pytest.mark.parametrize(
    ("code", "policy", "kind", "goes_on"),
    [
        (METHOD_NOT_FOUND, "raise", "sample", True),
        (INVALID_REQUEST, "raise", "sample", True),
        (METHOD_NOT_FOUND, "raise", "form", True),
        (INTERNAL_ERROR, "raise", "sample", False),
        (None, "raise", "sample", False),
        (INTERNAL_ERROR, "next", "sample", True),
        (INTERNAL_ERROR, "next", "form", False),
    ],
)
async def test_what_follows_a_failure(
    code: int | None, policy: Any, kind: str, *, goes_on: bool
) -> None:
    there = line(*FEATURES, answer=failed(code))
    question = sample() if kind == "sample" else form()
    ladders = Ladders(model=("sampling", "relay"), person=("form", "page"), on_refusal=policy)
    answer = await asked(Ladder(there, ladders, Means(pages=Web(), relay=True)), question)
    following = Rung("relay", "park") if kind == "sample" else Rung("page", "hold")
    assert answer == (following if goes_on else failed(code))


async def test_a_question_says_for_itself_what_follows_a_refusal() -> None:
    there = line(*FEATURES, answer=failed(INTERNAL_ERROR))
    both = Ladders(model=("sampling", "relay"))
    asking = Asking(on_refusal="next")
    assert await asked(Ladder(there, both, Means(relay=True)), sample(asking)) == Rung(
        "relay", "park"
    )


async def test_a_failure_of_a_model_without_tools_is_the_answer() -> None:
    there = line("sampling", answer=failed(None))
    assert await asked(Ladder(there), sample(**TOOLS)) == failed(None)


async def test_a_failure_on_the_last_rung_is_the_answer() -> None:
    own = Means(provider=Own(failed(None)))
    ladder = Ladder(line(), Ladders(on_refusal="next"), own)
    assert await asked(ladder, sample()) == failed(None)


async def test_a_no_is_an_answer() -> None:
    there = line(*FEATURES, answer=Answer(NO))
    assert await asked(Ladder(there, None, Means(pages=Web())), form()) == Answer(NO)


@pytest.mark.parametrize(
    ("features", "here", "following"),
    [
        (("elicitation.form",), True, Rung("page", "hold")),
        (("elicitation.form", "elicitation.url"), True, Rung("url", "hold")),
        (("elicitation.url",), True, Rung("page", "hold")),
        (("elicitation.form",), False, None),
    ],
)
async def test_a_no_that_may_come_from_a_setting_is_asked_of_somebody_who_can_say_it(
    features: tuple[str, ...], *, here: bool, following: Rung | None
) -> None:
    """As Codex declines forms and addresses by itself."""
    there = line(*features, answer=Answer(NO))
    means = Means(pages=Web(for_client=here, here=here), declines=True)
    answer = await asked(Ladder(there, None, means), form())
    assert answer == (following or Answer(NO))


async def test_a_yes_of_such_a_client_is_taken() -> None:
    there = line("elicitation.form", answer=Answer(YES))
    means = Means(pages=Web(), declines=True)
    assert await asked(Ladder(there, None, means), form()) == Answer(YES)


async def test_a_page_is_opened_and_waited_for() -> None:
    web = Web()
    assert await asked(Ladder(line(), None, Means(pages=web)), form()) is None
    assert web.opened == ["1"]


async def test_a_client_opens_an_address_once() -> None:
    web, there = Web(), line("elicitation.url", answer=Answer({"action": "accept"}))
    ladder = Ladder(there, None, Means(pages=web))
    assert await asked(ladder, form()) is None
    assert await asked(ladder, form()) is None
    url = {"mode": "url", "message": "Ship it?", "url": "http://127.0.0.1/1"}
    assert there.asked == [url]


@pytest.mark.parametrize("answer", [Answer(NO), failed(INTERNAL_ERROR)])
async def test_a_person_who_does_not_open_the_address_has_answered(answer: Answer) -> None:
    there = line("elicitation.url", answer=answer)
    got = await asked(Ladder(there, None, Means(pages=Web(here=False))), form())
    wanted = answer if answer.failure else Answer({**NO, "via": "url"})
    assert got == wanted


async def test_a_card_is_waited_for_once_it_is_drawn() -> None:
    web = Web()
    ladder = Ladder(line(), None, Means(pages=web, card=True))
    assert ladder.rung(form()) == Rung("card", "park")
    web.agreed(form())
    assert ladder.rung(form()) == Rung("card", "hold")
    assert await asked(ladder, form()) is None


# -- answers of later requests --------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "means", "question", "sent"),
    [
        (("sampling",), Means(), sample(), sample().params),
        (("elicitation.form",), Means(), form(), form().params),
        (("roots",), Means(), ROOTS, ROOTS.params),
        (
            ("elicitation.url",),
            Means(pages=Web()),
            form(),
            {"mode": "url", "message": "Ship it?", "url": "http://127.0.0.1/1"},
        ),
        ((), Means(relay=True), sample(), None),
        ((), Means(provider=Own()), sample(), None),
        ((), Means(pages=Web(), card=True), form(), None),
        ((), Means(), form(), None),
    ],
    ids=["sampling", "form", "roots", "url", "relay", "provider", "card", "nobody"],
)
def test_a_client_that_answers_later_is_sent_what_is_for_it(
    features: tuple[str, ...], means: Means, question: Question, sent: dict[str, Any] | None
) -> None:
    found = Ladder(line(*features, inline=False), None, means).outgoing(question)
    assert (None if found is None else found.params) == sent


def test_an_answer_that_comes_later_is_read_on_its_rung() -> None:
    assert Ladder(line(*FEATURES, inline=False)).read(sample(), SAID) == Answer(SAID)
    text = Ladder(line("sampling", inline=False)).read(sample(**TOOLS), SAID)
    assert text is not None
    assert cast("dict[str, Any]", text.value)["via"] == "text"
    assert Ladder(line(*FEATURES, inline=False)).read(form(), "failed") == failed(None)
    text_failed = Ladder(line("sampling", inline=False)).read(sample(**TOOLS), "failed")
    assert text_failed == failed(None)


def test_a_client_that_opened_an_address_has_not_answered_yet() -> None:
    web = Web()
    ladder = Ladder(line("elicitation.url", inline=False), None, Means(pages=web))
    assert ladder.read(form(), {"action": "accept"}) is None
    assert ladder.rung(form()) == Rung("url", "hold")
    assert ladder.read(form(), NO) == Answer({**NO, "via": "url"})


@pytest.mark.parametrize("means", [Means(relay=True), Means(provider=Own()), Means()])
def test_what_the_client_was_not_asked_it_does_not_answer(means: Means) -> None:
    assert Ladder(line(inline=False), None, means).read(sample(), SAID) is None


@pytest.mark.parametrize(("via", "approval"), list(product(("card", "page", "relay"), (0, 1))))
def test_an_answer_from_elsewhere_counts_where_the_ladder_has_its_rung(
    via: str, approval: int
) -> None:
    ladder = Ladder(line(), Ladders(person=("card", "page", "relay")))
    question = form(Asking(approval=bool(approval)))
    if via == "relay" and approval:
        with pytest.raises(AnswerError, match="is not answered by relay: only a person"):
            ladder.read(question, YES, via)
    else:
        assert ladder.read(question, YES, via) == Answer({**YES, "via": via})


def test_an_answer_from_elsewhere_is_checked_too() -> None:
    with pytest.raises(AnswerError, match="no valid sampling/createMessage result"):
        Ladder(line()).read(sample(), {"action": "accept"}, "relay")


# -- the rest -------------------------------------------------------------------------------


async def test_notices_go_to_the_client() -> None:
    there = line()
    await Ladder(there).notify({"type": "log"})
    assert there.notices == [{"type": "log"}]


def test_a_model_of_the_server_has_tools_whatever_the_client_declared() -> None:
    own = Means(provider=Own())
    assert Ladder(line("roots"), None, own).describe() == ["roots", "sampling.tools"]
    assert Ladder(line("sampling"), None, own).describe() == ["sampling"]
    assert Ladder(line(*FEATURES), None, own).describe() == sorted(FEATURES)
    assert Ladder(line()).describe() == []
    only_own = Ladders(model=("provider",))
    assert Ladder(line("sampling.tools"), only_own, own).describe() == ["sampling.tools"]
