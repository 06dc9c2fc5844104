"""A Python that has the client of the previous generation, PyPI `mcp` 1.26, and how it is run."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.agents.processes import HERE

VERSION = "1.26.0"


def made(config: pytest.Config) -> Path:
    """A Python that has the old client, made once and kept in pytest's cache."""
    cache = config.cache
    assert cache is not None
    home = cache.mkdir(f"mcp-{VERSION}")
    python = home / f"python{sys.version_info.major}.{sys.version_info.minor}" / "bin" / "python"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker makes it, the others wait
        if not python.exists():
            install(python.parents[1], config.rootpath / ".uv" / "bin")
    return python


def install(home: Path, local_uv: Path) -> None:
    """Make the environment, with uv if it is there; under another name until it is complete."""
    uv = shutil.which("uv", path=f"{os.environ.get('PATH', '')}{os.pathsep}{local_uv}")
    draft = home.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    python, wanted = str(draft / "bin" / "python"), f"mcp=={VERSION}"
    try:
        if uv:
            call(uv, "venv", "--quiet", "--python", sys.executable, str(draft))
            call(uv, "pip", "install", "--quiet", "--python", python, wanted)
        else:
            call(sys.executable, "-m", "venv", str(draft))
            call(python, "-m", "pip", "install", "--quiet", wanted)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{wanted} cannot be installed here: {error}")
    draft.rename(home)


def call(*command: str) -> None:
    subprocess.run(command, check=True, timeout=300)


async def run_old_client(python: Path, program: str, *arguments: str) -> dict[str, Any]:
    """Run a program with it, and read the JSON that it prints."""
    # Its own Python: nothing of this environment may shine through.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with anyio.fail_after(45):
        done = await anyio.run_process(
            [str(python), str(HERE / program), *arguments], env=clean, stderr=None
        )
    return json.loads(done.stdout)
