"""Reads a git repository at a commit, from its objects and never from the work tree.

Rules: a revision is resolved to a commit once and only its hash is used from there; a path names
an entry of the commit's tree, so nothing outside the repository can be read, and every attempt is
refused with the reason; links are not followed; sizes are bounded. `changes.py`, `callers.py` and
`tools.py` read through this.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inverted_code_review.git import (
    OUTPUT,
    SECONDS,
    Bounds,
    GitError,
    Objects,
    Output,
    RepositoryError,
    ask,
    read,
)
from inverted_code_review.paths import any_depth, shown, spellings, tree_path

MAX_BLOB = 4 * 1024 * 1024
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SYMLINK, SUBMODULE = "120000", "160000"
_MATCH_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a commit's tree.

    Args:
        mode: Git's file mode, six octal digits.
        kind: `blob`, `tree` or `commit` (a submodule).
        oid: The object's name.
        size: Bytes of a blob, 0 for the others.
    """

    mode: str
    kind: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Match:
    """A line that a search found."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line comes from."""

    line: int
    commit: str
    author: str
    time: int
    summary: str
    text: str


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository on this machine.

    Args:
        root: Its top directory.
        objects: Its object store.
    """

    root: Path
    objects: Objects

    @classmethod
    def open(cls, path: str, allowed: Sequence[Path] = ()) -> Repository:
        """Find the repository that a path is in.

        Args:
            path: A directory, absolute or relative to this process.
            allowed: The repository must be inside one of these; any will do when there is none.

        Returns:
            The repository.

        Raises:
            RepositoryError: There is none, git does not trust it, or it is not allowed.
        """
        directory = Path(path).expanduser().resolve()
        if not directory.is_dir():
            raise RepositoryError(f"{path!r} is not a directory. Give a git repository's path.")
        facts = ("--show-object-format", "--git-common-dir", "--show-toplevel")
        try:
            kind, common, top = ask(directory, "rev-parse", *facts).split("\n", 2)
        except GitError as error:
            raise RepositoryError(
                f"{path!r} cannot be read as a git repository with a work tree: {error}"
            ) from error
        root, store = (directory / part.removesuffix("\n") for part in (top, common))
        store = store.resolve()
        # A `.git` file or a linked work tree may keep the objects elsewhere: that place counts too.
        inside = all(any(each.is_relative_to(a) for a in allowed) for each in (root, store))
        if allowed and not inside:
            raise RepositoryError(
                f"{path!r} is outside the directories that this server may read. "
                "Whoever runs the server can add one with --root DIRECTORY."
            )
        shallow = store / "shallow"
        return cls(root, Objects(store / "objects", shallow if shallow.is_file() else None, kind))

    def commit(self, revision: str) -> str:
        """Resolve a revision.

        Args:
            revision: A branch, tag, hash or expression such as `HEAD~1`.

        Returns:
            The commit's full hash.

        Raises:
            RepositoryError: It is not a revision, or names no commit here.
        """
        if not revision or revision.startswith("-") or not revision.isprintable():
            raise RepositoryError(
                f"{revision!r} is not a revision. Give a branch, tag or commit, for example HEAD~1."
            )
        try:
            command = ("rev-parse", "--verify", "--quiet", "--end-of-options")
            return ask(self.root, *command, revision + "^{commit}").strip()
        except GitError as error:
            reason = "no commit has that name"
            if self.objects.shallow:
                reason += "; this clone is shallow, so fetch more history (git fetch --deepen=50)"
            raise RepositoryError(f"The revision {revision!r} was not found: {reason}.") from error

    def git(
        self,
        *arguments: str | bytes,
        limit: int = OUTPUT,
        seconds: float = SECONDS,
        empty_codes: tuple[int, ...] = (),
        feed: bytes = b"",
    ) -> Output:
        """Run a git command on the objects; see `git.read`."""
        bounds = Bounds(limit, seconds, empty_codes)
        return read(self.objects, *arguments, bounds=bounds, feed=feed)

    def parents(self, commit: str) -> list[str]:
        """Give the parents that a commit names, also those that a shallow clone lacks."""
        header, _, _ = self.git("cat-file", "commit", commit).data.partition(b"\n\n")
        lines = header.decode(errors="replace").splitlines()
        return [line.removeprefix("parent ") for line in lines if line.startswith("parent ")]

    def is_ancestor(self, ancestor: str, commit: str) -> bool:
        """Whether a commit is in the history of another."""
        counted = self.git("rev-list", "--max-count=1", ancestor, f"^{commit}").data
        return not counted.strip()

    def entry(self, commit: str, path: str) -> Entry:
        """Look a path up in a commit's tree.

        Args:
            commit: A full hash.
            path: A path relative to the repository's top, with `/` between its parts.

        Returns:
            The entry.

        Raises:
            RepositoryError: The path leaves the repository or is not in the tree.
        """
        clean = tree_path(path)
        for name in spellings(clean):
            if entry := self._lookup(commit, name):
                return entry
        parts = clean.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            entry = self._lookup(commit, above.encode(errors="surrogatepass"))
            if entry and entry.mode == SYMLINK:
                raise RepositoryError(self._about_link(above, entry))
            if entry and entry.mode == SUBMODULE:
                raise RepositoryError(f"{above!r} is a submodule: another repository, not read.")
        raise RepositoryError(f"There is no {path!r} at {commit[:12]}. Search for its name.")

    def text(self, commit: str, path: str) -> str:
        """Read a text file at a commit.

        Args:
            commit: A full hash.
            path: A path relative to the repository's top.

        Returns:
            The whole text.

        Raises:
            RepositoryError: It is not a text file of this repository, or is too large.
        """
        entry = self.entry(commit, path)
        if entry.mode == SYMLINK:
            raise RepositoryError(self._about_link(path, entry))
        if entry.kind != "blob":
            what = "a directory" if entry.kind == "tree" else "a submodule"
            raise RepositoryError(f"{path!r} is {what}, not a file.")
        text = decoded(self.blob(entry.oid))
        if text is None:
            raise RepositoryError(f"{path!r} is binary ({entry.size} bytes): it is not shown.")
        return text

    def blob(self, oid: str) -> bytes:
        """Read a blob whole; raise RepositoryError when it is larger than `MAX_BLOB`."""
        out = self.git("cat-file", "blob", oid, limit=MAX_BLOB)
        if out.cut:
            raise RepositoryError(
                f"The file is larger than {MAX_BLOB // 1024**2} MiB, which is not read."
            )
        return out.data

    def sizes(self, oids: Iterable[str]) -> dict[str, int]:
        """Give the sizes of some blobs in bytes; raise RepositoryError when one is missing."""
        names = list(dict.fromkeys(oids))
        listing = self.git("cat-file", "--batch-check", feed="\n".join([*names, ""]).encode()).data
        found = [line.split() for line in listing.decode().splitlines()]
        if missing := [fields[0] for fields in found if fields[1] != "blob"]:
            raise RepositoryError(
                f"{len(missing)} file(s) are missing from this clone, for example {missing[0]}. "
                "It is a partial clone: fetch them first (git fetch --refetch)."
            )
        return {fields[0]: int(fields[2]) for fields in found}

    def blobs(self, oids: Iterable[str]) -> dict[str, bytes]:
        """Read some blobs at once, whatever their size; see `sizes`."""
        sizes = self.sizes(oids)
        room = sum(sizes.values()) + len(sizes) * 200
        feed = "\n".join([*sizes, ""]).encode()
        data = self.git("cat-file", "--batch", feed=feed, limit=room).data
        found: dict[str, bytes] = {}
        at = 0
        while at < len(data):
            end = data.index(b"\n", at)
            oid, _, size = data[at:end].decode().split()
            found[oid] = data[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
        return found

    def grep(
        self,
        commit: str,
        pattern: str,
        *,
        glob: str = "",
        regex: bool = False,
        word: bool = False,
        limit: int = 100,
    ) -> tuple[list[Match], bool]:
        """Search the text files of a commit.

        Args:
            commit: A full hash.
            pattern: What to look for in a line.
            glob: Only files whose path matches; without a `/` it matches at any depth.
            regex: Whether the pattern is a POSIX extended regular expression.
            word: Whether only whole words count.
            limit: How many matches to return.

        Returns:
            The matches, and whether there were more.

        Raises:
            RepositoryError: The pattern or the glob is wrong, or the search took too long.
        """
        if not pattern or "\n" in pattern or "\0" in pattern:
            raise RepositoryError("Search for a pattern of one line that is not empty.")
        options = ["-E" if regex else "-F", *(["-w"] if word else [])]
        where = [f":(glob){any_depth(glob)}"] if glob else []
        out = self.git(
            *("grep", "--no-color", "--no-textconv", "--threads=1", "-n", "-I", "-z"),
            *("--full-name", *options, "-e", pattern, commit, "--", *where),
            limit=_MATCH_BYTES,
            seconds=10,
            empty_codes=(1,),
        )
        found = [
            Match(shown(name[len(commit) + 1 :]), int(line), _text(text))
            for name, line, text in re.findall(rb"([^\0]+)\0(\d+)\0([^\n]*)\n", out.data)
        ]
        return found[:limit], out.cut or len(found) > limit

    def blame(self, commit: str, path: str, start: int, end: int) -> list[Origin]:
        """Tell which commit last changed each line of a range.

        Args:
            commit: A full hash.
            path: A path relative to the repository's top.
            start: The first line, from 1.
            end: The last line.

        Returns:
            One origin for each line.

        Raises:
            RepositoryError: It is not a text file of this repository, or has no such lines.
        """
        count = len(lines_of(self.text(commit, path)))
        if not 1 <= start <= min(end, count):
            raise RepositoryError(f"{path!r} has lines 1 to {count}, not {start} to {end}.")
        span = f"-L{start},{min(end, count)}"
        name = next(name for name in spellings(tree_path(path)) if self._lookup(commit, name))
        out = self.git("blame", "--line-porcelain", "--no-textconv", span, commit, "--", name).data
        return [_origin(block) for block in re.findall(rb"(?s)(.*?\n)\t([^\n]*)\n", out)]

    def _lookup(self, commit: str, name: bytes) -> Entry | None:
        command = ("--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree")
        line = self.git(*command, commit, "--", name).data.partition(b"\t")[0]
        if not line:
            return None
        mode, kind, oid, size = line.decode().split()
        return Entry(mode, kind, oid, int(size) if size.isdigit() else 0)

    def _about_link(self, path: str, entry: Entry) -> str:
        target = shown(self.blob(entry.oid)[:1000])
        landing = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if landing.startswith(("..", "/")):
            return f"{path!r} is a symbolic link that leaves the repository: it is not followed."
        return f"{path!r} is a symbolic link to {landing!r}: read that path instead."


def decoded(data: bytes) -> str | None:
    """Decode a file's bytes; None when they are not text."""
    if data.startswith(UTF_16):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:8000]:
        return None
    return data.decode("utf-8", errors="replace").removeprefix("\ufeff")


def lines_of(text: str) -> list[str]:
    """Split a text into lines as git counts them."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").removesuffix("\r")


def _origin(block: tuple[bytes, bytes]) -> Origin:
    header, text = block
    first, *rest = header.decode("utf-8", errors="replace").split("\n")
    facts = {key: value for key, _, value in (line.partition(" ") for line in rest)}
    commit, _, line = first.split()[:3]
    return Origin(
        line=int(line),
        commit=commit,
        author=facts["author"],
        time=int(facts["author-time"]),
        summary=facts["summary"],
        text=_text(text),
    )
