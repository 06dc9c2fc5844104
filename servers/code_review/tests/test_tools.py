"""The tools that the model gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from inverted_code_review.callers import LIMIT, Uses
from inverted_code_review.git import RepositoryError
from inverted_code_review.tools import MAX_LINES, MAX_MATCHES, Toolbox

if TYPE_CHECKING:
    from .conftest import Workshop


def _tools(workshop: Workshop) -> Toolbox:
    head = workshop.git("rev-parse", "HEAD")
    base = workshop.git("rev-parse", "HEAD~1")
    return Toolbox(str(workshop.path), base, head)


def _told(uses: Uses) -> list[tuple[str, int, str, str]]:
    return [(use.file, use.line, use.how, use.inside) for use in uses.uses]


def test_reading_numbers_the_lines_and_keeps_within_bounds(workshop: Workshop) -> None:
    workshop.commit({"a.txt": "old\n"})
    workshop.commit({"a.txt": "one\ntwo\nthree\n", "long.txt": "x" * 9000 + "\n" + "y\n" * 1000})
    tools = _tools(workshop)
    assert tools.read_file("a.txt", 2, 3) == (
        "a.txt, lines 2 to 3 of 3:\n     2  two\n     3  three"
    )
    assert tools.read_base_file("a.txt") == "a.txt, lines 1 to 1 of 1:\n     1  old"
    long = tools.read_file("long.txt").split("\n")
    assert long[1].endswith("x [line cut]")
    assert len(long) == MAX_LINES + 1
    with pytest.raises(RepositoryError, match=r"'a\.txt' ends at line 3; line 4 was asked for"):
        tools.read_file("a.txt", 4)
    with pytest.raises(RepositoryError, match="refused"):
        tools.read_file("../a.txt")


def test_searching_is_bounded_and_says_so(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit({"a.txt": "needle\n" * (MAX_MATCHES + 1), "b.txt": "other\n"})
    tools = _tools(workshop)
    found = tools.search("needle")
    assert len(found.matches) == MAX_MATCHES
    assert found.cut
    assert [place.file for place in tools.search("o.her", "*.txt", regex=True).matches] == ["b.txt"]


def test_blame_tells_which_lines_are_of_this_change(workshop: Workshop) -> None:
    workshop.commit({"a.txt": "one\ntwo\n"}, "begin")
    workshop.commit({"a.txt": "one\nTWO\n"}, "louder")
    first, second = _tools(workshop).blame("a.txt", 1, 9)
    assert (first.summary, first.in_change) == ("begin", False)
    assert (second.summary, second.in_change, second.date) == ("louder", True, "2026-01-02")
    with pytest.raises(RepositoryError, match="has lines 1 to 2, not 3 to 4"):
        _tools(workshop).blame("a.txt", 3, 4)


def test_blame_of_a_first_commit_belongs_to_the_change(workshop: Workshop) -> None:
    head = workshop.commit({"a.txt": "one\n"})
    empty = workshop.git("hash-object", "-t", "tree", "/dev/null")
    assert Toolbox(str(workshop.path), empty, head).blame("a.txt", 1, 1)[0].in_change


def test_callers_in_python_are_told_apart_by_parsing(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit(
        {
            "lib.py": "def run(a, b=1): ...\n\n\nclass C:\n    def run(self):\n        pass\n",
            "use.py": (
                "from lib import run\n\n\n"
                "def f(job):\n"
                "    job.run(1, b=2)\n"
                "    return map(run, [])\n\n\n"
                "run(*[1])\n"
                '"run in a string"  # and run in a comment\n'
            ),
        }
    )
    uses = _tools(workshop).list_callers("lib.run")
    assert uses.symbol == "run"
    assert _told(uses) == [
        ("lib.py", 1, "definition", ""),
        ("lib.py", 5, "definition", "C"),
        ("use.py", 1, "import", ""),
        ("use.py", 5, "call", "f"),
        ("use.py", 6, "mention", "f"),
        ("use.py", 9, "call", ""),
    ]
    call, spread = uses.uses[3], uses.uses[5]
    assert (call.positional, call.keywords, call.method, call.spread) == (1, ("b",), True, False)
    assert spread.spread
    assert call.text == "job.run(1, b=2)"


def test_callers_elsewhere_are_words_and_labelled_so(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit(
        {
            "a.go": "x := run(1)\ny := rerun(2)\n",
            "broken.py": "run(\n",
            "deep.py": "-" * 9999 + "run",
        }
    )
    assert _told(_tools(workshop).list_callers("run")) == [
        ("a.go", 1, "word", ""),
        ("broken.py", 1, "word", ""),
        ("deep.py", 1, "word", ""),
    ]


def test_callers_are_bounded_and_need_a_name(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit({"a.py": "run()\n" * (LIMIT + 1)})
    uses = _tools(workshop).list_callers("run()")
    assert len(uses.uses) == LIMIT
    assert uses.cut
    for symbol in ("", "a b", "--all", "x;y"):
        with pytest.raises(RepositoryError, match="is not a name"):
            _tools(workshop).list_callers(symbol)


def test_no_tool_shows_a_secret(workshop: Workshop) -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    text = f'call("{key}")\n'
    workshop.commit({"a.py": text, "a.go": text}, f"leak {key}")
    workshop.commit({"b.txt": "x\n"})
    tools = _tools(workshop)
    shown = [
        tools.read_file("a.py"),
        tools.read_base_file("a.py"),
        str(tools.search("call")),
        str(tools.blame("a.py", 1, 1)),
        str(tools.list_callers("call")),
    ]
    assert all("[redacted]" in text and key not in text for text in shown)
