"""What `inverted.stores.base` promises, of every store."""

import asyncio
import itertools

import pytest

from inverted.core.lifecycle import Status, may_become
from inverted.errors import StoreConflict, StoreError
from inverted.stores import Lease, RunRecord, Store
from inverted.stores.base import Append

RUN = RunRecord(
    id="r1",
    agent="triage",
    principal=None,
    key=None,
    status=Status.WORKING,
    created=100.0,
    updated=100.0,
    position=1,
    segment_start=0,
    size=5,
    fence=0,
    lease=None,
)
FIRST = [b"start"]


def write(record: RunRecord, *lines: bytes, now: float = 110.0) -> Append:
    """A write by "me" that fits the record and keeps its status."""
    return Append(record.position, record.fence, "me", lines, record.status, now)


async def refused(store: Store, append: Append, error: type[StoreError]) -> str:
    """The message of a refused write to `RUN.id`, having checked that it changed nothing."""
    before = (await store.get(RUN.id), await store.read(RUN.id))
    with pytest.raises(StoreError, match="Nothing was written") as caught:
        await store.append(RUN.id, append)
    assert type(caught.value) is error
    assert (await store.get(RUN.id), await store.read(RUN.id)) == before
    return str(caught.value)


# create, get, find, read


async def test_a_created_run_is_read_back_as_it_was_written(store: Store) -> None:
    record = RUN._replace(
        principal="ada@例え",
        key="release 1.2 'quoted' \N{SNOWMAN}\0",
        status=Status.INPUT_REQUIRED,
        created=1_764_000_000.123456,
        position=2,
        segment_start=1,
        size=7,
        fence=4,
        lease=Lease("me", 1_764_000_030.25),
    )
    await store.create(record, [b"\x00\xff\n", b"last"])
    assert await store.get("r1") == record
    assert await store.find("triage", "ada@例え", "release 1.2 'quoted' \N{SNOWMAN}\0") == record
    assert await store.read("r1") == [b"\x00\xff\n", b"last"]


async def test_a_run_may_be_created_without_lines(store: Store) -> None:
    await store.create(RUN._replace(position=0, size=0), [])
    assert await store.read("r1") == []


async def test_unknown_runs_are_none_and_have_no_lines(store: Store) -> None:
    assert await store.get("r1") is None
    assert await store.find("triage", None, "k") is None
    assert await store.read("r1") == []


async def test_an_id_is_taken_once(store: Store) -> None:
    await store.create(RUN, FIRST)
    with pytest.raises(StoreConflict, match=r"r1 exists already\. Nothing was written"):
        await store.create(RUN._replace(agent="other", key="k"), [b"second"])
    assert await store.get("r1") == RUN
    assert await store.read("r1") == FIRST
    assert await store.find("other", None, "k") is None


@pytest.mark.parametrize("principal", [None, "", "ada"])
async def test_a_key_is_taken_once_for_an_agent_and_a_principal(
    store: Store, principal: str | None
) -> None:
    first = RUN._replace(principal=principal, key="k")
    await store.create(first, FIRST)
    with pytest.raises(StoreConflict, match=r"'k' is taken\. Nothing was written"):
        await store.create(first._replace(id="r2"), [b"second"])
    assert await store.get("r2") is None
    assert await store.read("r2") == []
    assert await store.find("triage", principal, "k") == first


async def test_the_same_key_of_another_agent_or_principal_is_another_run(store: Store) -> None:
    owners = itertools.product(["triage", "review"], [None, "", "=", "ada"])
    for number, (agent, principal) in enumerate(owners):
        run = RUN._replace(id=f"r{number}", agent=agent, principal=principal, key="k")
        await store.create(run, FIRST)
    found = await store.find("review", None, "k")
    assert found is not None
    assert (found.id, found.agent, found.principal) == ("r4", "review", None)
    assert await store.find("triage", "bob", "k") is None


async def test_runs_without_a_key_do_not_meet(store: Store) -> None:
    await store.create(RUN, FIRST)
    await store.create(RUN._replace(id="r2"), FIRST)
    assert await store.find("triage", None, "") is None


async def test_the_empty_key_is_a_key(store: Store) -> None:
    await store.create(RUN._replace(key=""), FIRST)
    with pytest.raises(StoreConflict):
        await store.create(RUN._replace(id="r2", key=""), FIRST)


