"""A report as a page that people read. Everything in it that a client said is shown as code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from inverted.server.diagnosis import QUESTIONS, RUNGS, Diagnosis, Known, Way
from inverted_doctor.findings import Report, Tried

PLAIN: Final = frozenset({"client", "server", "caller"})
"""What is no rung of a ladder: such a question has one way only."""


def page(report: Report) -> str:
    """The report as Markdown.

    Args:
        report: The report.
    """
    found = report.diagnosis
    lines = [*_client(found), "", *_ways(found.ways), ""]
    lines += _tried(report, found) if report.tried else [_HOW_TO_TRY]
    lines += ["", "## What to enable", "", *(f"- {each}" for each in found.advice)]
    if found.host is not None:
        lines += ["", "## What is recorded of this host", "", *_recorded(found.host)]
    return "\n".join(lines) + "\n"


_HOW_TO_TRY: Final = (
    "Nothing was asked. Call this tool with `probe: true` to have one question of each kind really "
    "asked."
)


def _client(found: Diagnosis) -> Iterator[str]:
    title = "A client that nobody has recorded" if found.host is None else found.host.title
    name = code(f"{found.client or 'no name'} {found.version or ''}".strip())
    declared = [code(each) for each in found.features] + (["MCP Apps"] if found.apps else [])
    yield f"# {title}"
    yield ""
    yield f"{name}, protocol {found.revision}."
    yield f"It declares {', '.join(declared) or 'nothing that questions need'}."


def _ways(ways: Iterable[Way]) -> Iterator[str]:
    yield "| question | rung | how |"
    yield "|---|---|---|"
    for way in ways:
        rung = ("no" if way.known else "?") if way.rung is None else way.rung
        how = way.why or RUNGS[way.rung or ""]
        after = f"; else {', '.join(way.then)}" if way.then else ""
        shown = "yes" if rung in PLAIN else rung
        yield f"| {QUESTIONS[way.question]} | {shown} | {cell(how)}{after} |"


def _tried(report: Report, found: Diagnosis) -> Iterator[str]:
    yield "## What really happened"
    yield ""
    yield "| question | outcome | rung | time | |"
    yield "|---|---|---|---|---|"
    for each in report.tried:
        remark = " ".join(_remarks(each, found))
        name = QUESTIONS[each.question]
        yield f"| {name} | {each.outcome} | {each.rung or ''} | {each.milliseconds} ms | {remark} |"


def _remarks(each: Tried, found: Diagnosis) -> Iterator[str]:
    if each.unattended:
        yield f"Nobody has read this within {each.milliseconds} ms: the client answered by itself."
    told = found.way(each.question).rung
    if each.rung is not None and each.rung != told:
        yield f"It was to be {told}, which did not work here."
    if each.note:
        yield code(each.note)


def _recorded(host: Known) -> Iterator[str]:
    if not host.local:
        yield "- It starts no local servers: it reaches a server by its URL alone."
    if host.gives_up == "never":
        yield "- A silent call is never given up."
    elif host.gives_up is not None:
        yield f"- A silent call is given up after {host.gives_up:.0f} s."
    if host.progress_resets is not None and host.gives_up != "never":
        yield f"- Progress {'starts' if host.progress_resets else 'does not start'} that time anew."
    if host.rounds is not None:
        yield f"- It answers {host.rounds} rounds of questions within one call."
    if host.sees is not None:
        sees = {"content": "the text", "structured": "the structured content", "both": "both parts"}
        yield f"- Its model sees {sees[host.sees]} of a result that has both."
    yield from (f"- {habit}" for habit in host.habits)
    yield "- Seen in:"
    yield from (f"  - {seen.date}, {seen.where}: {seen.note}" for seen in host.sources)


def code(text: str) -> str:
    """A text of somebody else as code on one line, also inside of a table."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"`{cell(shown.replace('`', chr(39)))}`"


def cell(text: str) -> str:
    """A text inside of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
