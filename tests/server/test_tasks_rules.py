"""The rules of the two forms as data, what is drawn from them, and the limits."""

from __future__ import annotations

import functools
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from inverted import Run, TaskSettings
from inverted.core.lifecycle import TRANSITIONS
from inverted.server.keys import SealingKeys
from inverted.server.tasks.foresight import may_elicit, may_sample
from inverted.server.tasks.limits import LONGEST_DELAY, Cursors, Polls, granted_ttl
from inverted.server.tasks.rules import LEGACY, MODERN, RULES, Form, differences, lifecycle_diagram
from tests.server.tasks_peer import KEYS

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"


def test_every_difference_is_a_rule_with_its_sections() -> None:
    assert [rule.name for rule in RULES] == [each.name for each in fields(Form)]
    assert all(rule.about and rule.legacy and rule.modern for rule in RULES)
    for rule in RULES:
        assert getattr(LEGACY, rule.name) != getattr(MODERN, rule.name), rule.name


def test_the_table_has_a_row_for_every_rule() -> None:
    head, line, *rows = differences().splitlines()
    assert "SEP-1686" in head
    assert "SEP-2663" in head
    assert line.count("|") == head.count("|")
    assert len(rows) == len(RULES)
    assert "| `failed` | `completed` |" in differences()


def test_the_diagram_has_every_transition() -> None:
    drawn = lifecycle_diagram()
    for state, events in TRANSITIONS.items():
        for event, after in events.items():
            assert f"    {state} --> {after}: {event}\n" in drawn


def test_the_page_holds_exactly_these() -> None:
    page = PAGE.read_text()
    assert f"```mermaid\n{lifecycle_diagram()}```\n" in page
    assert f"\n\n{differences()}\n" in page


def test_the_page_lists_every_setting() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    units = {"s": 1, "h": 3600, "days": 24 * 3600, "per s": 1, "": 1}
    listed: dict[str, float | None] = {}
    for name, default in rows:
        number, _, unit = default.partition(" ")
        listed[name] = None if number == "none" else float(number) * units[unit]
    assert listed == {each.name: each.default for each in fields(TaskSettings)}


# -- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "default", "most", "granted"),
    [
        (None, None, 10.0, None),
        (None, 5.0, 10.0, 5.0),
        (1000, 5.0, 10.0, 1.0),
        (1e9, 5.0, 10.0, 10.0),
        (0.5, None, 10.0, 0.0005),
    ],
)
def test_a_time_to_live_is_granted(
    asked: Any, default: float | None, most: float, granted: float | None
) -> None:
    assert granted_ttl(asked, default, most) == granted


@pytest.mark.parametrize("asked", [0, -5, True, "1000", float("nan"), [1]])
def test_what_is_no_duration_is_refused(asked: Any) -> None:
    with pytest.raises(MCPError, match="positive number of milliseconds"):
        granted_ttl(asked, None, 10.0)


def test_a_burst_of_polls_is_free_and_the_rest_waits_its_turn() -> None:
    polls = Polls(rate=10, burst=5)
    delays = [polls.delay("a", 100.0) for _ in range(8)]
    assert delays == pytest.approx([0, 0, 0, 0, 0, 0, 0.1, 0.2])
    assert polls.delay("b", 100.0) == 0
    assert polls.delay("a", 200.0) == 0


def test_polls_at_the_rate_are_never_held_back() -> None:
    polls = Polls(rate=10, burst=5)
    assert [polls.delay("a", number / 10) for number in range(1000)] == [0.0] * 1000


def test_too_many_polls_are_refused_and_the_refused_do_not_count() -> None:
    polls = Polls(rate=8, burst=8)
    delays = [polls.delay("a", 0.0) for _ in range(25)]
    assert delays[-1] == LONGEST_DELAY
    for _ in range(100):
        with pytest.raises(MCPError, match="polled too often: this server answers 8 polls"):
            polls.delay("a", 0.0)
    assert polls.delay("a", 1.0) == LONGEST_DELAY - 0.875


def test_without_a_rate_polls_are_free() -> None:
    polls = Polls(rate=None)
    assert [polls.delay("a", 0.0) for _ in range(1000)] == [0.0] * 1000


def test_only_so_many_tasks_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inverted.server.tasks.limits.REMEMBERED", 2)
    polls = Polls(rate=1, burst=1)
    for name in ("a", "a", "a", "b", "c"):
        polls.delay(name, 0.0)
    assert polls.delay("a", 0.0) == 0.0


def test_a_cursor_is_opaque_and_only_for_its_owner() -> None:
    cursors = Cursors(SealingKeys(KEYS))
    cursor = cursors.write("ada", 1, "run")
    assert "run" not in cursor
    assert cursors.read(cursor, "ada") == (1, "run")
    for owner in ("bob", None):
        with pytest.raises(MCPError, match="no cursor"):
            cursors.read(cursor, owner)
    with pytest.raises(MCPError, match="no cursor"):
        Cursors(SealingKeys(["another key for tests, long enough"])).read(cursor, "ada")


# -- what an agent is going to do --------------------------------------------------------------


async def helper(run: Run) -> str:
    return str((await run.sample_step("Well?")).text)


async def plainly(run: Run) -> None:
    await run.sample("Well?")


async def through_a_helper(run: Run) -> str:
    return await helper(run)


async def in_a_branch(run: Run) -> None:
    async def branch() -> None:
        await run.sample("Well?")

    await run.gather(branch(), branch())


async def never(run: Run) -> None:
    await run.elicit("Well?", str)
    await run.sleep(1)


async def round_and_round(run: Run) -> None:
    await round_and_round(run)


class Desk:
    async def agent(self, run: Run) -> None:
        await run.sample("Well?")


def enclosing() -> Any:
    inner = helper

    async def agent(run: Run) -> str:
        return await inner(run)

    return agent


@pytest.mark.parametrize(
    ("agent", "samples"),
    [
        (plainly, True),
        (through_a_helper, True),
        (in_a_branch, True),
        (Desk().agent, True),
        (functools.partial(plainly), True),
        (enclosing(), True),
        (never, False),
        (round_and_round, False),
        (print, False),
    ],
)
def test_whether_an_agent_samples_is_seen_in_its_code(agent: Any, *, samples: bool) -> None:
    assert may_sample(agent) is samples


@pytest.mark.parametrize(("agent", "elicits"), [(never, True), (plainly, False), (print, False)])
def test_whether_an_agent_asks_a_person_is_seen_in_its_code(agent: Any, *, elicits: bool) -> None:
    assert may_elicit(agent) is elicits


def test_a_name_that_is_not_yet_bound_is_passed_over() -> None:
    def outer() -> Any:
        def agent() -> Any:
            return later

        found = may_sample(agent)
        later = None
        return found, later

    assert outer() == (False, None)
