"""What `inverted.stores.base` promises for runs that are driven apart from requests."""

import pytest

from inverted.core.lifecycle import Status
from inverted.errors import StoreConflict
from inverted.stores import Lease, RunRecord, Store
from inverted.stores.base import CANCEL, Append

TASK = RunRecord(
    id="t1",
    agent="triage",
    principal=None,
    key=None,
    status=Status.INPUT_REQUIRED,
    created=100.0,
    updated=100.0,
    position=1,
    segment_start=0,
    size=5,
    fence=0,
    lease=None,
    task="{}",
)
HELD = TASK._replace(lease=Lease("me", 150.0), wake=150.0)
LINES = [b"start"]


def write(record: RunRecord, **fields: object) -> Append:
    """A write by "me" at 110 that parks the run on a question."""
    parked = Append(record.position, record.fence, "me", [b"more"], record.status, 110.0)
    return parked._replace(**fields)


async def test_what_is_said_of_a_task_is_read_back(store: Store) -> None:
    record = TASK._replace(expires=900.0, wake=120.0, message="half", stop="why", principal="ada")
    await store.create(record, LINES)
    assert await store.get("t1") == record


# the inbox


async def test_the_first_answer_to_an_id_counts_and_the_order_is_that_of_posting(
    store: Store,
) -> None:
    await store.create(TASK, LINES)
    await store.post("t1", {"2": b"b", "1": b"a"}, 105.0)
    await store.post("t1", {"1": b"late", "3": b"c"}, 106.0)
    assert await store.inbox("t1") == [("2", b"b"), ("1", b"a"), ("3", b"c")]
    assert await store.inbox("unknown") == []


async def test_a_run_that_nobody_drives_is_due_once_something_was_posted(store: Store) -> None:
    await store.create(TASK, LINES)
    assert await store.due(1e9) == []
    posted = await store.post("t1", {"1": b"a"}, 105.0)
    assert posted == TASK._replace(wake=105.0)
    assert await store.due(105.0) == [posted]
    assert await store.due(104.0) == []
    assert await store.post("t1", {"2": b"a"}, 106.0) == posted


async def test_the_owner_of_a_run_is_nudged_instead(store: Store) -> None:
    await store.create(HELD, LINES)
    assert await store.nudged("me") == []
    assert await store.post("t1", {"1": b"a"}, 105.0) == HELD
    assert await store.nudged("me") == ["t1"]
    assert await store.nudged("other") == []
    assert await store.due(105.0) == []


async def test_a_post_after_the_lease_lapsed_makes_the_run_due(store: Store) -> None:
    await store.create(HELD, LINES)
    assert await store.post("t1", {"1": b"a"}, 151.0) == HELD
    assert [each.id for each in await store.due(151.0)] == ["t1"]


async def test_what_is_taken_is_gone_and_nothing_else(store: Store) -> None:
    await store.create(HELD, LINES)
    await store.post("t1", {"1": b"a", "2": b"b"}, 105.0)
    await store.append("t1", write(HELD, taken=["1", "unknown"], lease_until=150.0, wake=150.0))
    assert await store.inbox("t1") == [("2", b"b")]


async def test_a_refused_write_takes_nothing(store: Store) -> None:
    await store.create(HELD, LINES)
    await store.post("t1", {"1": b"a"}, 105.0)
    with pytest.raises(StoreConflict):
        await store.append("t1", write(HELD, position=0, taken=["1"]))
    assert await store.inbox("t1") == [("1", b"a")]


async def test_a_writer_that_parks_without_seeing_a_post_leaves_the_run_due(store: Store) -> None:
    await store.create(HELD, LINES)
    await store.post("t1", {"1": b"a"}, 105.0)
    parked = await store.append("t1", write(HELD))
    assert (parked.lease, parked.wake) == (None, 110.0)
    taken = await store.append("t1", write(parked, taken=["1"]))
    assert taken.wake is None


async def test_a_run_that_has_ended_or_is_unknown_takes_nothing(store: Store) -> None:
    await store.create(TASK, LINES)
    ended = await store.append("t1", write(TASK, status=Status.COMPLETED, expires=500.0))
    assert ended.expires == 500.0
    assert await store.post("t1", {"1": b"a"}, 120.0) == ended
    assert await store.post("unknown", {"1": b"a"}, 120.0) is None
    assert await store.inbox("t1") == []


async def test_deleting_a_run_deletes_its_inbox(store: Store) -> None:
    await store.create(TASK, LINES)
    await store.post("t1", {"1": b"a"}, 105.0)
    await store.delete("t1")
    await store.create(TASK, LINES)
    assert await store.inbox("t1") == []


# cancellation


async def test_a_stop_is_in_the_record_and_in_the_inbox(store: Store) -> None:
    await store.create(TASK, LINES)
    stopped = await store.stop("t1", "by the client", 105.0)
    assert stopped == TASK._replace(stop="by the client", updated=105.0, wake=105.0)
    assert await store.get("t1") == stopped
    assert await store.inbox("t1") == [(CANCEL, b"by the client")]
    assert await store.due(105.0) == [stopped]


async def test_a_second_stop_changes_nothing(store: Store) -> None:
    await store.create(TASK, LINES)
    first = await store.stop("t1", "first", 105.0)
    assert await store.stop("t1", "second", 106.0) is None
    assert await store.get("t1") == first
    assert await store.stop("unknown", "why", 106.0) is None


