"""A run in memory: its record, its machine, and the lines that are not yet written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Final, cast

from inverted.core.effects import QUESTIONS, Effect, Json, Kind
from inverted.core.journal import (
    Answered,
    Asked,
    Attempted,
    Checkpointed,
    Codec,
    Entry,
    Finished,
    Started,
)
from inverted.core.lifecycle import Status
from inverted.core.machine import Machine
from inverted.core.replay import check_flags, replay
from inverted.errors import JournalError
from inverted.runtime.apart import Apart
from inverted.runtime.ladders import ANYHOW, RELAY, VIA, Asking
from inverted.runtime.ports import Agent, Answer, Ended, Question, RunInfo, Sealer
from inverted.runtime.spending import Spent, estimate_tokens
from inverted.stores.base import RunRecord

NOTHING_TOLD: Final[frozenset[str]] = frozenset()
"""Shared: an empty set of its own would be a twentieth of a parked run."""


class Live:
    """One run that this process holds. Only `runtime` touches it, under the run's lock."""

    __slots__ = (
        "agent",
        "codec",
        "created",
        "lines",
        "machine",
        "marks",
        "pending",
        "record",
        "segment_start",
        "spent",
        "told",
    )

    def __init__(
        self, agent: Agent, record: RunRecord, machine: Machine, codec: Codec, *, created: bool
    ) -> None:
        self.agent = agent
        self.record = record
        self.machine = machine
        self.codec = codec
        self.created = created
        self.lines: list[bytes] = []
        self.pending = 0
        self.segment_start: int | None = None
        # By effect: the failed attempts of a step, and the moment at which a timer is due.
        self.marks: dict[str, float] = {}
        self.spent = Spent()
        self.told = NOTHING_TOLD
        """Digests of what the host's model has read and answered: the relay does not repeat it."""

    def write(self, entry: Entry, at: float) -> None:
        """Queue one entry for the next commit, and count what it spends."""
        if isinstance(entry, Checkpointed):
            entry = entry._replace(spent=self.spent._asdict())
            self.segment_start = self.record.position + len(self.lines)
        self._queue(self.codec.encode(entry, at))
        self.count(entry, at)

    def ask(self, id: str, effect: Effect, at: float) -> None:
        """Write `Asked`."""
        self._queue(self.codec.asked(id, effect.kind, effect.question, at))
        self._count_asked(id, effect.kind, effect.question, at)

    def answer(self, id: str, answer: Answer, at: float, *, sealed: bool = False) -> None:
        """Write `Answered`."""
        value, failure, _ = answer
        if id in self.machine.parked and type(value) is dict:
            fields = cast("dict[str, Json]", value)
            if fields.get(VIA) == RELAY:
                self.told |= digests(self.machine.parked[id][1].question, fields)
        self._queue(self.codec.answered(id, value, failure, at, sealed=sealed))
        self._count_answered(id, value)

    def _queue(self, line: bytes) -> None:
        self.lines.append(line)
        self.pending += len(line)

    def count(self, entry: Entry, at: float) -> None:
        """Keep the counters of limits, attempts and timers; the same live and on replay."""
        match entry:
            case Asked(id, kind, question):
                self._count_asked(id, kind, question, at)
            case Answered(id, value):
                self._count_answered(id, value)
            case Attempted(id, attempt):
                self.marks[id] = attempt
            case Checkpointed(spent=spent):
                self.spent = Spent(**(spent or {}))
            case _:
                pass

    def _count_asked(self, id: str, kind: Kind, question: Json, at: float) -> None:
        if kind is Kind.SAMPLE:
            model_calls, tokens = self.spent
            for message in question["messages"]:
                tokens += estimate_tokens(message["content"])
            self.spent = Spent(model_calls + 1, tokens)
        elif kind is Kind.SLEEP:
            self.marks[id] = at + question["seconds"]

    def _count_answered(self, id: str, value: Json) -> None:
        self.marks.pop(id, None)
        if type(value) is not dict:
            return
        answer = cast("dict[str, Json]", value)
        if answer.get("role") == "assistant" and "content" in answer:
            model_calls, tokens = self.spent
            self.spent = Spent(model_calls, tokens + estimate_tokens(answer["content"]))

    @property
    def questions(self) -> list[Question]:
        """The questions to the client that are outstanding."""
        return [
            question_of(self.record.id, id, effect)
            for id, effect, _ in self.machine.parked.values()
            if effect.kind in QUESTIONS
        ]

    @property
    def asks(self) -> bool:
        """Whether a question to the client is outstanding."""
        for _, effect, _ in self.machine.parked.values():  # noqa: SIM110 # a third of the time
            if effect.kind in QUESTIONS:
                return True
        return False


