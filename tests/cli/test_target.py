"""What TARGET means."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from inverted.cli.errors import ConnectionProblem, UsageProblem
from inverted.cli.target import Command, Url, resolve


def command(target: str | None, *words: str, env: tuple[str, ...] = ()) -> Command:
    found = resolve(target, words, env)
    assert isinstance(found, Command)
    return found


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("http://localhost:8000/mcp", "HTTP"),
        ("https://example.org/mcp", "HTTP"),
        ("https://example.org/sse", "SSE"),
        ("https://example.org/sse/", "SSE"),
    ],
)
def test_a_web_address_is_a_server_that_listens(url: str, transport: str) -> None:
    found = resolve(url, (), ())
    assert isinstance(found, Url)
    assert (found.url, found.name, found.transport) == (url, url, transport)


def test_a_python_file_is_run_by_this_interpreter(tmp_path: Path) -> None:
    (tmp_path / "server.py").touch()
    found = command("server.py")
    assert found.argv[0] == sys.executable
    assert found.argv[-2:] == ("file", "server.py")
    assert (found.name, found.transport) == ("server.py", "stdio")


def test_an_object_in_a_file_is_named_after_a_colon(tmp_path: Path) -> None:
    (tmp_path / "server.py").touch()
    assert command("server.py:app").argv[-2:] == ("server.py", "app")


@pytest.mark.parametrize("target", ["missing.py", "missing.py:app"])
def test_a_missing_file_is_named(target: str) -> None:
    with pytest.raises(ConnectionProblem, match=r"there is no file missing\.py"):
        resolve(target, (), ())


def test_a_command_is_read_as_a_shell_reads_it() -> None:
    found = command("python3 -c 'print(1)'")
    assert Path(found.argv[0]).name == "python3"
    assert found.argv[1:] == ("-c", "print(1)")


def test_words_after_two_dashes_are_taken_as_they_are() -> None:
    found = command(None, "python3", "-c", "print('a b')")
    assert found.argv[1:] == ("-c", "print('a b')")
    assert found.name == "python3 -c 'print('\"'\"'a b'\"'\"')'"


def test_commands_of_this_environment_are_found_without_activating_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert Path(command(Path(sys.executable).name).argv[0]).parent == Path(sys.executable).parent


@pytest.mark.parametrize("target", ["no-such-command", "", "no-such-command --flag"])
def test_an_unknown_command_is_named(target: str) -> None:
    with pytest.raises(ConnectionProblem, match="cannot find"):
        resolve(target, (), ())


def test_an_open_quote_is_reported() -> None:
    with pytest.raises(ConnectionProblem, match="cannot read the command"):
        resolve("python3 'oops", (), ())


def test_a_project_directory_runs_the_command_that_it_declares(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "tea"\nscripts = {tea = "tea.server:main", other = "tea:other"}\n'
    )
    argv = command(".").argv
    assert argv[-4:] == ("script", "tea.server:main", str(tmp_path / "src"), str(tmp_path))


def test_a_single_declared_command_need_not_bear_the_projects_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nscripts = {serve = "tea:main"}\n')
    assert "tea:main" in command(".").argv


def test_several_declared_commands_have_to_be_chosen_from(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nscripts = {a = "t:a", b = "t:b"}\n')
    with pytest.raises(ConnectionProblem, match=r"several commands \(a, b\)"):
        resolve(".", (), ())


def test_a_broken_project_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project")
    with pytest.raises(ConnectionProblem, match="cannot read"):
        resolve(".", (), ())


def test_a_package_directory_is_run_as_a_package(tmp_path: Path) -> None:
    package = tmp_path / "tea"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").touch()
    assert command("tea").argv[-3:] == ("package", "tea", str(tmp_path))


def test_a_directory_with_a_server_file_runs_that_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "tea"\n')
    (tmp_path / "server.py").touch()
    assert command(".").argv[-2:] == ("file", str(tmp_path / "server.py"))


def test_a_directory_with_nothing_to_run_says_what_was_looked_for() -> None:
    with pytest.raises(ConnectionProblem, match=r"no server\.py"):
        resolve(".", (), ())


def test_a_server_gets_no_secrets_of_this_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("INVERTED_STORE", "here")
    monkeypatch.setenv("DATABASE", "db")
    env = command("python3", env=("DATABASE", "MODE=fast")).env
    assert "ANTHROPIC_API_KEY" not in env
    assert (env["INVERTED_STORE"], env["DATABASE"], env["MODE"]) == ("here", "db", "fast")


def test_passing_on_a_variable_that_is_not_set_is_an_error() -> None:
    with pytest.raises(UsageProblem, match="NOT_SET_ANYWHERE: this variable is not set"):
        resolve("python3", (), ("NOT_SET_ANYWHERE",))
