"""Scenarios: what the suite does with the peer under test, and which requirements that checks."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from inverted_conformance.manifest import Requirement, Role, manifest

Body = TypeVar("Body", bound=Callable[[Any], Awaitable[None]])

Wire = Literal["2025-11-25", "2026-07-28"]
"""A revision that is spoken; SEP-2663 is an extension of the second."""

WIRES: Final[tuple[Wire, ...]] = ("2025-11-25", "2026-07-28")
ALSO: Final[dict[Wire, tuple[str, ...]]] = {
    "2025-11-25": ("2025-11-25",),
    "2026-07-28": ("2026-07-28", "SEP-2663"),
}
"""Whose requirements hold while a revision is spoken."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that the suite does with the peer under test."""

    name: str
    """Its name within its role, such as `sampling-tools/parallel-calls`."""

    role: Role
    """What the peer under test is."""

    wires: tuple[Wire, ...]
    checks: tuple[str, ...]
    """The keys of the requirements that it checks; a revision may know only some of them."""

    needs: tuple[str, ...]
    """The tools of the fixture contract without which it is not offered."""

    seconds: float
    """How long it may take."""

    about: str
    run: Callable[[Any], Awaitable[None]]

    @property
    def group(self) -> str:
        """The suite that it belongs to."""
        return self.name.partition("/")[0]

    def requirements(self, wire: Wire) -> dict[str, Requirement]:
        """The requirements that it checks in one revision, by key."""
        known = manifest()
        found: dict[str, Requirement] = {}
        for key in self.checks:
            for revision in ALSO[wire]:
                requirement = known.get(f"{revision}/{self.role}/{key}")
                if requirement is not None:
                    found[key] = requirement
        return found


class Registry:
    """The scenarios of one role, in the order in which they were written."""

    def __init__(self, role: Role) -> None:
        self.role: Final[Role] = role
        self._scenarios: dict[str, Scenario] = {}

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._scenarios.values())

    def scenario(
        self,
        group: str,
        *,
        checks: tuple[str, ...],
        wires: tuple[Wire, ...] = WIRES,
        needs: tuple[str, ...] = (),
        seconds: float = 15,
    ) -> Callable[[Body], Body]:
        """Make a scenario of a function; its name and its docstring tell what it is.

        Args:
            group: The suite that it belongs to; a word of `manifest.Group`.
            checks: The keys of the requirements that it checks.
            wires: The revisions in which it makes sense.
            needs: The tools of the fixture contract without which it is not offered.
            seconds: How long it may take.

        Raises:
            ValueError: It names no requirement, one that the manifest does not have or says cannot
                be observed, or its name is taken.
        """

        def add(function: Body) -> Body:
            name = f"{group}/{function.__name__.replace('_', '-')}"
            about = re.sub(r"\s+", " ", (function.__doc__ or "").strip())
            made = Scenario(name, self.role, wires, checks, needs, seconds, about, function)
            self._add(made)
            return function

        return add

    def _add(self, made: Scenario) -> None:
        if made.name in self._scenarios:
            raise ValueError(f"There are two scenarios named {made.name}; rename one.")
        found = {key: r for wire in made.wires for key, r in made.requirements(wire).items()}
        unknown = set(made.checks) - found.keys()
        if unknown or not found:
            raise ValueError(
                f"{made.name} checks {sorted(unknown)}, which the manifest does not have for a "
                f"{self.role} in {' or '.join(made.wires)}; add the entries or mend the keys."
            )
        unseen = sorted(r.id for r in found.values() if r.unobservable)
        if unseen:
            raise ValueError(
                f"{made.name} checks {unseen}, of which the manifest says that nobody can see "
                "them; one of the two is wrong."
            )
        self._scenarios[made.name] = made
