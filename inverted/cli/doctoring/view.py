"""How a diagnosis is shown: a table of hosts, one host in full, or JSON. Called by `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from inverted.carriers.host import Host
from inverted.cli.doctoring.subject import Group, Subject
from inverted.cli.screen import Screen
from inverted.cli.text import clean
from inverted.server.diagnosis import QUESTIONS, RUNGS, Diagnosis, Known, Way

Told = Sequence[tuple[Host, Diagnosis]]

_WIDEST: Final = 100  # lines longer than this are hard to read, on any screen
_HEADS: Final = ("model", "tools", "form", "approval", "url", "roots", "tasks")
"""The kinds of questions, in the order of `QUESTIONS` and as short as a column needs."""
_PLAIN: Final = frozenset({"client", "server", "caller"})
"""What is no rung of a ladder: such a question has one way only."""


def overview(subject: Subject, groups: Iterable[tuple[Group, Told]], screen: Screen) -> None:
    """Show every host in one table for each group of agents.

    Args:
        subject: The server.
        groups: Its agents, and what each host can do for them.
        screen: Where to.
    """
    _show(screen, [_heading(subject)])
    told: Told = []
    for group, told in groups:
        _show(screen, [Text(), *_named(group), _table(told)])
        used = {each.rung for _, one in told for each in one.ways if each.rung in RUNGS}
        words = [(rung, RUNGS[rung]) for rung in RUNGS if rung in used - _PLAIN]
        _show(screen, [Text(), _pairs(words)])
    enable = [(host.name, host.enable) for host, _ in told]
    _show(screen, _part("What to enable", [_pairs(enable)]))
    hint = "inverted doctor --client HOST tells more of one, and where that was seen."
    _show(screen, [Text(), Text(hint, "dim")])


def one_host(subject: Subject, groups: Sequence[tuple[Group, Told]], screen: Screen) -> None:
    """Show one host in full.

    Args:
        subject: The server.
        groups: Its agents, and what the host can do for them.
        screen: Where to.
    """
    host, found = groups[0][1][0]
    _show(screen, [_heading(subject), Text(), *_about(host, found)])
    for group, told in groups:
        _show(screen, [Text(), *_named(group), _ways(told[0][1])])
    advice = dict.fromkeys(each for _, told in groups for each in told[0][1].advice)
    _show(screen, _part("What to enable", _items(advice)))
    _show(screen, _part("What is recorded", [_pairs(_recorded(found))]))
    if host.habits:
        _show(screen, _part("What else a server should know", _items(host.habits)))
    _show(screen, _part("Seen in", []))
    for seen in host.sources:  # an address on a line of its own, which can be followed
        screen.print(Text(f"  {seen.date}  {seen.where}", "dim"), soft_wrap=True)
        _show(screen, [Padding(Text(seen.note), (0, 0, 0, 14))])


def document(subject: Subject, groups: Iterable[tuple[Group, Told]]) -> dict[str, Any]:
    """The same for programs.

    Args:
        subject: The server.
        groups: Its agents, and what each host can do for them.
    """
    said = subject.said
    server: dict[str, Any] = {
        "title": clean(subject.title),
        "said": None if said is None else said._asdict(),
        "provider": subject.provider,
        "pages": subject.pages,
        "relay": subject.relay,
        "notes": list(subject.notes),
    }
    rows = [
        {
            "agents": list(group.agents),
            "hosts": {host.name: found.model_dump(mode="json") for host, found in told},
        }
        for group, told in groups
    ]
    return {"server": server, "groups": rows}


def _show(screen: Screen, what: Iterable[RenderableType]) -> None:
    width = min(screen.width, _WIDEST)
    for each in what:
        if screen.is_terminal:
            screen.print(each, width=width)
            continue
        with screen.capture() as captured:
            screen.print(each, width=width)
        lines = captured.get().splitlines()  # a table fills its cells with spaces
        screen.write_exactly("\n".join(line.rstrip() for line in lines))


def _part(title: str, what: Iterable[RenderableType]) -> Iterator[RenderableType]:
    yield from (Text(), Text(title, "bold"))
    yield from what


def _heading(subject: Subject) -> RenderableType:
    said, rows = subject.said, [("server", clean(subject.title))]
    if said is not None:
        speaks = ", ".join(said.revisions) or said.revision
        rows += [
            ("revisions", f"{speaks}; negotiated {said.revision}"),
            ("agents", ", ".join(said.agents) or "none"),
            ("tasks", "declared" if said.tasks else "not declared"),
        ]
    rows += [("provider", subject.provider), ("pages", subject.pages), ("relay", subject.relay)]
    rows += [("note", note) for note in subject.notes]
    return _pairs(rows)


def _named(group: Group) -> Iterator[RenderableType]:
    if group.agents:
        yield Text(f"Agents: {', '.join(map(clean, group.agents))}", "bold")


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in rows:
        table.add_row(Text(name, "cyan"), Text(words))
    return table


def _items(words: Iterable[str]) -> Iterator[RenderableType]:
    for each in words:
        yield Padding(Text(each), (0, 0, 0, 2))


def _table(told: Told) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for head in ("host", *_HEADS, "gives up"):
        table.add_column(head, no_wrap=True)
    for host, found in told:
        cells = [_cell(way) for way in found.ways]
        assert found.host is not None  # noqa: S101 # every host of the table is recorded
        table.add_row(Text(host.name, "cyan"), *cells, Text(_patience(found.host)))
    return table


def _cell(way: Way) -> Text:
    if way.rung is None:
        return Text("no", "dim") if way.known else Text("?", "dim")
    return Text("yes" if way.rung in _PLAIN else way.rung)


def _about(host: Host, found: Diagnosis) -> Iterator[RenderableType]:
    yield Text.assemble((host.title, "bold"), f", as recorded of version {host.version}")
    declared = [*found.features, *(["MCP Apps"] if found.apps else [])]
    yield _pairs(
        [
            ("named", ", ".join(host.client_names)),
            ("protocol", found.revision),
            ("declares", ", ".join(declared) or "nothing that questions need"),
        ]
    )


def _ways(found: Diagnosis) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("question", no_wrap=True)
    table.add_column("rung", no_wrap=True)
    table.add_column("how", overflow="fold")
    for way in found.ways:
        how = Text(way.why or RUNGS[way.rung or ""], "" if way.rung else "dim")
        if way.then:
            how.append(f"; else {', '.join(way.then)}", "dim")
        table.add_row(Text(QUESTIONS[way.question], "cyan"), _cell(way), how)
    return table


def _recorded(found: Diagnosis) -> Iterator[tuple[str, str]]:
    known, features = found.host, found.features
    assert known is not None  # noqa: S101 # only recorded hosts are asked for
    sees = {"content": "its text", "structured": "structured content in place of the text"}
    if not known.local:
        yield "starts local servers", "no: it reaches a server by its URL alone"
    yield "gives up a silent call after", _patience(known)
    if known.gives_up != "never":
        yield "progress starts that time anew", _yes(known.progress_resets)
    if known.rounds is not None:
        yield "rounds of one call", str(known.rounds)
    if any(each.startswith("elicitation") for each in features):
        yield "declines forms unasked", "it may" if known.declines else "not seen"
    if "sampling" in features:
        yield "approves sampling", _yes(known.approves)
    yield "checks the output schema", _yes(known.validates)
    yield "the model sees of a result", sees.get(known.sees or "", known.sees or "?")


def _patience(known: Known) -> str:
    if known.gives_up is None:
        return "?"
    return "never" if known.gives_up == "never" else f"{known.gives_up:.0f} s"


def _yes(known: bool | None) -> str:  # noqa: FBT001 # a word for a value
    return {None: "?", True: "yes", False: "no"}[known]
