"""What cannot be packed is refused, and the message says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inverted.cli.errors import ConnectionProblem, UsageProblem
from inverted.cli.packing.contents import contents

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["tea.py"], "a bundle names its author, and the project does not"),
        (["tea.py", "--secret", "K=v"], "a bundle goes to other people, so it takes no value"),
        (["tea.py", "--secret", "K", "--env", "K"], "K is given with --env and with --secret"),
        (["no-such-command"], "is no Python file, no directory and no command"),
        (["git"], "is no Python file, no directory and no command"),
        (["tea.py", "--author", "A", "--name", "a b"], "hosts accept letters"),
    ],
)
def test_a_command_line_that_does_not_fit_is_refused(
    here: Path, host: Command, built: dict[str, Path], options: list[str], said: str
) -> None:
    refused = host("pack", *options)
    assert refused.code == 2
    assert said in refused.err


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("import more", "more"),
        ("from more import it", "more"),
        ("import folder.x as y", "folder"),
        ("from . import more", r"\."),
        ("from .more import it", r"\.more"),
    ],
)
def test_a_file_that_needs_its_neighbours_is_refused(here: Path, line: str, named: str) -> None:
    (here / "more.py").write_text("")
    (here / "folder").mkdir()
    (here / "folder" / "__init__.py").write_text("")
    (here / "tea.py").write_text(f"import json\nimport other\n{line}\n")
    with pytest.raises(UsageProblem, match=f"imports {named} from its directory"):
        contents("tea.py", [])


def test_what_cannot_be_packed_is_refused(here: Path, source: str) -> None:
    for name, text in (("a.py", "def"), ("b.py", "# /// script\n# [\n# ///\n")):
        (here / name).write_text(text)
        with pytest.raises(ConnectionProblem, match="cannot read"):
            contents(name, [])
    with pytest.raises(ConnectionProblem, match=r"there is no file none\.py"):
        contents("none.py", [])
    with pytest.raises(ConnectionProblem, match="nothing to pack in"):
        contents(".", [])
    (here / "main.py").write_text(source)
    with pytest.raises(UsageProblem, match=r"main\.py is the name of the bundle's own start"):
        contents("main.py", [])
    (here / "pyproject.toml").write_text("[")
    with pytest.raises(ConnectionProblem, match=r"cannot read .*pyproject\.toml"):
        contents(".", [])


def test_a_place_that_cannot_be_written_is_an_error(
    here: Path, host: Command, built: dict[str, Path]
) -> None:
    refused = host("pack", "tea.py", "--no-tools", "--author", "A", "-o", "none/x.mcpb")
    assert refused.code == 1
    assert "cannot write none/x.mcpb: No such file or directory" in refused.err
