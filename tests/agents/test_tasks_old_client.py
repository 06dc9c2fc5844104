"""The experimental tasks client of PyPI `mcp` 1.26 against our tasks, over stdio and HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agents.old_python import run_old_client
from tests.agents.processes import http_server, stdio_command

RELATED = "io.modelcontextprotocol/related-task"
IMMEDIATE = "io.modelcontextprotocol/model-immediate-response"
CLIENT = "old_tasks_client.py"


def check(seen: dict[str, Any]) -> None:
    assert seen["capabilities"] == {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
    assert seen["support"] == {
        "greet": {"taskSupport": "optional"},
        "rest": {"taskSupport": "optional"},
        "fail": {"taskSupport": "required"},
        "quick": None,
        "continue_run": None,
    }
    check_greeting(seen)
    resting = seen["ids"]["resting"]
    assert resting in seen["listed"]
    assert seen["ids"]["greeting"] in seen["listed"]
    assert seen["cancelled"] == "cancelled"
    assert seen["of cancelled"]["isError"]
    assert seen["twice"] == -32602
    assert seen["failed"][-1] == seen["broken"][-1] == "failed"
    assert "it broke" in seen["of failed"]["content"][0]["text"]
    assert seen["of failed"]["isError"]
    assert seen["of broken"] == -32099
    assert seen["unknown"] == [-32602, -32602, -32602, -32602, -32601, -32601]
    assert seen["inline"]["structuredContent"] == {"result": "Ada: rum? yes"}


def check_greeting(seen: dict[str, Any]) -> None:
    greeting, task = seen["ids"]["greeting"], seen["created"]["task"]
    assert (task["status"], task["ttl"], task["pollInterval"]) == ("working", 60_000, 50)
    assert "background" in seen["created"]["_meta"][IMMEDIATE]
    assert "input_required" in seen["statuses"]
    assert seen["statuses"][-1] == "completed"
    assert seen["result"]["structuredContent"] == {"result": "Ada: tea? yes"}
    assert seen["result"]["_meta"][RELATED] == {"taskId": greeting}
    assert seen["again"] == seen["result"]

    asked = [said for kind, said in seen["heard"] if kind in ("sample", "elicit")]
    related = [each.get("_meta", {}).get(RELATED) for each in asked]
    assert related == [{"taskId": greeting}, {"taskId": greeting}, None, None]


@pytest.mark.timeout(400)  # the first time, an environment is made
async def test_an_old_client_uses_tasks_over_stdio(old_python: Path, tmp_path: Path) -> None:
    command = stdio_command("tasks_server.py", tmp_path / "runs.sqlite3")
    seen = await run_old_client(old_python, CLIENT, "stdio", *command)
    check(seen)
    check_heard(seen)


@pytest.mark.timeout(400)
async def test_an_old_client_uses_tasks_over_http(old_python: Path, tmp_path: Path) -> None:
    with http_server("tasks_server.py", tmp_path / "runs.sqlite3") as server:
        seen = await run_old_client(old_python, CLIENT, "http", server.url, "ada")
    check(seen)
    check_heard(seen)


def check_heard(seen: dict[str, Any]) -> None:
    """What the server said without being asked."""
    greeting = seen["ids"]["greeting"]
    progress = [said for kind, said in seen["heard"] if kind == "notifications/progress"]
    assert [(each["progressToken"], each["progress"]) for each in progress] == [
        ("token", 1.0),
        ("token", 2.0),
    ]
    logs = [said for kind, said in seen["heard"] if kind == "notifications/message"]
    of_task = [each for each in logs if each.get("_meta") is not None]
    assert [each["data"]["msg"] for each in of_task] == ["done"]
    for each in (*progress, *of_task):
        assert each["_meta"][RELATED] == {"taskId": greeting}
    told = [said for kind, said in seen["heard"] if kind == "notifications/tasks/status"]
    statuses = [each["status"] for each in told if each["taskId"] == greeting]
    assert statuses[0] == "input_required"
    assert statuses[-1] == "completed"
    assert all(each.get("_meta") is None for each in told)
