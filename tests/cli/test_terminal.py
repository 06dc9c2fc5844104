"""The host on a pseudo-terminal, which stands in for the person's: live view, keys, Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

PATIENCE = 40.0
CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07)")

# Makes the pseudo-terminal the controlling one, so that Ctrl-C in it becomes a signal.
LAUNCH = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'inverted.cli', *sys.argv[1:]])"
)


class Terminal:
    """A process on a pseudo-terminal."""

    def __init__(self, argv: list[str], width: int, term: str, stdout: int | None) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *argv],
            start_new_session=True,
            env={**os.environ, "TERM": term},
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
        )
        os.close(slave)
        self.raw = ""
        self.read_to = 0

    @property
    def text(self) -> str:
        return CONTROL.sub("", self.raw).replace("\r\n", "\n")

    def expect(self, pattern: str) -> str:
        """Wait until the screen shows the pattern, after what was expected before."""
        deadline = monotonic() + PATIENCE
        while True:
            found = re.search(pattern, self.text[self.read_to :])
            if found:
                self.read_to += found.end()
                return found.group(0)
            assert self._more(deadline), f"no {pattern!r} in:\n{self.text}"

    def type(self, line: str) -> None:
        os.write(self.master, f"{line}\r".encode())

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    def wait(self) -> int:
        """Wait for the end. Returns the exit code."""
        deadline = monotonic() + PATIENCE
        while self._more(deadline):
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.master)

    def _more(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], max(deadline - monotonic(), 0))
        if not ready:
            return False
        try:
            chunk = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += chunk.decode(errors="replace")
        return bool(chunk)


@pytest.fixture
def terminal(clean_environment: None) -> Iterator[Callable[..., Terminal]]:
    """Start a command line on a terminal."""
    started: list[Terminal] = []

    def start(
        *argv: object, width: int = 80, term: str = "xterm-256color", stdout: int | None = None
    ) -> Terminal:
        started.append(Terminal([str(one) for one in argv], width, term, stdout))
        return started[-1]

    yield start
    for one in started:
        one.close()


def gone(process: int) -> bool:
    """Whether a process ends soon."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        sleep(0.05)  # polls a foreign process; there is no event to wait for
    return False


@pytest.mark.parametrize("width", [80, 120])
def test_a_run_is_shown_live_and_a_question_is_answered(
    terminal: Callable[..., Terminal], rounds: str, width: int
) -> None:
    screen = terminal("run", rounds, "triage", "--report", "it crashes", width=width)
    screen.expect("rounds 1.2 → triage")
    screen.expect(r"● model  Plan the triage of: it crashes +\d\.\d s")
    screen.expect("rounds asks   !decline refuses")
    screen.expect("Which severity")
    screen.expect("2  High, today  high")
    screen.expect("> ")
    screen.type("urgent")
    screen.expect("'urgent' is not in the list")
    screen.type("2")
    screen.expect("severity: high")
    screen.expect(r"round 2 · 2 model turns · .* tokens \(estimate\)|round 2 · 2 model turns")
    assert screen.wait() == 0
    assert "# Triage" not in screen.text  # rendered
    assert all(len(line) <= width for line in screen.text.splitlines() if "●" in line)
    assert screen.raw.count("\x1b[?25l") == screen.raw.count("\x1b[?25h")  # the cursor is back


def test_several_questions_are_asked_one_after_the_other_and_ctrl_c_dismisses_one(
    terminal: Callable[..., Terminal], rounds: str
) -> None:
    screen = terminal("run", rounds, "two_questions")
    first = screen.expect("First|Second")
    screen.expect("> ")
    screen.press("\x03")
    screen.expect("dismissed")
    other = screen.expect("First|Second")
    assert {first, other} == {"First", "Second"}
    screen.expect("> ")
    screen.type("Ada")
    screen.expect('"name": "Ada"')
    assert screen.wait() == 0
    assert "null" in screen.text


def test_what_is_typed_before_a_question_does_not_answer_it(
    terminal: Callable[..., Terminal], rounds: str
) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean", "default": True}}}
    screen = terminal("run", rounds, "answers", "--schema", json.dumps(schema))
    screen.type("yes")  # long before anything is asked
    screen.expect("yes or no · Enter for yes")
    screen.expect("> ")
    screen.type("no")
    screen.expect('"ok": false')
    assert screen.wait() == 0


def test_the_end_of_input_dismisses_a_question(
    terminal: Callable[..., Terminal], rounds: str
) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    screen = terminal("run", rounds, "answers", "--schema", json.dumps(schema))
    screen.expect("> ")
    screen.press("\x04")
    screen.expect('"action": "cancel"')
    assert screen.wait() == 0


