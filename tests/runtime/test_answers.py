"""Answers from outside: whatever order, number and shape they come in, the run is the same."""

import itertools

import pytest

from inverted import Run
from inverted.errors import AnswerError
from inverted.runtime import Runtime
from inverted.stores import Store

from .fakes import Inline, Rounds, agent, ask, journal, parked, record_of, result


async def three(run: Run) -> list[str]:
    return await run.gather(*(ask(name) for name in "abc"))


async def two_in_a_row(run: Run) -> list[str]:
    return [await ask("a"), await ask("b")]


A, B, C = "1.0.1", "1.1.1", "1.2.1"
ANSWERS = {A: "a", B: "b", C: "c"}


@pytest.mark.parametrize("order", [*itertools.permutations([A, B, C])])
async def test_answers_are_delivered_in_the_order_of_the_questions(
    store: Store, order: list[str]
) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(three), {}, Rounds())).run_id
    answers = {id: ANSWERS[id] for id in order}
    outcome = await runtime.resume(agent(three), run_id, answers, Rounds())

    assert result(outcome) == ["a", "b", "c"]
    answered = [word for word in await journal(store, run_id) if word.startswith("answered")]
    assert answered == [f"answered {A}", f"answered {B}", f"answered {C}"]


async def test_an_answer_to_some_of_the_questions_leaves_the_others_open(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(three), {}, Rounds())).run_id

    assert parked(await runtime.resume(agent(three), run_id, {B: "b"}, Rounds())) == [A, C]
    assert parked(await runtime.resume(agent(three), run_id, {A: "a"}, Rounds())) == [C]
    assert result(await runtime.resume(agent(three), run_id, {C: "c"}, Rounds())) == list("abc")


async def test_the_same_answer_twice_counts_once(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(two_in_a_row), {}, Rounds())).run_id
    first = await runtime.resume(agent(two_in_a_row), run_id, {"1": "first"}, Rounds())
    lines = await journal(store, run_id)
    again = await runtime.resume(agent(two_in_a_row), run_id, {"1": "other"}, Rounds())

    assert parked(first) == parked(again) == ["2"]
    assert await journal(store, run_id) == lines
    last = await runtime.resume(agent(two_in_a_row), run_id, {"2": "b"}, Rounds())
    assert result(last) == ["first", "b"]


async def test_an_answer_ahead_of_its_question_is_ignored(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(two_in_a_row), {}, Rounds())).run_id
    outcome = await runtime.resume(agent(two_in_a_row), run_id, {"1": "a", "2": "early"}, Rounds())
    assert parked(outcome) == ["2"]


async def test_answers_to_unknown_questions_are_ignored(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(three), {}, Rounds())).run_id
    before = await record_of(store, run_id)
    outcome = await runtime.resume(agent(three), run_id, {"7": "x", "": "y"}, Rounds())

    assert parked(outcome) == [A, B, C]
    assert await record_of(store, run_id) == before


async def test_an_answer_after_the_end_gets_the_result_again(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(three), {}, Rounds())).run_id
    outcome = await runtime.resume(agent(three), run_id, ANSWERS, Rounds())
    before = await record_of(store, run_id)
    late = await runtime.resume(agent(three), run_id, {A: "late"}, Rounds())

    assert late == outcome
    assert await record_of(store, run_id) == before


async def test_a_broken_answer_is_refused_and_nothing_of_its_request_is_recorded(
    store: Store,
) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(three), {}, Rounds())).run_id
    before = await record_of(store, run_id)
    with pytest.raises(AnswerError, match=B):
        await runtime.resume(agent(three), run_id, {A: "a", B: "broken"}, Rounds())

    assert await record_of(store, run_id) == before
    assert parked(await runtime.resume(agent(three), run_id, {}, Rounds())) == [A, B, C]
    outcome = await runtime.resume(agent(three), run_id, ANSWERS, Rounds())
    assert result(outcome) == ["a", "b", "c"]


async def test_a_client_cannot_answer_for_a_step_or_a_timer(store: Store) -> None:
    ran: list[str] = []

    async def body(run: Run) -> list[object]:
        return await run.gather(run.sleep(3600), run.step(ran.append, "step"), ask("a"))

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    forged = {"1.0.1": "timer", "1.1.1": "step"}
    assert parked(await runtime.resume(agent(body), run_id, forged, Rounds())) == ["1.2.1"]
    assert ran == ["step"]
    assert "answered 1.0.1" not in await journal(store, run_id)


async def test_a_parked_run_may_be_continued_by_a_client_that_answers_at_once(
    store: Store,
) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(three), {}, Rounds())).run_id
    client = Inline()
    outcome = await runtime.resume(agent(three), run_id, {B: "given"}, client)

    assert result(outcome) == ["a", "given", "c"]
    assert client.asked == [A, C]


async def test_an_answer_that_is_not_json_is_an_error_in_the_body(store: Store) -> None:
    async def body(run: Run) -> str:
        try:
            return await ask("a")
        except Exception as error:  # noqa: BLE001 - its type and text are what is tested
            return f"{type(error).__name__}: {error}"

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    outcome = await runtime.resume(agent(body), run_id, {"1": float("nan")}, Rounds())
    assert result(outcome).startswith("AgentError: This cannot be journaled because it is not JSON")
    assert await journal(store, run_id) == ["started", "asked 1", "failed 1", "completed"]
