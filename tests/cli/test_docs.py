"""docs/terminal-host.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from inverted.cli.answers import read_answers
from inverted.cli.errors import HostProblem
from inverted.cli.events import Connected
from inverted.cli.main import EXIT_CODES
from inverted.cli.models import PROVIDERS
from inverted.cli.options import OPTIONS
from inverted.cli.results import document
from inverted.cli.transcript import Transcript

PAGE = (Path(__file__).parents[2] / "docs" / "terminal-host.md").read_text()


def table(heading: str) -> dict[str, str]:
    """The rows of the table under these column names, by their first column."""
    rows = PAGE.split(f"| {heading} |\n", 1)[1].splitlines()[1:]
    found: dict[str, str] = {}
    for row in rows:
        if not row.startswith("|"):
            break
        name, meaning = row.strip("| ").split(" | ", 1)
        found[name] = meaning
    return found


def test_every_option_is_documented_in_the_words_of_its_help() -> None:
    assert table("option | meaning") == {
        f"`{one.name}{f' {one.metavar}' if one.metavar else ''}`": one.help for one in OPTIONS
    }


def test_every_exit_code_is_documented() -> None:
    codes = {line.split()[0]: " ".join(line.split()[1:]) for line in EXIT_CODES.splitlines()[1:]}
    assert table("exit code | meaning") == codes


def test_every_key_of_the_json_document_is_documented() -> None:
    transcript = Transcript()
    names = ("tea", "1", "2026-07-28", "stdio", "brew", "rehearsal", "", "key")
    transcript.watch(Connected(*names, resumed=False))
    found = document(transcript, None, HostProblem("no model"), 1.0)
    documented = re.findall(r"`(\w+)`", " ".join(table("key | value")))
    assert sorted(documented) == sorted(found)
    for count in found["counts"]:
        assert f"`{count}`" in table("key | value")["`seconds`, `counts`"]


def test_every_provider_and_its_keys_are_documented() -> None:
    rows = table("`--model` | who")
    for name, provider in PROVIDERS.items():
        assert all(f"`{key}`" in rows[f"`{name}:NAME`"] for key in provider.keys)
        assert f"inverted[{provider.extra}]" in PAGE


def test_the_example_of_answers_can_be_read(tmp_path: Path) -> None:
    example = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]
    file = tmp_path / "answers.json"
    file.write_text(example)
    answers = read_answers(file)
    assert answers.take("Which severity?") == ("high",)
    assert [answers.take("Where shall it go?") for _ in range(3)] == [("drafts",), ("notes",), None]
    assert len(json.loads(example)) == 5


@pytest.mark.parametrize("words", ["!decline", "!cancel", "!skip", "!!", "INVERTED_DEBUG"])
def test_what_a_person_may_type_is_documented(words: str) -> None:
    assert words in PAGE