async def test_lines_are_read_from_a_position_on(store: Store) -> None:
    lines = [b"%d" % number for number in range(5)]
    await store.create(RUN._replace(position=5), lines)
    await store.create(RUN._replace(id="r2", position=5), [b"other"] * 5)
    assert await store.read("r1", 3) == [b"3", b"4"]
    assert await store.read("r1", 0, 1) == [b"0"]
    assert await store.read("r1", 1, 3) == [b"1", b"2"]
    assert await store.read("r1", 5) == []
    assert await store.read("r1", 50) == []


# append


async def test_an_append_adds_lines_and_changes_the_record_in_one_write(store: Store) -> None:
    await store.create(RUN._replace(key="k", principal="ada"), FIRST)
    append = Append(1, 0, "me", [b"one", b"three"], Status.INPUT_REQUIRED, 120.5, 150.5, 2)
    record = await store.append("r1", append)
    assert record == RUN._replace(
        key="k",
        principal="ada",
        status=Status.INPUT_REQUIRED,
        updated=120.5,
        position=3,
        segment_start=2,
        size=13,
        lease=Lease("me", 150.5),
    )
    assert await store.get("r1") == record
    assert await store.read("r1") == [b"start", b"one", b"three"]


async def test_an_append_without_a_checkpoint_keeps_the_start_of_replay(store: Store) -> None:
    await store.create(RUN._replace(segment_start=1), FIRST)
    assert (await store.append("r1", write(RUN, b"more"))).segment_start == 1


async def test_a_checkpoint_may_be_the_first_line(store: Store) -> None:
    await store.create(RUN._replace(segment_start=1), FIRST)
    assert (await store.append("r1", write(RUN)._replace(segment_start=0))).segment_start == 0


async def test_an_append_of_no_lines_changes_the_record_only(store: Store) -> None:
    await store.create(RUN, FIRST)
    append = write(RUN)._replace(status=Status.INPUT_REQUIRED, lease_until=115.0)
    record = await store.append("r1", append)
    expected = RUN._replace(status=Status.INPUT_REQUIRED, updated=110.0, lease=Lease("me", 115.0))
    assert record == await store.get("r1") == expected
    assert await store.read("r1") == FIRST


async def test_an_append_without_a_lease_releases_ones_own(store: Store) -> None:
    await store.create(RUN._replace(lease=Lease("me", 150.0)), FIRST)
    assert (await store.append("r1", write(RUN, b"more"))).lease is None


async def test_writes_that_only_add_keep_position_and_size_exact(store: Store) -> None:
    held = RUN._replace(lease=Lease("me", 150.0))
    await store.create(held, FIRST)
    record = held
    for number in range(200):
        record = await store.append("r1", write(record, b"x" * number)._replace(lease_until=150.0))
        assert (record.position, record.updated) == (number + 2, RUN.updated)
        if number % 7 == 0:  # also when its last write was no multiple of anything
            assert await store.get("r1") == record
            assert await store.list() == [record]
    assert record.size == RUN.size + sum(range(200))
    stale = write(held, b"late")._replace(lease_until=150.0)
    await refused(store, stale, StoreConflict)
    ended = await store.append("r1", write(record, b"end")._replace(status=Status.COMPLETED))
    assert await store.get("r1") == ended
    assert (ended.position, ended.updated, ended.lease) == (202, 110.0, None)


async def test_an_append_keeps_ones_own_lease_and_fence_even_after_it_lapsed(store: Store) -> None:
    await store.create(RUN._replace(lease=Lease("me", 105.0)), FIRST)
    record = await store.append("r1", write(RUN, b"more")._replace(lease_until=160.0))
    assert (record.lease, record.fence) == (Lease("me", 160.0), 0)


async def test_an_append_over_a_lapsed_lease_of_another_raises_the_fence(store: Store) -> None:
    await store.create(RUN._replace(fence=6, lease=Lease("other", 110.0)), FIRST)
    record = await store.append("r1", write(RUN, b"more")._replace(fence=6))
    assert (record.lease, record.fence) == (None, 7)
    late = Append(1, 6, "other", [b"late"], Status.WORKING, 111.0)
    await refused(store, late, StoreConflict)
    await refused(store, late._replace(position=2), StoreConflict)


@pytest.mark.parametrize("position", [0, 2])
async def test_a_write_at_another_position_is_refused(store: Store, position: int) -> None:
    await store.create(RUN, FIRST)
    append = write(RUN, b"more")._replace(position=position)
    message = await refused(store, append, StoreConflict)
    assert "moved on by another process" in message
    assert "Reload" in message


@pytest.mark.parametrize("fence", [2, 4])
async def test_a_write_with_another_fence_is_refused(store: Store, fence: int) -> None:
    await store.create(RUN._replace(fence=3), FIRST)
    await refused(store, write(RUN, b"more")._replace(fence=fence), StoreConflict)


