"""What the doctor reports."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from inverted.server.diagnosis import Diagnosis

Outcome = Literal["answered", "odd", "declined", "dismissed", "refused", "impossible"]
"""What became of a question.

- `answered`: as it was asked;
- `odd`: answered, but not as it was asked: a tool was not called;
- `declined`, `dismissed`: a person said no or closed it, or a setting did;
- `refused`: the client answered with an error;
- `impossible`: no rung is open in this client.
"""
Probed = Literal["model", "tools", "form", "approval"]
"""What is tried, as `Diagnosis` calls it."""


class Tried(BaseModel):
    """A question that was really asked.

    Attributes:
        question: Its kind.
        outcome: What became of it.
        rung: The rung on which the answer came; None without an answer, and for an approval,
            which does not tell.
        milliseconds: From the question to its answer.
        unattended: Whether a person's answer came back faster than a person reads.
        note: What was said.
    """

    model_config = ConfigDict(frozen=True)

    question: Probed
    outcome: Outcome
    rung: str | None
    milliseconds: int
    unattended: bool
    note: str


class Report(BaseModel):
    """The structured result of the doctor.

    Attributes:
        diagnosis: What the client declares, and what follows from it.
        tried: What really happened; empty if nothing was tried.
    """

    model_config = ConfigDict(frozen=True)

    diagnosis: Diagnosis
    tried: tuple[Tried, ...]
