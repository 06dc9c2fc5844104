"""`inverted run` on tasks of both forms: drive, leave, come back, cancel."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest
from mcp_types import CreateMessageRequestParams, ElicitRequestFormParams
from rich.console import Console

from inverted.cli.conversation import Conversation
from inverted.cli.errors import UsageProblem
from inverted.cli.events import Answered, Asked, Connected, Progress, TaskChanged
from inverted.cli.options import read_options, with_task
from inverted.cli.transcript import Transcript
from inverted.cli.view import View

Host = Callable[..., Any]
ERAS = ("2026-07-28", "2025-11-25")
both_eras = pytest.mark.parametrize("era", ERAS)


@pytest.fixture(scope="session")
def over_http(http_servers: Callable[[str], Any]) -> str:
    """The address of the same server, with its runs in memory."""
    return http_servers("tasks").url


@pytest.fixture
def over_stdio(servers: Path) -> Path:
    """A file that each command line starts anew; the runs are in the test's own store."""
    return servers / "tasks.py"


# -- drive ----------------------------------------------------------------------------------------


@both_eras
def test_a_task_is_driven_to_its_end(host: Host, over_http: str, era: str) -> None:
    found = host("run", over_http, "brew", "--what", "tea", "--yes", "--era", era)
    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert re.search(r"^task [\w-]{22}$", found.out, re.MULTILINE)
    assert "● model  How is tea brewed?  " in found.out
    assert "         → yes (by --yes)" in lines
    assert "tea is ready" in lines
    assert "1 model turn · 1 question" in lines[-1]
    assert "completed" not in found.out


@both_eras
def test_a_task_is_told_of_in_the_json_document(host: Host, over_http: str, era: str) -> None:
    found = host("run", over_http, "brew", "--what", "tea", "--yes", "--json", "--era", era).json
    assert found["structuredContent"] == {"result": "tea is ready"}
    assert re.fullmatch(r"[\w-]{22}", found["taskId"])
    assert [question["kind"] for question in found["transcript"]] == ["model", "person"]


@both_eras
def test_what_a_task_says_of_its_progress_is_shown(
    host: Host, over_http: str, era: str, tmp_path: Path
) -> None:
    (tmp_path / "there").write_text("found it")
    found = host("run", over_http, "patient", "--file", tmp_path / "there", "--era", era)
    assert found.code == 0
    assert "found it" in found.out.splitlines()


@both_eras
def test_a_task_that_ends_with_a_tool_error_is_one(host: Host, over_http: str, era: str) -> None:
    found = host("run", over_http, "broken", "--era", era)
    assert found.code == 1
    assert "the agent ended with an error:" in found.err
    assert "broken True" in found.err


def test_without_a_wish_a_call_of_2025_11_25_is_no_task(host: Host, over_http: str) -> None:
    argv = ("run", over_http, "either", "--yes", "--json", "--era", "2025-11-25")
    assert host(*argv).json["taskId"] is None
    wanted = host(*argv, "--task").json
    assert wanted["result"] == "went on"
    assert wanted["taskId"] is not None


def test_an_agent_that_cannot_be_a_task_is_refused_before_the_call(
    host: Host, over_http: str, servers: Path
) -> None:
    found = host("run", over_http, "plain", "--task", "--era", "2025-11-25")
    assert found.code == 2
    assert "plain cannot be a task on 2025-11-25: the agent says so." in found.err
    found = host("run", servers / "handshake.py", "--detach")
    assert found.code == 2
    assert "cannot be a task on 2025-06-18: the server has none." in found.err


@both_eras
def test_an_agent_that_is_always_a_task_needs_a_host_that_takes_tasks(
    host: Host, over_http: str, era: str
) -> None:
    found = host("run", over_http, "brew", "--what", "tea", "--no-task", "--era", era)
    assert found.code == 1
    assert "the server refused the call" in found.err
    assert "task" in found.err


# -- leave and come back --------------------------------------------------------------------------


def left(found: Any) -> str:
    """The id in the command that comes back to a task."""
    (line,) = re.findall(r"^ +(inverted run .*--attach .*)$", found.out + found.err, re.MULTILINE)
    return line.split()[-1]


@both_eras
def test_a_task_is_left_to_the_server_and_found_again(host: Host, over_http: str, era: str) -> None:
    argv = ("run", over_http, "brew", "--what", "tea", "--yes", "--era", era)
    found = host(*argv, "--detach")
    assert (found.code, found.err) == (0, "")
    assert "The task is kept, and goes on at the server." in found.out
    assert f"  inverted run {over_http} --yes --era {era} --attach {left(found)}" in found.out
    assert f"  inverted run {over_http} --era {era} --cancel {left(found)}" in found.out
    again = host("run", over_http, "--attach", left(found), "--yes", "--era", era)
    assert again.code == 0
    assert again.out.splitlines()[0].endswith(f"→ task {left(found)}")
    assert "run key" not in again.out
    assert "tea is ready" in again.out.splitlines()
    ended = host("run", over_http, "--cancel", left(found), "--era", era)
    assert ended.code == 1
    assert f"task {left(found)} has ended already: completed." in ended.err


