"""Map-reduce: something for each item, then a tree of reductions that each see only a few."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from inverted.patterns.asking import at_least
from inverted.run import Run

S = TypeVar("S")
T = TypeVar("T")
PAIR: Final = 2


async def map_reduce(
    run: Run,
    items: Sequence[S],
    mapper: Callable[[Run, S], Awaitable[T]],
    reducer: Callable[[Run, Sequence[T]], Awaitable[T]],
    *,
    limit: int | None = None,
    fan_in: int = 8,
) -> T:
    """Do something for each item, and put the results together in a tree.

    With n items and fan-in f it costs n calls of the mapper and about n / (f - 1) of the reducer,
    in one level more for each time that n is divided by f. The first failure ends it, as in
    `Run.map`; a mapper that may fail catches that and returns something.

    Args:
        run: The run.
        items: The items. Their order is kept up to the top: neighbours are put together.
        mapper: Makes the result of one item.
        reducer: Makes one result of two or more neighbours.
        limit: How many calls run at once; None for all.
        fan_in: Most results that one call of the reducer sees.

    Returns:
        The one result that is left; that of the mapper if there is only one item.

    Raises:
        ValueError: There are no items, or a bound is too small.
        Exception: What the functions raise.
    """
    at_least(1, limit=limit)
    at_least(PAIR, fan_in=fan_in)
    if not items:
        raise ValueError("map_reduce() needs at least one item: of none there is no result.")

    async def reduced(group: Sequence[T]) -> T:
        # One that is left over at the end of a level goes up as it is.
        return group[0] if len(group) == 1 else await reducer(run, group)

    level = await run.map(lambda item: mapper(run, item), items, limit=limit)
    while len(level) > 1:
        groups = [level[start : start + fan_in] for start in range(0, len(level), fan_in)]
        level = await run.map(reduced, groups, limit=limit)
    return level[0]
