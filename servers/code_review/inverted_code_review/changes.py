"""Works out what changed between two revisions, as values that a step can return.

Rules: the comparison starts at the merge base, as a pull request's does; two versions of a file
are compared object with object, so no attribute or configuration of the repository takes part;
secrets are redacted before a line goes into a hunk. `server.py` gets the bounded form from
`collect`, the linters and the tests the complete one from `compare`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from inverted_code_review.git import GitError, RepositoryError
from inverted_code_review.paths import shown
from inverted_code_review.redaction import redact
from inverted_code_review.repository import (
    SUBMODULE,
    SYMLINK,
    Repository,
    decoded,
    lines_of,
)

ROOTS_VARIABLE = "INVERTED_CODE_REVIEW_ROOTS"
MAX_FILES = 64
MAX_PATCH = 64 * 1024
MAX_PATCHES = 1024 * 1024
_NOTHING = "000000"
_GENERATED = re.compile(
    r"(^|/)(uv|poetry|Pipfile|Cargo|composer|Gemfile|flake)\.lock$"
    r"|(^|/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|go\.sum)$"
    r"|\.min\.(js|css)$|\.(map|snap|svg)$|(^|/)(node_modules|vendor|third_party)/"
)

Side = Literal["new", "old"]
Status = Literal["added", "modified", "deleted", "renamed"]
_STATUS: dict[str, Status] = {"A": "added", "D": "deleted", "R": "renamed"}


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
        mode: Git's mode of the newer version.
        hunks: The changed lines.
        skipped: Why the model does not review this file; empty when it does.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    old_path: str = ""
    status: Status
    old: str = ""
    new: str = ""
    mode: str = ""
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


def collect(repository: str, base: str, head: str) -> ChangeSet:
    """Compare two revisions. The result is bounded, for the journal and for the model.

    Args:
        repository: A path in the repository.
        base: The revision before the change.
        head: The revision after it.

    Returns:
        The change; files that the model shall not see carry the reason.

    Raises:
        RepositoryError: The repository or a revision cannot be read.
    """
    allowed = [Path(part) for part in os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep) if part]
    repo = Repository.open(repository, [path.expanduser().resolve() for path in allowed])
    tip = repo.commit(head)
    start, notes = _start(repo, base, head, tip)
    return ChangeSet(
        root=str(repo.root),
        base=start,
        head=tip,
        label=f"{base}..{head}",
        notes=tuple(notes),
        changes=tuple(_bounded(compare(repo, start, tip))),
    )


def compare(repo: Repository, base: str, head: str) -> list[Change]:
    """Compare two trees completely.

    Args:
        repo: The repository.
        base: The tree or commit before.
        head: The commit after.

    Returns:
        One change for each file, in the order of their paths.
    """
    raw = repo.git(
        *("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-ext-diff", "--no-textconv"),
        *("-M", "-l1000", base, head),
    ).data
    fields = iter(raw.split(b"\0"))
    changes: list[Change] = []
    for header in fields:
        if not header:
            break
        old_mode, new_mode, old, new, letter = header.decode().removeprefix(":").split()
        before = after = shown(next(fields))
        if letter[0] in "RC":
            after = shown(next(fields))
        change = Change(
            path=after,
            old_path=before if before != after else "",
            status=_STATUS.get(letter[0], "modified"),
            old="" if old_mode == _NOTHING else old,
            new="" if new_mode == _NOTHING else new,
            mode=old_mode if new_mode == _NOTHING else new_mode,
        )
        changes.append(_with_hunks(repo, change, old_mode, new_mode))
    return sorted(changes, key=lambda change: change.path)


def _start(repo: Repository, base: str, head: str, tip: str) -> tuple[str, list[str]]:
    """Find what to compare with, and say so when it is not what was asked for."""
    try:
        asked = repo.commit(base)
    except RepositoryError:
        if base not in {f"{head}~1", f"{head}~", f"{head}^"} or repo.parents(tip):
            raise
        empty = repo.git("hash-object", "-t", "tree", "--stdin").data.decode().strip()
        return empty, [f"{head} is the first commit: all of its files are new."]
    try:
        merge_base = repo.git("merge-base", asked, tip).data.decode().split()[0]
    except GitError:
        return asked, ["The two revisions share no history here: they are compared directly."]
    if merge_base == asked:
        return asked, []
    return merge_base, [
        f"{base} has moved on; the change is compared with {merge_base[:12]}, where {head} left it."
    ]


def _with_hunks(repo: Repository, change: Change, old_mode: str, new_mode: str) -> Change:
    modes = {old_mode, new_mode}
    if SUBMODULE in modes:
        return change.model_copy(update={"skipped": "a submodule: another repository"})
    if SYMLINK in modes:
        return change.model_copy(update={"skipped": "a symbolic link"})
    if change.old == change.new:
        what = f"renamed, from {change.old_path}" if change.old_path else "its mode changed"
        return change.model_copy(update={"skipped": f"only {what}, its text is the same"})
    try:
        old, new = (decoded(repo.blob(oid)) if oid else "" for oid in (change.old, change.new))
    except RepositoryError as error:
        return change.model_copy(update={"skipped": str(error)})
    if old is None or new is None:
        return change.model_copy(update={"skipped": "binary"})
    hunks = tuple(_hunks(repo, change, redact(old), redact(new)))
    return change.model_copy(update={"hunks": hunks, "skipped": "" if hunks else "empty"})


def _hunks(repo: Repository, change: Change, before: str, after: str) -> Iterator[Hunk]:
    """Take the places of the hunks from git, and their lines from the redacted texts."""
    old, new = lines_of(before), lines_of(after)
    if not change.old or not change.new:
        lines = [f"+{line}" for line in new] or [f"-{line}" for line in old]
        if lines:
            yield Hunk(old_start=1, new_start=1, lines=tuple(lines))
        return
    patch = repo.git(
        *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--text", "--histogram", "-U3"),
        *("--no-indent-heuristic", "--inter-hunk-context=0", "--no-prefix", change.old, change.new),
    ).data
    for piece in re.split(rb"(?m)^(?=@@ )", patch)[1:]:
        header, *body = piece.split(b"\n")
        starts = re.match(rb"@@ -(\d+)(?:,\d+)? \+(\d+)", header)
        if not starts:
            continue
        old_at, new_at = int(starts[1]), int(starts[2])
        marks = [chr(line[0]) for line in body if line[:1] in {b" ", b"-", b"+"}]
        hunk = Hunk(old_start=old_at, new_start=new_at, lines=tuple(marks))
        lines = (
            f"{mark}{old[o - 1] if mark == '-' else new[n - 1]}"
            for o, n, mark, _ in hunk.numbered()
        )
        yield hunk.model_copy(update={"lines": tuple(lines)})


def _bounded(changes: list[Change]) -> Iterator[Change]:
    files = size = 0
    for change in changes:
        patch = sum(len(line) + 1 for hunk in change.hunks for line in hunk.lines)
        reason = change.skipped
        if not reason and _GENERATED.search(change.path):
            reason = "generated or third-party (by its name); linters only"
        elif not reason and patch > MAX_PATCH:
            reason = f"its diff has {patch // 1024} KiB, over {MAX_PATCH // 1024}; linters only"
        elif not reason and files == MAX_FILES:
            reason = f"more than {MAX_FILES} files changed; linters only"
        elif not reason and size + patch > MAX_PATCHES:
            reason = f"the whole diff has over {MAX_PATCHES // 1024} KiB; linters only"
        if reason:
            yield change.model_copy(update={"skipped": reason, "hunks": ()})
        else:
            files, size = files + 1, size + patch
            yield change
