"""A client of the previous generation (PyPI `mcp` 1.26) runs an agent over stdio and HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agents.everything import EFFECTS, EXPECTED, Effects
from tests.agents.old_python import run_old_client
from tests.agents.processes import http_server, stdio_command

CLIENT = "old_client.py"


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
    check(
        await run_old_client(old_python, CLIENT, "stdio", *command), Effects(tmp_path / "effects")
    )


@pytest.mark.timeout(400)
async def test_an_old_client_runs_an_agent_over_http(old_python: Path, tmp_path: Path) -> None:
    with http_server("everything.py", tmp_path / "runs.sqlite3", tmp_path / "effects") as server:
        seen = await run_old_client(old_python, CLIENT, "http", server.url)
    check(seen, Effects(tmp_path / "effects"))
