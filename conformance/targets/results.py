"""`RESULTS.md`: what the runs found, as a page that does not change unless the results do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from inverted_conformance.manifest import manifest
from inverted_conformance.reports.tally import by_revision
from inverted_conformance.scenario import ALSO, Wire
from inverted_conformance.verdicts import Report, Status
from targets.others import Other
from targets.reasons import Why, Wrong, reason, wrongs

HEAD: Final = """\
# What the suite found

`scripts/results` wrote this page; the reasons are in `targets/why.toml`. Every server has the tools
of the fixture contract as far as its SDK can offer them, and every client follows the client
contract. A scenario is *not offered* where the peer lacks what it needs. A MUST is *kept* if every
look at it found it kept, *broken* if one did not, and *unseen* if the peer offers nothing that
shows it. Servers run over Streamable HTTP, and on pipes where only those show something.
"""

TABLE: Final = """\
| {role} | revision | passed | warned | failed | not offered | of | MUSTs kept | broken | unseen |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""

UNKNOWN: Final = "Nobody has written down why."


@dataclass(frozen=True, slots=True)
class Section:
    """What the page says of one target."""

    rows: str
    """Its rows of the table."""

    body: str


def section(other: Other, report: Report, whys: Sequence[Why]) -> Section:
    """What the page says of a target that was run.

    Args:
        other: The target.
        report: The run.
        whys: The reasons.
    """
    tallies = by_revision(report)
    rows = "".join(
        f"| [{other.title}](#{other.name}) | {wire} | {one.passed} | {one.warned} | {one.failed} "
        f"| {one.not_offered} | {one.scored + one.not_offered} | {_musts(report, wire)} |\n"
        for wire, one in tallies.items()
    )
    parts = [
        f'## <a id="{other.name}"></a>{other.title}\n\n{other.about}\n',
        _wrong(wrongs(report), other.name, whys),
        _lacking(report),
    ]
    return Section(rows, "\n".join(part for part in parts if part))


def page(targets: Sequence[Other], made: dict[str, Section], old: str) -> str:
    """The whole page.

    Args:
        targets: All targets, in order.
        made: What there is to say of those that were run, by name.
        old: The page as it is; it has the sections of those that were not run.
    """
    sections = {one.name: made.get(one.name) or kept(one, old) for one in targets}
    tables: list[str] = []
    for role in ("server", "client"):
        rows = "".join(
            there.rows for one in targets if one.role == role and (there := sections[one.name])
        )
        if rows:
            tables.append(TABLE.format(role=role) + rows)
    bodies = [
        f"<!-- begin: {one.name} -->\n{there.body}<!-- end: {one.name} -->\n"
        for one in targets
        if (there := sections[one.name])
    ]
    return "\n".join([HEAD, *tables, *bodies])


def kept(other: Other, old: str) -> Section | None:
    """What the page said of a target before.

    Args:
        other: The target.
        old: The page.
    """
    name = re.escape(other.name)
    body = re.search(rf"<!-- begin: {name} -->\n(.*?)<!-- end: {name} -->", old, re.DOTALL)
    rows = re.findall(rf"^\| \[[^\]]*\]\(#{name}\) .*\n", old, re.MULTILINE)
    return Section("".join(rows), body[1]) if body else None


def _musts(report: Report, wire: Wire) -> str:
    there = {
        id
        for id, one in manifest().items()
        if one.role == report.role
        and one.revision in ALSO[wire]
        and one.level.startswith("MUST")
        and one.unobservable is None
    }
    seen = {id: status for id, status in report.requirements().items() if id in there}
    kept, broken = (
        sum(one is status for one in seen.values()) for status in (Status.PASSED, Status.FAILED)
    )
    return f"{kept} | {broken} | {len(there) - kept - broken}"


def _wrong(found: Sequence[Wrong], target: str, whys: Sequence[Why]) -> str:
    if not found:
        return "Nothing is wrong.\n"
    by_reason: dict[str, list[Wrong]] = {}
    for one in found:
        why = reason(one, target, whys)
        by_reason.setdefault(UNKNOWN if why is None else why.because, []).append(one)
    return "\n".join(
        f"- {because}\n{''.join(map(_line, _merged(these)))}"
        for because, these in by_reason.items()
    )


def _merged(found: Iterable[Wrong]) -> Iterable[list[Wrong]]:
    """The same requirement in several revisions is told once."""
    merged: dict[tuple[str, str, str], list[Wrong]] = {}
    for one in found:
        merged.setdefault((one.key, one.level, one.sense), []).append(one)
    return merged.values()


def _line(same: list[Wrong]) -> str:
    one = same[0]
    where = " and ".join(f"[{w.revision}]({w.url})" if w.url else w.revision for w in same)
    return f"  - {one.level or 'Could not be played:'} `{one.key}` ({where}): {one.sense}\n"


def _lacking(report: Report) -> str:
    lacking = Counter(
        (result.wire, result.not_offered) for result in report.results if result.not_offered
    )
    if not lacking:
        return ""
    lines = [
        f"- {what} ({wire}, {number} scenario{'s' if number > 1 else ''})\n"
        for (wire, what), number in lacking.items()
    ]
    return f"It does not offer:\n\n{''.join(lines)}"
