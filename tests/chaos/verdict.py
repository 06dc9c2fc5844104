"""What the store and the independent records say in the end."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from inverted import SQLiteStore
from inverted.core.effects import Json, Kind
from inverted.core.journal import Answered, Asked, Codec, Entry, Finished
from inverted.core.lifecycle import Status
from inverted.stores import RunRecord
from tests.chaos.conductor import Conductor, Task
from tests.chaos.work import Place, as_ended, name_of, result_of


class Execution(NamedTuple):
    """One execution of a step, as the step itself noted it."""

    token: str
    at: float

    @property
    def process(self) -> int:
        """The number of the process that did it."""
        return int(self.token.partition(".")[0])


class Journaled(NamedTuple):
    """The effects of one run, by id."""

    asked: dict[str, Asked]
    answered: dict[str, tuple[Answered, float]]
    """With the moment that the line names."""


@dataclass
class Verdict:
    """What was found."""

    lost: list[str] = field(default_factory=list[str])
    """Tasks, answers and cancellations that were acknowledged and are not there."""
    doubled: list[str] = field(default_factory=list[str])
    """What is recorded twice, or was done again after it was recorded."""
    wrong: list[str] = field(default_factory=list[str])
    """Anything else that must not be."""
    ends: Counter[str] = field(default_factory=Counter[str])
    steps: int = 0
    """Finished steps."""
    repeated: int = 0
    """Executions of steps that were cut off before they were recorded, so done again."""
    answers: int = 0
    """Answers that were acknowledged."""

    @property
    def right(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.doubled or self.wrong)


async def judge(place: Place, seed: int, seen: Conductor) -> Verdict:
    """Compare the store with what was acknowledged, and with what the steps have noted."""
    verdict = Verdict(wrong=list(seen.wrong))
    with sqlite3.connect(place.store) as connection:
        (whole,) = connection.execute("PRAGMA integrity_check").fetchone()
        (lines,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    connection.close()
    if whole != "ok":
        verdict.wrong.append(f"the SQLite file is damaged: {whole}")
    executions = _executions(place)
    store = SQLiteStore(place.store)
    records = await store.list(limit=10 * len(seen.tasks))
    if lines != sum(record.position for record in records):
        verdict.wrong.append(f"the runs have {lines} lines, not what their records say")
    if len(records) > len(seen.tasks):
        verdict.doubled.append(f"there are {len(records)} runs of {len(seen.tasks)} tasks")
    by_name = {record.key: record for record in records}
    for task in seen.tasks:
        record = by_name.get(name_of(task.number))
        if record is None or record.id != task.run:
            verdict.lost.append(f"task {task.number} (run {task.run}) is not in the store")
            continue
        codec = Codec()
        journal = [codec.decode(line) for line in await store.read(record.id)]
        who = f"task {task.number} (run {record.id})"
        journaled = _judge_journal(verdict, who, record, journal)
        _judge_answers(verdict, who, task, record, journaled)
        for id, (entry, at) in journaled.answered.items():
            if journaled.asked[id].kind is Kind.STEP:
                done = executions.get(f"{record.id}:{id}", [])
                _judge_step(verdict, f"{who}, step {id}", entry, at, done)
                _judge_lives(verdict, f"{who}, step {id}", done, seen.deaths)
        _judge_end(verdict, who, task, record, journal[-1][0])
        if record.status is Status.COMPLETED:
            _judge_result(verdict, who, journal[-1][0], result_of(task.number, seed))
    await store.aclose()
    return verdict


def _executions(place: Place) -> dict[str, list[Execution]]:
    found: dict[str, list[Execution]] = defaultdict(list)
    for line in place.executions.read_text().splitlines():
        noted = json.loads(line)
        if noted["what"] == "began":
            found[noted["key"]].append(Execution(noted["token"], noted["at"]))
    return found


def _judge_journal(
    verdict: Verdict, who: str, record: RunRecord, journal: list[tuple[Entry, float]]
) -> Journaled:
    """Every effect is asked once and answered once, and there is one end."""
    asked: dict[str, Asked] = {}
    answered: dict[str, tuple[Answered, float]] = {}
    for entry, at in journal:
        if isinstance(entry, Asked):
            if entry.id in asked:
                verdict.doubled.append(f"{who} asked {entry.id} twice")
            asked[entry.id] = entry
        elif isinstance(entry, Answered):
            if entry.id in answered:
                verdict.doubled.append(f"{who} has two answers to {entry.id}")
            answered[entry.id] = entry, at
    ends = [entry for entry, _ in journal if isinstance(entry, Finished)]
    if len(ends) > 1:
        verdict.doubled.append(f"{who} has {len(ends)} ends")
    if record.status is Status.COMPLETED and asked.keys() != answered.keys():
        left = sorted(asked.keys() - answered.keys())
        verdict.wrong.append(f"{who} is completed, and {left} are open")
    return Journaled(asked, answered)


def _judge_answers(
    verdict: Verdict, who: str, task: Task, record: RunRecord, journal: Journaled
) -> None:
    """What was acknowledged is in the journal, and nothing that nobody sent."""
    asked, answered = journal
    verdict.answers += len(task.acknowledged)
    for id, value in task.acknowledged.items():
        if id not in answered:
            if record.status is not Status.CANCELLED:  # which withdraws what is asked
                verdict.lost.append(f"{who} has no answer to {id}, which was acknowledged")
        elif answered[id][0].value.get("content") != {"value": value}:
            verdict.lost.append(f"{who} has {answered[id]} to {id}; {value} was acknowledged")
    for id in answered:
        if asked[id].kind is Kind.ELICIT and id not in task.sent:
            verdict.wrong.append(f"{who} has an answer to {id} that nobody sent")


def _judge_step(
    verdict: Verdict, who: str, entry: Answered, at: float, done: list[Execution]
) -> None:
    verdict.steps += 1
    verdict.repeated += max(0, len(done) - 1)
    if entry.failure is not None:
        if "interrupted" not in entry.failure.message:
            verdict.wrong.append(f"{who} failed: {entry.failure.message}")
    elif entry.value[1] not in [each.token for each in done]:
        verdict.wrong.append(f"{who} has a result that no execution gave: {entry.value}")
    elif entry.value[1] != done[-1].token:
        verdict.doubled.append(f"{who} was executed again after the execution that is recorded")
    if any(each.at > at for each in done):
        verdict.doubled.append(f"{who} was executed after its result was recorded")


def _judge_lives(
    verdict: Verdict, who: str, done: list[Execution], deaths: dict[int, float]
) -> None:
    """No step is executed while another process that executes it still lives."""
    for first, second in pairwise(done):
        if deaths[first.process] > second.at:
            verdict.doubled.append(
                f"{who} was executed by process {second.process} while {first.process} lived"
            )


def _judge_end(verdict: Verdict, who: str, task: Task, record: RunRecord, last: Entry) -> None:
    """It has ended, as it was shown, and as somebody wanted."""
    status = record.status
    verdict.ends[status.value] += 1
    if not status.terminal or task.ended is None:
        verdict.lost.append(f"{who} did not end: it is {status.value}")
        return
    if not isinstance(last, Finished) or last.status != status.value:
        verdict.wrong.append(f"{who} is {status.value}, and its journal ends with {last}")
        return
    if [last.status, last.result, as_ended(record)] != task.ended:
        verdict.wrong.append(f"{who} was shown as {task.ended}, and is {record} with {last}")
    wanted = status is Status.COMPLETED or (status is Status.CANCELLED and task.cancel_sent)
    if not wanted:
        verdict.wrong.append(f"{who} is {status.value}, and nobody wanted that: {last.failure}")


def _judge_result(verdict: Verdict, who: str, last: Entry, expected: list[Json]) -> None:
    if not isinstance(last, Finished) or last.result != expected:
        verdict.wrong.append(f"{who} ended with {last}, not with {expected}")
