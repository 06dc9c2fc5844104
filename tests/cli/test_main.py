"""The dispatcher, and `inverted new`."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inverted import __version__
from inverted.cli.errors import UsageProblem
from inverted.cli.new import check_name

Host = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def test_the_version_is_printed(host: Host) -> None:
    assert host("--version").out == f"inverted {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_help_names_the_commands_and_the_exit_codes(host: Host, argv: list[str]) -> None:
    found = host(*argv)
    assert found.code == 0
    assert "run" in found.out
    assert "write a small agent server" in found.out
    assert "exit codes:" in found.out


def test_an_unknown_command_is_a_usage_error(host: Host) -> None:
    found = host("walk")
    assert found.code == 2
    assert "walk" in found.err


def test_a_wrong_option_is_one_line_on_stderr(host: Host) -> None:
    found = host("run", "s.py", "--era", "1999")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("inverted: --era 1999 is not known.")


def test_the_command_is_installed_as_a_module_too(shell: Host) -> None:
    assert shell("--version").out == f"inverted {__version__}\n"


def without_reader(*argv: str) -> tuple[int, str]:
    """Run a command line whose stdout nobody reads. Returns the exit code and stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "inverted.cli", *argv],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=50,
            check=False,
        )
    finally:
        os.close(writing)
    return finished.returncode, finished.stderr


def test_a_reader_that_leaves_early_is_no_crash(clean_environment: None, rounds: str) -> None:
    assert without_reader("run", "--help")[1] == ""
    code, errors = without_reader("run", rounds, "triage", "--report", "x", "--yes")
    assert code == 130
    assert errors.startswith("inverted: nobody reads the output any more")
    assert "--resume" in errors


def test_new_writes_a_project_and_prints_the_next_two_commands(host: Host, here: Path) -> None:
    found = host("new", "tea-time")
    assert found.code == 0
    assert found.out.splitlines()[2:] == [
        "  cd tea-time && inverted run . --topic tea",
        "  pip install -e . --group dev && python -m pytest",
    ]
    project = tomllib.loads((here / "tea-time" / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == [f"inverted>={__version__}"]
    assert project["scripts"] == {"tea-time": "tea_time.server:main"}
    assert (here / "tea-time" / "README.md").read_text().startswith("# tea-time")
    for file in (here / "tea-time").rglob("*"):
        assert not file.is_file() or "$" not in file.read_text()


def test_the_new_project_is_formatted_and_clean(host: Host, here: Path) -> None:
    host("new", "tea-time")
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["check", "--select=E,F,I,UP,B,ANN"], ["format", "--check"]):
        finished = subprocess.run(
            [*ruff, *check, "--isolated", "--line-length=100", "."],
            cwd=here / "tea-time",
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_new_project_runs(host: Host, here: Path) -> None:
    host("new", "tea-time")
    (here / "answers.json").write_text('["drafts"]')
    found = host("run", "tea-time", "--topic", "tea", "--answers", "answers.json", "--quiet")
    assert (found.code, found.err) == (0, "")
    assert found.out == f"**rehearsal** is in {os.path.join('drafts', 'rehearsal.md')}.\n"  # noqa: PTH118 - as printed
    assert (here / "drafts" / "rehearsal.md").is_file()


def test_the_new_projects_own_test_passes(host: Host, here: Path) -> None:
    host("new", "tea-time")
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=here / "tea-time",
        env={**os.environ, "PYTHONPATH": str(here / "tea-time")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_new_touches_nothing_that_exists(host: Host, here: Path) -> None:
    (here / "tea").mkdir()
    found = host("new", "tea")
    assert found.code == 2
    assert "tea exists already" in found.err
    assert list((here / "tea").iterdir()) == []


@pytest.mark.parametrize("name", ["a", "bug-triage", "bug_triage", "x2", "a-b-c"])
def test_a_usable_name_is_taken(name: str) -> None:
    assert check_name(name) == name.replace("-", "_")


@pytest.mark.parametrize(
    "name", ["", "Tea", "9a", "a--b", "-a", "a-", "tea time", "../tea", "téa", "a" * 61, "a.b"]
)
def test_a_name_that_is_not_usable_everywhere_is_refused(name: str) -> None:
    with pytest.raises(UsageProblem, match="no usable name"):
        check_name(name)


@pytest.mark.parametrize("name", ["json", "inverted", "for", "tests", "mcp"])
def test_a_name_that_would_hide_a_module_is_refused(name: str) -> None:
    with pytest.raises(UsageProblem, match=f"is taken.*{name}-agent"):
        check_name(name)