async def test_a_write_is_refused_while_another_owner_holds_the_lease(store: Store) -> None:
    await store.create(RUN._replace(lease=Lease("other", 110.001)), FIRST)
    message = await refused(store, write(RUN, b"more"), StoreConflict)
    assert "Another process works on run r1" in message


async def test_a_write_to_a_run_that_is_gone_is_a_conflict(store: Store) -> None:
    assert "does not exist any more" in await refused(store, write(RUN, b"x"), StoreConflict)
    assert await store.read("r1") == []


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
async def test_a_status_is_replaced_only_as_the_lifecycle_allows(
    store: Store, before: Status, after: Status
) -> None:
    await store.create(RUN._replace(status=before), FIRST)
    append = write(RUN, b"more")._replace(status=after)
    if may_become(before, after):
        assert (await store.append("r1", append)).status is after
    else:
        message = await refused(store, append, StoreError)
        assert f"from {before.value} to {after.value}" in message


async def test_a_stale_writer_hears_of_the_conflict_before_the_lifecycle(store: Store) -> None:
    await store.create(RUN._replace(status=Status.COMPLETED), FIRST)
    await refused(store, write(RUN, b"more")._replace(position=0), StoreConflict)


async def test_of_writers_at_one_position_exactly_one_wins(store: Store) -> None:
    await store.create(RUN, FIRST)
    outcomes = await asyncio.gather(
        *(store.append("r1", write(RUN, b"%d" % number)) for number in range(20)),
        return_exceptions=True,
    )
    won = [number for number, each in enumerate(outcomes) if isinstance(each, RunRecord)]
    assert sum(isinstance(each, StoreConflict) for each in outcomes) == 19
    assert await store.read("r1") == [b"start", *(b"%d" % number for number in won)]
    assert len(won) == 1


async def test_a_line_may_have_five_megabytes(store: Store) -> None:
    await store.create(RUN, FIRST)
    large = bytes(range(256)) * 20_480
    record = await store.append("r1", write(RUN, large, b"small", large[::-1]))
    assert record.size == 5 + 2 * len(large) + 5
    assert await store.read("r1", 1) == [large, b"small", large[::-1]]


async def test_many_runs_keep_their_lines_apart(store: Store) -> None:
    records: list[RunRecord] = []
    for number in range(120):
        record = RUN._replace(id=f"{number * 7919 % 120:03}", created=float(number))
        await store.create(record, [b"start %d" % number])
        records.append(record)
    for turn in range(3):
        for number, record in enumerate(records):
            records[number] = await store.append(
                record.id, write(record, b"%d.%d" % (number, turn))
            )
    for number, record in enumerate(records):
        assert await store.get(record.id) == record
        expected = [b"start %d" % number, *(b"%d.%d" % (number, turn) for turn in range(3))]
        assert await store.read(record.id) == expected


# acquire


async def test_taking_a_free_lease_raises_the_fence_and_nothing_else(store: Store) -> None:
    await store.create(RUN, FIRST)
    taken = await store.acquire("r1", "me", 110.0, 140.0)
    assert taken == RUN._replace(fence=1, lease=Lease("me", 140.0))
    assert await store.get("r1") == taken
    assert await store.read("r1") == FIRST


@pytest.mark.parametrize("now", [110.0, 150.0])
async def test_renewing_ones_own_lease_keeps_the_fence(store: Store, now: float) -> None:
    await store.create(RUN._replace(fence=1, lease=Lease("me", 140.0)), FIRST)
    renewed = await store.acquire("r1", "me", now, 170.0)
    assert renewed == RUN._replace(fence=1, lease=Lease("me", 170.0))


async def test_a_lease_that_another_holds_is_not_taken(store: Store) -> None:
    held = RUN._replace(fence=1, lease=Lease("other", 140.0))
    await store.create(held, FIRST)
    assert await store.acquire("r1", "me", 139.999, 170.0) is None
    assert await store.get("r1") == held


async def test_a_lapsed_lease_is_taken_over_and_its_owner_is_fenced_off(store: Store) -> None:
    await store.create(RUN._replace(fence=1, lease=Lease("other", 140.0)), FIRST)
    taken = await store.acquire("r1", "me", 140.0, 170.0)
    expected = RUN._replace(fence=2, lease=Lease("me", 170.0))
    assert taken == expected
    late = Append(1, 1, "other", [b"late"], Status.WORKING, 139.0)
    await refused(store, late, StoreConflict)
    assert await store.acquire("r1", "other", 150.0, 180.0) is None
    assert (await store.append("r1", write(expected, b"mine"))).fence == 2


