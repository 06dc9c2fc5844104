"""Compares two trees of a repository, file by file.

Rules: objects are compared in an empty repository (`git.read`), so no attribute or configuration
of the stranger's takes part; git starts a few times for a whole change, not for every file; what
goes into a hunk is redacted first. `collect.py` and the linters call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from inverted_code_review.changes import Change, Hunk, Status
from inverted_code_review.git import GitError, RepositoryError
from inverted_code_review.paths import shown
from inverted_code_review.redaction import redact
from inverted_code_review.repository import (
    MAX_BLOB,
    SUBMODULE,
    SYMLINK,
    UTF_16,
    Repository,
    decoded,
    lines_of,
)

MAX_PATCH_OUTPUT = 32 * 1024 * 1024
SECONDS = 60
_BATCH = 32 * 1024 * 1024
_NOTHING = "000000"
_STATUS: dict[str, Status] = {"A": "added", "D": "deleted", "R": "renamed"}
_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color", "--histogram", "-U3", "--full-index")
_INDEX = re.compile(rb"(?m)^index ([0-9a-f]+)\.\.([0-9a-f]+)")

Patch = list[tuple[int, int, str]]
"""The hunks of a file: where each starts in the old and the new version, and its marks."""


@dataclass(frozen=True, slots=True)
class Version:
    """A changed file with its texts.

    Args:
        change: What changed in it.
        size: Bytes of its new version.
        old: Its old text, empty if there is none.
        new: Its new text, empty if there is none.
    """

    change: Change
    size: int
    old: str = ""
    new: str = ""


def compare(repo: Repository, base: str, head: str) -> Iterator[Version]:
    """Compare two trees completely.

    Args:
        repo: The repository.
        base: The tree or commit before.
        head: The commit after.

    Yields:
        Each changed file, in the order of their paths.

    Raises:
        RepositoryError: Objects are missing.
    """
    try:
        changes = sorted(_listed(repo, base, head), key=lambda change: change.path)
    except GitError as error:
        raise RepositoryError(
            f"The two revisions cannot be compared: {error}. If this is a partial clone, fetch "
            "what is missing first (git fetch --refetch)."
        ) from error
    sizes = repo.sizes([oid for change in changes for oid in _oids(change)])
    patches = _patches(repo, base, head)
    for batch in _batches(changes, sizes):
        blobs = repo.blobs(oid for c in batch for oid in _oids(c) if sizes[oid] <= MAX_BLOB)
        for change in batch:
            yield _version(repo, change, blobs, sizes.get(change.new, 0), patches)


def _listed(repo: Repository, base: str, head: str) -> Iterator[Change]:
    command = ("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "-M", "-l1000", base, head)
    raw = repo.git(*command, seconds=SECONDS)
    if raw.cut:
        raise RepositoryError("Too many files changed to compare them. Choose a nearer base.")
    fields = iter(raw.data.split(b"\0"))
    for header in fields:
        if not header:
            break
        old_mode, new_mode, old, new, letter = header.decode().removeprefix(":").split()
        before = after = shown(next(fields))
        if letter[0] in "RC":
            after = shown(next(fields))
        modes = {old_mode, new_mode}
        skipped = ""
        if SUBMODULE in modes:
            skipped = "a submodule: another repository"
        elif SYMLINK in modes:
            skipped = "a symbolic link"
        elif old == new:
            what = f"renamed, from {before}" if before != after else "its mode changed"
            skipped = f"only {what}, its text is the same"
        yield Change(
            path=after,
            old_path=before if before != after else "",
            status=_STATUS.get(letter[0], "modified"),
            old="" if old_mode == _NOTHING else old,
            new="" if new_mode == _NOTHING else new,
            skipped=skipped,
        )


def _oids(change: Change) -> list[str]:
    return [] if change.skipped else [oid for oid in (change.old, change.new) if oid]


def _batches(changes: Sequence[Change], sizes: Mapping[str, int]) -> Iterator[list[Change]]:
    """Group the changes so that the texts of a group fit into memory."""
    batch: list[Change] = []
    weight = 0
    for change in changes:
        weight += sum(min(sizes[oid], MAX_BLOB) for oid in _oids(change))
        if batch and weight > _BATCH:
            yield batch
            batch, weight = [], 0
        batch.append(change)
    if batch:
        yield batch


def _version(
    repo: Repository,
    change: Change,
    blobs: Mapping[str, bytes],
    size: int,
    patches: Mapping[tuple[str, str], Patch],
) -> Version:
    if change.skipped:
        return Version(change, size)
    if any(oid not in blobs for oid in _oids(change)):
        reason = f"larger than {MAX_BLOB // 1024**2} MiB"
        return Version(change.model_copy(update={"skipped": reason}), size)
    old, new = (decoded(blobs[oid]) if oid else "" for oid in (change.old, change.new))
    if old is None or new is None:
        return Version(change.model_copy(update={"skipped": "binary"}), size, old or "", new or "")
    if any(blobs[oid].startswith(UTF_16) for oid in _oids(change)):
        reason = "UTF-16, which git does not compare by lines"
        return Version(change.model_copy(update={"skipped": reason}), size, old, new)
    before, after = lines_of(redact(old)), lines_of(redact(new))
    if change.old and change.new:
        patch = patches.get((change.old, change.new)) or _patch_of(repo, change)
        hunks = tuple(_filled(patch, before, after))
    else:
        lines = [f"+{line}" for line in after] or [f"-{line}" for line in before]
        hunks = (Hunk(old_start=1, new_start=1, lines=tuple(lines)),) if lines else ()
    update = {"hunks": hunks, "skipped": "" if hunks else "empty"}
    return Version(change.model_copy(update=update), size, old, new)


def _filled(patch: Patch, before: list[str], after: list[str]) -> Iterator[Hunk]:
    """Put the redacted lines where git saw the differences."""
    for old_start, new_start, marks in patch:
        places = Hunk(old_start=old_start, new_start=new_start, lines=tuple(marks))
        lines = (
            f"{mark}{before[old - 1] if mark == '-' else after[new - 1]}"
            for old, new, mark, _ in places.numbered()
        )
        yield places.model_copy(update={"lines": tuple(lines)})


def _patches(repo: Repository, base: str, head: str) -> dict[tuple[str, str], Patch]:
    """The patches of all modified files, by their objects."""
    command = ("diff-tree", "-r", "-p", "-M", "-l1000", "--diff-filter=MR", *_DIFF, base, head)
    out = repo.git(*command, limit=MAX_PATCH_OUTPUT, seconds=SECONDS)
    pieces = re.split(rb"(?m)^(?=diff --git )", out.data)
    if out.cut:
        pieces.pop()  # the last one is not whole; `_patch_of` makes it again
    return {
        (match[1].decode(), match[2].decode()): patch
        for piece in pieces
        if (match := _INDEX.search(piece)) and (patch := _parsed(piece))
    }


def _patch_of(repo: Repository, change: Change) -> Patch:
    """The patch of one file, for what did not fit into `_patches`."""
    return _parsed(repo.git("diff", "--text", *_DIFF, change.old, change.new).data)


def _parsed(patch: bytes) -> Patch:
    hunks: Patch = []
    for piece in re.split(rb"(?m)^(?=@@ )", patch)[1:]:
        header, *body = piece.split(b"\n")
        if starts := re.match(rb"@@ -(\d+)(?:,\d+)? \+(\d+)", header):
            marks = "".join(chr(line[0]) for line in body if line[:1] in {b" ", b"-", b"+"})
            hunks.append((int(starts[1]), int(starts[2]), marks))
    return hunks
