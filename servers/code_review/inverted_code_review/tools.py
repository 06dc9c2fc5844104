"""The tools that the model may call: read, search, blame, list callers, at the reviewed commits.

Rules: every tool only reads, answers within bounds, and redacts secrets. The docstrings are what
the model reads. `server.py` gives the bound methods of a `Toolbox` to `run.sample`, which runs
each call as a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from inverted_code_review.callers import Uses, find_uses
from inverted_code_review.git import RepositoryError
from inverted_code_review.redaction import redact
from inverted_code_review.repository import Origin, Repository, lines_of

MAX_LINES = 400
MAX_WIDTH = 500
MAX_MATCHES = 60
MAX_BLAMED = 100


class Place(BaseModel):
    """A line of a file."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    text: str


class Places(BaseModel):
    """What a search found; `cut` says that there is more."""

    model_config = ConfigDict(frozen=True)

    matches: tuple[Place, ...]
    cut: bool


class BlamedLine(BaseModel):
    """A line and the commit that last changed it; `in_change` if that is part of this review."""

    model_config = ConfigDict(frozen=True)

    line: int
    text: str
    commit: str
    date: str
    author: str
    summary: str
    in_change: bool


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools, bound to a repository and the two commits of a review.

    Args:
        root: The repository's directory.
        base: The commit before the change.
        head: The commit after it.
    """

    root: str
    base: str
    head: str

    def functions(self) -> list[Callable[..., object]]:
        """Give the tools in the order in which the model sees them."""
        return [self.read_file, self.read_base_file, self.search, self.blame, self.list_callers]

    def read_file(self, path: str, start: int = 1, end: int = 0) -> str:
        """Read a text file as it is after the change, with line numbers.

        Args:
            path: The file, relative to the repository's top.
            start: The first line.
            end: The last line; 0 for as many lines as fit (400).
        """
        return _numbered(self._repo.text(self.head, path), path, start, end)

    def read_base_file(self, path: str, start: int = 1, end: int = 0) -> str:
        """Read a text file as it was before the change, with line numbers.

        Args:
            path: The file, relative to the repository's top.
            start: The first line.
            end: The last line; 0 for as many lines as fit (400).
        """
        return _numbered(self._repo.text(self.base, path), path, start, end)

    def search(self, pattern: str, path_glob: str = "", regex: bool = False) -> Places:  # noqa: FBT001, FBT002 - the model names its arguments
        """Search the lines of all text files as they are after the change.

        Args:
            pattern: What to find: literal text, or a POSIX extended regular expression.
            path_glob: Only files that match, for example `*.py` or `src/**/*.ts`.
            regex: Whether the pattern is a regular expression.
        """
        found, cut = self._repo.grep(
            self.head, pattern, glob=path_glob, regex=regex, limit=MAX_MATCHES
        )
        places = tuple(
            Place(file=match.file, line=match.line, text=_clipped(redact(match.text.strip())))
            for match in found
        )
        return Places(matches=places, cut=cut)

    def blame(self, path: str, start: int, end: int) -> list[BlamedLine]:
        """Tell which commit last changed each line of a file, and whether it is in this change.

        Args:
            path: The file, relative to the repository's top.
            start: The first line, as numbered after the change.
            end: The last line; at most 100 lines are told.
        """
        repo = self._repo
        origins = repo.blame(self.head, path, start, min(end, start + MAX_BLAMED - 1))
        known = {commit: repo.is_ancestor(commit, self.base) for commit in _once(origins)}
        return [
            BlamedLine(
                line=origin.line,
                text=_clipped(redact(origin.text)),
                commit=origin.commit[:12],
                date=datetime.fromtimestamp(origin.time, UTC).date().isoformat(),
                author=origin.author,
                summary=_clipped(redact(origin.summary)),
                in_change=not known[origin.commit],
            )
            for origin in origins
        ]

    def list_callers(self, symbol: str) -> Uses:
        """List where a function, method, class or variable is defined, called and mentioned.

        Python is parsed: `how` tells calls, definitions, imports and mentions apart. In other
        languages every line with the word is listed as `word`. Names alone are compared.

        Args:
            symbol: Its name; of a dotted name only the last part counts.
        """
        return find_uses(self._repo, self.head, symbol)

    @property
    def _repo(self) -> Repository:
        return Repository.open(self.root)


def _once(origins: list[Origin]) -> list[str]:
    return list(dict.fromkeys(origin.commit for origin in origins))


def _numbered(text: str, path: str, start: int, end: int) -> str:
    lines = lines_of(redact(text))
    first = max(start, 1)
    if lines and first > len(lines):
        raise RepositoryError(f"{path!r} ends at line {len(lines)}; line {first} was asked for.")
    last = min(end if end >= first else len(lines), first + MAX_LINES - 1, len(lines))
    shown = [f"{n:>6}  {_clipped(lines[n - 1])}" for n in range(first, last + 1)]
    return "\n".join([f"{path}, lines {first} to {last} of {len(lines)}:", *shown])


def _clipped(line: str) -> str:
    return line if len(line) <= MAX_WIDTH else f"{line[:MAX_WIDTH]} [line cut]"
