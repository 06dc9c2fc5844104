"""The command line of `inverted run`: what is ours, what is the agent's."""

from __future__ import annotations

from pathlib import Path

import pytest

from inverted.cli.errors import UsageProblem
from inverted.cli.options import read_options, with_resume


def test_a_target_alone_has_every_default() -> None:
    options = read_options(["server.py"])
    assert (options.target, options.agent, options.arguments) == ("server.py", None, ())
    assert (options.era, options.max_rounds, options.connect_timeout) == ("auto", 100, 30.0)
    assert not any([options.yes, options.json, options.quiet, options.list, options.help])


def test_names_that_are_not_ours_are_arguments_of_the_agent() -> None:
    options = read_options(["s.py", "triage", "--report", "it crashes", "--dry-run", "--n=-3"])
    assert options.agent == "triage"
    assert options.arguments == (("report", ("it crashes",)), ("dry-run", ()), ("n", ("-3",)))


def test_an_argument_takes_every_value_up_to_the_next_option() -> None:
    options = read_options(["s.py", "--path", "a", "b", "--yes", "--path", "c"])
    assert options.arguments == (("path", ("a", "b")), ("path", ("c",)))
    assert options.yes


def test_our_options_may_stand_before_the_target() -> None:
    options = read_options(["--era", "2025-11-25", "--json", "s.py", "triage", "--x", "1"])
    assert (options.era, options.json, options.target, options.agent) == (
        "2025-11-25",
        True,
        "s.py",
        "triage",
    )


def test_what_follows_two_dashes_is_the_command() -> None:
    options = read_options(["triage", "--report", "x", "--", "npx", "-y", "server", "--json"])
    assert options.target is None
    assert options.agent == "triage"
    assert options.command == ("npx", "-y", "server", "--json")
    assert not options.json


def test_repeated_options_add_up() -> None:
    options = read_options(
        ["s", "--root", "a", "--root=b", "--env", "A=1", "--header", "X: y", "--answers", "f.json"]
    )
    assert options.roots == ("a", "b")
    assert options.env == ("A=1",)
    assert options.headers == ("X: y",)
    assert options.answers == Path("f.json")


def test_args_is_one_json_object() -> None:
    assert read_options(["s", "--args", '{"json": true}']).base_arguments == {"json": True}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "Name a TARGET"),
        (["--yes"], "Name a TARGET"),
        (["a", "b", "c"], "unexpected 'c'"),
        (["a", "b", "--", "c"], "unexpected 'b'"),
        (["a", "--"], "nothing follows"),
        (["a", "--era", "2024-11-05"], "--era 2024-11-05 is not known"),
        (["a", "--era"], "--era needs a value"),
        (["a", "--model", "--yes"], "--model needs a value"),
        (["a", "--max-rounds", "0"], "a whole number above 0"),
        (["a", "--max-rounds", "1.5"], "a whole number above 0"),
        (["a", "--connect-timeout", "soon"], "a number above 0"),
        (["a", "--connect-timeout", "inf"], "a number above 0"),
        (["a", "--resume", " "], "needs the key"),
        (["a", "--args", "{"], "--args is not JSON"),
        (["a", "--args", "[1]"], "one JSON object"),
        (["a", "--yes=1"], "See inverted run --help"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(argv: list[str], words: str) -> None:
    with pytest.raises(UsageProblem, match=words.replace("(", r"\(")):
        read_options(argv)


def test_help_without_a_target_prints_the_options_and_the_exit_codes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as leaving:
        read_options(["--help"])
    assert leaving.value.code == 0
    out = capsys.readouterr().out
    assert "--max-rounds N" in out
    assert "130  stopped with Ctrl-C" in out


def test_help_with_a_target_is_about_the_target() -> None:
    assert read_options(["s.py", "-h"]).help
    assert read_options(["s.py", "triage", "--help"]).agent == "triage"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["s.py", "--n", "1"], ["s.py", "--n", "1", "--resume", "k"]),
        (["s.py", "--resume", "old", "--yes"], ["s.py", "--yes", "--resume", "k"]),
        (["s.py", "--resume=old"], ["s.py", "--resume", "k"]),
        (["a", "--", "cmd", "--resume"], ["a", "--resume", "k", "--", "cmd", "--resume"]),
    ],
)
def test_the_resuming_command_line_names_the_run_once(argv: list[str], expected: list[str]) -> None:
    assert with_resume(argv, "k") == expected
    assert read_options(with_resume(argv, "k")).run_key == "k"
