"""Notes: what a long piece of work found out, kept outside of the prompts.

A prompt gets the titles of all notes and the text of those that it asked for, so it does not grow
with the work. Notes are made of journaled answers, so a replay has the same ones.

Called by `planning`, and by the functions that authors give to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from inverted.patterns.asking import numbered

LONGEST: Final = 200
"""Characters of a failure that the index shows."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was found out, or that could not be.

    Attributes:
        title: Its name; one line, and no other note has it.
        text: What was found out; why not, if it failed.
        failed: Whether the step behind it failed.
    """

    title: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes in the order in which they were made. Never changed: `added` gives new ones."""

    all: tuple[Note, ...] = ()

    def added(self, title: str, text: str, *, failed: bool = False) -> Notes:
        """These notes and one more. A title that is taken gets a number behind it."""
        title, number = _in_a_line(title), 1
        taken = {note.title for note in self.all}
        free = title
        while free in taken:
            number += 1
            free = f"{title} ({number})"
        return Notes((*self.all, Note(free, text, failed)))

    def only(self, titles: Iterable[str]) -> Notes:
        """The notes of these titles, in their order. For a title that is none, a note says so."""
        by_title = {note.title: note for note in self.all}
        wanted = dict.fromkeys(_in_a_line(title) for title in titles)
        missing = "There is no note of this title."
        return Notes(tuple(by_title.get(each, Note(each, missing, failed=True)) for each in wanted))

    def succeeded(self) -> Notes:
        """The notes of steps that did not fail."""
        return Notes(tuple(note for note in self.all if not note.failed))

    def index(self) -> str:
        """The titles alone, for a prompt: with the length of each text, or why there is none."""
        lines = [f"- {note.title} ({_size(note)})" for note in self.all]
        return "\n".join(lines) or "(none yet)"

    def __str__(self) -> str:
        """The notes with their texts, for a prompt."""
        return numbered([f"{note.title}\n{note.text}" for note in self.all]) or "(none)"


def _in_a_line(title: str) -> str:
    return " ".join(title.split())


def _size(note: Note) -> str:
    if note.failed:
        return f"failed: {_in_a_line(note.text)[:LONGEST]}"
    return f"{len(note.text)} characters"