@both_eras
def test_a_task_outlives_its_server(host: Host, over_stdio: Path, era: str) -> None:
    argv = ("run", over_stdio, "brew", "--what", "tea", "--era", era, "--detach")
    found = host(*argv)
    assert found.code == 0
    assert "Its server has ended with this command; it goes on when the server runs" in found.out
    again = host("run", over_stdio, "--attach", left(found), "--yes", "--era", era, "--quiet")
    assert (again.code, again.out) == (0, "tea is ready\n")


def test_the_id_of_a_task_that_is_left_is_there_for_programs(host: Host, over_http: str) -> None:
    argv = ("run", over_http, "brew", "--what", "tea", "--detach")
    quiet = host(*argv, "--quiet")
    assert re.fullmatch(r"[\w-]{22}\n", quiet.out)
    document = host(*argv, "--json").json
    assert (document["result"], document["isError"]) == (None, False)
    assert document["taskStatus"] == "working"
    attached = host("run", over_http, "--attach", document["taskId"], "--yes", "--json").json
    assert (attached["taskId"], attached["taskStatus"]) == (document["taskId"], "completed")
    assert attached["agent"] == ""


def test_a_call_that_ends_before_it_is_a_task_is_not_left(host: Host, over_http: str) -> None:
    found = host("run", over_http, "plain", "--detach", "--quiet")
    assert found.code == 0
    assert found.out.startswith("20")


@both_eras
def test_a_task_is_cancelled(host: Host, over_http: str, era: str) -> None:
    argv = ("run", over_http, "brew", "--what", "tea", "--detach", "--quiet", "--era", era)
    task = host(*argv).out.strip()
    found = host("run", over_http, "--cancel", task, "--era", era)
    assert (found.code, found.out, found.err) == (0, f"task {task} is cancelled.\n", "")
    again = host("run", over_http, "--attach", task, "--era", era)
    assert again.code == 1
    assert f"Task {task} was cancelled" in again.err
    assert "There is no result." in again.err


def test_a_task_that_is_cancelled_in_its_store_is_cancelled_for_its_client(
    host: Host, over_stdio: Path
) -> None:
    task = host("run", over_stdio, "brew", "--what", "tea", "--detach", "--quiet").out.strip()
    listed = host("runs", "ls", "--json").json
    assert [(row["id"], row["task"]["form"]) for row in listed] == [(task, "2026-07-28")]
    assert host("runs", "cancel", task, "--reason", "too late").code == 0
    found = host("run", over_stdio, "--attach", task)
    assert found.code == 1
    assert "was cancelled" in found.err
    assert "too late" in found.err


def test_a_cancellation_is_there_for_programs(host: Host, over_http: str) -> None:
    task = host("run", over_http, "brew", "--what", "tea", "--detach", "--quiet").out.strip()
    found = host("run", over_http, "--cancel", task, "--json").json
    assert found == {"taskId": task, "taskStatus": "cancelled"}


