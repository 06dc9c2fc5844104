"""The journal: the ordered record of a run, its entries and their codec.

Rules:

- an entry is written before it is acted on, and never changed;
- the order of `Answered` entries is the order of delivery, live and on replay;
- every stored line carries the format version, so that an old reader refuses what it cannot
  read instead of guessing;
- a conversation is stored once: a `sample` whose messages extend those of an earlier one in the
  same branch stores only what was added. Without this a long tool loop costs the square of its
  length.

The driver encodes and decodes; stores keep opaque lines.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple, assert_never

from pydantic_core import from_json, to_json

from inverted.core.effects import Json, Kind
from inverted.errors import AGENT_ERRORS, AgentError, JournalError, JournalVersionError

FORMAT: Final = 1
"""Format version of every line that this version writes."""

FLAGS: Final[tuple[str, ...]] = ()
"""Behaviour flags that new runs start with: how the engine can change under parked runs."""


class Failure(NamedTuple):
    """An error as the journal keeps it."""

    type: str
    message: str
    data: dict[str, Json] | None = None

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an exception for the journal."""
        data = error.data if isinstance(error, AgentError) else None
        return cls(type(error).__name__, str(error), data or None)

    def exception(self) -> AgentError:
        """The exception that the agent's body sees, live and on replay alike."""
        return AGENT_ERRORS.get(self.type, AgentError)(self.message, self.data)


class Started(NamedTuple):
    """The first entry of a run."""

    agent: str
    arguments: dict[str, Json]
    flags: tuple[str, ...] = FLAGS


class Asked(NamedTuple):
    """A branch parked at an effect. For a step this is also "step started"."""

    id: str
    kind: Kind
    question: Json


class Answered(NamedTuple):
    """An effect was answered, and the answer delivered. For a step: "step finished"."""

    id: str
    value: Json = None
    failure: Failure | None = None
    sealed: bool = False


class Attempted(NamedTuple):
    """One attempt of a step failed and another will follow. Never delivered."""

    id: str
    attempt: int
    failure: Failure


class CancelRequested(NamedTuple):
    """Somebody outside asked the run to stop; delivered to the root branch."""

    reason: str


class Checkpointed(NamedTuple):
    """The body starts again from this state; entries before it are not needed any more.

    `spent` carries what the run has used of its limits so far; it is not compared on replay.
    """

    segment: int
    state: Json
    spent: dict[str, int] | None = None


class Finished(NamedTuple):
    """The last entry: `completed` with a result, `failed` with a failure, or `cancelled`."""

    status: str
    result: Json = None
    failure: Failure | None = None


Entry = Started | Asked | Answered | Attempted | CancelRequested | Checkpointed | Finished


