"""Starts git, so that a repository from a stranger can be read but can start nothing.

Rules: argument lists and no shell; output and time are bounded; hooks, file system monitors,
lazy fetching and every transport are off, whatever the repository's configuration says; the
`GIT_*` variables of this process are not passed on. Which of git's commands may be used is the
caller's care: only those that read objects (`repository.py` and `changes.py` are the callers).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20.0
OUTPUT = 8 * 1024 * 1024

_SETTINGS = {
    "core.fsmonitor": "false",  # would start a program on index reads
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "grep.fallbackToNoIndex": "false",
    "blame.ignoreRevsFile": "",  # an empty value clears the list, which may name any file
    "color.ui": "false",
}
_OPTIONS = [
    "--no-pager",
    "--no-optional-locks",
    *(part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")),
]
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit as it is, not what a local ref puts there
    "GIT_NO_LAZY_FETCH": "1",
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


def git(
    directory: Path,
    *arguments: str | bytes,
    limit: int = OUTPUT,
    seconds: float = SECONDS,
    empty_codes: tuple[int, ...] = (),
) -> Output:
    """Run one git command that reads.

    Args:
        directory: Where to run it.
        arguments: The command and its arguments, passed on as they are.
        limit: How many bytes of output to take before git is stopped.
        seconds: How long it may run.
        empty_codes: Exit codes that mean "found nothing" for this command.

    Returns:
        The output, which is cut at the limit.

    Raises:
        GitError: Git is missing, ran out of time, or failed.
    """
    command = [b"git", *map(os.fsencode, [*_OPTIONS, *arguments])]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    expired = threading.Event()
    with tempfile.TemporaryFile() as complaint:
        try:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=inherited | _ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaint,
            )
        except FileNotFoundError as error:
            raise GitError("git could not be started: it is not on PATH. Install git.") from error

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(seconds, expire)
        with process:
            timer.start()
            try:
                assert process.stdout is not None  # noqa: S101 - given by stdout=PIPE
                data = process.stdout.read(limit + 1)
                cut = len(data) > limit
                if cut:
                    process.kill()
                code = process.wait()
            finally:
                timer.cancel()
        complaint.seek(0)
        said = complaint.read(2000).decode(errors="replace").strip()
    if expired.is_set():
        raise GitError(
            f"`git {_name(arguments)}` was stopped after {seconds:g} seconds. "
            "Ask for less: a narrower path or a simpler pattern."
        )
    if cut:
        return Output(data[:limit], cut=True)
    if code in empty_codes:
        return Output(b"", cut=False)
    if code != 0:
        raise GitError(f"`git {_name(arguments)}` failed: {said or f'exit code {code}'}")
    return Output(data, cut=False)


def _name(arguments: tuple[str | bytes, ...]) -> str:
    """The command's own name, past the options that come before it."""
    words = (os.fsdecode(argument) for argument in arguments)
    return next((word for word in words if not word.startswith("-")), "")
