"""What a run has used of its limits, and what to say when a limit is used up."""

from __future__ import annotations

from typing import NamedTuple, cast

from inverted.core.effects import Json, Kind
from inverted.runtime.ports import Limits


class Spent(NamedTuple):
    """What a run has used of its limits so far."""

    model_calls: int = 0
    tokens: int = 0


def exceeded(  # noqa: PLR0917 # called once for every effect: names would cost
    limits: Limits, kind: Kind, spent: Spent, created: float, size: int, now: float
) -> str | None:
    """Why an effect of this kind is one too many, or None.

    Args:
        limits: The limits of the run.
        kind: What is asked.
        spent: What was used when it was asked, itself included: a later model call must not make
            an earlier one too many.
        created: Wall-clock seconds of the run's start.
        size: Bytes of its journal.
        now: Wall-clock seconds.
    """
    if limits.seconds is not None and now - created > limits.seconds:
        return _used_up("seconds", limits.seconds, now - created)
    if limits.journal_bytes is not None and size > limits.journal_bytes:
        return _used_up("journal_bytes", limits.journal_bytes, size)
    if kind is Kind.SAMPLE:
        if limits.model_calls is not None and spent.model_calls > limits.model_calls:
            return _used_up("model_calls", limits.model_calls, spent.model_calls)
        if limits.tokens is not None and spent.tokens > limits.tokens:
            return _used_up("tokens", limits.tokens, spent.tokens)
    return None


def estimate_tokens(value: Json) -> int:
    """Tokens of the text in a JSON value, at four characters each; media count by their size."""
    if type(value) is dict:
        block = cast("dict[str, Json]", value)
        text = block.get("text") if block.get("type") == "text" else None
        if type(text) is str:  # nearly always
            return len(text) // 4 + 1
    return _characters(value) // 4 + 1


def _characters(value: Json) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, cast("dict[str, Json]", value).values()))
    if isinstance(value, list):
        return sum(map(_characters, cast("list[Json]", value)))
    return 1


def _used_up(name: str, limit: float, used: float) -> str:
    return (
        f"The run used up its limit {name}={limit} (it is at {used:.0f}). Raise it with "
        f"@server.agent(limits=Limits({name}=...)), or let the agent ask for less."
    )
