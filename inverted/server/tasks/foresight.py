"""Whether an agent is going to ask a model or a person: read from its code, before it runs.

Good enough to decide between two ways of serving it, which give the same result to a client that
can do both. What is not seen here is learned from the first run that asks.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any, Final, cast

OF_A_MODEL: Final = frozenset({"sample", "sample_step"})
OF_A_PERSON: Final = frozenset({"elicit", "approve"})
MOST: Final = 200
"""Functions that are looked into."""


def may_sample(fn: Any) -> bool:
    """Whether a function names a verb that samples, itself or in functions that it names.

    Args:
        fn: An agent's function.
    """
    return _may_use(OF_A_MODEL, fn)


def may_elicit(fn: Any) -> bool:
    """The same for the verbs that ask a person.

    Args:
        fn: An agent's function.
    """
    return _may_use(OF_A_PERSON, fn)


def _may_use(verbs: frozenset[str], fn: Any) -> bool:
    seen: set[types.CodeType] = set()
    waiting = [fn]
    while waiting and len(seen) < MOST:
        each = _plain(waiting.pop())
        if each is None or each.__code__ in seen:
            continue
        seen.add(each.__code__)
        names = set(_names(each.__code__))
        if names & verbs:
            return True
        waiting += [each.__globals__[name] for name in names if name in each.__globals__]
        waiting += [cell.cell_contents for cell in each.__closure__ or () if _filled(cell)]
    return False


def _plain(fn: Any) -> types.FunctionType | None:
    while isinstance(fn, functools.partial | types.MethodType):
        fn = cast("Any", fn.func if isinstance(fn, functools.partial) else fn.__func__)
    return fn if isinstance(fn, types.FunctionType) else None


def _names(code: types.CodeType) -> Iterator[str]:
    """The names that code uses, nested functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _filled(cell: types.CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True
