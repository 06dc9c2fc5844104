"""One question to the model, and the small things that every pattern shares.

A function that is given to a pattern takes the run first, then what the pattern hands it.

Called by the other modules of this package, and by authors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar, overload

from pydantic_core import to_json

from inverted.run import Run

T = TypeVar("T")
RESULTS: Final = "{results}"
"""Where a prompt that joins results wants them."""


@overload
async def ask(run: Run, prompt: str) -> str: ...


@overload
async def ask(run: Run, prompt: str, result_type: type[T]) -> T: ...


async def ask(run: Run, prompt: str, result_type: type[Any] | None = None) -> Any:
    """Ask the model one thing and take its answer.

    It is `run.sample` for places where only the answer is wanted; whoever needs tools, a system
    prompt or the history calls `run.sample`.

    Args:
        run: The run.
        prompt: What to ask.
        result_type: Type of the answer; a text if not given.

    Returns:
        The text, or the validated object.

    Raises:
        AgentError: As `Run.sample`.
    """
    return (await run.sample(prompt, result_type=result_type or str)).result


def fill(template: str, place: str, value: str) -> str:
    """A prompt from its template. Other braces stay as they are, so a template may show JSON.

    Raises:
        ValueError: The place is missing, so the value would be lost.
    """
    if place not in template:
        raise ValueError(
            f"This prompt has no {place}, so the model would never see what came before: "
            f"{template!r}. Put {place} where it belongs."
        )
    return template.replace(place, value)


def shown(value: object) -> str:
    """A value as a prompt shows it: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else to_json(value).decode()


def numbered(texts: Sequence[str]) -> str:
    """Texts for a prompt, told apart by their numbers."""
    return "\n\n".join(f"[{number}]\n{text}" for number, text in enumerate(texts, 1))


def at_least(least: int, **given: int | None) -> None:
    """Check the bounds that an author gave, before anything is asked.

    Raises:
        ValueError: One is too small.
    """
    for name, value in given.items():
        if value is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}.")
