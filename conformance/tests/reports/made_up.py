"""A made-up manifest, made-up scenarios and a made-up run: reports do not care what is real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inverted_conformance import manifest
from inverted_conformance.scenario import WIRES, Registry, Scenario, Wire
from inverted_conformance.verdicts import Finding, Report, Result
from inverted_conformance.wire.transcript import Direction, Line

PAGE = """
revision = "{revision}"
source = "docs/made/up.mdx"
url = "https://example.org/{revision}/page"

[[requirement]]
key = "sampling-tools.balance"
level = "MUST"
role = "server"
anchor = "tools"
source = "00000001"
sense = "Every call of a tool has its result."

[[requirement]]
key = "elicitation.flat"
level = "SHOULD"
role = "server"
anchor = "forms"
source = "00000002"
sense = "Forms stay flat."

[[requirement]]
key = "rounds.state"
level = "MUST"
role = "server"
anchor = "state"
source = "00000003"
sense = "State comes back unchanged."

[[requirement]]
key = "elicitation.review"
level = "MUST"
role = "server"
anchor = "forms"
source = "00000004"
sense = "A person reviews the answer."
unobservable = "It happens inside the application."

[[requirement]]
key = "sampling.answer"
level = "MUST"
role = "client"
anchor = "answers"
source = "00000005"
sense = "A question is answered."
"""

HOSTILE = (
    "<script>alert(1)</script> [bold red]big[/] \x1b[2Jgone\x07 \x00\x0b\ufffe\ud800 "
    '\u202eevil\u202c "quoted" & ]]> :smile:\r\nnext'
)
"""What a peer may say to hurt whoever reads it."""


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the made-up manifest the manifest while a test runs."""
    for wire in WIRES:
        file = folder / "made_up" / "requirements" / f"{wire}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PAGE.format(revision=wire), "utf-8")

    def files(_: str) -> Path:
        return folder / "made_up"

    monkeypatch.setattr(manifest, "files", files)
    manifest.manifest.cache_clear()
    yield
    monkeypatch.undo()
    manifest.manifest.cache_clear()


def registry() -> Registry:
    """Four scenarios for servers; needs the made-up manifest."""
    made = Registry("server")

    @made.scenario("sampling-tools", checks=("sampling-tools.balance",))
    async def balance(_: Any) -> None:
        """Two tools are called at once."""

    @made.scenario("elicitation", checks=("elicitation.flat",), needs=("test_form",))
    async def flat(_: Any) -> None:
        """A form is asked for."""

    @made.scenario("rounds", checks=("rounds.state",), wires=("2026-07-28",))
    async def state(_: Any) -> None:
        """State goes there and back."""

    @made.scenario("tasks", checks=("sampling-tools.balance", "rounds.state"))
    async def both(_: Any) -> None:
        """A task does both."""

    return made


def scenario(name: str) -> Scenario:
    """One of the made-up scenarios."""
    return next(one for one in registry() if one.name == name)


def result(
    name: str,
    wire: Wire = "2026-07-28",
    *findings: Finding,
    not_offered: str | None = None,
    lines: list[Line] | None = None,
) -> Result:
    """One scenario that ended."""
    there = exchange() if lines is None else lines
    lacking = [] if not_offered else there
    return Result(scenario(name), wire, list(findings), lacking, not_offered, 0.25)


def exchange(*said: str) -> list[Line]:
    """A few messages."""
    arrows: tuple[Direction, ...] = ("sent", "received", "note")
    asked: list[Any] = [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "café"}},
        {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": HOSTILE}]}},
        "The suite kills the server.",
        *said,
    ]
    return [Line(arrows[at % 3], text, at * 0.01) for at, text in enumerate(asked)]


def good(key: str) -> Finding:
    """A requirement that is kept."""
    return Finding(key, ok=True, detail="All was as it must be.", line=2)


def bad(key: str | None, detail: str = "One call had no result.") -> Finding:
    """A requirement that is not kept."""
    return Finding(key, ok=False, detail=detail, line=2)


def report(*results: Result, peer: str = "made-up 1.0") -> Report:
    """A run; without results one of each kind."""
    listed = list(results) or [
        result("sampling-tools/balance", "2025-11-25", good("sampling-tools.balance")),
        result("elicitation/flat", "2025-11-25", not_offered="the tool test_form"),
        result("sampling-tools/balance", "2026-07-28", bad("sampling-tools.balance", HOSTILE)),
        result("elicitation/flat", "2026-07-28", bad("elicitation.flat", "A form was nested.")),
        result("rounds/state", "2026-07-28", good("rounds.state")),
        result("tasks/both", "2026-07-28", bad(None, "The server ended.")),
    ]
    return Report("server", "node server.js", peer, listed, 1.5)
