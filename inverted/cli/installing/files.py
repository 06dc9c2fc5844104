"""Replacing a configuration file so that nobody loses anything.

A symbolic link stays one: its target is replaced. The new file is written beside the old one,
flushed to the disk and renamed over it, so a reader sees the old file or the new one. Mode and
owner stay. What was there is kept in a backup beside it. Just before the rename the file is read
once more: if somebody wrote meanwhile, everything is worked out again from what they wrote.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inverted.cli.errors import CliError

ATTEMPTS: Final = 5
"""How often a change is worked out again when somebody else writes at the same time."""

_PRIVATE: Final = 0o600


@dataclass(frozen=True)
class Replaced:
    """What became of a file.

    Attributes:
        before: Its text, None if there was no file.
        after: Its text now, None if there is no file any more.
        backup: Where the old content is kept, if anything changed and there was any.
    """

    before: str | None
    after: str | None
    backup: Path | None = None


def update(
    path: Path,
    work: Callable[[str | None], str | None],
    *,
    write: bool = True,
    private: bool = True,
) -> Replaced:
    """Change a text file.

    Args:
        path: The file.
        work: Makes the new text out of the old one; None stands for no file.
        write: Whether to write; otherwise only what would become of it is told.
        private: Whether a new file is readable by its owner alone.

    Raises:
        CliError: The file cannot be read or written, or others keep writing it.
    """
    real = Path(os.path.realpath(path))
    for _ in range(ATTEMPTS):
        content = _read(real)
        before = None if content is None else _decoded(path, content)
        after = work(before)
        if after == before or not write:
            return Replaced(before, after)
        try:
            done, backup = _replace(real, content, after, private=private)
        except OSError as error:
            raise CliError(
                f"cannot write {path}: {error.strerror or error}. It was not changed. Make the "
                "file and its directory writable, or name another file with --config."
            ) from error
        if done:
            return Replaced(before, after, backup)
    raise CliError(
        f"{path} was written by another program each of the {ATTEMPTS} times that it was about to "
        "be replaced. It was not changed. Close the host, then try again."
    )


def _read(real: Path) -> bytes | None:
    try:
        return real.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CliError(
            f"cannot read {real}: {error.strerror or error}. Nothing was changed. Make it "
            "readable, or name another file with --config."
        ) from error


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CliError(
            f"{path} is no UTF-8 text (byte {error.start}), so no host can read it. It was not "
            "changed. Save it as UTF-8, then try again."
        ) from None


def _replace(
    real: Path, content: bytes | None, after: str | None, *, private: bool
) -> tuple[bool, Path | None]:
    """Whether it was done, and where the backup is. Not done: somebody else wrote."""
    if content is not None and not os.access(real, os.W_OK):
        raise PermissionError(0, "it is write-protected")
    made: list[Path] = []
    try:
        fresh = None
        if after is not None:
            real.parent.mkdir(parents=True, exist_ok=True)
            fresh = _copy(_temporary(real), made, after.encode(), real, private=private)
        backup = None
        if content is not None:
            backup = _copy(_numbered(real), made, content, real, private=True)
        if _read(real) != content:
            return False, None
        if fresh is None:
            real.unlink()
        else:
            fresh.replace(real)
        made.clear()
        _flush_directory(real.parent)
        return True, backup
    finally:
        for each in made:
            with suppress(OSError):
                each.unlink()


def _temporary(real: Path) -> tuple[int, Path]:
    descriptor, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    return descriptor, Path(name)


def _numbered(real: Path) -> tuple[int, Path]:
    """A new backup file; of several in one second the later ones get a number."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    for number in range(1000):
        path = real.with_name(f"{real.name}.{stamp}{f'-{number}' if number else ''}.bak")
        with suppress(FileExistsError):
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), path
    raise FileExistsError(0, "there are a thousand backups of this second")


def _copy(
    opened: tuple[int, Path], made: list[Path], content: bytes, like: Path, *, private: bool
) -> Path:
    """Fill a new file, noting it first: whatever fails, it does not stay behind."""
    descriptor, path = opened
    made.append(path)
    _write(descriptor, content)
    _dress(path, like, private=private)
    return path


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _dress(path: Path, like: Path, *, private: bool) -> None:
    """Give a file the mode and the owner of another, or those of a new file."""
    try:
        model = like.stat()
    except FileNotFoundError:
        if not private:
            mask = os.umask(0)
            os.umask(mask)
            path.chmod(0o666 & ~mask)
        return
    path.chmod(stat.S_IMODE(model.st_mode))
    if hasattr(os, "chown"):
        with suppress(OSError):  # only the superuser gives files away
            os.chown(path, model.st_uid, model.st_gid)


def _flush_directory(directory: Path) -> None:
    with suppress(OSError):  # Windows opens no directories
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
