"""The page of results: what it says, what it keeps, and when it is not content."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from conformance.tests.reports import made_up
from conformance.tests.reports.made_up import bad, good, report, result
from targets.others import TYPESCRIPT, Other, others
from targets.reasons import FILE, Why, problems, read, wrongs
from targets.results import UNKNOWN, page, section
from tests.conformance.install import node

OTHER = Other("other", "server", "Other SDK 1.0", "As its user writes it.", lambda: nullcontext(()))
SECOND = Other("second", "server", "Second SDK", "Another one.", lambda: nullcontext(()))
WHYS = [
    Why("other", ("sampling-tools.balance",), "It forgets results."),
    Why("other", ("elicitation.flat", "tasks/both"), "It nests."),
]


@pytest.fixture(autouse=True)
def _made_up_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made_up.use(tmp_path, monkeypatch)


def test_what_is_wrong_stands_below_its_reason_with_a_link_to_the_section() -> None:
    body = section(OTHER, report(), WHYS).body

    reason, _, rest = body.partition("- It forgets results.\n")
    assert rest.startswith(
        "  - MUST `sampling-tools.balance` ([2026-07-28](https://example.org/2026-07-28/page#tools))"
        ": Every call of a tool has its result.\n"
    )
    assert UNKNOWN not in reason + rest


def test_a_scenario_that_ended_early_is_told_by_its_name() -> None:
    body = section(OTHER, report(), WHYS).body

    assert "  - Could not be played: `tasks/both` (2026-07-28): A task does both.\n" in body


def test_the_same_requirement_of_two_revisions_is_told_once() -> None:
    both = report(
        result("elicitation/flat", "2025-11-25", bad("elicitation.flat")),
        result("elicitation/flat", "2026-07-28", bad("elicitation.flat")),
    )

    body = section(OTHER, both, WHYS).body

    assert body.count("Forms stay flat.") == 1
    assert "page#forms) and [2026-07-28](https://example.org/2026-07-28/page#forms)):" in body


def test_what_is_not_offered_is_told_with_the_number_of_scenarios() -> None:
    body = section(OTHER, report(), WHYS).body

    assert "- the tool test_form (2025-11-25, 1 scenario)\n" in body


def test_a_target_without_faults_is_told_so() -> None:
    fine = report(result("rounds/state", "2026-07-28", good("rounds.state")))

    assert "Nothing is wrong." in section(OTHER, fine, []).body


def test_rows_count_scenarios_and_musts_by_revision() -> None:
    rows = section(OTHER, report(), WHYS).rows.splitlines()

    assert rows == [
        "| [Other SDK 1.0](#other) | 2025-11-25 | 1 | 0 | 0 | 1 | 2 | 1 | 0 | 1 |",
        "| [Other SDK 1.0](#other) | 2026-07-28 | 1 | 1 | 2 | 0 | 4 | 1 | 1 | 0 |",
    ]


def test_the_page_is_the_same_the_second_time() -> None:
    made = {"other": section(OTHER, report(), WHYS), "second": section(SECOND, report(), [])}
    once = page([OTHER, SECOND], made, "")

    assert page([OTHER, SECOND], made, once) == once


def test_what_was_not_run_stays_as_it_was() -> None:
    made = {"other": section(OTHER, report(), WHYS), "second": section(SECOND, report(), [])}
    once = page([OTHER, SECOND], made, "")

    assert page([OTHER, SECOND], {"other": made["other"]}, once) == once


def test_what_was_never_run_is_not_on_the_page() -> None:
    made = {"other": section(OTHER, report(), WHYS)}

    assert "second" not in page([OTHER, SECOND], made, "")


def test_what_is_wrong_without_a_reason_is_a_problem_and_told_on_the_page() -> None:
    assert problems(report(), "other", WHYS[1:]) == [
        "other: sampling-tools.balance (2026-07-28) is wrong, and nobody says why"
    ]
    assert UNKNOWN in section(OTHER, report(), WHYS[1:]).body


def test_a_reason_for_what_is_not_wrong_is_a_problem() -> None:
    stale = Why("other", ("rounds.state",), "It did once.")

    assert problems(report(), "other", [*WHYS, stale]) == [
        "other: rounds.state is not wrong; delete it from why.toml"
    ]


def test_a_reason_belongs_to_one_target() -> None:
    assert len(problems(report(), "second", WHYS)) == len(wrongs(report()))


def test_reasons_may_run_over_several_lines() -> None:
    text = '[[why]]\ntarget = "a"\nof = ["b.c"]\nbecause = """\nOne\n  two."""'

    assert read(text) == [Why("a", ("b.c",), "One two.")]


def test_every_written_reason_is_for_a_target_that_there_is() -> None:
    names = {other.name for other in others()}

    assert {why.target for why in read(FILE.read_text("utf-8"))} <= names


@pytest.mark.parametrize("program", sorted(TYPESCRIPT.glob("*.mjs")), ids=lambda file: file.name)
def test_node_can_read_each_program(program: Path) -> None:
    read_only = subprocess.run(node(Path("--check"), str(program)), check=False, timeout=30)

    assert read_only.returncode == 0