async def test_of_owners_that_take_one_lease_exactly_one_gets_it(store: Store) -> None:
    await store.create(RUN, FIRST)
    owners = [f"owner {number}" for number in range(10)]
    taken = await asyncio.gather(*(store.acquire("r1", each, 110.0, 140.0) for each in owners))
    (winner,) = [each for each in taken if each is not None]
    assert await store.get("r1") == winner
    assert winner.fence == 1


async def test_the_lease_of_an_unknown_run_is_not_taken(store: Store) -> None:
    assert await store.acquire("r1", "me", 110.0, 140.0) is None
    assert await store.get("r1") is None


# list, count, delete, aclose


async def test_a_list_is_newest_first_and_filtered(store: Store) -> None:
    runs = [
        RUN._replace(id="old", created=1.0, principal="ada"),
        RUN._replace(id="new", created=3.0, principal="ada", agent="review"),
        RUN._replace(id="mid", created=2.0),
    ]
    for run in runs:
        await store.create(run, FIRST)
    old, new, mid = runs
    assert await store.list() == [new, mid, old]
    assert await store.list(limit=2) == [new, mid]
    assert await store.list(principal="ada") == [new, old]
    assert await store.list(agent="triage") == [mid, old]
    assert await store.list(agent="triage", principal="ada") == [old]
    assert await store.list(principal="bob") == []
    assert await store.list(agent="triage", principal="ada", before="new") == [old]


@pytest.mark.parametrize("page", [1, 3, 7, 20])
async def test_pages_hold_every_run_once_even_with_equal_times(store: Store, page: int) -> None:
    for number in range(20):
        await store.create(RUN._replace(id=f"r{number}", created=float(number // 6)), FIRST)
    seen: list[RunRecord] = []
    while found := await store.list(limit=page, before=seen[-1].id if seen else None):
        assert len(found) <= page
        seen += found
    assert len(seen) == len({run.id for run in seen}) == 20
    assert seen == await store.list()
    assert [run.created for run in seen] == sorted((run.created for run in seen), reverse=True)


async def test_the_page_after_a_run_that_is_gone_is_empty(store: Store) -> None:
    await store.create(RUN, FIRST)
    assert await store.list(before="gone") == []


async def test_runs_are_counted_for_one_principal_and_by_whether_they_ended(store: Store) -> None:
    for principal in (None, "", "ada"):
        for status in Status:
            run = RUN._replace(id=f"{principal}-{status}", principal=principal, status=status)
            await store.create(run, FIRST)
    await store.create(RUN._replace(id="one more", principal="ada"), FIRST)
    assert await store.count(principal=None, live=False) == 5
    assert await store.count(principal=None, live=True) == 2
    assert await store.count(principal="ada", live=False) == 6
    assert await store.count(principal="ada", live=True) == 3
    assert await store.count(principal="bob", live=False) == 0


@pytest.mark.parametrize("end", [each for each in Status if each.terminal])
async def test_a_run_that_ends_is_live_no_more(store: Store, end: Status) -> None:
    await store.create(RUN, FIRST)
    record = await store.append("r1", write(RUN)._replace(status=Status.INPUT_REQUIRED))
    assert await store.count(principal=None, live=True) == 1
    await store.append("r1", write(record)._replace(status=end))
    assert await store.count(principal=None, live=True) == 0
    assert await store.count(principal=None, live=False) == 1


async def test_a_deleted_run_leaves_its_id_its_key_and_no_lines(store: Store) -> None:
    other = RUN._replace(id="r2", created=99.0)
    await store.create(other, [b"other"])
    await store.create(RUN._replace(key="k", position=2), [b"one", b"two"])
    await store.delete("r1")
    assert await store.get("r1") is None
    assert await store.find("triage", None, "k") is None
    assert await store.read("r1") == []
    assert await store.list() == [other]
    assert await store.read("r2") == [b"other"]
    again = RUN._replace(key="k")
    await store.create(again, FIRST)
    assert await store.find("triage", None, "k") == again
    assert await store.read("r1") == FIRST


async def test_deleting_an_unknown_run_is_no_error(store: Store) -> None:
    await store.create(RUN, FIRST)
    await store.delete("r2")
    assert await store.list() == [RUN]


async def test_closing_is_no_error_before_the_first_use_nor_twice(store: Store) -> None:
    await store.aclose()
    await store.create(RUN, FIRST)
    await store.aclose()
    await store.aclose()
