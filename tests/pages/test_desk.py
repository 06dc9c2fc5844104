"""The desk: tokens, their end, and answers that meet."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inverted.pages.desk import Desk, Posted
from inverted.pages.form import Shown

NO: dict[str, Any] = {"action": "decline"}


def question(id: str = "q1", run_id: str = "r1", **properties: Any) -> Shown:
    schema = {"type": "object", "properties": properties or {"name": {"type": "string"}}}
    return Shown(run_id, id, "shop", "order", "What name?", schema)


class Engine:
    """Takes answers, as it is told, and keeps them."""

    def __init__(self, *becomes: Posted | Exception) -> None:
        self._becomes = list(becomes)
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.reached = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, asked: Shown, result: dict[str, Any]) -> Posted:
        self.reached.set()
        await self.go.wait()
        becomes = self._becomes.pop(0) if self._becomes else "recorded"
        if isinstance(becomes, Exception):
            raise becomes
        self.taken.append((asked.id, result))
        return becomes


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_token_opens_its_question_and_looking_changes_nothing() -> None:
    engine = Engine()
    desk = Desk(engine)
    first, second = desk.put(question("q1")), desk.put(question("q2"))
    assert len(first) == 43  # 256 bits in base64
    for _ in range(3):
        assert desk.look(first) == ("waiting", question("q1"))
    assert await desk.answer(second, NO) == "recorded"
    assert engine.taken == [("q2", NO)]
    assert desk.look(first)[0] == "waiting"


async def test_a_token_answers_once() -> None:
    engine = Engine()
    desk = Desk(engine)
    token = desk.put(question())
    assert await desk.answer(token, NO) == "recorded"
    assert await desk.answer(token, {"action": "cancel"}) == "answered"
    assert desk.look(token) == ("answered", None)
    assert engine.taken == [("q1", NO)]


async def test_of_two_answers_at_the_same_time_one_wins() -> None:
    engine = Engine()
    engine.go.clear()
    desk = Desk(engine)
    token = desk.put(question())
    answers = [asyncio.create_task(desk.answer(token, NO)) for _ in range(2)]
    await engine.reached.wait()
    engine.go.set()
    assert sorted(await asyncio.gather(*answers)) == ["answered", "recorded"]
    assert len(engine.taken) == 1


async def test_an_answer_that_could_not_be_recorded_may_be_tried_again() -> None:
    engine = Engine(OSError("disk full"))
    desk = Desk(engine)
    token = desk.put(question())
    with pytest.raises(OSError, match="disk full"):
        await desk.answer(token, NO)
    assert desk.look(token)[0] == "waiting"
    assert await desk.answer(token, NO) == "recorded"


@pytest.mark.parametrize("becomes", ["answered", "withdrawn", "ended"])
async def test_what_became_of_an_answer_is_remembered(becomes: Posted) -> None:
    desk = Desk(Engine(becomes))
    token = desk.put(question())
    assert await desk.answer(token, NO) == becomes
    assert desk.look(token) == (becomes, None)


async def test_a_token_expires_and_a_question_that_is_put_again_gets_a_new_one() -> None:
    clock = Clock()
    desk = Desk(Engine(), now=clock, lifetime=60)
    old = desk.put(question())
    clock.now += 59.9
    assert desk.look(old)[0] == "waiting"
    clock.now += 0.1
    assert desk.look(old) == ("expired", None)
    assert await desk.answer(old, NO) == "expired"
    new = desk.put(question())
    # A page that stayed open is good again, for it shows the same question.
    assert desk.look(old)[0] == desk.look(new)[0] == "waiting"
    assert await desk.answer(new, NO) == "recorded"
    assert desk.look(old)[0] == "answered"


async def test_a_question_that_is_asked_anew_after_its_end_does_not_open_the_old_pages() -> None:
    desk = Desk(Engine())
    old = desk.put(question())
    desk.withdraw(question())
    new = desk.put(question())
    assert (desk.look(old)[0], desk.look(new)[0]) == ("withdrawn", "waiting")


async def test_questions_are_withdrawn_alone_or_with_their_run() -> None:
    desk = Desk(Engine())
    tokens = [desk.put(question(id)) for id in ("q1", "q2", "q3")]
    other = desk.put(question("q1", "r2"))
    desk.withdraw(question("q1"))
    desk.withdraw(question("q2"), "answered")
    desk.withdraw(question("q9"))
    desk.end("r1")
    states = [desk.look(token)[0] for token in (*tokens, other)]
    assert states == ["withdrawn", "answered", "ended", "waiting"]
    assert await desk.answer(tokens[0], NO) == "withdrawn"


async def test_a_question_that_is_withdrawn_while_its_answer_is_recorded_is_answered() -> None:
    engine = Engine()
    engine.go.clear()
    desk = Desk(engine)
    token = desk.put(question())
    answer = asyncio.create_task(desk.answer(token, NO))
    await engine.reached.wait()
    desk.withdraw(question())
    engine.go.set()
    assert await answer == "recorded"
    assert desk.look(token)[0] == "answered"


async def test_a_desk_that_is_closed_says_so_but_knows_what_was_answered() -> None:
    desk = Desk(Engine())
    done, open_ = desk.put(question("q1")), desk.put(question("q2"))
    await desk.answer(done, NO)
    assert desk.look("nonsense")[0] == "unknown"
    desk.close()
    assert [desk.look(token)[0] for token in (done, open_, "nonsense")] == [
        "answered",
        "stopping",
        "stopping",
    ]
    assert await desk.answer(open_, NO) == await desk.answer("nonsense", NO) == "stopping"
    with pytest.raises(RuntimeError, match="the server is stopping"):
        desk.put(question("q3"))


async def test_what_is_long_over_is_forgotten() -> None:
    clock = Clock()
    desk = Desk(Engine(), now=clock, lifetime=60)
    old = desk.put(question("q1"))
    clock.now += 119
    desk.put(question("q2"))
    assert desk.look(old)[0] == "expired"
    clock.now += 1
    young = desk.put(question("q3"))
    assert desk.look(old)[0] == "unknown"
    assert desk.look(young)[0] == "waiting"


async def test_a_form_that_cannot_be_shown_does_not_wait() -> None:
    desk = Desk(Engine())
    with pytest.raises(ValueError, match="'where' cannot be shown: a form holds text"):
        desk.put(question(where={"type": "object"}))