@both_eras
def test_a_host_that_cannot_answer_leaves_the_task_and_says_how_to_come_back(
    host: Host, over_http: str, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    module = ModuleType("bad_policy")

    def policy(params: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("out of ideas")

    vars(module)["policy"] = policy
    monkeypatch.setitem(sys.modules, "bad_policy", module)
    argv = ("run", over_http, "brew", "--what", "tea", "--yes", "--era", era)
    found = host(*argv, "--model", "rehearsal:bad_policy:policy")
    assert found.code == 4
    assert "out of ideas" in found.err
    assert "The task is kept, and goes on at the server." in found.err
    if era == "2026-07-28":  # on 2025-11-25 the server was told that the model failed
        again = host("run", over_http, "--attach", left(found), "--yes", "--era", era)
        assert "tea is ready" in again.out


@both_eras
def test_a_task_that_the_server_does_not_know_is_told_as_such(
    host: Host, over_http: str, era: str
) -> None:
    for option in ("--attach", "--cancel"):
        found = host("run", over_http, option, "-none", "--era", era)
        assert found.code == 2
        assert (
            "the server knows no task -none: it has expired, belongs to somebody else" in found.err
        )


@pytest.mark.parametrize("server", ["rounds.py", "handshake.py"])
def test_a_server_without_tasks_is_told_as_such(host: Host, servers: Path, server: str) -> None:
    found = host("run", servers / server, "--attach", "x")
    assert found.code == 2
    assert "tasks" in found.err
    assert "See --era and --no-task." in found.err


# -- the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--no-task", "--task"], "--no-task and --task exclude each other"),
        (["--no-task", "--detach"], "--no-task and --detach exclude each other"),
        (["--attach", "t", "--cancel", "t"], "--attach names a task.*Leave out --cancel"),
        (["brew", "--attach", "t"], "Leave out brew"),
        (["--attach", "t", "--what", "tea"], "Leave out --what"),
        (["--cancel", "t", "--resume", "k"], "--cancel names a task.*Leave out --resume"),
        (["--attach", "t", "--detach"], "Leave out --detach"),
        (["--attach="], "need the id of a task"),
        (["--attach"], "--attach needs a value: --attach TASK"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(argv: list[str], problem: str) -> None:
    with pytest.raises(UsageProblem, match=problem):
        read_options(["s.py", *argv])


@pytest.mark.parametrize(
    ("argv", "again"),
    [
        (["s.py", "brew", "--what", "tea"], ["s.py"]),
        (
            ["--yes", "s.py", "--what=tea", "--era=2025-11-25"],
            ["s.py", "--yes", "--era", "2025-11-25"],
        ),
        (["s.py", "--detach", "--task", "--max-rounds", "3", "--json"], ["s.py", "--json"]),
        (["s.py", "--attach", "old", "--resume", "k"], ["s.py"]),
    ],
)
def test_the_command_that_comes_back_keeps_what_is_needed(
    argv: list[str], again: list[str]
) -> None:
    assert with_task(argv, "--attach", "t") == [*again, "--attach", "t"]


def test_the_command_that_cancels_keeps_only_how_to_reach_the_server() -> None:
    argv = ["brew", "--yes", "--model", "m", "--header", "A:b", "--env", "X", "--", "serve", "-v"]
    again = ["--header", "A:b", "--env", "X", "--cancel", "t", "--", "serve", "-v"]
    assert with_task(argv, "--cancel", "t") == again


# -- the view -------------------------------------------------------------------------------------


def shown(*events: Any, terminal: bool = False) -> tuple[str, View]:
    console = Console(file=io.StringIO(), record=True, width=80, force_terminal=terminal)
    transcript = Transcript()
    view = View(console, transcript, quiet=False)
    for event in events:
        transcript.watch(event)
        view.watch(event)
    return console.export_text(), view


CALLED = Connected("s", "1", "e", "HTTP", "brew", "m", "", "k", resumed=False)


def test_a_message_of_a_task_is_said_once() -> None:
    text, _ = shown(
        CALLED,
        TaskChanged("t1", "working", ""),
        TaskChanged("t1", "working", "reading\x1b[2J"),
        TaskChanged("t1", "input_required", "reading\x1b[2J"),
        Progress(1, 2, "writing"),
        TaskChanged("t1", "working", "writing"),
        TaskChanged("t1", "completed", "done"),
    )
    assert text.splitlines()[4:] == ["task t1", "", "… reading", "… 1/2 writing"]


def test_on_a_terminal_the_status_is_what_is_being_waited_for() -> None:
    _, view = shown(CALLED, TaskChanged("t1", "input_required", "asking"), terminal=True)
    console = Console(file=io.StringIO(), record=True, width=80)
    console.print(view.render())
    assert "task input required: asking" in console.export_text()


def test_the_header_of_a_task_that_was_come_back_to_names_the_task() -> None:
    attached = Connected("s", "1", "e", "HTTP", "", "m", "", "k", resumed=False, task="t1")
    text, _ = shown(attached, TaskChanged("t1", "working", ""))
    assert text.splitlines() == ["s 1 → task t1", "e over HTTP, model m"]


# -- questions that are taken back ----------------------------------------------------------------


class Silent:
    """A person or a model that never answers."""

    async def answer(self, *args: object) -> Any:
        await anyio.sleep_forever()

    create = answer


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("who", ["person", "model"])
async def test_a_question_that_the_server_takes_back_is_closed(who: str, *, over: bool) -> None:
    events: list[Any] = []

    def watch(event: Any) -> None:
        events.append(event)
        if isinstance(event, Asked):
            scope.cancel()

    silent: Any = Silent()
    conversation = Conversation(
        silent, [], watch, lambda _: None, "s", model=silent, over=lambda: over
    )
    context: Any = None
    with anyio.CancelScope() as scope:
        if who == "person":
            form: Any = {"type": "object", "properties": {}}
            await conversation.elicit(
                context, ElicitRequestFormParams(message="?", requested_schema=form)
            )
        else:
            await conversation.sample(
                context, CreateMessageRequestParams(messages=[], max_tokens=1)
            )
    assert scope.cancelled_caught
    errors = [event.error for event in events if isinstance(event, Answered)]
    assert errors == ([] if over else ["the server took the question back"])
