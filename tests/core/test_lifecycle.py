"""The lifecycle table of runs."""

import itertools

import pytest

from inverted.core.lifecycle import TRANSITIONS, Event, Status, illegal_transition, may_become

LIVE = [Status.WORKING, Status.INPUT_REQUIRED]
ENDED = [Status.COMPLETED, Status.FAILED, Status.CANCELLED]


def test_the_table_has_every_state() -> None:
    assert set(TRANSITIONS) == set(Status) == {*LIVE, *ENDED}


def test_the_states_are_named_as_the_protocol_names_those_of_a_task() -> None:
    assert [each.value for each in Status] == [
        "working",
        "input_required",
        "completed",
        "failed",
        "cancelled",
    ]


@pytest.mark.parametrize("status", Status)
def test_only_an_ended_run_is_terminal(status: Status) -> None:
    assert status.terminal is (status in ENDED)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ENDED, Status)))
def test_nothing_leads_out_of_an_ended_run(before: Status, after: Status) -> None:
    assert not may_become(before, after)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(LIVE, Status)))
def test_a_live_run_may_stay_pause_go_on_and_end_in_any_way(before: Status, after: Status) -> None:
    assert may_become(before, after)


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize(
    ("event", "after"),
    [
        (Event.COMPLETE, Status.COMPLETED),
        (Event.FAIL, Status.FAILED),
        (Event.CANCEL, Status.CANCELLED),
    ],
)
def test_a_live_run_ends_as_the_event_says(status: Status, event: Event, after: Status) -> None:
    assert TRANSITIONS[status][event] is after


def test_a_question_pauses_a_run_and_an_answer_continues_it() -> None:
    assert TRANSITIONS[Status.WORKING][Event.ASK] is Status.INPUT_REQUIRED
    assert TRANSITIONS[Status.INPUT_REQUIRED][Event.ANSWER] is Status.WORKING
    assert Event.ANSWER not in TRANSITIONS[Status.WORKING]
    assert Event.ASK not in TRANSITIONS[Status.INPUT_REQUIRED]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (Status.COMPLETED, Status.WORKING, "from completed to working: it has ended"),
        (Status.WORKING, Status.WORKING, "the lifecycle has no such transition"),
    ],
)
def test_a_refusal_names_both_states_and_the_reason(
    before: Status, after: Status, why: str
) -> None:
    message = str(illegal_transition(before, after))
    assert why in message
    assert "Nothing was written. Reload the run" in message
