"""DBOS in a virtual environment of its own, so that it costs the project no dependency."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Final, cast

from platformdirs import user_cache_path

VERSION: Final = "3.4.0"
ROOT: Final = Path(__file__).parent.parent
ENVIRONMENT: Final = user_cache_path("inverted") / "benchmarks" / f"dbos-{VERSION}"
PROGRAM: Final = Path(__file__).with_name("dbos_steps.py")


class Peer:
    """A running process of DBOS. Made by `started`."""

    def __init__(self, database: Path) -> None:
        self._process = subprocess.Popen(
            [_python(), str(PROGRAM), str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=database.parent,
        )

    @classmethod
    def started(cls, database: Path, *, install: bool) -> tuple[Peer | None, str]:
        """A running peer, or None and why there is none.

        Args:
            database: Its SQLite file; made if absent.
            install: Whether the environment may be made now (from the package index).
        """
        if not _python().exists():
            if not install:
                return None, f"DBOS {VERSION} is not installed; a full run installs it"
            try:
                _make_environment()
            except subprocess.CalledProcessError as error:
                shutil.rmtree(ENVIRONMENT, ignore_errors=True)
                return None, f"DBOS {VERSION} could not be installed: {error.stderr[-300:]}"
        return cls(database), ""

    async def per_step(self, steps: int) -> float:
        """Seconds per step of one workflow."""
        line = await asyncio.to_thread(self._ask, steps)
        if not line:
            raise RuntimeError("The process of DBOS ended; its error is above.")
        return float(line) / steps

    def _ask(self, steps: int) -> str:
        requests, replies = cast("IO[str]", self._process.stdin), self._process.stdout
        requests.write(f"{steps}\n")
        return cast("IO[str]", replies).readline()

    def close(self) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def _python() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _make_environment() -> None:
    print(f"Installing DBOS {VERSION} into {ENVIRONMENT}", file=sys.stderr)
    package = f"dbos=={VERSION}"
    local = ROOT / ".uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(local) if local.exists() else None)
    if uv is not None:
        commands = [
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)],
            [uv, "pip", "install", "--quiet", "--python", str(_python()), package],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
            [str(_python()), "-m", "pip", "install", "--quiet", package],
        ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, text=True)
