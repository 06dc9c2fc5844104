"""What a host has to start: a command that runs from anywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from inverted.cli.errors import ConnectionProblem, UsageProblem
from inverted.cli.installing import launch as launching
from inverted.cli.installing.hosts import HOSTS
from inverted.cli.installing.launch import Wishes, launch, requirement

PROJECT = '[project]\nname = "the-tea"\n[project.scripts]\nbrew = "tea:main"\n'
UV = Wishes(packages=("six", "attrs"), python="3.12", args=("--x",))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tea.py").write_text("")
    return tmp_path


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A uv that is found, and never started."""
    return program(tmp_path / "tools" / "uv", monkeypatch)


def program(path: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    if monkeypatch is not None:
        monkeypatch.setenv("PATH", str(path.parent))
    return str(path)


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(launching, "_USUAL_PLACES", ())
    monkeypatch.setattr(sys, "executable", "/nowhere/python")


def test_a_file_is_run_by_the_interpreter_of_here(here: Path) -> None:
    found = launch("tea.py", Wishes())
    assert found.name == "tea"
    assert found.argv[0] == sys.executable
    assert found.argv[3:] == ("file", str(here / "tea.py"))


def test_an_object_in_a_file_is_named(here: Path) -> None:
    assert launch("tea.py:other", Wishes()).argv[3:] == ("file", str(here / "tea.py"), "other")


def test_a_file_with_arguments_is_run_by_fastmcp(here: Path) -> None:
    found = launch("tea.py:other", Wishes(args=("--x", "y")))
    spec = f"{here / 'tea.py'}:other"
    assert found.argv[1:5] == ("-P", "-m", "fastmcp.cli", "run")
    assert found.argv[5:] == (spec, "--no-banner", "--", "--x", "y")


def test_a_file_with_packages_is_run_by_uv(here: Path, uv: str) -> None:
    found = launch("tea.py", UV)
    own = requirement("inverted")
    packages = [word for each in sorted(("six", "attrs", own)) for word in ("--with", each)]
    assert list(found.argv) == [
        *(uv, "run", "--no-project", "--python", "3.12", *packages),
        *("fastmcp", "run", str(here / "tea.py"), "--no-banner", "--", "--x"),
    ]


@pytest.mark.parametrize("name", ["server.py", "main.py"])
def test_a_file_of_a_usual_name_is_called_as_its_directory(here: Path, name: str) -> None:
    file = here / "my server" / name
    file.parent.mkdir()
    file.write_text("")
    assert launch(str(file), Wishes()).name == "my-server"


def test_a_directory_is_run_as_the_terminal_host_runs_it(here: Path) -> None:
    (here / "server.py").write_text("")
    found = launch(".", Wishes())
    assert found.argv[3:] == ("file", str(here / "server.py"))
    with pytest.raises(UsageProblem, match="arguments after -- cannot be passed to"):
        launch(".", Wishes(args=("x",)))
    with pytest.raises(UsageProblem, match="need a project with a command"):
        launch(".", UV)


def test_a_project_is_run_by_its_own_environment(here: Path) -> None:
    (here / "pyproject.toml").write_text(PROJECT)
    folder = "Scripts" if sys.platform == "win32" else "bin"
    script = program(here / ".venv" / folder / "brew")
    found = launch(".", Wishes(args=("x",)))
    assert (found.argv, found.name) == ((script, "x"), "the-tea")


def test_a_project_without_an_environment_is_run_by_the_interpreter_of_here(here: Path) -> None:
    (here / "pyproject.toml").write_text(PROJECT)
    found = launch(".", Wishes())
    assert found.argv[0] == sys.executable
    assert found.argv[3:5] == ("script", "tea:main")


def test_a_project_with_packages_is_run_by_uv(here: Path, uv: str) -> None:
    (here / "pyproject.toml").write_text(PROJECT)
    assert launch(".", UV).argv == (
        *(uv, "run", "--project", str(here), "--python", "3.12"),
        *("--with", "attrs", "--with", "six", "brew", "--x"),
    )


def test_a_project_that_cannot_be_read_is_an_error(here: Path) -> None:
    (here / "pyproject.toml").write_text("[")
    with pytest.raises(ConnectionProblem, match="cannot read"):
        launch(".", Wishes())


def test_a_command_is_named_by_its_absolute_path(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = program(here / "tools" / "brewer", monkeypatch)
    assert launch("brewer --fast", Wishes(args=("x",))).argv == (found, "--fast", "x")
    assert launch("brewer", Wishes()).name == "brewer"
    monkeypatch.setenv("PATH", "tools")
    assert launch("brewer", Wishes()).argv == (found,)


def test_a_command_with_packages_is_run_by_uv_from_where_it_was_installed(
    here: Path, uv: str
) -> None:
    found = launch("inverted-code-review", UV)
    assert found.argv == (
        *(uv, "tool", "run", "--python", "3.12", "--with", "six", "--with", "attrs"),
        *("--from", requirement("inverted-code-review"), "inverted-code-review", "--x"),
    )
    elsewhere = launch("some-server", Wishes(packages=("six",), env_file=here / "e.env"))
    assert elsewhere.argv[1:] == (
        *("tool", "run", "--with", "six", "--env-file", str(here / "e.env"), "some-server"),
    )
    with pytest.raises(UsageProblem, match="the name of one command, without arguments"):
        launch("two words", UV)


def test_what_is_not_there_is_an_error() -> None:
    for target in ("no-such-command", "no/such/file.py", ""):
        with pytest.raises(ConnectionProblem):
            launch(target, Wishes())


def test_a_url_is_refused() -> None:
    with pytest.raises(UsageProblem, match="is a server that runs already"):
        launch("https://tea.example/mcp", Wishes())


def test_without_uv_the_error_says_how_to_get_it(here: Path, without_uv: None) -> None:
    with pytest.raises(UsageProblem, match="needs uv, which is not on PATH"):
        launch("tea.py", UV)


def test_uv_is_found_in_its_usual_places(
    here: Path, without_uv: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = program(here / "usual" / "uv")
    monkeypatch.setattr(launching, "_USUAL_PLACES", (str(here / "no"), usual))
    assert launch("tea.py", UV).argv[0] == usual


def test_a_file_of_variables_is_read_by_uv_where_the_host_does_not(here: Path, uv: str) -> None:
    file = here / "e.env"
    plain = launch("tea.py", Wishes(env_file=file))
    assert plain.argv[:7] == (
        *(uv, "run", "--no-project", "--env-file", str(file), "--", sys.executable),
    )
    own = launch("tea.py", Wishes(packages=("six",), env_file=file))
    assert own.argv[:5] == (uv, "run", "--no-project", "--env-file", str(file))


@pytest.mark.parametrize("name", list(HOSTS))
def test_the_values_of_a_file_of_variables_are_written_nowhere(
    here: Path, host: Callable[..., Any], uv: str, name: str
) -> None:
    (here / "e.env").write_text("API_KEY=hunter22\n")
    config = here / "config"
    assert host("install", name, "tea.py", "--env-file", "e.env", "--config", config).code == 0
    where = HOSTS[name]
    data: Any = where.format.read(config.read_text())
    assert "hunter22" not in config.read_text()
    if where.reads_env_file:
        assert data[where.servers]["tea"]["envFile"] == str(here / "e.env")
    else:
        assert data[where.servers]["tea"]["args"][:3] == ["run", "--no-project", "--env-file"]


class Stand:
    """A distribution as it was installed from somewhere."""

    version = "1.2"

    def __init__(self, direct: str | None) -> None:
        self.direct = direct

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.direct


@pytest.mark.parametrize(
    ("direct", "expected"),
    [
        (None, "tea==1.2"),
        ('{"url": "file:///src/tea", "dir_info": {"editable": true}}', "tea @ file:///src/tea"),
        (
            '{"url": "https://h/t", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
            "tea @ git+https://h/t@abc",
        ),
    ],
)
def test_a_package_is_asked_for_as_it_is_installed_here(
    monkeypatch: pytest.MonkeyPatch, direct: str | None, expected: str
) -> None:

    def stands(name: str) -> Stand:
        return Stand(direct)

    monkeypatch.setattr(launching, "distribution", stands)
    assert requirement("tea") == expected


def test_an_unknown_package_is_asked_for_by_its_name() -> None:
    assert requirement("no-such-distribution") == "no-such-distribution"
    assert requirement("fastmcp") == f"fastmcp=={distribution('fastmcp').version}"
