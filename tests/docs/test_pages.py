"""What the pages say about the code is true: errors, limits, states, journal lines, verbs."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from inverted import Limits, Run, errors
from inverted.core.journal import Codec, Entry
from inverted.core.lifecycle import TRANSITIONS

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]

CONTEXT_OF_FASTMCP_3: Final = [
    "client_id",
    "client_supports_extension",
    "close_sse_stream",
    "debug",
    "delete_state",
    "disable_components",
    "elicit",
    "enable_components",
    "error",
    "fastmcp",
    "get_prompt",
    "get_state",
    "info",
    "is_background_task",
    "lifespan_context",
    "list_prompts",
    "list_resources",
    "list_roots",
    "log",
    "read_resource",
    "report_progress",
    "request_context",
    "request_id",
    "reset_visibility",
    "sample",
    "sample_step",
    "send_notification",
    "session",
    "session_id",
    "set_state",
    "task_id",
    "transport",
    "warning",
]
"""Every public name of FastMCP 3's `Context`."""


def page(name: str) -> str:
    return (ROOT / name).read_text()


def fenced(text: str, language: str) -> str:
    """The first block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|mailto:)([^)#]*)(?:#([^)]*))?\)", path.read_text())
    broken: list[str] = []
    for file, anchor in links:
        target = path.parent / file if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{file}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_every_file_that_a_page_names_is_there(path: Path) -> None:
    folders = "scripts|tests|docs|inverted|servers|benchmarks"
    named = re.findall(rf"[` ]((?:{folders})/[\w./]*\w)", path.read_text())
    assert [each for each in named if not (ROOT / each).exists()] == []


def anchors(path: Path) -> set[str]:
    """The anchors that headings get."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


def test_every_error_has_its_line() -> None:
    names = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    text = page("docs/errors.md")
    assert {name for name in names - {"Any", "RunError"} if f"`{name}`" not in text} == set()


def test_every_limit_is_listed_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", page("docs/writing-agents.md"), re.MULTILINE)
    listed = {name: int(value.replace(",", "")) for name, value in rows}
    assert listed == {each.name: each.default for each in fields(Limits)}


def test_the_diagram_of_the_lifecycle_is_the_table() -> None:
    lines = ["stateDiagram-v2", "    [*] --> working"]
    for state, events in TRANSITIONS.items():
        lines += [f"    {state} --> {after}: {event}" for event, after in events.items()]
        lines += [] if events else [f"    {state} --> [*]"]
    assert fenced(page("docs/design.md"), "mermaid").splitlines() == lines


def test_the_journal_lines_are_read_and_written_as_they_are_shown() -> None:
    lines = fenced(page("docs/design.md"), "jsonl").splitlines()
    reader, writer = Codec(), Codec()
    entries = [reader.decode(line.encode()) for line in lines]
    written = [writer.encode(entry, at).decode() for entry, at in entries]
    assert [json.loads(line) for line in written] == [json.loads(line) for line in lines]
    assert {type(entry) for entry, _ in entries} == set(get_args(Entry))


def test_every_kind_of_journal_line_is_explained() -> None:
    text = page("docs/design.md")
    types = {json.loads(line)["t"] for line in fenced(text, "jsonl").splitlines()}
    assert types == set(re.findall(r"^\| `(\w+)` \| (?!Job)", text, re.MULTILINE))


def test_the_layers_are_those_that_are_checked() -> None:
    settings: Any = tomllib.loads(page("pyproject.toml"))
    (contract,) = (
        each for each in settings["tool"]["importlinter"]["contracts"] if each["id"] == "layers"
    )
    checked = [re.findall(r"\w+", line) for line in contract["layers"]]
    rows = re.findall(r"^\| (`inverted/.*?) \|", page("docs/design.md"), re.MULTILINE)
    assert [re.findall(r"inverted/(\w+)", row) for row in rows] == checked


def test_every_verb_of_the_old_context_has_its_line() -> None:
    named = set(re.findall(r"`ctx\.(\w+)", page("docs/migrating-from-fastmcp-3.md")))
    assert named == set(CONTEXT_OF_FASTMCP_3)


def test_every_verb_of_the_run_is_explained() -> None:
    text = page("docs/writing-agents.md")
    verbs = [
        name
        for name, value in vars(Run).items()
        if inspect.isfunction(value) and not name.startswith("_")
    ]
    unnamed = [name for name in verbs if not re.search(rf"\b{name}\b", text)]
    assert unnamed == []
