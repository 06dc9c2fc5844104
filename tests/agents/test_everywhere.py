"""One agent, the same everywhere: eras, transports, processes, stores, hot and cold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from inverted.stores import MemoryStore, SQLiteStore
from inverted.testing import Outcome, ScriptedHost, Way
from inverted.testing.host import Era
from tests.agents.everything import (
    ARGUMENTS,
    EFFECTS,
    EXPECTED,
    Effects,
    make_server,
    model,
    person,
)
from tests.agents.processes import http_server, stdio_command
from tests.hosts.browsing import browser
from tests.hosts.cells import COMPLETED, NOBODY, SAID, must, places_of
from tests.hosts.models import in_words

ERAS: tuple[Era, ...] = ("2026-07-28", "2025-11-25")
QUESTIONS = ["sample"] * 3 + ["sample"] * 5 + ["elicit"] + ["sample"] + ["elicit"]


def check(outcome: Outcome, effects: Effects) -> None:
    assert not outcome.is_error, outcome.result
    assert outcome.result == EXPECTED
    assert [each for each in effects.lines if not each.startswith("process")] == EFFECTS
    assert [question.kind for question in outcome.questions] == QUESTIONS


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_the_result_and_the_order_of_side_effects_are_the_same_on_every_carrier(
    every_carrier: Way, kind: Literal["memory", "sqlite"], tmp_path: Path
) -> None:
    effects = Effects(tmp_path / "effects")
    store = MemoryStore() if kind == "memory" else SQLiteStore(tmp_path / "runs.sqlite3")
    server = make_server(store, effects)
    outcome = await every_carrier.run(server, "triage", ARGUMENTS, model=model, person=person)
    check(outcome, effects)
    in_rounds = every_carrier.era == "2026-07-28" and not every_carrier.task
    assert outcome.rounds == (7 if in_rounds else 0)
    await store.aclose()


@pytest.mark.parametrize("hot", [True, False], ids=["hot", "cold"])
async def test_every_known_host_gives_the_same_or_the_documented_refusal(
    every_host: Way, tmp_path: Path, *, hot: bool
) -> None:
    host = str(every_host.profile)
    for place in places_of(host):
        effects = Effects(tmp_path / place)
        async with browser("high") as opener:
            server = make_server(
                MemoryStore(), effects, opener=opener if place == "local" else None
            )
            outcome = await replace(every_host, hot=hot).run(
                server, "triage", ARGUMENTS, model=in_words(model), person=person
            )
        expected = must("approvals", host, place)
        assert outcome.is_error is (expected != COMPLETED), outcome.result
        assert effects.lines == (EFFECTS[:2] if outcome.is_error else EFFECTS)
        if expected == COMPLETED:
            assert outcome.result == EXPECTED
        elif expected == NOBODY:
            assert SAID[NOBODY] in outcome.result
        else:  # it declined the first form, and the agent insists on an answer
            assert "AssertionError" in outcome.result


@pytest.mark.timeout(180)
async def test_the_same_comes_from_a_process_over_http_on_both_eras(tmp_path: Path) -> None:
    arguments = ("everything.py", tmp_path / "runs.sqlite3", tmp_path / "effects")
    with http_server(*arguments) as server:
        for era in ERAS:
            host = ScriptedHost(model=model, person=person, era=era, timeout=120)
            effects = Effects(tmp_path / "effects")
            check(await host.run(server.url, "triage", ARGUMENTS), effects)
            effects.clear()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("era", ERAS)
async def test_the_same_comes_from_a_process_over_stdio(era: Era, tmp_path: Path) -> None:
    arguments = ("everything.py", tmp_path / "runs.sqlite3", tmp_path / "effects")
    host = ScriptedHost(model=model, person=person, era=era, timeout=120)
    outcome = await host.run(stdio_command(*arguments), "triage", ARGUMENTS)
    check(outcome, Effects(tmp_path / "effects"))


async def test_independent_questions_travel_in_one_round(tmp_path: Path) -> None:
    server = make_server(MemoryStore(), Effects(tmp_path / "effects"))
    host = ScriptedHost(model=model, person=person)
    outcome = await host.run(server, "triage", ARGUMENTS)
    assert len(outcome.questions) == 11
    assert outcome.rounds == 7
