"""A run as one HTML file: it loads nothing, needs no script, and can be attached anywhere.

The order is that of a reader's questions: how much is right, what is wrong and how is that known,
what does the specification ask at all, and what does this run say nothing about.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from inverted_conformance.expected import ALL_RIGHT, Judgement
from inverted_conformance.reports import sections
from inverted_conformance.reports.again import Again
from inverted_conformance.reports.data import suite_version
from inverted_conformance.reports.exchange import whole
from inverted_conformance.reports.markup import Html, joined, link, tag
from inverted_conformance.reports.tally import shortfalls
from inverted_conformance.reports.terminal import verdict
from inverted_conformance.verdicts import Status

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(judgement: Judgement, *, again: Again, written: str) -> str:
    """The document.

    Args:
        judgement: The run.
        again: The command that runs a scenario again.
        written: When the run was.
    """
    report = judgement.report
    shorts = list(shortfalls(report.results))
    failed = [short for short in shorts if short.status is Status.FAILED]
    warned = [short for short in shorts if short.status is Status.WARNED]
    name = f"MCP conformance of the {report.role} {report.peer}".rstrip()
    mood = "verdict right" if judgement.code == ALL_RIGHT else "verdict wrong"
    behind = {short.result.id: short.result for short in shorts}
    parts = {
        "Summary": sections.summary(report),
        "Failed": sections.shortcomings(failed, again),
        "Warned": sections.shortcomings(warned, again),
        "Expected failures": sections.expected(judgement),
        "Every requirement": sections.requirements(report),
        "Not offered": sections.not_offered(report),
        "Cannot be observed": sections.unobservable(report),
        "Exchanges": joined(whole(result) for result in behind.values()),
    }
    there = {title: part for title, part in parts.items() if part}
    body = tag(
        "main",
        tag("h1", name),
        tag("p", verdict(judgement), class_=mood),
        tag("p", tag("code", report.target), class_="quiet"),
        tag("p", f"{written}, inverted-conformance {suite_version()}", class_="quiet"),
        tag("nav", tag("ul", *(_entry(title) for title in there)), aria_label="On this page"),
        *(
            tag("section", tag("h2", title, id=_anchor(title)), part)
            for title, part in there.items()
        ),
    )
    return f"<!doctype html>\n{tag('html', _head(name), tag('body', body), lang='en')}\n"


def _head(name: str) -> Html:
    style = files("inverted_conformance.reports").joinpath("page.css").read_text("utf-8")
    return tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", name),
        tag("style", Html(style)),
    )


def _entry(title: str) -> Html:
    return tag("li", link(title, f"#{_anchor(title)}"))


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
