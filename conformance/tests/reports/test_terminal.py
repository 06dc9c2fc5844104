"""The table in the terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from conformance.tests.reports.made_up import HOSTILE, bad, good, report, result
from inverted_conformance.expected import Expected, judge
from inverted_conformance.reports.again import again_from
from inverted_conformance.reports.progress import progress
from inverted_conformance.reports.terminal import show
from inverted_conformance.verdicts import Report, Result

BALANCE = "sampling-tools/balance@2026-07-28"


def shown(
    ran: Report,
    *expected: Expected,
    width: int = 80,
    color: bool = False,
    strict: bool = False,
    quiet: bool = False,
    verbose: bool = False,
) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, no_color=not color)
    judgement = judge(ran, expected, strict=strict)
    show(console, judgement, again=again_from(ran), quiet=quiet, verbose=verbose)
    return out.getvalue()


def test_the_table_counts_each_suite_in_each_revision() -> None:
    rows = {tuple(line.split()) for line in shown(report()).splitlines()}
    assert ("sampling-tools", "2025-11-25", "1", "·", "·", "·") in rows
    assert ("2026-07-28", "·", "1", "·", "·") in rows
    assert ("all", "2", "2", "1", "1") in rows


def test_a_failure_says_what_is_asked_what_was_seen_and_how_to_see_it_again() -> None:
    text = shown(report(result("tasks/both", "2026-07-28", bad("rounds.state", "It changed."))))
    assert "MUST: State comes back unchanged. [rounds.state]" in text
    assert "https://example.org/2026-07-28/page#state" in text
    assert "seen: It changed." in text
    again = "--revision 2026-07-28 --scenario tasks/both -- node server.js"
    assert f"again: inverted-conformance server {again}" in text


def test_a_failure_that_repeats_another_is_only_named() -> None:
    ran = report(
        result("tasks/both", "2025-11-25", bad(None, "It sent what is no JSON.")),
        result("tasks/both", "2026-07-28", bad(None, "It sent what is no JSON.")),
        result("rounds/state", "2026-07-28", bad(None, "It ended.")),
    )
    text = shown(ran, verbose=True)
    assert text.count("It sent what is no JSON.") == 1
    assert "FAILED  as tasks/both@2025-11-25:\n  tasks/both@2026-07-28\n" in text
    assert text.count("again: ") == 2


def test_the_exchange_is_shown_once_for_findings_at_one_line() -> None:
    two = [bad("rounds.state", "one"), bad("rounds.state", "two"), bad("rounds.state", "two")]
    text = shown(report(result("tasks/both", "2026-07-28", *two)), verbose=True)
    assert text.count("tools/call") == 1
    assert text.count("State comes back unchanged.") == 1
    assert text.count("seen: two") == 1


def test_a_run_at_an_address_is_run_again_there() -> None:
    ran = report(result("tasks/both", "2026-07-28", bad("rounds.state")))
    ran.target = "http://[::1]:80/mcp?a&b node server.js"
    again = "server --url 'http://[::1]:80/mcp?a&b' --revision 2026-07-28 --scenario tasks/both"
    assert f"{again} -- node server.js\n" in shown(ran)


def test_what_is_copied_is_on_one_line_and_the_rest_within_eighty_columns() -> None:
    lines = shown(report(), verbose=True).splitlines()
    wide = [line for line in lines if len(line) > 80]
    assert all(line.startswith(("  http", "  again: ")) for line in wide)
    assert any(line.startswith("  again: ") for line in wide)


@pytest.mark.parametrize("color", [False, True])
def test_hostile_text_is_spelled_out(color: bool) -> None:  # noqa: FBT001
    lacking = result("elicitation/flat", "2025-11-25", not_offered=HOSTILE)
    ran = report(result("rounds/state", "2026-07-28", bad(None, HOSTILE)), lacking, peer=HOSTILE)
    text = shown(ran, color=color, verbose=True, width=400)
    assert text.count("[bold red]big[/]") >= 4
    assert ":smile:" in text
    assert r"\x1b[2Jgone\x07" in text
    assert "\x1b[2J" not in text
    assert not {"\x07", "\x00", "\u202e", "\ufffe", "\ud800", "\r"} & set(text)


def test_nothing_is_said_by_colour_alone() -> None:
    text = shown(report())
    assert "\x1b" not in text
    for word in ("FAILED  " + BALANCE, "warned  elicitation/flat@2026-07-28", "not offered"):
        assert word in text


def test_the_verdict_is_the_last_line() -> None:
    assert shown(report()).splitlines()[-1] == (
        "FAILED. 2 of 5 scenarios passed, 2 failed, 1 warned, 1 not offered. 1.5 s"
    )
    kept = report(result("rounds/state", "2026-07-28", good("rounds.state")))
    assert shown(kept).splitlines()[-1] == "PASSED. 1 of 1 scenarios passed. 1.5 s"


def test_a_quiet_run_that_is_right_is_one_line() -> None:
    kept = report(result("rounds/state", "2026-07-28", good("rounds.state")))
    assert shown(kept, quiet=True) == "PASSED. 1 of 1 scenarios passed. 1.5 s\n"


def test_an_expected_failure_is_shown_as_one_with_its_reason() -> None:
    ran = report(result("tasks/both", "2026-07-28", bad("rounds.state")))
    text = shown(ran, Expected("scenario", "tasks/both@2026-07-28", "It is known."))
    assert "EXPECTED  tasks/both@2026-07-28" in text
    assert "Expected: It is known." in text
    assert "PASSED. 0 of 1 scenarios passed, 1 failed, 1 expected to fail." in text


def test_a_stale_entry_is_shown() -> None:
    ran = report(result("rounds/state", "2026-07-28", good("rounds.state")))
    text = shown(ran, Expected("scenario", "rounds/state@2026-07-28", "It is known."), quiet=True)
    assert "STALE  rounds/state@2026-07-28 does not fail any more" in text
    assert text.splitlines()[-1].startswith("FAILED. ")


def test_a_strict_run_shows_a_warning_as_the_failure_that_it_is() -> None:
    nested = report(result("elicitation/flat", "2026-07-28", bad("elicitation.flat")))
    assert "warned  elicitation/flat@2026-07-28" in shown(nested)
    assert "FAILED  elicitation/flat@2026-07-28" in shown(nested, strict=True)


def test_a_peer_that_cannot_be_reached_is_said_once() -> None:
    why = "The command ended."
    ran = report(
        result("rounds/state", "2026-07-28", bad(None, why), lines=[]),
        result("tasks/both", "2026-07-28", bad(None, why), lines=[]),
    )
    text = shown(ran)
    assert text.count(why) == 1
    assert text.splitlines()[-1].startswith("NOT TESTED: the suite could not talk to it.")


def test_what_scenarios_lack_is_said_once_and_few_are_named() -> None:
    names = ("sampling-tools/balance", "elicitation/flat", "rounds/state", "tasks/both")
    lacking = [result(name, "2026-07-28", not_offered="the tool x") for name in names]
    few = shown(report(*lacking))
    assert few.count("the tool x") == 1
    assert "\n    tasks/both@2026-07-28\n" in few
    many = [*lacking, *(_renamed(one, at) for one in lacking for at in range(2))]
    assert "  the tool x\n    12 scenarios; --verbose names them\n" in shown(report(*many))
    assert "\n    tasks/both-1@2026-07-28\n" in shown(report(*many), verbose=True)


def _renamed(one: Result, at: int) -> Result:
    return replace(one, scenario=replace(one.scenario, name=f"{one.scenario.name}-{at}"))


def test_a_log_has_a_line_for_each_scenario_as_it_ends() -> None:
    out = io.StringIO()
    with progress(Console(file=out, width=80), 2) as told:
        told(result("rounds/state", "2026-07-28", good("rounds.state")))
        assert out.getvalue() == "passed       rounds/state@2026-07-28  0.2 s\n"
        told(result("tasks/both", "2026-07-28", not_offered="the tool"))
    assert out.getvalue().splitlines()[1].startswith("not offered  tasks/both@2026-07-28")


def test_a_terminal_has_a_bar_that_goes_away() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, force_interactive=True)
    with progress(console, 2) as told:
        told(result("rounds/state", "2026-07-28", good("rounds.state")))
    assert "1/2" in out.getvalue()


def test_a_quiet_run_has_no_progress() -> None:
    out = io.StringIO()
    with progress(Console(file=out), 2, quiet=True) as told:
        told(result("rounds/state", "2026-07-28", good("rounds.state")))
    assert not out.getvalue()
