"""Rounds of 2026-07-28: the client answers what a result asks for, and calls again."""

from __future__ import annotations

import json
from typing import Final

from inverted_conformance.client_mode.asks import accept, form, sample, say, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.exchange import Exchange
from inverted_conformance.client_mode.judging import judged
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.stage import MOMENT, NotOffered, Over, Stage
from inverted_conformance.scenario import Wire
from inverted_conformance.wire.transcript import Message

MODERN: Final[tuple[Wire, ...]] = ("2026-07-28",)
NAME: Final[Message] = {"name": {"type": "string"}}
ASKED: Final = 12
"""Questions in the round of many."""

STATES: Final = {
    "json": json.dumps({"b": 1, "a": [1.0, "é"]}, separators=(", ", ":")),
    "spaces": "  leading, trailing and\nnew\tlines  ",
    "escapes": '\\"\u2028%7B\u0000\U0001f600',
    "base64": "eyJhIjogMX0=====",
    "empty": "",
    "long": "x" * 20_000,
}


def question(stage: Stage, said: str = "Ada") -> Message:
    """A question that this client can answer, whichever it offers.

    Args:
        stage: The scenario.
        said: What the answer is.

    Raises:
        NotOffered: It can answer none.
    """
    if stage.declares("elicitation.form"):
        return form(accept(name=said), NAME)
    if stage.declares("sampling"):
        return sample(say(said))
    raise NotOffered("The client declares neither elicitation.form nor sampling.")


def expected(request: Message, answer: Message, said: str = "Ada") -> bool:
    """Whether an answer is the one that a `question` asked for.

    Args:
        request: The question.
        answer: What the client gave under its key.
        said: What the answer is.
    """
    if request["method"] == "elicitation/create":
        return answer.get("action") == "accept" and answer.get("content") == {"name": said}
    return mapping(answer.get("content")).get("text") == said


async def retried(stage: Stage, call: Call, result: Message) -> Exchange:
    """One round, which a client that has rounds at all answers.

    Args:
        stage: The scenario.
        call: The call.
        result: What asks.

    Raises:
        Over: There was no retry.
    """
    stage.blame = ("rounds.supported",)
    retry = await call.round(result)
    if retry is None:
        raise Over(f"The client was asked for input and did not retry {call.name}.")
    stage.blame = ()
    return retry


@CLIENT.scenario(
    "rounds",
    checks=(
        "rounds.supported",
        "rounds.answers-first",
        "rounds.state-echoed",
        "rounds.new-id",
        "rounds.meta",
    ),
    wires=MODERN,
)
async def one_round(stage: Stage) -> None:
    """One question with a state: the retry has the answer, the state, and an id of its own."""
    await stage.open(tool("ask"))
    asked = question(stage)
    call = await stage.called("ask")
    first = call.exchange
    retry = await retried(stage, call, {"inputRequests": {"who": asked}, "requestState": "s-1"})
    stage.met("rounds.supported", "The client called again.")
    answers = mapping(retry.params.get("inputResponses"))
    stage.check(
        "rounds.answers-first",
        set(answers) == {"who"} and expected(asked, mapping(answers.get("who"))),
        f"Asked for 'who', the retry brought {answers}.",
        "the answer of the directive under that key",
    )
    state = retry.params.get("requestState")
    stage.check(
        "rounds.state-echoed", state == "s-1", f"The state came back as {state!r}.", "'s-1'"
    )
    stage.check(
        "rounds.new-id",
        retry.id != first.id,
        f"The call had the id {first.id!r}, its retry {retry.id!r}.",
        "another id",
    )
    wrong = judged(retry, stage.wire)
    stage.check("rounds.meta", not wrong, f"The retry's _meta: {wrong or 'complete'}.", "complete")
    same = {k: retry.params.get(k) for k in ("name", "arguments")}
    if same != {k: first.params.get(k) for k in ("name", "arguments")}:
        stage.fault(f"The retry calls {same}, which is not what it repeats.")
    call.finish()


@CLIENT.scenario("rounds", checks=("rounds.answers-first",), wires=MODERN, seconds=20)
async def many_questions(stage: Stage) -> None:
    """A round with twelve questions is answered whole, each under its key."""
    await stage.open(tool("ask"))
    keys = [f"key {number}/é" for number in range(ASKED)]
    asked = {key: question(stage, f"answer to {key}") for key in keys}
    call = await stage.called("ask")
    retry = await retried(stage, call, {"inputRequests": asked, "requestState": "many"})
    answers = mapping(retry.params.get("inputResponses"))
    wrong = [k for k in keys if not expected(asked[k], mapping(answers.get(k)), f"answer to {k}")]
    more = sorted(set(answers) - set(keys))
    stage.check(
        "rounds.answers-first",
        not wrong and not more,
        f"Of {ASKED} questions {len(wrong)} had not their answer in the retry; unasked: {more}.",
        "every answer, each under the key of its question",
    )
    call.finish()


@CLIENT.scenario("rounds", checks=("rounds.answers-first",), wires=MODERN)
async def slow_answer(stage: Stage) -> None:
    """A client that has to think about one of two answers does not retry before it has both."""
    await stage.open(tool("ask"))
    stage.needs("elicitation.form")
    quick, slow = form(accept(name="Ada"), NAME), form({**accept(name="Bob"), "think": 0.6}, NAME)
    call = await stage.called("ask")
    retry = await retried(stage, call, {"inputRequests": {"quick": quick, "slow": slow}})
    answers = mapping(retry.params.get("inputResponses"))
    stage.check(
        "rounds.answers-first",
        set(answers) == {"quick", "slow"},
        f"The retry brought answers to {sorted(answers)}.",
        "both in one retry",
    )
    call.finish()


