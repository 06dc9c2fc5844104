"""The sections of the page. One that has nothing to say is empty and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from inverted_conformance.expected import Judgement
from inverted_conformance.manifest import GROUPS, Requirement, manifest
from inverted_conformance.reports.again import Again
from inverted_conformance.reports.exchange import excerpt
from inverted_conformance.reports.markup import Html, joined, lines, link, tag
from inverted_conformance.reports.tally import Shortfall, Tally, by_group, by_revision
from inverted_conformance.scenario import ALSO
from inverted_conformance.verdicts import Report

NOT_RUN: Final = "not run"
"""Of a requirement that no scenario of this run looked at."""

NOTHING: Final = Html()


def summary(report: Report) -> Html:
    """A table of counts for each revision.

    Args:
        report: The run.
    """
    groups = by_group(report)
    columns = ("suite", "passed", "failed", "warned", "not offered")
    head = tag("thead", tag("tr", *(tag("th", column, scope="col") for column in columns)))
    tables = [
        tag(
            "table",
            tag("caption", f"Scenarios on {wire}"),
            head,
            tag(
                "tbody", *(_row(group, one) for (group, its), one in groups.items() if its == wire)
            ),
            tag("tfoot", _row("all", counts)),
        )
        for wire, counts in by_revision(report).items()
    ]
    return tag("div", *tables, class_="tables") if tables else NOTHING


def shortcomings(shorts: Iterable[Shortfall], again: Again) -> Html:
    """Each requirement that is not met, what was seen, and the messages that show it.

    Args:
        shorts: What was found.
        again: The command that runs a scenario again.
    """
    order = {id: number for number, id in enumerate(manifest())}
    found: dict[str, list[Shortfall]] = {}
    for short in shorts:
        found.setdefault(short.requirement.id if short.requirement else "", []).append(short)
    by_manifest = sorted(found, key=lambda id: order.get(id, len(order)))
    return joined(_shortcoming(found[id], again) for id in by_manifest)


def expected(judgement: Judgement) -> Html:
    """What was expected to fail and did, and what is stale.

    Args:
        judgement: The run.
    """
    items = [
        tag("li", tag("code", id), Html(" "), why) for id, why in judgement.excused.items()
    ] + [
        tag("li", tag("strong", "stale", class_="failed"), Html(" "), sentence)
        for sentence in judgement.stale
    ]
    return tag("ul", *items) if items else NOTHING


def requirements(report: Report) -> Html:
    """Every observable requirement of the revisions that were spoken, by suite, with its status.

    Args:
        report: The run.
    """
    statuses = {id: str(status) for id, status in report.requirements().items()}
    looked: dict[str, list[str]] = {}
    for result in report.results:
        for requirement in result.requirements.values():
            looked.setdefault(requirement.id, []).append(result.scenario.name)
    asked = [requirement for requirement in _asked(report) if requirement.unobservable is None]

    def item(requirement: Requirement) -> Html:
        status = statuses.get(requirement.id, NOT_RUN)
        by = ", ".join(looked.get(requirement.id, []))
        return tag(
            "li",
            tag("strong", status, class_=status.replace(" ", "-")),
            Html(" "),
            *_sense(requirement),
            _below(tag("code", requirement.id), Html(" "), by),
        )

    return _by_group(asked, item)


def not_offered(report: Report) -> Html:
    """What the peer does not have.

    Args:
        report: The run.
    """
    items = [
        tag("li", tag("code", result.id), Html(" "), result.not_offered)
        for result in report.results
        if result.not_offered is not None
    ]
    return tag("ul", *items, class_="plain") if items else NOTHING


def unobservable(report: Report) -> Html:
    """What nobody outside can see, and why.

    Args:
        report: The run.
    """

    def item(requirement: Requirement) -> Html:
        below = _below(tag("code", requirement.id))
        return tag("li", *_sense(requirement), tag("p", requirement.unobservable or ""), below)

    return _by_group([one for one in _asked(report) if one.unobservable is not None], item)


def _row(name: str, counts: Tally) -> Html:
    numbers = {
        "passed": counts.passed,
        "failed": counts.failed,
        "warned": counts.warned,
        "not-offered": counts.not_offered,
    }
    cells = (tag("td", str(n), class_=word if n else "none") for word, n in numbers.items())
    return tag("tr", tag("th", name, scope="row"), *cells)


def _shortcoming(shorts: list[Shortfall], again: Again) -> Html:
    requirement = shorts[0].requirement
    if requirement is None:
        heading = joined([tag("h3", "What is wrong whatever was being checked")])
    else:
        heading = joined(
            [
                tag("h3", requirement.key, Html(" "), tag("span", requirement.revision)),
                tag("p", *_sense(requirement)),
            ]
        )
    alike: dict[str, list[Shortfall]] = {}
    for short in shorts:
        alike.setdefault(short.finding.detail, []).append(short)
    return tag("article", heading, *(_seen(same, again) for same in alike.values()))


def _seen(same: list[Shortfall], again: Again) -> Html:
    short = same[0]
    others = list(dict.fromkeys(one.result.id for one in same if one.result is not short.result))
    return tag(
        "div",
        tag("h4", short.result.id),
        tag("p", short.result.scenario.about, class_="quiet"),
        tag("p", tag("b", "Seen: "), lines(short.finding.detail)),
        excerpt(short.result, short.finding.line),
        tag("p", Html("Again: "), tag("code", again(short.result))),
        tag("p", f"The same was seen in {', '.join(others)}.") if others else NOTHING,
        class_="seen",
    )


def _sense(requirement: Requirement) -> tuple[Html, ...]:
    section = link(requirement.url.rpartition("/")[2], requirement.url)
    level = tag("b", requirement.level)
    return (level, Html(" "), joined([requirement.sense]), Html(" "), section)


def _below(*parts: str) -> Html:
    return tag("p", tag("small", *parts))


def _asked(report: Report) -> list[Requirement]:
    revisions = {revision for wire in by_revision(report) for revision in ALSO[wire]}
    return [
        requirement
        for requirement in manifest().values()
        if requirement.role == report.role and requirement.revision in revisions
    ]


def _by_group(asked: list[Requirement], item: Callable[[Requirement], Html]) -> Html:
    parts: list[Html] = []
    for group in GROUPS:
        items = [item(requirement) for requirement in asked if requirement.group == group]
        if items:
            title = tag("summary", tag("h3", group), f" {len(items)}")
            parts.append(tag("details", title, tag("ul", *items, class_="plain")))
    return joined(parts)
