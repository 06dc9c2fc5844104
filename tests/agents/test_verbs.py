"""What an agent can await besides a model: steps, time, branches, checkpoints and the person."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from pydantic import BaseModel

from inverted import (
    AcceptedElicitation,
    ApprovalDenied,
    CancelledElicitation,
    DeclinedElicitation,
    Retry,
    Run,
    SQLiteStore,
    StepError,
    current_step,
)
from inverted.testing import ScriptedHost, VirtualClock, Way, accept, cancel, decline
from inverted.testing.host import Era
from tests.agents.small import error, run, serve


class Issue(BaseModel):
    number: int
    when: datetime


@dataclass
class Place:
    street: str
    number: int


# -- steps ---------------------------------------------------------------------------------------


async def test_the_value_of_a_step_comes_back_typed(way: Way) -> None:
    def make(number: int) -> Issue:
        return Issue(number=number, when=datetime(2026, 7, 28, tzinfo=UTC))

    async def locate() -> list[Place]:
        return [Place("Main", 1)]

    async def ask(run: Run) -> list[str]:
        issue = await run.step(make, 3)
        await run.sample("pause")  # the values are read from the journal after a cold resume
        places = await run.step(locate)
        await run.sample("pause")
        return [type(issue.when).__name__, str(issue.number), places[0].street]

    outcome = await way.run(serve(ask), "ask", model=lambda _: "go on")
    assert outcome.result == ["datetime", "3", "Main"]


class Flaky:
    """Fails some times, and notes the attempt and the idempotency key of each call."""

    def __init__(self, failures: int, error: Callable[[], Exception] = OSError) -> None:
        self.failures = failures
        self.error = error
        self.attempts: list[int] = []
        self.keys: set[str] = set()

    async def __call__(self) -> str:
        step = current_step()
        self.attempts.append(step.attempt)
        self.keys.add(step.idempotency_key)
        if len(self.attempts) <= self.failures:
            raise self.error()
        return "done"


async def test_a_failing_step_is_tried_again_with_backoff_and_one_idempotency_key() -> None:
    clock = VirtualClock()
    flaky = Flaky(3)

    async def ask(run: Run) -> str:
        return await run.step(flaky, retry=Retry(attempts=4, delay=1.0, factor=10.0, longest=30))

    began = clock.now()
    outcome = await ScriptedHost().run(serve(ask, clock=clock), "ask")
    assert outcome.result == "done"
    assert flaky.attempts == [1, 2, 3, 4]
    assert len(flaky.keys) == 1
    assert clock.now() - began == pytest.approx(1 + 10 + 30)


async def test_a_step_that_keeps_failing_raises_the_same_error_live_and_on_replay(
    way: Way,
) -> None:
    flaky = Flaky(9, lambda: ConnectionError("no route"))

    async def ask(run: Run) -> list[str]:
        try:
            await run.step(flaky, retry=Retry(attempts=2, delay=0))
        except StepError as error:
            caught = error
        else:
            raise AssertionError
        await run.sample("pause")
        return [caught.error_type, caught.message]

    outcome = await way.run(serve(ask), "ask", model=lambda _: "go on")
    kind, message = outcome.result
    assert kind == "ConnectionError"
    assert "no route" in message
    assert "2 attempts" in message
    assert flaky.attempts == [1, 2]


async def test_only_the_named_errors_are_worth_another_attempt() -> None:
    flaky = Flaky(1, lambda: KeyError("lost"))

    async def ask(run: Run) -> str:
        return await run.step(flaky, retry=Retry(attempts=5, on=(OSError,)))

    assert "KeyError" in error(await run(ask))
    assert flaky.attempts == [1]


async def test_a_step_that_takes_too_long_is_a_step_error() -> None:
    async def hang() -> None:
        await anyio.sleep_forever()

    async def ask(run: Run) -> str:
        try:
            await run.step(hang, timeout=0.01)
        except StepError as error:
            return error.error_type
        return "it ended"

    assert (await run(ask)).result == "TimeoutError"


@pytest.mark.parametrize(
    ("ending", "says"),
    [(SystemExit(3), "sys.exit(3)"), (asyncio.CancelledError(), "was cancelled")],
    ids=["exit", "cancelled"],
)
@pytest.mark.parametrize("in_a_thread", [True, False], ids=["thread", "task"])
async def test_a_step_that_would_end_the_server_is_a_step_error(
    ending: BaseException,
    says: str,
    in_a_thread: bool,  # noqa: FBT001 # a parameter
) -> None:
    def end() -> None:
        raise ending

    async def end_async() -> None:
        raise ending

    step = end if in_a_thread else end_async

    async def ask(run: Run) -> list[str]:
        seen: list[str] = []
        try:
            await run.step(step)
        except StepError as error:
            seen += [error.error_type, error.message]
        try:
            await run.gather(run.step(step), run.sample("aside"))
        except StepError as error:
            seen += [error.message]
        return seen

    outcome = await run(ask, model=["fine"])
    kind, alone, beside = outcome.result
    assert kind == "RuntimeError"
    assert says in alone
    assert says in beside


async def test_two_steps_have_two_idempotency_keys() -> None:
    keys: list[str] = []

    def note() -> None:
        keys.append(current_step().idempotency_key)

    async def ask(run: Run) -> str:
        await run.step(note)
        await run.gather(run.step(note), run.step(note))
        return run.id

    outcome = await run(ask)
    assert len(set(keys)) == 3
    assert all(key.startswith(outcome.result) for key in keys)


SECRET = "hunter2-correct-horse"  # noqa: S105 # made up


def everything_in(folder: Path) -> bytes:
    """All bytes of a store, its side files included."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("hot_runs", [0, 1000])
