"""JUnit XML."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from conformance.tests.reports.made_up import HOSTILE, bad, good, report, result
from inverted_conformance.expected import Expected, judge
from inverted_conformance.reports.again import again_from
from inverted_conformance.reports.junit import junit
from inverted_conformance.verdicts import Report

LISTED = Expected("scenario", "sampling-tools/balance@2026-07-28", "It is known.")


def made(ran: Report, *expected: Expected, strict: bool = False) -> Element:
    judgement = judge(ran, expected, strict=strict)
    return fromstring(junit(judgement, again=again_from(ran)))  # noqa: S314 (it is our own)


def case(root: Element, name: str) -> Element:
    return next(one for one in root.iter("testcase") if one.get("name") == name)


def test_a_suite_in_a_revision_is_a_testsuite_that_counts() -> None:
    root = made(report())
    counts = ("tests", "failures", "errors", "skipped")
    assert [root.get(name) for name in counts] == ["6", "2", "0", "1"]
    suites = {one.get("name"): [one.get(name) for name in counts] for one in root}
    assert suites["2025-11-25 elicitation"] == ["1", "0", "0", "1"]
    assert suites["2026-07-28 tasks"] == ["1", "1", "0", "0"]
    assert root.get("time") == "1.500"


def test_a_failure_says_what_is_asked_and_how_to_see_it_again() -> None:
    failed = case(made(report()), "tasks/both@2026-07-28")
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == "The server ended."
    assert "again: inverted-conformance server" in (failure.text or "")
    assert failed.get("classname") == "server.2026-07-28.tasks"


def test_hostile_text_is_spelled_out() -> None:
    failure = case(made(report()), "sampling-tools/balance@2026-07-28").find("failure")
    assert failure is not None
    message = failure.get("message") or ""
    assert message.startswith("<script>alert(1)</script> [bold red]big[/] \\x1b[2Jgone\\x07 \\x00")
    assert "\\ud800" in message
    lacking = made(report(result("rounds/state", not_offered=HOSTILE)))
    assert "<skipped" not in (lacking.findtext(".//system-out") or "")


def test_what_is_not_offered_is_skipped_with_its_reason() -> None:
    skipped = case(made(report()), "elicitation/flat@2025-11-25").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not offered: the tool test_form"


def test_a_warning_passes_and_is_told_and_fails_a_strict_run() -> None:
    warned = case(made(report()), "elicitation/flat@2026-07-28")
    assert warned.find("failure") is None
    assert "A form was nested." in (warned.findtext("system-out") or "")
    strict = case(made(report(), strict=True), "elicitation/flat@2026-07-28")
    assert strict.find("failure") is not None


def test_an_expected_failure_is_skipped_and_a_stale_entry_fails() -> None:
    excused = case(made(report(), LISTED), LISTED.name)
    skipped = excused.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "expected to fail: It is known."
    kept = report(result("sampling-tools/balance", "2026-07-28", good("sampling-tools.balance")))
    root = made(kept, LISTED)
    assert root.get("failures") == "1"
    failure = case(root, "stale entry").find("failure")
    assert failure is not None
    assert LISTED.name in (failure.get("message") or "")


def test_the_worst_finding_is_the_message() -> None:
    two = result("tasks/both", "2026-07-28", bad("rounds.state", "first"), bad(None, "second"))
    failure = case(made(report(two)), two.id).find("failure")
    assert failure is not None
    assert failure.get("message") == "first"
    assert "second" in (failure.text or "")
