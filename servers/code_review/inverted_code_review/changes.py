"""What changed, as values: a hunk, a changed file, a whole change.

They go through steps and prompts, so they are JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

Side = Literal["new", "old"]
Status = Literal["added", "modified", "deleted", "renamed"]


class Hunk(BaseModel):
    """Neighbouring changed lines with three lines of context on each side.

    Attributes:
        old_start: Number of the first line in the old version.
        new_start: Number of the first line in the new version.
        lines: The lines, each with a first character of ` `, `-` or `+`.
    """

    model_config = ConfigDict(frozen=True)

    old_start: int
    new_start: int
    lines: tuple[str, ...]

    def numbered(self) -> Iterator[tuple[int, int, str, str]]:
        """Yield each line's number in the old and the new version, its mark and its text.

        The number on the side that lacks the line is that of the next line there.
        """
        old, new = self.old_start, self.new_start
        for line in self.lines:
            mark, text = line[:1], line[1:]
            yield old, new, mark, text
            old += mark != "+"
            new += mark != "-"


class Change(BaseModel):
    """One file of the change.

    Attributes:
        path: Its path, the old one if it was deleted.
        old_path: Its path before, where that is another.
        status: What happened to it.
        old: The old object's name, empty for an added file.
        new: The new object's name, empty for a deleted file.
        hunks: The changed lines.
        skipped: Why the model does not review this file; empty when it does.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    old_path: str = ""
    status: Status
    old: str = ""
    new: str = ""
    hunks: tuple[Hunk, ...] = ()
    skipped: str = ""

    def lines(self, side: Side) -> dict[int, str]:
        """Give the lines of the hunks, context included, by their number on one side."""
        return dict(self._lines(side, " +" if side == "new" else " -"))

    def changed(self, side: Side) -> dict[int, str]:
        """Give the lines that were added (new side) or removed (old side), by their number."""
        return dict(self._lines(side, "+" if side == "new" else "-"))

    def _lines(self, side: Side, marks: str) -> Iterator[tuple[int, str]]:
        for hunk in self.hunks:
            for old, new, mark, text in hunk.numbered():
                if mark in marks:
                    yield (new if side == "new" else old), text


class ChangeSet(BaseModel):
    """Everything that changed between two commits.

    Attributes:
        root: The repository's directory on the server's machine; it is not sent anywhere.
        base: The commit that the change starts from, the merge base.
        head: The commit that is reviewed.
        label: The two revisions as a reader would write them.
        notes: What a reader should know about the comparison.
        changes: The files, in the order of their paths.
    """

    model_config = ConfigDict(frozen=True)

    root: str
    base: str
    head: str
    label: str
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
