"""What an author wants of one question, beside the question itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from inverted.runtime.ladders import (
    BY_A_PERSON,
    Asking,
    ModelRung,
    OnRefusal,
    PersonRung,
    check_rungs,
)


def model_asking(rungs: Sequence[ModelRung] | None, on_refusal: OnRefusal | None) -> Asking | None:
    """How a model shall be asked; None for how the agent always does.

    Raises:
        ValueError: A rung or the policy is not known.
    """
    if rungs is None and on_refusal is None:
        return None
    if rungs is not None:
        check_rungs("model", tuple(rungs), get_args(ModelRung))
    if on_refusal not in (None, *get_args(OnRefusal)):
        raise ValueError(f"on_refusal is 'raise' or 'next', not {on_refusal!r}.")
    return Asking(None if rungs is None else tuple(rungs), on_refusal)


_APPROVAL = Asking(approval=True)


def person_asking(rungs: Sequence[PersonRung] | None, *, approval: bool = False) -> Asking | None:
    """How a person shall be asked; None for how the agent always does.

    Args:
        rungs: The ladder of this question.
        approval: Whether only a person may answer.

    Raises:
        ValueError: A rung is not known, or no person answers on it and it is an approval.
    """
    if rungs is None:
        return _APPROVAL if approval else None
    check_rungs("person", tuple(rungs), BY_A_PERSON if approval else get_args(PersonRung))
    return Asking(tuple(rungs), approval=approval)
