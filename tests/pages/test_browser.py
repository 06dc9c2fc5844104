"""Opening the browser: where it cannot work, and that it never touches our stdout."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from inverted.pages import browser
from inverted.pages.desk import Desk, Posted
from inverted.pages.form import Shown
from inverted.pages.local import LocalPages

NOTE = "import sys, pathlib; print('chatter'); pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


def command(code: str, *arguments: object) -> str:
    return shlex.join([sys.executable, "-c", code, *map(str, arguments)])


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes its time to start a command."""
    monkeypatch.setattr(browser, "_PATIENCE", 50.0)


@pytest.mark.parametrize(
    ("environ", "platform", "reason"),
    [
        ({}, "linux", "This machine has no screen: neither DISPLAY nor WAYLAND_DISPLAY is set"),
        ({}, "freebsd14", "no screen"),
        ({"DISPLAY": ":0"}, "linux", None),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", None),
        ({"BROWSER": "helper"}, "linux", None),
        ({"INVERTED_BROWSER": "helper --new"}, "linux", None),
        ({}, "darwin", None),
        ({"SSH_CONNECTION": "a b c d"}, "darwin", "started over SSH"),
        ({"SSH_CONNECTION": "a b c d", "DISPLAY": ":10"}, "linux", None),
        ({}, "win32", None),
        ({"INVERTED_BROWSER": " OFF ", "DISPLAY": ":0"}, "linux", "INVERTED_BROWSER is off"),
        ({"INVERTED_BROWSER": "off"}, "win32", "INVERTED_BROWSER is off"),
    ],
)
def test_it_is_known_where_no_browser_can_be_opened(
    environ: dict[str, str], platform: str, reason: str | None
) -> None:
    found = browser.unavailable(environ, platform)
    assert found is None if reason is None else reason in (found or "")


async def test_pages_are_unavailable_where_no_browser_can_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def post(asked: Shown, result: object) -> Posted:
        return "recorded"

    async def opener(url: str) -> None:
        return None

    monkeypatch.setenv(browser.VARIABLE, "off")
    assert "is off" in (LocalPages(Desk(post)).unavailable() or "")
    assert LocalPages(Desk(post), opener).unavailable() is None


async def test_the_address_is_the_last_argument_and_chatter_goes_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    noted = tmp_path / "noted"
    monkeypatch.setenv(browser.VARIABLE, command(NOTE, noted))
    assert await browser.open_url("http://127.0.0.1:1/answer/x y") is None
    assert noted.read_text() == "http://127.0.0.1:1/answer/x y"
    assert capfd.readouterr() == ("", "")


async def test_the_systems_own_browser_is_opened_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    noted = tmp_path / "noted"
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setenv("BROWSER", f"{command(NOTE, noted)} %s")
    assert await browser.open_url("http://127.0.0.1:1/answer/x") is None
    assert noted.read_text() == "http://127.0.0.1:1/answer/x"
    assert capfd.readouterr() == ("", "")


async def test_a_browser_that_does_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(browser.VARIABLE, command("raise SystemExit(3)"))
    assert "ended with code 3" in (await browser.open_url("http://x") or "")
    monkeypatch.setenv(browser.VARIABLE, str(tmp_path / "missing"))
    assert "cannot be started" in (await browser.open_url("http://x") or "")


async def test_a_command_that_stays_is_taken_for_the_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It ends when the file is gone: at the end of the test, or soon after it.
    stays = "import sys, os, time\nwhile os.path.exists(sys.argv[1]): time.sleep(0.01)"
    stop = tmp_path / "stop"
    stop.touch()
    monkeypatch.setattr(browser, "_PATIENCE", 0.05)
    monkeypatch.setenv(browser.VARIABLE, command(stays, stop))
    try:
        assert await browser.open_url("http://x") is None
    finally:
        stop.unlink()


async def test_a_command_that_cannot_be_split_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browser.VARIABLE, 'helper "')
    assert "INVERTED_BROWSER" in (await browser.open_url("http://x") or "")


ABANDONED = """
import asyncio
from urllib.parse import urlsplit
from inverted.pages.desk import Desk
from inverted.pages.form import Shown
from inverted.pages.local import LocalPages

async def post(asked, result):
    return "recorded"

async def main():
    question = Shown("r", "q", "shop", "order", "Well?", {"properties": {"it": {"type": "string"}}})
    opened = await LocalPages(Desk(post)).open(question)
    assert opened.trouble is None, opened
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(opened.url).port)
    writer.write(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 421")

asyncio.run(main())
"""


def test_pages_die_with_their_process_and_say_nothing() -> None:
    environ = {**os.environ, browser.VARIABLE: command("print('chatter')")}
    ended = subprocess.run(
        [sys.executable, "-c", ABANDONED],
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