@CLIENT.scenario(
    "rounds", checks=("rounds.state-echoed", "rounds.state-opaque"), wires=MODERN, seconds=25
)
async def odd_states(stage: Stage) -> None:
    """States that invite to be read, mended or thrown away come back as they were."""
    await stage.open(*(tool(f"state_{name}") for name in STATES))
    for name, state in STATES.items():
        call = await stage.called(f"state_{name}")
        asked = {"inputRequests": {"who": question(stage)}, "requestState": state}
        retry = await retried(stage, call, asked)
        back = retry.params.get("requestState")
        same = back == state
        seen = f"The {name} state came back {'unchanged' if same else f'as {str(back)[:100]!r}'}."
        stage.check("rounds.state-echoed", same, seen, repr(state[:100]))
        stage.check("rounds.state-opaque", same, seen, "the same whatever the state looks like")
        call.finish()


@CLIENT.scenario("rounds", checks=("rounds.no-invented-state",), wires=MODERN)
async def no_state(stage: Stage) -> None:
    """Without a state the retry has none, not even that of the round before."""
    await stage.open(tool("never"), tool("once"))
    asked = {"inputRequests": {"who": question(stage)}}
    call = await stage.called("never")
    retry = await retried(stage, call, asked)
    _stateless(stage, retry, "no round had")
    call.finish()
    call = await stage.called("once")
    retry = await retried(stage, call, {**asked, "requestState": "first"})
    retry = await retried(stage, call, asked)
    _stateless(stage, retry, "only the round before had")
    call.finish()


def _stateless(stage: Stage, retry: Exchange, who: str) -> None:
    has = "requestState" in retry.params
    state = retry.params.get("requestState")
    stage.check(
        "rounds.no-invented-state",
        not has,
        f"The retry has {f'the state {state!r}' if has else 'no state'}, which {who}.",
        "none",
    )


@CLIENT.scenario("rounds", checks=("rounds.state-echoed", "rounds.new-id"), wires=MODERN)
async def several_rounds(stage: Stage) -> None:
    """Five rounds, each with another question and another state."""
    await stage.open(tool("ask"))
    call = await stage.called("ask")
    for number in range(5):
        state = f"round {number}"
        asked = {f"q{number}": question(stage, f"answer {number}")}
        retry = await retried(stage, call, {"inputRequests": asked, "requestState": state})
        back, keys = (
            retry.params.get("requestState"),
            sorted(mapping(retry.params.get("inputResponses"))),
        )
        stage.check(
            "rounds.state-echoed", back == state, f"The state came back as {back!r}.", state
        )
        if f"q{number}" not in keys:
            stage.fault(f"Round {number} asked for q{number}; the retry brought {keys}.")
    ids = [each.id for each in [*call.earlier, call.exchange]]
    unique = len({json.dumps(id) for id in ids}) == len(ids)
    stage.check("rounds.new-id", unique, f"The call and its retries had the ids {ids}.", "unique")
    call.finish()


@CLIENT.scenario("rounds", checks=("rounds.state-echoed",), wires=MODERN)
async def state_only(stage: Stage) -> None:
    """A round that asks nothing and only gives a state; a client may retry it."""
    await stage.open(tool("ask"))
    call = await stage.called("ask")
    retry = await call.round({"requestState": "just wait"})
    if retry is None:
        raise NotOffered("The client does not retry a round without questions; it need not.")
    back = retry.params.get("requestState")
    stage.check("rounds.state-echoed", back == "just wait", f"The state came back as {back!r}.")
    if mapping(retry.params.get("inputResponses")):
        stage.fault("A round without questions was answered with answers.")
    call.finish()


@CLIENT.scenario("rounds", checks=("rounds.own-request-only",), wires=MODERN)
async def beside_another_call(stage: Stage) -> None:
    """Answers and state of one call stay out of another that runs at the same time, and after."""
    await stage.open(tool("together_a"), tool("together_b"), tool("after"))
    one = await stage.called("together_a")
    asked = {"inputRequests": {"who": question(stage)}, "requestState": "state of a"}
    other = await stage.maybe(lambda: stage.take("together_b"), MOMENT)
    await retried(stage, one, asked)
    one.finish()
    two = Call(stage, other) if other is not None else await stage.called("together_b")
    _own(stage, two.exchange, "beside it")
    retry = await retried(stage, two, {"inputRequests": {"where": question(stage, "here")}})
    _own(stage, retry, "beside it", {"where"})
    two.finish()
    after = await stage.called("after")
    _own(stage, after.exchange, "after it")
    after.finish()


def _own(stage: Stage, request: Exchange, when: str, keys: set[str] | None = None) -> None:
    answers = set(mapping(request.params.get("inputResponses")))
    state = request.params.get("requestState")
    stage.check(
        "rounds.own-request-only",
        answers == (keys or set()) and state is None,
        f"The call {when} carries answers to {sorted(answers)} and the state {state!r}.",
        "nothing of the first call",
    )


@CLIENT.scenario("rounds", checks=("rounds.answers-first",), wires=MODERN, seconds=60)
async def endless_rounds(stage: Stage) -> None:
    """A server that never has enough is given up at some time: a hundred rounds are too many."""
    await stage.open(tool("ask"))
    call = await stage.called("ask")
    for number in range(100):
        asked = {"inputRequests": {"who": question(stage)}, "requestState": str(number)}
        retry = await call.round(asked)
        if retry is None:
            return
        ok = "who" in mapping(retry.params.get("inputResponses"))
        if not ok or number == 0:
            stage.check(
                "rounds.answers-first", ok, "The retry has the answer." if ok else "It has none."
            )
    stage.fault("The client went through a hundred rounds of one call without giving up.")
    call.finish()
