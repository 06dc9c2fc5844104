"""docs/clients.md says what `inverted.carriers.hosts` records, and nothing else.

The part of the page between the two comments is made here. After a change of a row, run this file
(`python tests/docs/test_clients.py`): it writes that part anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Final

from inverted.carriers.hosts import HOSTS, Host, Source

PAGE: Final = Path(__file__).parents[2] / "docs/clients.md"
BEGIN: Final = "<!-- made from inverted/carriers/hosts.py: begin -->\n"
END: Final = "<!-- made from inverted/carriers/hosts.py: end -->\n"

Column = Callable[[Host], str]
YES: Final[dict[bool | None, str]] = {None: "?", True: "yes", False: "no"}


def made() -> str:
    """The part of the page that is made from the rows."""
    declared: dict[str, Column] = {
        "Host": linked,
        "`clientInfo.name`": lambda host: ", ".join(f"`{name}`" for name in host.client_names),
        "Revision": lambda host: host.revision,
        "Samples": samples,
        "Forms, URLs": asks_people,
        "Apps": lambda host: YES["io.modelcontextprotocol/ui" in extensions(host)],
        "Tasks": tasks,
        "What to enable": lambda host: host.enable,
    }
    habits: dict[str, Column] = {
        "Host": linked,
        "Declines unasked": where("elicitation", lambda host: "may" if host.declines else "no"),
        "Approves sampling": where("sampling", lambda host: YES[host.approves]),
        "Checks `outputSchema`": lambda host: YES[host.validates],
        "The model sees": lambda host: host.sees or "?",
        "Gives up after": gives_up,
        "Progress resets it": lambda host: (
            "-" if host.timeout == inf else YES[host.progress_resets]
        ),
        "Rounds": lambda host: str(host.rounds or "-"),
    }
    parts = [
        "## What they declare\n\n" + table(declared),
        "## How they behave\n\n" + table(habits),
        "## Host by host\n",
        *map(about, HOSTS.values()),
    ]
    return "\n".join(parts)


def where(capability: str, column: Column) -> Column:
    """A column for the hosts that declare a capability."""
    return lambda host: column(host) if capability in host.capabilities else "-"


def table(columns: dict[str, Column]) -> str:
    rows = [list(columns), ["---"] * len(columns)]
    rows += [[column(host) for column in columns.values()] for host in HOSTS.values()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def about(host: Host) -> str:
    """The section of one host."""
    wire = json.dumps(host.capabilities)
    lines = [f"### {host.title}", "", f"`{host.client_names[0]}` {host.version} declares `{wire}`."]
    lines += ["", *(f"- {habit}" for habit in host.habits)] if host.habits else []
    lines += ["", "Seen in:", "", *(f"- {said(source)}" for source in host.sources)]
    return "\n".join(lines) + "\n"


def said(source: Source) -> str:
    where = source.where
    if where.startswith("https://"):
        blob = re.fullmatch(r"https://github.com/([^/]+/[^/]+)/blob/\w+/(.*)", where)
        thread = re.fullmatch(r"https://github.com/([^/]+/[^/]+)/(?:issues|pull)/(\d+)", where)
        name = f"{blob[1]}:{blob[2]}" if blob else where.removeprefix("https://")
        where = f"[{f'{thread[1]}#{thread[2]}' if thread else name}]({where})"
    return f"{source.date}, {where}: {source.note}"


def linked(host: Host) -> str:
    anchor = re.sub(r"[^\w\- ]", "", host.title).lower().replace(" ", "-")
    return f"[{host.title}](#{anchor})"


def extensions(host: Host) -> list[str]:
    return list(host.capabilities.get("extensions", {}))


def samples(host: Host) -> str:
    sampling = host.capabilities.get("sampling")
    if sampling is None:
        return "no"
    return "with tools" if "tools" in sampling else "without tools"


def asks_people(host: Host) -> str:
    """An empty capability means forms."""
    elicitation = host.capabilities.get("elicitation")
    return "no" if elicitation is None else ", ".join(elicitation or ["form"])


def tasks(host: Host) -> str:
    forms = ["2025-11-25"] if host.asks_for_tasks else []
    forms += ["2026-07-28"] if "io.modelcontextprotocol/tasks" in extensions(host) else []
    return ", ".join(forms) or "no"


def gives_up(host: Host) -> str:
    if host.timeout is None:
        return "?"
    return "never" if host.timeout == inf else f"{host.timeout:.0f} s"


def test_the_page_says_what_is_recorded() -> None:
    page = PAGE.read_text()
    assert page.partition(BEGIN)[2].partition(END)[0] == made()


def test_every_word_of_the_tables_is_used_somewhere() -> None:
    """The tables can say all that a row can hold: what is not known shows as such."""
    cells = set(re.findall(r"(?<=\| )[^|]+(?= \|)", made()))
    assert {"?", "yes", "no", "never", "may", "with tools", "without tools"} <= cells


if __name__ == "__main__":
    head, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(head + BEGIN + made() + END + rest.partition(END)[2])
