"""Expected failures and the judgement of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.tests.reports import made_up
from conformance.tests.reports.made_up import bad, good, report, result
from inverted_conformance.expected import Expected, ExpectedError, Judgement, judge, read_expected
from inverted_conformance.verdicts import Result
from inverted_conformance.wire.transcript import Line

BALANCE = "sampling-tools/balance@2026-07-28"
RULE = "2026-07-28/server/sampling-tools.balance"


@pytest.fixture(autouse=True)
def _made_up_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made_up.use(tmp_path, monkeypatch)


def judged(*results: Result, name: str = "", strict: bool = False) -> Judgement:
    """A run with one entry."""
    kind = "scenario" if "@" in name else "requirement"
    entries = [Expected(kind, name, "It is known.")] if name else []
    known = [f"{one.name}@{wire}" for one in made_up.registry() for wire in one.wires]
    chosen = [one.id for one in results]
    return judge(report(*results), entries, chosen=chosen, known=known, strict=strict)


def broken() -> Result:
    return result("sampling-tools/balance", "2026-07-28", bad("sampling-tools.balance"))


def kept() -> Result:
    return result("sampling-tools/balance", "2026-07-28", good("sampling-tools.balance"))


def nested() -> Result:
    return result("elicitation/flat", "2026-07-28", bad("elicitation.flat"))


@pytest.mark.parametrize("name", [BALANCE, RULE])
def test_a_listed_failure_does_not_fail_the_run(name: str) -> None:
    assert judged(broken()).code == 1
    judgement = judged(broken(), kept(), name=name)
    assert (judgement.code, judgement.stale) == (0, ())
    assert judgement.excused == {BALANCE: "It is known."}


@pytest.mark.parametrize("name", [BALANCE, RULE])
def test_an_entry_whose_scenario_passes_is_stale(name: str) -> None:
    judgement = judged(kept(), name=name)
    assert judgement.code == 1
    assert judgement.stale == (f"{name} does not fail any more (passed): delete the entry.",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sampling-tools/balanc@2026-07-28", f"did you mean {BALANCE}?"),
        ("2026-07-28/server/nothing.like", "correct it, or delete the entry"),
        ("2026-07-28/server/elicitation.review", "There is no requirement"),
    ],
)
def test_an_entry_that_names_nothing_fails_the_run(name: str, message: str) -> None:
    judgement = judged(kept(), name=name)
    assert judgement.code == 1
    assert message in judgement.stale[0]


def test_an_entry_of_what_was_not_selected_says_nothing() -> None:
    assert judged(kept(), name="rounds/state@2026-07-28").code == 0
    assert judged(kept(), name="2026-07-28/server/rounds.state").code == 0


def test_an_entry_whose_scenario_was_selected_and_did_not_run_is_stale() -> None:
    entry = Expected("scenario", "rounds/state@2026-07-28", "It is known.")
    judgement = judge(report(kept()), [entry], chosen=[entry.name], known=[entry.name])
    assert "was to run and did not" in judgement.stale[0]


def test_an_entry_of_a_scenario_that_is_not_offered_is_stale() -> None:
    lacking = result("sampling-tools/balance", not_offered="the tool")
    assert "(not offered)" in judged(lacking, kept_elsewhere(), name=BALANCE).stale[0]


def kept_elsewhere() -> Result:
    return result("rounds/state", "2026-07-28", good("rounds.state"))


def test_an_entry_of_a_requirement_that_was_not_reached_is_kept() -> None:
    ended = result("rounds/state", "2026-07-28", bad(None))
    judgement = judged(ended, kept(), name="2026-07-28/server/rounds.state")
    assert (judgement.stale, judgement.failed) == ((), [ended])


def test_a_requirement_excuses_only_its_own_failures() -> None:
    two = result("tasks/both", "2026-07-28", bad("sampling-tools.balance"), bad("rounds.state"))
    judgement = judged(two, name=RULE)
    assert (judgement.code, judgement.stale, judgement.excused) == (1, (), {})
    ended = result("tasks/both", "2026-07-28", bad("sampling-tools.balance"), bad(None))
    assert judged(ended, name=RULE).code == 1


def test_warnings_fail_only_a_strict_run_and_can_be_listed_there() -> None:
    assert judged(nested()).code == 0
    assert judged(nested(), strict=True).code == 1
    listed = "elicitation/flat@2026-07-28"
    assert judged(nested(), name=listed, strict=True).code == 0
    assert judged(nested(), name=listed).code == 1, "without --strict the entry excuses nothing"


def test_a_peer_that_offers_nothing_is_not_tested() -> None:
    lacking = result("rounds/state", not_offered="the tool test_rounds")
    assert judged(lacking).code == 3
    assert judged(kept(), lacking).code == 0


def test_a_peer_that_never_answers_is_not_tested() -> None:
    note = [Line("note", "The command ended.", 0.1), Line("received", "<html>", 0.2)]
    mute = result("rounds/state", "2026-07-28", bad(None, "It ended."), lines=note)
    assert judged(mute).code == 3
    assert judged(mute, broken()).code == 1


def test_a_list_is_read(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(
        f'[[expected]]\nscenario = "{BALANCE}"\nwhy = " It is known. "\n'
        f'[[expected]]\nrequirement = "{RULE}"\nwhy = "Too."\n',
        "utf-8",
    )
    assert read_expected(file) == [
        Expected("scenario", BALANCE, "It is known."),
        Expected("requirement", RULE, "Too."),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[expected]]\nscenario = "a/b@2026-07-28"', "must say why"),
        ('[[expected]]\nscenario = "a/b@2026-07-28"\nwhy = " "', "must say why"),
        ('[[expected]]\nscenario = "a/b"\nwhy = "w"', "with its revision"),
        ('[[expected]]\nwhy = "w"', "must name a scenario or a requirement"),
        ('[[expected]]\nscenario = "a@b"\nrequirement = "c"\nwhy = "w"', "must name"),
        ('[[expected]]\nscenario = "a@b"\nwhy = "w"\nuntil = "ever"', "nothing else"),
        ('[expected]\nscenario = "a@b"\nwhy = "w"', "two brackets"),
        ("[[expcted]]", "only [[expected]]"),
        ('[[expected]]\nscenario = "a@b"\nwhy = "w"\n' * 2, "there twice"),
        ("[[expected", "Expected"),
        (None, "No such file"),
    ],
)
def test_a_list_that_is_wrong_says_how(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "expected.toml"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(ExpectedError) as caught:
        read_expected(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