@pytest.mark.parametrize("end", [Status.COMPLETED, Status.FAILED])
async def test_a_run_that_shall_be_cancelled_ends_as_cancelled_only(
    store: Store, end: Status
) -> None:
    await store.create(HELD, LINES)
    await store.stop("t1", "why", 105.0)
    with pytest.raises(StoreConflict, match=r"shall be cancelled \(why\).*Reload it"):
        await store.append("t1", write(HELD, status=end))
    ended = await store.append("t1", write(HELD, status=Status.CANCELLED, taken=[CANCEL]))
    assert ended.status is Status.CANCELLED
    assert await store.stop("t1", "again", 120.0) is None


# who must be driven


async def test_due_runs_come_in_the_order_of_their_wake_and_in_pages(store: Store) -> None:
    for number in (3, 1, 2):
        await store.create(TASK._replace(id=f"t{number}", wake=100.0 + number), LINES)
    await store.create(TASK._replace(id="held", wake=100.0, lease=Lease("me", 150.0)), LINES)
    assert [each.id for each in await store.due(110.0)] == ["t1", "t2", "t3"]
    assert [each.id for each in await store.due(110.0, limit=2)] == ["t1", "t2"]
    assert [each.id for each in await store.due(102.0)] == ["t1", "t2"]
    assert await store.next_wake() == 100.0


async def test_tasks_of_other_agents_do_not_take_the_places_of_ours(store: Store) -> None:
    for number in range(3):
        await store.create(TASK._replace(id=f"o{number}", agent="other", wake=1.0), LINES)
    dead = HELD._replace(id="dead", agent="other", wake=150.0)
    await store.create(dead, LINES)
    await store.create(TASK._replace(wake=100.0), LINES)
    ours = await store.due(110.0, agents={"triage"}, dead=["me"], limit=2)
    assert [each.id for each in ours] == ["t1"]
    assert await store.due(110.0, agents=[], dead=["me"]) == []


async def test_what_a_person_posted_to_a_run_that_is_no_task_waits_for_its_request(
    store: Store,
) -> None:
    await store.create(TASK._replace(task=None), LINES)
    posted = await store.post("t1", {"1": b"a"}, 105.0)
    assert posted is not None
    assert posted.wake == 105.0
    assert await store.due(1e9) == []


async def test_nothing_wakes_in_an_empty_store(store: Store) -> None:
    assert await store.next_wake() is None
    assert await store.owners() == []


async def test_a_run_of_a_lapsed_lease_is_due(store: Store) -> None:
    await store.create(HELD, LINES)
    assert await store.due(149.0) == []
    assert await store.due(150.0) == [HELD]


async def test_a_run_of_a_dead_owner_is_due_at_once(store: Store) -> None:
    await store.create(HELD, LINES)
    assert await store.owners() == ["me"]
    assert await store.due(120.0, dead=["other"]) == []
    assert await store.due(120.0, dead=["me"]) == [HELD]
    assert await store.due(200.0, dead=["me"]) == [HELD]


async def test_a_request_that_holds_a_run_without_a_wake_is_nobody_to_recover_from(
    store: Store,
) -> None:
    await store.create(HELD._replace(wake=None), LINES)
    assert await store.owners() == []
    assert await store.due(1e9, dead=["me"]) == []


# what is over


async def test_expired_runs_are_found(store: Store) -> None:
    await store.create(TASK._replace(id="old", expires=50.0), LINES)
    await store.create(TASK._replace(id="new", expires=500.0), LINES)
    await store.create(TASK, LINES)
    assert await store.expired(100.0) == ["old"]
    assert await store.expired(500.0, limit=1) == ["old"]
    assert sorted(await store.expired(500.0)) == ["new", "old"]


async def test_tasks_are_listed_and_counted_for_exactly_one_principal(store: Store) -> None:
    await store.create(TASK._replace(id="nobody's"), LINES)
    await store.create(TASK._replace(id="ada's", principal="ada"), LINES)
    await store.create(TASK._replace(id="run", task=None), LINES)
    assert [each.id for each in await store.list(tasks=True)] == ["nobody's"]
    assert [each.id for each in await store.list(principal="ada", tasks=True)] == ["ada's"]
    assert await store.count(principal=None, live=True, tasks=True) == 1
    assert await store.count(principal=None, live=True) == 2


# what has ended


async def test_a_run_that_ends_is_not_due_whatever_is_left_in_its_inbox(store: Store) -> None:
    await store.create(HELD, LINES)
    await store.stop("t1", "enough", 105.0)
    ended = await store.append("t1", write(HELD, status=Status.CANCELLED, wake=None))
    assert ended.wake is None
    assert await store.due(1e9) == []


async def test_nobody_takes_the_lease_on_a_run_that_has_ended(store: Store) -> None:
    await store.create(TASK, LINES)
    ended = await store.append("t1", write(TASK, status=Status.COMPLETED))
    assert await store.acquire("t1", "other", 120.0, 150.0) is None
    assert await store.get("t1") == ended


async def test_a_post_to_a_run_that_is_only_held_makes_it_due_when_the_lease_lapses(
    store: Store,
) -> None:
    await store.create(TASK, LINES)
    await store.acquire("t1", "killed", 105.0, 150.0)
    await store.post("t1", {"1": b"a"}, 106.0)
    assert await store.due(149.0) == []
    assert [each.id for each in await store.due(150.0)] == ["t1"]
    assert [each.id for each in await store.due(107.0, dead=["killed"])] == ["t1"]
