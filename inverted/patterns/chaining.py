"""Prompt chaining: each step works on what the one before it said."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from inverted.patterns.asking import ask, fill
from inverted.run import Run

INPUT: Final = "{input}"
Work = str | Callable[[Run, str], Awaitable[str]]
"""A prompt with `{input}` in it, or a function from the run and the text so far to the next."""
Gate = Callable[[Run, str], bool | Awaitable[bool]]
"""Whether the chain may go on with this text. Code, or a question of its own."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a chain with a gate behind it.

    Attributes:
        work: What the step does.
        gate: Whether the chain goes on; always if None.
    """

    work: Work
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Chained:
    """What became of a chain.

    Attributes:
        start: The text that the first step was given.
        outputs: What each step said, the one that was stopped at included.
        stopped: Index of the step whose gate said no; None if the chain came to its end.
    """

    start: str
    outputs: tuple[str, ...]
    stopped: int | None = None

    @property
    def text(self) -> str:
        """What the last step said; the start of a chain without steps."""
        return self.outputs[-1] if self.outputs else self.start


async def chain(run: Run, steps: Sequence[Work | Step], start: str) -> Chained:
    """Run steps one after the other, each on the output of the one before.

    It costs a model call for each step that is a prompt, and what the functions and gates ask.

    Args:
        run: The run.
        steps: Prompts with `{input}`, functions, or `Step`s with a gate.
        start: The input of the first step.

    Returns:
        Every output, and where a gate stopped the chain.

    Raises:
        ValueError: A prompt has no `{input}`.
        AgentError: As `Run.sample`.
    """
    prepared = [step if isinstance(step, Step) else Step(step) for step in steps]
    for step in prepared:  # a mistake in the last prompt must not cost the model calls before it
        if isinstance(step.work, str):
            fill(step.work, INPUT, "")
    text, outputs = start, list[str]()
    for index, step in enumerate(prepared):
        text = await _done(run, step.work, text)
        outputs.append(text)
        if step.gate is not None:
            passed = step.gate(run, text)
            if not (await passed if inspect.isawaitable(passed) else passed):
                return Chained(start, tuple(outputs), index)
    return Chained(start, tuple(outputs))


def _done(run: Run, work: Work, text: str) -> Awaitable[str]:
    return ask(run, fill(work, INPUT, text)) if isinstance(work, str) else work(run, text)
