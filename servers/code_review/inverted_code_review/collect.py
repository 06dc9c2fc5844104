"""Works out what a review is about: which commits, which files, and which of them the model gets.

Rules: the comparison starts at the merge base, as a pull request's does; the result is bounded,
for the journal and for the model. `server.py` runs `collect` as its first step.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from inverted_code_review.changes import Change, ChangeSet
from inverted_code_review.compare import compare
from inverted_code_review.git import GitError, RepositoryError
from inverted_code_review.repository import Repository

ROOTS_VARIABLE = "INVERTED_CODE_REVIEW_ROOTS"
MAX_FILES = 64
MAX_PATCH = 64 * 1024
MAX_PATCHES = 1024 * 1024
_GENERATED = re.compile(
    r"(^|/)(uv|poetry|Pipfile|Cargo|composer|Gemfile|flake)\.lock$"
    r"|(^|/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|go\.sum)$"
    r"|\.min\.(js|css)$|\.(map|snap|svg)$|(^|/)(node_modules|vendor|third_party)/"
)


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
        changes=tuple(_bounded(version.change for version in compare(repo, start, tip))),
    )


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


def _bounded(changes: Iterable[Change]) -> Iterator[Change]:
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