async def test_a_secret_step_leaves_no_clear_text_in_the_store(
    hot_runs: int, tmp_path: Path
) -> None:
    def fetch(password: str) -> dict[str, str]:
        return {"token": f"{password}-token"}

    async def ask(run: Run) -> int:
        answer = await run.step(fetch, SECRET, secret=True)
        await run.sample("pause")
        return len(answer["token"])

    store = SQLiteStore(tmp_path / "runs.sqlite3")
    server = serve(ask, store=store, hot_runs=hot_runs)
    outcome = await ScriptedHost(model=["go on"]).run(server, "ask")
    assert outcome.result == len(SECRET) + len("-token")
    stored = everything_in(tmp_path)
    await store.aclose()
    assert b"fetch" in stored
    assert SECRET.encode() not in stored


async def test_a_secret_step_that_fails_leaves_no_clear_text_in_the_store(tmp_path: Path) -> None:
    def fetch(password: str) -> None:
        raise PermissionError(f"{password} is wrong")

    async def ask(run: Run) -> str:
        try:
            await run.step(fetch, SECRET, secret=True, retry=Retry(attempts=2, delay=0))
        except StepError as error:
            return error.error_type
        return "it worked"

    store = SQLiteStore(tmp_path / "runs.sqlite3")
    outcome = await ScriptedHost().run(serve(ask, store=store), "ask")
    assert outcome.result == "PermissionError"
    assert SECRET.encode() not in everything_in(tmp_path)
    await store.aclose()


async def test_a_value_that_is_not_json_is_refused_with_what_to_return() -> None:
    def odd() -> object:
        return object()

    async def ask(run: Run) -> None:
        await run.step(odd)

    assert "pydantic" in error(await run(ask))


# -- time and chance -----------------------------------------------------------------------------


async def test_time_and_chance_are_the_same_on_replay(way: Way) -> None:
    seen: list[tuple[str, str, str]] = []

    async def ask(run: Run) -> list[str]:
        now, name, number = await run.now(), await run.uuid(), await run.random()
        seen.append((now.isoformat(), str(name), str(number)))
        await run.sample("pause")
        await run.sample("pause")
        return [now.isoformat(), str(name), str(number)]

    outcome = await way.run(serve(ask), "ask", model=lambda _: "go on")
    replayed = way.era == "2026-07-28" and not way.hot
    assert len(seen) == (3 if replayed else 1)
    assert len(set(seen)) == 1
    assert outcome.result == list(seen[0])
    assert 0 <= float(seen[0][2]) < 1


