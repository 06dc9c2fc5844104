"""Parallelization by sections: branches side by side, of which some may fail, and a fan-in."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from inverted.errors import AgentCodeError
from inverted.patterns.asking import RESULTS, ask, at_least, fill, numbered, shown
from inverted.run import Run

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Succeeded(Generic[T]):
    """A branch that ended with a value."""

    value: T


@dataclass(frozen=True, slots=True)
class Failed:
    """A branch that raised."""

    error: Exception


Result = Succeeded[T] | Failed
Branch = Callable[[Run], Awaitable[T]]


async def settled(
    run: Run, work: Callable[[Run, S], Awaitable[T]], items: Sequence[S], limit: int | None
) -> list[Result[T]]:
    """Do something for each item, and let each fail alone.

    Args:
        run: The run.
        work: What to do with an item.
        items: The items.
        limit: How many at once; None for all.

    Raises:
        AgentCodeError: An item met a mistake of the author, which must not pass for bad luck.
        ValueError: The limit is not positive.
    """

    async def alone(item: S) -> Result[T]:
        try:
            return Succeeded(await work(run, item))
        except AgentCodeError:
            raise
        except Exception as error:  # noqa: BLE001 - any failure is the item's own, and is returned
            return Failed(error)

    return await run.map(alone, items, limit=limit)


def in_words(result: Result[Any]) -> str:
    """A result as a prompt shows it."""
    if isinstance(result, Succeeded):
        return shown(result.value)
    return f"(failed: {type(result.error).__name__}: {result.error})"


@overload
async def parallel(
    run: Run, branches: Sequence[Branch[T]], *, limit: int | None = None, fan_in: None = None
) -> list[Result[T]]: ...


@overload
async def parallel(
    run: Run, branches: Sequence[str], *, limit: int | None = None, fan_in: None = None
) -> list[Result[str]]: ...


@overload
async def parallel(
    run: Run, branches: Sequence[str | Branch[Any]], *, limit: int | None = None, fan_in: str
) -> str: ...


@overload
async def parallel(
    run: Run,
    branches: Sequence[Branch[T]],
    *,
    limit: int | None = None,
    fan_in: Callable[[Run, list[Result[T]]], Awaitable[R]] | Callable[[Run, list[Result[T]]], R],
) -> R: ...


@overload
async def parallel(
    run: Run,
    branches: Sequence[str],
    *,
    limit: int | None = None,
    fan_in: Callable[[Run, list[Result[str]]], Awaitable[R]]
    | Callable[[Run, list[Result[str]]], R],
) -> R: ...


async def parallel(
    run: Run,
    branches: Sequence[str | Branch[Any]],
    *,
    limit: int | None = None,
    fan_in: str | Callable[[Run, list[Result[Any]]], Any] | None = None,
) -> Any:
    """Run branches side by side; one that fails takes no other with it.

    It costs a model call for each branch that is a prompt, and one for a fan-in that is a prompt.
    Questions of branches that run at once travel together.

    Args:
        run: The run.
        branches: Prompts, or functions of the run.
        limit: How many run at once; None for all.
        fan_in: Makes one value of the results: a function, or a prompt with `{results}`.

    Returns:
        `Succeeded` or `Failed` for each branch, in their order; or what the fan-in makes of them.

    Raises:
        ValueError: The limit is not positive, or the prompt has no `{results}`.
        Exception: Every branch failed and a prompt would have nothing to join: the first error.
    """
    at_least(1, limit=limit)
    if isinstance(fan_in, str):
        fill(fan_in, RESULTS, "")  # before the branches are paid for
    results = await settled(run, _start, branches, limit)
    if fan_in is None:
        return results
    if isinstance(fan_in, str):
        errors = [result.error for result in results if isinstance(result, Failed)]
        if errors and len(errors) == len(results):
            raise errors[0]
        return await ask(run, fill(fan_in, RESULTS, numbered([in_words(each) for each in results])))
    joined = fan_in(run, results)
    return await joined if inspect.isawaitable(joined) else joined


def _start(run: Run, branch: str | Branch[Any]) -> Awaitable[Any]:
    return ask(run, branch) if isinstance(branch, str) else branch(run)
