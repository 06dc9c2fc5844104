"""A row of the table: what was measured, its goal and whether it was met; as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound of one figure.

    Attributes:
        figure: `ratio` (ours divided by theirs) or `ours`.
        at_most: Upper bound.
        at_least: Lower bound.
    """

    figure: Literal["ratio", "ours"]
    at_most: float | None = None
    at_least: float | None = None

    def met_by(self, value: float | None) -> bool:
        """Whether a figure keeps the bound. One that was not measured does not."""
        if value is None:
            return False
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def as_json(self) -> dict[str, Value]:
        """The bound without the side that is open."""
        bounds: dict[str, Value] = {"at_most": self.at_most, "at_least": self.at_least}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        return {"figure": self.figure, **given}

    def __str__(self) -> str:
        bound = f"<= {self.at_most:,g}" if self.at_least is None else f">= {self.at_least:,g}"
        return f"{bound}x" if self.figure == "ratio" else bound


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was done.
        unit: Of `ours` and `theirs`.
        ours: Our figure, a median where it is a time.
        theirs: The other side's figure, measured in the same run.
        goal: The bound.
        spread: Quartiles of the ratio over the repetitions.
        beside: Further figures of the same work, for the reader; they have no goal.
    """

    name: str
    unit: str
    ours: float
    theirs: float | None
    goal: Goal
    spread: tuple[float, float] | None = None
    beside: Mapping[str, Value] = field(default_factory=dict[str, Value])

    @property
    def ratio(self) -> float | None:
        """Ours divided by theirs."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.goal.met_by(self.ratio if self.goal.figure == "ratio" else self.ours)

    def as_json(self) -> dict[str, object]:
        """The row for programs."""
        figures: dict[str, object] = {"unit": self.unit, "ours": self.ours}
        if self.theirs is not None:
            figures |= {"theirs": self.theirs, "ratio": self.ratio}
        if self.spread is not None:
            figures["ratio_quartiles"] = list(self.spread)
        figures |= self.beside
        return {
            "name": self.name,
            "figures": figures,
            "goal": self.goal.as_json(),
            "met": self.met,
        }


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a JSON list."""
    path.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n", "utf-8")


HEADER = ("work", "unit", "ours", "theirs", "ratio", "quartiles", "goal", "met")


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text, each followed by the figures beside it."""
    cells = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(HEADER, widths), _line(["-" * width for width in widths], widths)]
    for row, cell in zip(rows, cells[1:], strict=True):
        lines.append(_line(cell, widths))
        lines.extend(f"    {name}: {_number(value)}" for name, value in row.beside.items())
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "-" if row.ratio is None else f"{row.ratio:.3f}x"
    spread = "-" if row.spread is None else f"{row.spread[0]:.3f}-{row.spread[1]:.3f}"
    met = "yes" if row.met else "NO"
    return (
        row.name,
        row.unit,
        _number(row.ours),
        _number(row.theirs),
        ratio,
        spread,
        str(row.goal),
        met,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(_aligned(cells, widths)).rstrip()


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        yield cell.ljust(width) if index < 2 else cell.rjust(width)  # noqa: PLR2004 # two columns of text


def _number(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 # thousands are whole
