from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from inverted import AgentServer, ClientError, MemoryStore, NoWinner, Run
from inverted.patterns import Elected, ask, longer_than, vote
from inverted.testing import CrashingStore, ScriptedHost, Way, final
from tests.patterns.everywhere import ERAS, asked, echo, everywhere, once
from tests.run.fakes import Host, play


class Move(BaseModel):
    disk: int
    peg: str


async def move(run: Run) -> Move:
    return (await run.sample("Next move?", result_type=Move, attempts=1)).result


async def test_if_all_agree_the_first_k_draws_decide_in_one_round() -> None:
    async def body(run: Run) -> list[object]:
        done = await vote(run, "Next?")
        return [done.answer, dict(done.votes), done.draws, done.discarded]

    outcome = await everywhere(body, lambda params: "left")
    assert outcome.result == ["left", {"left": 3}, 3, 0]
    assert (outcome.rounds, len(outcome.questions)) == (1, 3)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("hot", [True, False])
async def test_votes_go_on_until_one_leads_by_k(era: Any, hot: bool) -> None:  # noqa: FBT001
    async def body(run: Run) -> list[object]:
        done = await vote(run, "Next?", k=2)
        return [done.answer, dict(done.votes), done.draws]

    server = AgentServer("votes", store=MemoryStore())
    server.agent(name="body")(body)
    model = ["left", "right", "right", "left", "left", "left"]
    outcome = await Way(era, "memory", hot).run(server, "body", model=model)
    assert outcome.result == ["left", {"left": 4, "right": 2}, 6]


async def test_a_crash_loses_no_vote() -> None:
    async def body(run: Run) -> list[object]:
        done = await vote(run, "Next?", k=2)
        return [done.answer, dict(done.votes)]

    def serve(store: Any) -> AgentServer:
        server = AgentServer("votes", store=store, keys=["k" * 32])
        server.agent(name="body")(body)
        return server

    for line in range(1, 12):
        store = CrashingStore(MemoryStore(), after=line)
        host = ScriptedHost(model=in_order(["left", "right", *["left"] * 20]))
        outcome = await host.run(
            serve(store), "body", run_key="one", restart=lambda store=store: serve(store.restart())
        )
        assert outcome.result[0] == "left"
        assert outcome.result[1]["left"] - outcome.result[1].get("right", 0) == 2


def in_order(answers: list[str]) -> Callable[[dict[str, Any]], str]:
    rest = iter(answers)

    def model(params: dict[str, Any]) -> str:
        return next(rest)

    return model


async def test_flagged_answers_are_thrown_away_and_drawn_again() -> None:
    async def body(run: Run) -> Elected[str]:
        return await vote(run, "Next?", k=2, red_flags=[longer_than(5), str.isupper])

    done = await play(body, Host("a long story", "left", "LEFT", "left"))
    assert (done.answer, done.votes, done.draws, done.discarded) == ("left", {"left": 2}, 4, 2)


async def test_malformed_answers_are_thrown_away_and_equal_objects_are_the_same() -> None:
    async def body(run: Run) -> Elected[Move]:
        return await vote(run, move, k=2, red_flags=[longer_than(100)])

    good, bad = final(Move(disk=1, peg="b")), final({"disk": "one"})
    done = await play(body, Host(bad, good, good))
    assert done == Elected(Move(disk=1, peg="b"), {'{"disk": 1, "peg": "b"}': 2}, 3, 1)


async def test_the_order_of_fields_and_space_around_a_text_make_no_other_answer() -> None:
    async def loose(run: Run) -> dict[str, int]:
        return await ask(run, "Next?", dict[str, int])

    async def body(run: Run) -> list[object]:
        return [(await vote(run, loose, k=2)).draws, (await vote(run, "Next?", k=2)).answer]

    turns = [final({"a": 1, "b": 2}), final({"b": 2, "a": 1})]
    assert await play(body, Host(*turns, " left", "left")) == [2, " left"]


async def test_the_author_says_what_is_the_same() -> None:
    async def body(run: Run) -> Elected[str]:
        return await vote(run, "Next?", k=2, key=str.lower)

    assert (await play(body, Host("Left", "left"))).answer == "Left"


async def test_a_vote_without_a_winner_ends_with_a_typed_error() -> None:
    async def body(run: Run) -> list[object]:
        try:
            await vote(run, "Next?", k=2, most=5, red_flags=[longer_than(5)])
        except NoWinner as error:
            return [error.data, str(error)]
        raise AssertionError

    data, message = await play(body, Host("left", "right", "left", "right", "a long story"))
    assert data == {"votes": {"left": 2, "right": 2}, "draws": 5, "discarded": 1}
    assert "ahead by 2 after 5 draws, of which 1 were thrown away" in message


async def test_a_model_that_only_gives_flagged_answers_ends_with_that_error_everywhere() -> None:
    async def body(run: Run) -> str:
        return (await vote(run, "Next?", most=7, red_flags=[longer_than(2)])).answer

    outcome = await everywhere(body, echo)
    assert outcome.is_error
    assert "No answer was ahead by 3 after 7 draws" in outcome.result
    assert len(outcome.questions) == 7


async def test_other_failures_are_raised() -> None:
    async def body(run: Run) -> str:
        with pytest.raises(ClientError):
            await vote(run, "Next?")
        return "raised"

    host = ScriptedHost(model=lambda params: RuntimeError("no"), era="2025-11-25")
    server = AgentServer("votes", store=MemoryStore())
    server.agent(name="body")(body)
    assert (await host.run(server, "body")).result == "raised"


async def test_wrong_bounds_are_refused_before_anything_is_asked() -> None:
    async def body(run: Run) -> str:
        with pytest.raises(ValueError, match="k must be at least 1, not 0"):
            await vote(run, "Next?", k=0)
        with pytest.raises(ValueError, match="most must be at least 3, not 2"):
            await vote(run, "Next?", most=2)
        return "refused"

    outcome = await once(body, echo)
    assert (outcome.result, asked(outcome)) == ("refused", [])


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.lists(st.sampled_from("abc!"), min_size=40, max_size=40))
async def test_the_winner_is_that_of_drawing_one_by_one_with_as_many_draws(
    k: int, answers: list[str]
) -> None:
    async def body(run: Run) -> object:
        try:
            return await vote(run, "Next?", k=k, most=40, red_flags=["!".__eq__])
        except NoWinner as error:
            return error.data

    done = await play(body, Host(*answers))
    votes: Counter[str] = Counter()
    for draws, answer in enumerate(answers, 1):
        votes[answer] += answer != "!"
        first, second = [*sorted((+votes).values(), reverse=True), 0, 0][:2]
        if first - second >= k:
            winner = votes.most_common(1)[0][0]
            assert done == Elected(winner, dict(+votes), draws, draws - votes.total())
            return
    assert done == {"votes": dict(+votes), "draws": 40, "discarded": 40 - votes.total()}