async def test_a_sleep_passes_on_the_clock_of_the_server() -> None:
    clock = VirtualClock(start=1_000_000.0)

    async def ask(run: Run) -> float:
        before = await run.now()
        await run.sleep(3600)
        return (await run.now() - before).total_seconds()

    outcome = await ScriptedHost().run(serve(ask, clock=clock), "ask")
    assert outcome.result == 3600
    assert clock.now() == 1_003_600


# -- branches ------------------------------------------------------------------------------------


async def test_map_asks_for_a_limited_number_at_a_time() -> None:
    async def ask(run: Run) -> list[str]:
        async def one(number: int) -> str:
            return str((await run.sample(f"number {number}")).text)

        return await run.map(one, range(5), limit=2)

    outcome = await run(ask, model=lambda params: params["messages"][0]["content"]["text"])
    assert outcome.result == [f"number {number}" for number in range(5)]
    assert outcome.rounds == 3


async def test_gather_fails_with_the_first_failure_and_cleans_up(way: Way) -> None:
    cleaned: list[str] = []

    async def ask(run: Run) -> str:
        async def careful() -> None:
            try:
                await run.sample("never mind")
            finally:
                await run.step(cleaned.append, "careful")

        async def failing() -> None:
            await run.sample("first")
            raise LookupError("nothing there")

        try:
            await run.gather(failing(), careful())
        except LookupError as error:
            return str(error)
        return "it worked"

    # Over the back-channel the answer to the withdrawn question may come first or not at all.
    outcome = await way.run(serve(ask), "ask", model=lambda _: "fine")
    assert outcome.result == "nothing there"
    assert cleaned == ["careful"]


async def test_race_takes_the_first_and_cancels_the_rest() -> None:
    clock = VirtualClock()
    cleaned: list[str] = []

    async def ask(run: Run) -> str:
        async def slow() -> str:
            try:
                await run.sleep(100)
            finally:
                await run.step(cleaned.append, "slow")
            return "slow"

        async def quick() -> str:
            await run.sleep(1)
            return "quick"

        return await run.race(slow(), quick())

    outcome = await ScriptedHost().run(serve(ask, clock=clock), "ask")
    assert outcome.result == "quick"
    assert cleaned == ["slow"]
    assert clock.now() - VirtualClock().now() < 100


async def test_gather_can_return_the_failures() -> None:
    async def ask(run: Run) -> list[str]:
        async def branch(number: int) -> int:
            await run.sample(str(number))
            if number == 1:
                raise ValueError("odd")
            return number

        found = await run.gather(*(branch(number) for number in range(3)), return_exceptions=True)
        return [repr(each) for each in found]

    outcome = await run(ask, model=lambda _: "go on")
    assert outcome.result == ["0", "ValueError('odd')", "2"]


# -- checkpoints ---------------------------------------------------------------------------------


async def test_a_checkpoint_starts_the_body_again_from_its_state(way: Way) -> None:
    async def ask(run: Run) -> list[str]:
        said = run.restored(list[str], [])
        if len(said) == 4:
            return said
        answer = await run.sample(f"turn {len(said)}")
        return await run.checkpoint([*said, str(answer.text)])

    outcome = await way.run(
        serve(ask), "ask", model=lambda params: params["messages"][0]["content"]["text"]
    )
    assert outcome.result == [f"turn {number}" for number in range(4)]


# -- the person ----------------------------------------------------------------------------------


async def test_an_elicitation_tells_acceptance_from_decline_from_cancellation(
    way: Way,
) -> None:
    async def ask(run: Run) -> list[str]:
        seen: list[str] = []
        for number in range(3):
            match await run.elicit(f"Question {number}", response_type=int):
                case AcceptedElicitation(data=data):
                    seen.append(f"accepted {data + 1}")
                case DeclinedElicitation():
                    seen.append("declined")
                case CancelledElicitation():
                    seen.append("cancelled")
        return seen

    outcome = await way.run(serve(ask), "ask", person=[accept(4), decline(), cancel()])
    assert outcome.result == ["accepted 5", "declined", "cancelled"]


