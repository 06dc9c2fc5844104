"""A client of the previous generation (PyPI `mcp` 1.26) runs an agent over stdio and HTTP."""

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

from tests.agents.everything import EFFECTS, EXPECTED, Effects
from tests.agents.processes import HERE, http_server, stdio_command

VERSION = "1.26.0"


@pytest.fixture(scope="session")
def old_python(request: pytest.FixtureRequest) -> Path:
    """A Python that has the old client, made once and kept in pytest's cache."""
    cache = request.config.cache
    assert cache is not None
    home = cache.mkdir(f"mcp-{VERSION}")
    python = home / f"python{sys.version_info.major}.{sys.version_info.minor}" / "bin" / "python"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker makes it, the others wait
        if not python.exists():
            install(python.parents[1], request.config.rootpath / ".uv" / "bin")
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


async def run_old_client(python: Path, *arguments: str) -> dict[str, Any]:
    # Its own Python: nothing of this environment may shine through.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with anyio.fail_after(45):
        done = await anyio.run_process(
            [str(python), str(HERE / "old_client.py"), *arguments], env=clean, stderr=None
        )
    return json.loads(done.stdout)


def check(seen: dict[str, Any], effects: Effects) -> None:
    assert not seen["is_error"], seen
    assert seen["result"] == EXPECTED
    assert seen["version"] == "2025-11-25"
    assert seen["seen"].count("sample") == 9
    assert seen["seen"].count("elicit") == 2
    assert [line for line in effects.lines if not line.startswith("process")] == EFFECTS


@pytest.mark.timeout(400)  # the first time, an environment is made
async def test_an_old_client_runs_an_agent_over_stdio(old_python: Path, tmp_path: Path) -> None:
    command = stdio_command("everything.py", tmp_path / "runs.sqlite3", tmp_path / "effects")
    check(await run_old_client(old_python, "stdio", *command), Effects(tmp_path / "effects"))


@pytest.mark.timeout(400)
async def test_an_old_client_runs_an_agent_over_http(old_python: Path, tmp_path: Path) -> None:
    with http_server("everything.py", tmp_path / "runs.sqlite3", tmp_path / "effects") as server:
        seen = await run_old_client(old_python, "http", server.url)
    check(seen, Effects(tmp_path / "effects"))
