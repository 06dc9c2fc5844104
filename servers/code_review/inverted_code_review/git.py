"""Starts git, so that a repository from a stranger can be read but can start nothing.

Two ways. `ask` runs git in the repository, only to find it and to resolve a revision; what its
configuration could start is switched off. `read` does everything else, on the objects alone: git
gets an empty directory of ours as its repository and the stranger's object store beside it, so it
sees no configuration, hook, attribute or replaced object of theirs. Both take argument lists (no
shell), pass on no `GIT_*` variable of this process, and bound the output and the time.
Called by `repository.py` and `changes.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20.0
OUTPUT = 8 * 1024 * 1024

_SETTINGS = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "protocol.allow=never",
    "submodule.recurse=false",
    "color.ui=false",
)
_OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    *(part for setting in _SETTINGS for part in ("-c", setting)),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # stronger than protocol.<name>.allow of the repository
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class RepositoryError(Exception):
    """A request about the repository cannot be served. The message is fit for model and person."""


class GitError(RepositoryError):
    """Git ended with an error."""


@dataclass(frozen=True, slots=True)
class Output:
    """What git printed.

    Args:
        data: Its standard output.
        cut: Whether there was more than the limit; git was then stopped.
    """

    data: bytes
    cut: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a command may use.

    Args:
        limit: How many bytes of output to take before git is stopped.
        seconds: How long it may run.
        empty_codes: Exit codes that mean "found nothing" for this command.
    """

    limit: int = OUTPUT
    seconds: float = SECONDS
    empty_codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Objects:
    """A repository's object store.

    Args:
        directory: The `objects` directory.
        shallow: The file that lists where a shallow clone's history was cut, if there is one.
        format: The hash, `sha1` or `sha256`.
    """

    directory: Path
    shallow: Path | None
    format: str


def ask(directory: Path, *arguments: str) -> str:
    """Run a git command in a repository, with its configuration.

    Args:
        directory: Where.
        arguments: The command and its arguments.

    Returns:
        What it printed.

    Raises:
        GitError: Git is missing, ran out of time, or failed.
    """
    return os.fsdecode(_run(arguments, {}, directory, Bounds(), b"").data)


def read(
    objects: Objects, *arguments: str | bytes, bounds: Bounds | None = None, feed: bytes = b""
) -> Output:
    """Run a git command that reads objects, without any configuration.

    Args:
        objects: The object store.
        arguments: The command and its arguments, passed on as they are. Only hashes are revisions.
        bounds: What it may use.
        feed: Its standard input.

    Returns:
        The output, which is cut at the limit.

    Raises:
        GitError: Git is missing, ran out of time, or failed.
    """
    with _empty_repository(objects) as place:
        environment = {
            "GIT_DIR": str(place),
            "GIT_OBJECT_DIRECTORY": str(objects.directory),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        return _run(arguments, environment, place, bounds or Bounds(), feed)


@contextmanager
def _empty_repository(objects: Objects) -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="code-review-") as name:
        place = Path(name)
        (place / "refs").mkdir()
        (place / "HEAD").write_text("ref: refs/heads/none\n")
        config = "[core]\nbare = true\nrepositoryFormatVersion = 1\n"
        (place / "config").write_text(f"{config}[extensions]\nobjectFormat = {objects.format}\n")
        if objects.shallow:
            shutil.copyfile(objects.shallow, place / "shallow")
        yield place


def _run(
    arguments: tuple[str | bytes, ...],
    environment: Mapping[str, str],
    directory: Path,
    bounds: Bounds,
    feed: bytes,
) -> Output:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    expired = threading.Event()
    with tempfile.TemporaryFile() as complaint, tempfile.TemporaryFile() as source:
        source.write(feed)
        source.seek(0)
        try:
            process = subprocess.Popen(
                [os.fsencode(part) for part in ("git", *_OPTIONS, *arguments)],
                cwd=directory,
                env={**inherited, **_ENVIRONMENT, **environment},
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=complaint,
            )
        except FileNotFoundError as error:
            raise GitError("git could not be started: it is not on PATH. Install git.") from error

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(bounds.seconds, expire)
        with process:
            timer.start()
            try:
                assert process.stdout is not None  # noqa: S101 - given by stdout=PIPE
                data = process.stdout.read(bounds.limit + 1)
                cut = len(data) > bounds.limit
                if cut:
                    process.kill()
                code = process.wait()
            finally:
                timer.cancel()
        complaint.seek(0)
        said = complaint.read(2000).decode(errors="replace").strip()
    if expired.is_set():
        raise GitError(
            f"`git {_name(arguments)}` was stopped after {bounds.seconds:g} seconds. "
            "Ask for less: a narrower path or a simpler pattern."
        )
    if cut:
        return Output(data[: bounds.limit], cut=True)
    if code != 0 and code not in bounds.empty_codes:
        raise GitError(f"`git {_name(arguments)}` failed: {said or f'exit code {code}'}")
    return Output(b"" if code else data, cut=False)


def _name(arguments: tuple[str | bytes, ...]) -> str:
    """The command's own name, past the options that come before it."""
    words = (os.fsdecode(argument) for argument in arguments)
    return next((word for word in words if not word.startswith("-")), "")
