"""A run of an agent server that was stopped goes on with --resume, on both eras."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Host = Callable[..., Any]


def thinking(failing_at: str) -> ModuleType:
    """A module with a policy that echoes prompts, and fails at one."""
    module = ModuleType("thinking")

    def policy(params: dict[str, Any]) -> dict[str, Any]:
        prompt = params["messages"][-1]["content"]["text"]
        if prompt == failing_at:
            raise RuntimeError("out of ideas")
        return {"content": {"type": "text", "text": f"on {prompt}"}}

    vars(module)["policy"] = policy
    return module


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_a_stopped_run_goes_on_without_repeating_steps_and_turns(
    host: Host, servers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    marks = tmp_path / "marks"
    argv = ["run", servers / "resumable.py", "--file", marks, "--era", era, "--yes", "--json"]
    argv += ["--no-task"]  # on 2026-07-28 a slow machine would make one of it
    argv += ["--model", "rehearsal:thinking:policy"]

    monkeypatch.setitem(sys.modules, "thinking", thinking(failing_at="Second thought"))
    stopped = host(*argv)
    assert stopped.code == 4
    key = stopped.json["runKey"]
    assert f"--resume {key}" in stopped.err

    monkeypatch.setitem(sys.modules, "thinking", thinking(failing_at="First thought"))
    finished = host(*argv, "--resume", key)
    assert finished.code == 0, finished.err
    assert finished.json["result"] == "step 1; on First thought; on Second thought"
    assert finished.json["era"] == era
    assert [question["kind"] for question in finished.json["transcript"]] == ["model", "person"]
    assert marks.read_text() == "ran"