async def test_an_answer_that_breaks_the_schema_is_asked_again_with_the_reason(
    way: Way,
) -> None:
    async def ask(run: Run) -> str:
        answer = await run.elicit("How bad?", Literal["low", "high"])
        assert answer.data is not None
        return answer.data

    outcome = await way.run(serve(ask), "ask", person=["medium", {}, "high"])
    assert outcome.result == "high"
    again = outcome.questions[1].params["message"]
    assert again.startswith("How bad?")
    assert "low, high" in again


async def test_the_attempts_at_an_answer_are_bounded() -> None:
    async def ask(run: Run) -> None:
        await run.elicit("How many?", int, attempts=2)

    outcome = await run(ask, person=["many", "lots"])
    assert "2 answers to 'How many?'" in error(outcome)


@pytest.mark.parametrize(
    "answer",
    [False, decline(), cancel(), accept({}), accept("yes"), accept(1)],
    ids=["no", "decline", "cancel", "empty form", "text", "number"],
)
@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
async def test_an_approval_fails_closed(answer: Any, era: Era) -> None:
    done: list[str] = []

    async def ask(run: Run) -> str:
        try:
            await run.approve("Delete everything?", details="all of it")
        except ApprovalDenied as denied:
            return denied.message
        await run.step(done.append, "deleted")
        return "deleted"

    outcome = await run(ask, person=[answer], era=era)
    assert "Not approved: 'Delete everything?'" in outcome.result
    assert done == []
    assert "all of it" in outcome.questions[0].params["message"]


async def test_an_approval_that_nobody_can_give_is_denied() -> None:
    async def ask(run: Run) -> None:
        await run.approve("Delete everything?")

    message = error(await run(ask, model=[]))
    assert "Not approved" in message
    assert "elicitation.form" in message


async def test_a_person_can_be_sent_to_a_page(way: Way) -> None:
    async def ask(run: Run) -> list[str]:
        first = await run.elicit_url("Please sign in.", "https://example.org/sign-in")
        second = await run.elicit_url("Please pay.", "https://example.org/pay")
        return [first.action, second.action]

    outcome = await way.run(serve(ask), "ask", person=[accept(), decline()])
    assert outcome.result == ["accept", "decline"]
    assert outcome.questions[0].params["url"] == "https://example.org/sign-in"


async def test_the_roots_of_the_client_are_listed(way: Way, tmp_path: Path) -> None:
    async def ask(run: Run) -> list[str]:
        return [str(root.uri) for root in await run.list_roots()]

    outcome = await way.run(serve(ask), "ask", roots=[tmp_path, "file:///srv"])
    assert outcome.result == [tmp_path.as_uri(), "file:///srv"]


async def test_progress_and_log_messages_reach_the_client_once(way: Way) -> None:
    async def ask(run: Run) -> None:
        await run.report_progress(1, 3, "one")
        await run.info("hello")
        await run.sample("pause")
        await run.report_progress(2, 3)
        await run.warning("careful")

    outcome = await way.run(serve(ask), "ask", model=["go on"])
    assert outcome.progress == [(1, 3, "one"), (2, 3, None)]
    assert outcome.logs == [("info", "hello"), ("warning", "careful")]


async def test_a_foreign_await_fails_at_its_line_with_what_to_use(way: Way) -> None:
    async def ask(run: Run) -> None:
        await anyio.sleep(0.01)

    outcome = await way.run(serve(ask), "ask")
    assert "run.step" in error(outcome)
    assert "run.sleep" in error(outcome)


async def test_an_agent_serves_in_the_process_it_runs_in() -> None:
    async def ask(run: Run) -> int:
        return await run.step(os.getpid)

    assert (await run(ask)).result == os.getpid()
