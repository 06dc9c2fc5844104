"""The rules for paths: what a path of the reviewed tree may be, and how its name is shown.

Git's names are bytes. They are shown as text, and what was shown can be given back.
"""

from __future__ import annotations

import re

from inverted_code_review.git import RepositoryError


def shown(name: bytes) -> str:
    r"""Spell a file name as text; bytes that are not UTF-8 become `\xNN`."""
    return name.decode("utf-8", errors="backslashreplace")


def spellings(path: str) -> list[bytes]:
    r"""The names that a shown path can stand for: itself, then with `\xNN` read as bytes."""
    literal = path.encode("utf-8", errors="surrogatepass")
    raw = re.sub(rb"\\x([89a-f][0-9a-f])", lambda hexed: bytes.fromhex(hexed[1].decode()), literal)
    return [literal] if raw == literal else [literal, raw]


def tree_path(path: str) -> str:
    """Check and clean a path that names an entry of a tree.

    Args:
        path: A path relative to the repository's top.

    Returns:
        The path without empty and `.` parts.

    Raises:
        RepositoryError: It could name something outside of the tree.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or re.match(r"[A-Za-z]:[\\/]", path):
        reason = "it is absolute; give it relative to the repository's top"
    elif ".." in parts or ".." in path.split("\\"):
        reason = "`..` could leave the repository"
    elif any(part.lower() == ".git" for part in parts):
        reason = "`.git` is not part of what is reviewed"
    elif "\0" in path or not parts:
        reason = "it names no file"
    else:
        return "/".join(parts)
    raise RepositoryError(f"The path {path!r} is refused: {reason}.")


def any_depth(glob: str) -> str:
    """Make a glob without a directory match in every directory; check it like a path."""
    clean = tree_path(glob)
    return clean if "/" in clean else f"**/{clean}"