class Codec:
    """Encodes and decodes the entries of one run, in journal order.

    It is stateful because a conversation is stored as the difference from an earlier one; use one
    codec for one run and feed it every entry of the current segment in order.
    """

    __slots__ = ("_conversations",)

    def __init__(self) -> None:
        # The last conversation of each branch: (id of the effect that asked it, its messages).
        self._conversations: dict[str, tuple[str, list[Json]]] = {}

    def encode(self, entry: Entry, at: float) -> bytes:
        """One line for the store.

        Args:
            entry: What happened.
            at: Wall-clock seconds, kept for people and timers; never compared on replay.

        Raises:
            JournalError: The entry holds something that JSON cannot express.
        """
        match entry:
            case Asked(id, kind, question):
                return self.asked(id, kind, question, at)
            case Answered(id, value, failure, sealed):
                return self.answered(id, value, failure, at, sealed=sealed)
            case Attempted(id, attempt, failure):
                line = {"t": "attempted", "id": id, "n": attempt, "err": _failure_out(failure)}
            case Started(agent, arguments, flags):
                line = {"t": "started", "agent": agent, "args": arguments, "flags": list(flags)}
            case CancelRequested(reason):
                line = {"t": "cancel", "why": reason}
            case Checkpointed(segment, state, spent):
                line = {"t": "checkpoint", "n": segment, "state": state, "spent": spent}
            case Finished(status, result, failure):
                line = {"t": "finished", "status": status}
                line |= {"err": _failure_out(failure)} if failure else {"ok": result}
            case _:
                assert_never(entry)
        encoded = _dump({"v": FORMAT, "at": at, **line})
        self._follow(entry)
        return encoded

    def asked(self, id: str, kind: Kind, question: Json, at: float) -> bytes:
        """The line of `Asked`: `encode` without the entry, for what happens most often."""
        # Ids and kinds are the engine's own words, so they need no escaping.
        head = f'{{"v":{FORMAT},"at":{at!r},"t":"asked","id":"{id}","k":"{kind.value}","q":'
        if kind is not Kind.SAMPLE:
            return b"%b%b}" % (head.encode(), _dump(question))
        line = b"%b%b}" % (head.encode(), _dump(self._shorten(id, question)))
        # Only what is a line of the journal may be referred to; and the list is copied, because
        # its owner may go on with it.
        self._conversations[_branch(id)] = (id, list(question["messages"]))
        return line

    def answered(
        self, id: str, value: Json, failure: Failure | None, at: float, *, sealed: bool = False
    ) -> bytes:
        """The line of `Answered`: `encode` without the entry, for what happens most often."""
        head = f'{{"v":{FORMAT},"at":{at!r},"t":"answered","id":"{id}",'
        name, what = ("ok", value) if failure is None else ("err", _failure_out(failure))
        tail = b',"sealed":true}' if sealed else b"}"
        return b'%b"%b":%b%b' % (head.encode(), name.encode(), _dump(what), tail)

    def decode(self, line: bytes) -> tuple[Entry, float]:
        """The entry of one stored line and the time it was written.

        Raises:
            JournalVersionError: A newer version of this package wrote the line.
            JournalError: The line is damaged.
        """
        try:
            raw = _parse(line)
            version = raw["v"]
        except DAMAGE as error:
            raise _damaged(line) from error
        if version != FORMAT:
            raise JournalVersionError(
                f"The journal of this run was written in format {version!r}; this version reads "
                f"format {FORMAT}. Nothing was changed. Upgrade inverted to continue the run."
            )
        try:
            entry, at = self._entry(raw), raw["at"]
            self._follow(entry)
        except DAMAGE as error:
            raise _damaged(line) from error
        return entry, at

    def _entry(self, raw: dict[str, Any]) -> Entry:  # noqa: PLR0911 # one per entry type
        match raw["t"]:
            case "asked":
                id, kind, question = raw["id"], Kind(raw["k"]), raw["q"]
                if kind is Kind.SAMPLE:
                    question = self._lengthen(id, question)
                return Asked(id, kind, question)
            case "answered":
                sealed = raw.get("sealed", False)
                return Answered(raw["id"], raw.get("ok"), _failure_in(raw.get("err")), sealed)
            case "attempted":
                return Attempted(raw["id"], raw["n"], Failure(**raw["err"]))
            case "started":
                return Started(raw["agent"], raw["args"], tuple(raw["flags"]))
            case "cancel":
                return CancelRequested(raw["why"])
            case "checkpoint":
                return Checkpointed(raw["n"], raw["state"], raw.get("spent"))
            case "finished":
                return Finished(raw["status"], raw.get("ok"), _failure_in(raw.get("err")))
            case other:
                raise ValueError(f"unknown entry type {other!r}")

    def _shorten(self, id: str, question: dict[str, Json]) -> dict[str, Json]:
        messages: list[Json] = question["messages"]
        base, known = self._conversations.get(_branch(id), ("", None))
        # Equality, as replay compares.
        if known is None or messages[: len(known)] != known:
            return question
        added = messages[len(known) :]
        return {**question, "messages": {"of": base, "keep": len(known), "add": added}}

    def _lengthen(self, id: str, question: dict[str, Json]) -> dict[str, Json]:
        stored = question["messages"]
        if not isinstance(stored, dict):
            return question
        base, known = self._conversations[_branch(id)]
        if (base, len(known)) != (stored["of"], stored["keep"]):
            raise ValueError(f"the conversation of {stored['of']!r} is missing")
        return {**question, "messages": [*known, *stored["add"]]}

    def _follow(self, entry: Entry) -> None:
        if type(entry) is Asked and entry.kind is Kind.SAMPLE:
            self._conversations[_branch(entry.id)] = (entry.id, list(entry.question["messages"]))
        elif type(entry) is Checkpointed:
            self._conversations.clear()


DAMAGE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a line raises that is not one of ours."""


def _branch(id: str) -> str:
    return id.rpartition(".")[0]


def _dump(value: Json) -> bytes:
    try:
        out = to_json(value, inf_nan_mode="constants")
        # Backwards, because Python looks for short words backwards four times as fast.
        if out.rfind(b"NaN") < 0 and out.rfind(b"Infinity") < 0:
            return out
    except ValueError:
        pass
    # What is left is rare: a text about NaN, a lone surrogate (which JSON can escape and UTF-8
    # cannot hold), or no JSON at all. The standard library tells them apart.
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise JournalError(
            f"This cannot be journaled because it is not JSON: {error}. Return JSON values, "
            "pydantic models or dataclasses from steps, and no NaN or infinity."
        ) from error


def _parse(line: bytes) -> dict[str, Json]:
    try:
        return from_json(line)
    except ValueError:
        return json.loads(line)  # lone surrogates, which only the standard library reads


def _failure_out(failure: Failure) -> dict[str, Json]:
    out: dict[str, Json] = {"type": failure.type, "message": failure.message}
    if failure.data:
        out["data"] = failure.data
    return out


def _failure_in(raw: dict[str, Any] | None) -> Failure | None:
    return None if raw is None else Failure(**raw)


def _damaged(line: bytes) -> JournalError:
    return JournalError(
        f"A journal line is damaged and cannot be read: {line[:80]!r}. Nothing was changed. "
        "Restore the store from a backup, or cancel the run and start it again."
    )