def question_of(run_id: str, id: str, effect: Effect) -> Question:
    """The question that an effect asks."""
    return Question(
        run_id, id, effect.kind, effect.question, cast("Asking", effect.local or ANYHOW)
    )


def begin(agent: Agent, record: RunRecord, arguments: dict[str, Json], now: float) -> Live:
    """A new run, started and not yet written."""
    info = RunInfo(record.id, agent.name, agent.limits, agent.mask_error_details)
    live = Live(
        agent,
        record,
        Machine(partial(agent.body, info, arguments)),
        Codec(),
        created=False,
    )
    live.write(Started(agent.name, arguments), now)
    with Apart():
        live.machine.start()
    return live


def load(
    agent: Agent, record: RunRecord, first: bytes, lines: list[bytes], sealer: Sealer | None
) -> Live | Ended:
    """A run from its journal.

    Args:
        agent: The agent's code.
        record: The run as stored.
        first: The first line of the journal, which holds the arguments.
        lines: The lines from the last checkpoint on.
        sealer: Opens the results of secret steps.

    Raises:
        JournalError: A line is damaged or of a newer format, or a secret cannot be opened.
        DeterminismError: The agent's code does not follow the journal.
    """
    started, _ = Codec().decode(first)
    if not isinstance(started, Started):
        raise JournalError(
            f"The journal of run {record.id} does not begin with its start. Restore the store."
        )
    codec = Codec()
    entries: list[tuple[Entry, float]] = [codec.decode(line) for line in lines]
    last = entries[-1][0]
    if isinstance(last, Finished):
        return Ended(record.id, Status(last.status), last.result, last.failure)
    info = RunInfo(record.id, agent.name, agent.limits, agent.mask_error_details)
    opened = [_open(entry, sealer) for entry, _ in entries]
    check_flags(started)
    with Apart():
        machine = replay(partial(agent.body, info, started.arguments), opened)
    live = Live(agent, record, machine, codec, created=True)
    for entry, at in entries:
        live.count(entry, at)
    live.told = _told([entry for entry, _ in entries])
    return live


def _told(entries: list[Entry]) -> frozenset[str]:
    """What the host's model was told, from the journal."""
    relayed: dict[str, dict[str, Json]] = {
        entry.id: cast("dict[str, Json]", entry.value)
        for entry in entries
        if isinstance(entry, Answered)
        and type(entry.value) is dict
        and cast("dict[str, Json]", entry.value).get(VIA) == RELAY
    }
    told = NOTHING_TOLD
    for entry in entries:
        if isinstance(entry, Asked) and entry.id in relayed:
            told |= digests(entry.question, relayed[entry.id])
    return told


def digests(question: dict[str, Json], answer: dict[str, Json]) -> set[str]:
    """Names for what a model knows that answered a question.

    That is its system prompt, its tools, and the conversation up to the answer; of a form, the
    words.
    """
    parts = [question[part] for part in ("systemPrompt", "tools", "message") if part in question]
    if "messages" in question:
        content = answer["content"]  # always a list; in a conversation a single block is not
        said = content[0] if len(content) == 1 else content
        parts.append([*question["messages"], {"role": "assistant", "content": said}])
    return {digest(each) for each in parts}


def digest(part: Json) -> str:
    """A name for one part."""
    return hashlib.blake2b(json.dumps(part, sort_keys=True).encode(), digest_size=16).hexdigest()


def arguments_of(first: bytes) -> Mapping[str, Json]:
    """The arguments that a run was started with."""
    started, _ = Codec().decode(first)
    return started.arguments if isinstance(started, Started) else {}


def _open(entry: Entry, sealer: Sealer | None) -> Entry:
    if not isinstance(entry, Answered) or not entry.sealed:
        return entry
    try:
        opened = "" if sealer is None else sealer.unseal(entry.value)
        return entry._replace(value=json.loads(opened), sealed=False)
    except Exception as error:
        raise JournalError(
            f"The result of a secret step ({entry.id}) cannot be opened: {error}. Start the server "
            "with "
            "the sealing key that wrote it (INVERTED_KEYS, or the key file in the data directory)."
        ) from error
