"""The page: what it says, and that it does no harm."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

from conformance.tests.reports.made_up import HOSTILE, bad, exchange, good, report, result
from inverted_conformance.expected import Expected, judge
from inverted_conformance.reports.again import again_from
from inverted_conformance.reports.exchange import MOST
from inverted_conformance.reports.page import page
from inverted_conformance.verdicts import Report
from inverted_conformance.wire.transcript import Line, Message

WHEN = "2026-08-01T12:00:00+00:00"
EMPTY = {"meta", "br"}


class Reader(HTMLParser):
    """Elements with their attributes, texts, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.there: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.there.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.there if name == tag]

    def said(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def made(ran: Report, *expected: Expected) -> str:
    return page(judge(ran, expected), again=again_from(ran), written=WHEN)


def test_it_loads_nothing_and_runs_nothing() -> None:
    text = made(report())
    read = Reader(text)
    names = {name for name, _ in read.there}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for _, attributes in read.there:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
    assert not re.search(r"url\(|@import", "".join(read.said("style")))
    [policy] = [one for one in read.all("meta") if "http-equiv" in one]
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_hostile_text_is_text() -> None:
    lacking = result("elicitation/flat", "2025-11-25", not_offered=HOSTILE)
    broken = result("tasks/both", "2026-07-28", bad(None, HOSTILE), lines=exchange(HOSTILE))
    ran = report(broken, lacking, peer=HOSTILE)
    ran.target = HOSTILE
    text = made(ran, Expected("scenario", "tasks/both@2026-07-28", HOSTILE))
    assert Reader(text).said("script") == []
    assert "<script>" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 6
    assert not {"\x1b", "\x00", "\u202e", "\ufffe", "\ud800"} & set(text)
    text.encode("utf-8")


def test_a_failed_requirement_has_its_sense_its_section_what_was_seen_and_the_exchange() -> None:
    broken = result("tasks/both", "2026-07-28", bad("rounds.state", "It changed."))
    read = Reader(made(report(broken)))
    assert "rounds.state " in read.said("h3")
    assert " State comes back unchanged. " in read.said("p")
    assert {"href": "https://example.org/2026-07-28/page#state"} in read.all("a")
    assert "It changed." in read.said("p")
    assert len(read.said("mark")) == 1
    assert [one["class"] for one in read.all("li") if one.get("class") == "here"] == ["here"]


def test_every_link_within_the_page_leads_somewhere() -> None:
    read = Reader(made(report()))
    ids = [attributes["id"] for _, attributes in read.there if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = [(one["href"] or "") for one in read.all("a")]
    assert {href[1:] for href in inside if href.startswith("#")} <= set(ids)


def test_tables_have_captions_and_headers_and_headings_go_down_by_one() -> None:
    read = Reader(made(report()))
    assert read.said("caption") == ["Scenarios on 2025-11-25", "Scenarios on 2026-07-28"]
    assert all(one.get("scope") for one in read.all("th"))
    levels = [int(name[1]) for name, _ in read.there if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert read.all("html") == [{"lang": "en"}]


def test_every_requirement_has_a_status_and_what_cannot_be_seen_its_reason() -> None:
    run = report(result("rounds/state", "2026-07-28", good("rounds.state")))
    read = Reader(made(run))
    assert read.said("strong").count("passed") == 1
    assert read.said("strong").count("not run") == 2
    assert "It happens inside the application." in read.said("p")
    assert "2025-11-25/server/rounds.state" not in read.said("code"), "it was not spoken"


def test_long_lines_are_folded_and_long_exchanges_shortened() -> None:
    long = Line("received", {"jsonrpc": "2.0", "result": "x" * 1000}, 0)
    lines = [long, *exchange()] + [Line("note", f"note {at}.", 1) for at in range(MOST)]
    broken = result("tasks/both", "2026-07-28", bad(None), lines=lines)
    text = made(report(broken))
    read = Reader(text)
    assert any("x" * 1000 in pre for pre in read.said("pre"))
    assert "4 lines are left out here; the JSON report has them." in read.said("p")
    assert f"note {MOST - 1}." in text


def test_a_page_without_failures_has_no_section_for_them() -> None:
    text = made(report(result("rounds/state", "2026-07-28", good("rounds.state"))))
    assert "Failed" not in Reader(text).said("h2")
    assert "PASSED. 1 of 1 scenarios passed." in text


def test_expected_and_stale_entries_are_listed() -> None:
    entries = [
        Expected("scenario", "tasks/both@2026-07-28", "It is known."),
        Expected("scenario", "rounds/state@2026-07-28", "It was known."),
    ]
    read = Reader(made(report(), *entries))
    assert " It is known." in read.said("li")
    assert "stale" in read.said("strong")


def test_a_failure_without_an_exchange_says_so() -> None:
    text = made(report(result("tasks/both", "2026-07-28", bad(None, "It is gone."), lines=[])))
    assert "Nothing was exchanged." in Reader(text).said("p")


def test_what_is_too_deep_or_too_long_to_spread_is_shown_all_the_same() -> None:
    deep: Message = {"jsonrpc": "2.0"}
    for _ in range(5000):
        deep = {"a": deep}
    long = {"jsonrpc": "2.0", "result": "x" * 20_000}
    lines = [Line("received", deep, 0), Line("received", long, 0)]
    text = made(report(result("tasks/both", "2026-07-28", bad(None), lines=lines)))
    assert "(nested too deeply to show)" in Reader(text).said("code")
    assert "(20032 characters)" in text


def test_what_was_seen_in_many_scenarios_is_shown_once() -> None:
    ran = report(
        result("tasks/both", "2025-11-25", bad(None, "It sent what is no JSON.")),
        result("tasks/both", "2026-07-28", bad(None, "It sent what is no JSON.")),
    )
    read = Reader(made(ran))
    assert read.said("p").count("It sent what is no JSON.") == 1
    assert "The same was seen in tasks/both@2026-07-28." in read.said("p")