def test_a_page_is_shown_in_full_and_refused(
    terminal: Callable[..., Terminal], rounds: str
) -> None:
    url = "http://xn--e1awd7f.com/login?next=/a/b"
    screen = terminal("run", rounds, "page", "--url", url)
    screen.expect("rounds asks you to open a page")
    screen.expect(re.escape(url))
    screen.expect(r"host  xn--e1awd7f\.com")
    screen.expect("not https")
    screen.expect("letters of other scripts")
    screen.expect("> ")
    screen.type("no")
    screen.expect("declined")
    screen.expect("decline")
    assert screen.wait() == 0


def test_an_error_that_names_a_page_is_put_to_the_person_and_the_call_is_made_again(
    terminal: Callable[..., Terminal], servers: Path
) -> None:
    screen = terminal("run", servers / "sdk.py", "--era", "2025-11-25")
    screen.expect("sdk-only asks you to open a page")
    screen.expect("> ")
    screen.type("yes")
    screen.expect("No browser could be opened here")
    screen.expect("signed in")
    assert screen.wait() == 0


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_ctrl_c_cancels_the_call_closes_the_server_and_says_how_to_go_on(
    terminal: Callable[..., Terminal], servers: Path, tmp_path: Path, era: str
) -> None:
    script, note = servers / "backchannel.py", tmp_path / "note"
    screen = terminal("run", script, "wait_for_ever", "--note", note, "--era", era, width=200)
    server = int(re.findall(r"\d+", screen.expect(r"process \d+ waits"))[0])
    screen.press("\x03")
    screen.expect("inverted: stopped")
    screen.expect("To continue this run:")
    line = screen.expect(r"inverted run .*--resume [0-9a-f]{32}")
    assert screen.wait() == 130
    assert f"{script} wait_for_ever --note {note} --era {era} --resume" in line
    assert gone(server)
    assert note.read_text() == "cancelled"  # the server was told, not just cut off
    assert "Traceback" not in screen.text
    assert screen.raw.count("\x1b[?25l") == screen.raw.count("\x1b[?25h")


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_ctrl_c_leaves_a_task_to_the_server_and_says_how_to_come_back(
    terminal: Callable[..., Terminal], http_servers: Callable[[str], Any], tmp_path: Path, era: str
) -> None:
    url, file = http_servers("tasks").url, tmp_path / "there"
    screen = terminal("run", url, "patient", "--file", file, "--era", era, width=200)
    screen.expect("waiting for the file")
    screen.press("\x03")
    screen.expect("inverted: stopped waiting for the task")
    screen.expect("The task is kept, and goes on at the server")
    line = screen.expect(r"inverted run .*--attach [\w-]{22}")
    assert screen.wait() == 130
    assert line.startswith(f"inverted run {url} --era {era} --attach")
    again = terminal("run", url, "--attach", line.split()[-1], "--era", era, width=200)
    again.expect("→ task")
    file.write_text("found it")
    again.expect("found it")
    assert again.wait() == 0


def test_being_terminated_ends_as_cleanly_as_ctrl_c(
    terminal: Callable[..., Terminal], servers: Path, tmp_path: Path
) -> None:
    screen = terminal("run", servers / "backchannel.py", "wait_for_ever", "--note", tmp_path / "n")
    server = int(re.findall(r"\d+", screen.expect(r"process \d+ waits"))[0])
    screen.process.send_signal(signal.SIGTERM)
    screen.expect("inverted: stopped")
    assert screen.wait() == 130
    assert gone(server)


def test_ctrl_c_while_connecting_ends_without_a_run_to_continue(
    terminal: Callable[..., Terminal],
) -> None:
    screen = terminal("run", "--", sys.executable, "-c", "import sys; sys.stdin.read()")
    screen.expect("connecting to")
    screen.press("\x03")
    screen.expect("inverted: stopped")
    assert screen.wait() == 130
    assert "To continue" not in screen.text


def test_questions_are_asked_on_stderr_when_stdout_goes_elsewhere(
    terminal: Callable[..., Terminal], rounds: str, tmp_path: Path
) -> None:
    with (tmp_path / "report.json").open("wb") as report:
        screen = terminal("run", rounds, "two_questions", "--json", stdout=report.fileno())
        for _ in range(2):
            screen.expect("> ")
            screen.type("Ada")
        assert screen.wait() == 0
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["structuredContent"] == {"first": {"name": "Ada"}, "second": {"name": "Ada"}}


def test_a_dumb_terminal_gets_plain_lines(terminal: Callable[..., Terminal], rounds: str) -> None:
    screen = terminal("run", rounds, "poll", term="dumb")
    screen.expect("done")
    assert screen.wait() == 0
    assert "\x1b" not in screen.raw
