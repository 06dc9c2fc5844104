"""What a mutant is, and where the modules beside this one put theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from inverted_conformance.manifest import Role
from inverted_conformance.scenario import WIRES, Wire


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to be wrong."""

    name: str
    about: str
    role: Role
    noticed_by: str
    """The scenario that must fail."""

    wires: tuple[Wire, ...]
    """The revisions in which it must fail."""

    keys: tuple[str, ...]
    """The requirements that must be among what failed; a SHOULD only warns."""

    apply: Callable[[], None]
    """Breaks the fixture, before it is built."""


MUTANTS: Final[dict[str, Mutant]] = {}


def mutant(
    noticed_by: str,
    *keys: str,
    wires: tuple[Wire, ...] = WIRES,
    role: Role = "server",
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Make a mutant of a function that patches the fixture; its docstring says what is wrong.

    Args:
        noticed_by: The scenario that must fail.
        keys: The requirements that must be among what failed.
        wires: The revisions in which it must fail.
        role: Whether it is a server or a client.

    Raises:
        ValueError: There is one of this name.
    """

    def add(apply: Callable[[], None]) -> Callable[[], None]:
        name = f"{role}/{apply.__name__.replace('_', '-')}"
        if name in MUTANTS:
            raise ValueError(f"There are two mutants named {name}; rename one.")
        about = " ".join((apply.__doc__ or "").split())
        MUTANTS[name] = Mutant(name, about, role, noticed_by, wires, keys, apply)
        return apply

    return add
