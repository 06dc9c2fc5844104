"""The pytest plugin: in a project of its own, from the entry point, without being asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from inverted import AgentServer, MemoryStore, Run
from inverted.testing import PROFILES, ScriptedHost, Way, always_replay

PROJECT = """
from inverted import AgentServer, MemoryStore, Run

def make_server():
    server = AgentServer("project", store=MemoryStore(), keys=["x" * 40])

    @server.agent
    async def greet(run: Run, name: str) -> str:
        return str((await run.sample(f"Greet {name}.")).text)

    return server


def test_a_host_can_be_had(scripted_host):
    assert scripted_host(model=["a"]).transport == "memory"


def test_every_carrier(every_carrier):
    import asyncio

    outcome = asyncio.run(
        every_carrier.run(make_server(), "greet", {"name": "Ada"}, model=["Hello"])
    )
    assert outcome.result == "Hello"
"""


def pytest_in(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_project_gets_the_fixtures_and_every_carrier(tmp_path: Path) -> None:
    (tmp_path / "test_project.py").write_text(PROJECT)
    # Twenty-four ways to carry it; some of them are enough here.
    some = "can_be_had or memory-hot or 2026-07-28-stdio-cold or 2025-11-25-http-hot"
    assert "9 passed, 16 deselected" in pytest_in(tmp_path, "-k", some)


def test_a_project_that_uses_none_of_it_imports_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_nothing_heavy_is_loaded():\n"
        "    assert 'pytest_inverted' in sys.modules\n"
        "    assert not {'inverted', 'fastmcp', 'mcp'} & set(sys.modules)\n"
    )
    assert "1 passed" in pytest_in(tmp_path)


async def test_a_way_tells_its_name_and_makes_hosts() -> None:
    way = Way("2025-11-25", "stdio", hot=False)
    assert str(way) == "2025-11-25-stdio-cold"
    assert str(replace(way, task=True)) == "2025-11-25-stdio-cold-task"
    host = way.host(model=["a"], max_rounds=3)
    assert (host.era, host.transport, host.max_rounds) == ("2025-11-25", "stdio", 3)


async def test_the_way_of_a_known_host_makes_its_double() -> None:
    way = Way.of("claude-code", "stdio", hot=False)
    assert str(way) == "claude-code-stdio-cold"
    host = way.host(model=["a"])
    assert (host.era, host.transport) == ("2026-07-28", "stdio")
    assert host.client_info.name == "claude-code"


def test_a_test_can_run_in_every_known_host(tmp_path: Path) -> None:
    (tmp_path / "test_hosts.py").write_text(
        "def test_a_host_is_had(every_host):\n"
        "    assert every_host.host(model=['a']).client_info.name\n"
    )
    assert f"{len(PROFILES)} passed" in pytest_in(tmp_path)


@pytest.mark.parametrize("cold", [True, False])
async def test_always_replaying_runs_the_body_again_in_every_round(cold: bool) -> None:  # noqa: FBT001 # a parameter
    begun: list[str] = []
    server = AgentServer("replay", store=MemoryStore(), keys=["x" * 40])

    @server.agent
    async def greet(run: Run) -> None:
        begun.append(run.id)
        await run.sample("one")
        await run.sample("two")

    if cold:
        assert always_replay(server) is server
    await ScriptedHost(model=["a", "b"]).run(server, "greet")
    assert len(begun) == (3 if cold else 1)
