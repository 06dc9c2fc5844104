"""Peers in virtual environments of their own, so that they cost the project no dependency."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from platformdirs import user_cache_path

ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Package:
    """What a peer needs, and the program that is it.

    Attributes:
        name: Name of its environment.
        requirement: What is installed there.
        program: Reads one line of work at a time and writes the seconds that it took.
    """

    name: str
    requirement: str
    program: str

    @property
    def environment(self) -> Path:
        """Its virtual environment, in the user's cache."""
        return user_cache_path("inverted") / "benchmarks" / self.name

    @property
    def python(self) -> Path:
        """The Python in it."""
        windows = sys.platform == "win32"
        return self.environment / ("Scripts/python.exe" if windows else "bin/python")


DBOS: Final = Package("dbos-3.4.0", "dbos==3.4.0", "dbos_steps.py")
FASTMCP_TASKS: Final = Package("fastmcp-tasks-4.1.2", "fastmcp[tasks]==4.1.2", "peer_tasks.py")


class Peer:
    """A running peer. Made by `started`."""

    def __init__(self, package: Package, *arguments: str, directory: Path | None = None) -> None:
        self._name = package.name
        self._process = subprocess.Popen(
            [str(package.python), str(Path(__file__).with_name(package.program)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=directory,
        )

    @classmethod
    def started(
        cls, package: Package, *arguments: str, install: bool, directory: Path | None = None
    ) -> tuple[Peer | None, str]:
        """A running peer, or None and why there is none.

        Args:
            package: Which.
            arguments: Of its program.
            install: Whether the environment may be made now (from the package index).
            directory: Where it runs.
        """
        if not package.python.exists():
            if not install:
                return None, f"{package.name} is not installed; a full run installs it"
            try:
                _make_environment(package)
            except subprocess.CalledProcessError as error:
                shutil.rmtree(package.environment, ignore_errors=True)
                return None, f"{package.name} could not be installed: {error.stderr[-300:]}"
        return cls(package, *arguments, directory=directory), ""

    async def seconds_per(self, work: str, count: int) -> float:
        """Seconds of each of so many things that a line of work asks for."""
        line = await asyncio.to_thread(self._ask, work)
        if not line:
            raise RuntimeError(f"The process of {self._name} ended; its error is above.")
        return float(line) / count

    def _ask(self, work: str) -> str:
        requests, replies = cast("IO[str]", self._process.stdin), self._process.stdout
        requests.write(f"{work}\n")
        return cast("IO[str]", replies).readline()

    def close(self) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def _make_environment(package: Package) -> None:
    print(f"Installing {package.requirement} into {package.environment}", file=sys.stderr)
    local = ROOT / ".uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(local) if local.exists() else None)
    environment, python = str(package.environment), str(package.python)
    if uv is not None:
        commands = [
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment],
            [uv, "pip", "install", "--quiet", "--python", python, package.requirement],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", "--clear", environment],
            [python, "-m", "pip", "install", "--quiet", package.requirement],
        ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, text=True)
