"""The codec of the journal: what goes in comes out, a conversation is stored once."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inverted.core.effects import Kind
from inverted.core.journal import (
    FORMAT,
    Answered,
    Asked,
    Attempted,
    CancelRequested,
    Checkpointed,
    Codec,
    Entry,
    Failure,
    Finished,
    Started,
)
from inverted.errors import AgentError, JournalError, JournalVersionError, StepError

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text() | st.sampled_from(["NaN", "-Infinity", "\ud800", "a\udfffb", "\0", "\u2028"])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=4)
FAILURES = st.builds(Failure, TEXTS, TEXTS, st.none() | OBJECTS.filter(bool))
BRANCHES = st.sampled_from(["", "4.0.", "4.1.", "4.1.2.0."])
SEGMENTS = st.sampled_from(["", "1~"])
IDS = st.builds("{}{}{}".format, SEGMENTS, BRANCHES, st.integers(0, 9))
MESSAGES = st.lists(st.sampled_from([{"role": "user", "content": text} for text in "abc"]))


def asked_sample(id: str, messages: list[Any], rest: dict[str, Any]) -> Asked:
    return Asked(id, Kind.SAMPLE, {**rest, "messages": messages})


SAMPLES = st.builds(asked_sample, IDS, MESSAGES, OBJECTS)
OTHER_KINDS = st.sampled_from([kind for kind in Kind if kind is not Kind.SAMPLE])
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(Started, TEXTS, OBJECTS, st.lists(TEXTS).map(tuple)),
    SAMPLES,
    st.builds(Asked, IDS, OTHER_KINDS, JSON),
    st.builds(Answered, IDS, JSON, st.none(), st.booleans()),
    st.builds(Answered, IDS, st.none(), FAILURES, st.booleans()),
    st.builds(Attempted, IDS, st.integers(1, 9), FAILURES),
    st.builds(CancelRequested, TEXTS),
    st.builds(
        Checkpointed,
        st.integers(1, 9),
        JSON,
        st.none() | st.dictionaries(TEXTS, st.integers(), max_size=3),
    ),
    st.builds(Finished, st.just("completed"), JSON, st.none()),
    st.builds(Finished, st.just("failed"), st.none(), FAILURES),
    st.just(Finished("cancelled")),
)


def sample(id: str, *messages: str, **rest: Any) -> Asked:
    return Asked(id, Kind.SAMPLE, {"messages": list(messages), **rest})


def stored(line: bytes) -> Any:
    """What of the messages is in a line of a `sample`."""
    return json.loads(line)["q"]["messages"]


def encoded(entries: list[Any], codec: Codec | None = None) -> list[bytes]:
    codec = codec or Codec()
    return [codec.encode(entry, float(number)) for number, entry in enumerate(entries)]


def decoded(lines: list[bytes], codec: Codec | None = None) -> list[Entry]:
    codec = codec or Codec()
    return [codec.decode(line)[0] for line in lines]


# round trip


@given(st.lists(ENTRIES), st.floats(0, 4e9))
@example([Answered("3", {"deep": [[[]]] * 3}), Finished("completed", 2**70)], 1764000000.123)
def test_what_is_encoded_is_decoded(entries: list[Entry], at: float) -> None:
    writer, reader = Codec(), Codec()
    for entry in entries:
        line = writer.encode(entry, at)
        assert b"\n" not in line
        again, when = reader.decode(line)
        assert type(again) is type(entry)
        assert (again, when) == (entry, at)
        # Equality takes 1 for True and for 1.0; JSON does not. Messages are shared by equality.
        if type(entry) is not Asked or entry.kind is not Kind.SAMPLE:
            assert json.dumps(again) == json.dumps(entry)


@given(st.lists(SAMPLES), st.data())
def test_a_codec_that_has_read_a_journal_continues_it(
    entries: list[Asked], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(entries)))
    whole = encoded(entries)
    resumed = Codec()
    assert decoded(whole[:cut], resumed) == entries[:cut]
    assert [resumed.encode(each, float(n)) for n, each in enumerate(entries[cut:], cut)] == (
        whole[cut:]
    )


@pytest.mark.parametrize("depth", [100, 220, 300])
def test_deep_values_are_kept(depth: int) -> None:
    value: Any = None
    for _ in range(depth):
        value = [value]
    assert decoded(encoded([Answered("1", value)])) == [Answered("1", value)]


def test_a_lone_surrogate_survives() -> None:
    entry = Answered("1", {"\ud800": "a\udfff, ä and \N{SNOWMAN}"})
    assert decoded(encoded([entry])) == [entry]


def test_texts_are_stored_as_utf_8() -> None:
    (line,) = encoded([Answered("1", "ä\N{SNOWMAN}")])
    assert "ä\N{SNOWMAN}".encode() in line


def test_every_line_carries_the_format_and_the_time() -> None:
    for line in encoded([Started("a", {}), CancelRequested("why"), Finished("cancelled")]):
        assert json.loads(line)["v"] == FORMAT
    assert Codec().decode(Codec().encode(CancelRequested("why"), 12.5))[1] == 12.5


def test_an_answer_of_none_is_not_a_failure() -> None:
    answer = Answered("1", None)
    assert decoded(encoded([answer])) == [answer]


# what JSON cannot express


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        {"a": [-float("inf")]},
        object(),
        {"a": {(1,): object()}},
        b"\xff",
    ],
)
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(JournalError, match=r"cannot be journaled because it is not JSON.*Return"):
        Codec().encode(Answered("1", value), 0.0)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(JournalError, match="not JSON"):
        Codec().encode(Answered("1", value), 0.0)


def test_a_value_too_deep_for_the_interpreter_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(JournalError, match="not JSON"):
        Codec().encode(Answered("1", value), 0.0)
    while value:  # taken apart by hand: so deep a list is not safe to drop
        value = value[0]


# a conversation is stored once


def test_a_sample_that_extends_the_last_one_stores_what_was_added() -> None:
    lines = encoded([sample("1", "a"), sample("2", "a", "b"), sample("3", "a", "b", "c", "d")])
    assert [stored(line) for line in lines] == [
        ["a"],
        {"of": "1", "keep": 1, "add": ["b"]},
        {"of": "2", "keep": 2, "add": ["c", "d"]},
    ]
    assert decoded(lines)[2] == sample("3", "a", "b", "c", "d")


def test_the_same_messages_again_are_stored_as_nothing_added() -> None:
    lines = encoded([sample("1", "a"), sample("2", "a", temperature=1)])
    assert stored(lines[1]) == {"of": "1", "keep": 1, "add": []}
    assert decoded(lines)[1] == sample("2", "a", temperature=1)


def test_other_entries_between_two_samples_change_nothing() -> None:
    between = [Answered("1", "x"), Asked("2", Kind.STEP, {"messages": 1}), CancelRequested("stop")]
    lines = encoded([sample("1", "a"), *between, sample("3", "a", "b")])
    assert stored(lines[-1]) == {"of": "1", "keep": 1, "add": ["b"]}


@pytest.mark.parametrize("other", [["x", "b"], ["b", "a"], [], ["ab"]])
def test_messages_that_diverge_are_stored_in_full(other: list[str]) -> None:
    lines = encoded([sample("1", "a", "b"), sample("2", *other), sample("3", *other, "c")])
    assert stored(lines[1]) == other
    assert stored(lines[2]) == {"of": "2", "keep": len(other), "add": ["c"]}
    assert decoded(lines)[2] == sample("3", *other, "c")


def test_branches_have_conversations_of_their_own() -> None:
    entries = [
        sample("4.0.1", "a"),
        sample("4.1.1", "x"),
        sample("4.0.2", "a", "b"),
        sample("4.1.2", "x", "y"),
        sample("4", "a", "b"),
        sample("4.0.2.0.1", "a", "b", "c"),
    ]
    lines = encoded(entries)
    assert [stored(line) for line in lines] == [
        ["a"],
        ["x"],
        {"of": "4.0.1", "keep": 1, "add": ["b"]},
        {"of": "4.1.1", "keep": 1, "add": ["y"]},
        ["a", "b"],
        ["a", "b", "c"],
    ]
    assert decoded(lines) == entries


def test_a_checkpoint_begins_every_conversation_anew() -> None:
    entries = [
        sample("1", "a"),
        Checkpointed(1, {}),
        sample("1~1", "a", "b"),
        sample("1~2", "a", "b", "c"),
    ]
    lines = encoded(entries)
    assert stored(lines[2]) == ["a", "b"]
    # A replay starts at the checkpoint, with nothing of what was before.
    assert decoded(lines[1:]) == entries[1:]


def test_a_list_that_its_owner_extends_in_place_is_stored_as_it_was() -> None:
    messages = ["a"]
    codec = Codec()
    first = codec.encode(Asked("1", Kind.SAMPLE, {"messages": messages}), 0.0)
    messages.append("b")
    second = codec.encode(Asked("2", Kind.SAMPLE, {"messages": messages}), 0.0)
    assert decoded([first, second]) == [sample("1", "a"), sample("2", "a", "b")]


def test_a_sample_that_could_not_be_written_is_never_referred_to() -> None:
    codec = Codec()
    first = codec.encode(sample("1", "a"), 0.0)
    with pytest.raises(JournalError):
        codec.encode(sample("2", "a", "b", temperature=float("nan")), 0.0)
    with pytest.raises(JournalError):
        codec.encode(Checkpointed(1, float("nan")), 0.0)
    third = codec.encode(sample("2", "a", "b", "c"), 0.0)
    assert decoded([first, third]) == [sample("1", "a"), sample("2", "a", "b", "c")]


def test_a_conversation_of_50_turns_takes_the_space_of_its_messages() -> None:
    turns = [f"{number:02}" + "x" * 998 for number in range(100)]
    entries = [sample(str(number), *turns[: 2 * number]) for number in range(1, 51)]
    lines = encoded(entries)
    size = sum(map(len, lines))
    assert 100_000 < size < 107_000
    # In full, each line would hold all that was said before.
    assert max(map(len, lines)) < 2_200
    assert decoded(lines) == entries


# lines that cannot be read


@pytest.mark.parametrize("version", [FORMAT + 1, 99, "2.0"])
def test_a_newer_format_is_refused_and_says_to_upgrade(version: Any) -> None:
    line = json.dumps({"v": version, "at": 0, "t": "unheard of"}).encode()
    with pytest.raises(JournalVersionError, match=r"Nothing was changed\. Upgrade inverted"):
        Codec().decode(line)


def damaged(**changes: Any) -> bytes:
    """A line of an `Answered`, changed; None removes a field."""
    line = {"v": FORMAT, "at": 0.0, "t": "answered", "id": "1", "ok": 1} | changes
    return json.dumps({name: value for name, value in line.items() if value is not None}).encode()


SHARED: Any = {"messages": {"of": "1", "keep": 1, "add": []}}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe\xfd",
        b"null",
        b"1",
        b"[1]",
        b'"v"',
        b"{}",
        b"[" * 100_000,
        damaged()[:-1],
        damaged(v=None),
        damaged(at=None),
        damaged(t=None),
        damaged(t="unheard of"),
        damaged(t=["asked"]),
        damaged(id=None),
        damaged(err="no object"),
        damaged(err={"type": "StepError"}),
        damaged(t="asked"),
        damaged(t="asked", k="unheard of", q={}),
        damaged(t="asked", k="sample", q="no object"),
        damaged(t="asked", k="sample", q={}),
        damaged(t="asked", k="sample", q={"messages": 1}),
        damaged(t="asked", k="sample", q={"messages": {}}),
        damaged(t="asked", k="sample", id=1, q=SHARED),
        damaged(t="asked", k="sample", id="2", q=SHARED),
        damaged(t="attempted"),
        damaged(t="started", agent="a", args={}),
        damaged(t="started", agent="a", args={}, flags=1),
        damaged(t="cancel"),
        damaged(t="checkpoint"),
        damaged(t="finished"),
    ],
)
def test_a_damaged_line_is_refused_and_says_what_to_do(line: bytes) -> None:
    with pytest.raises(JournalError, match=r"damaged.*Nothing was changed\. Restore"):
        Codec().decode(line)


@pytest.mark.parametrize("of", [{"of": "0", "keep": 1}, {"of": "1", "keep": 2}])
def test_a_line_that_refers_to_another_conversation_than_the_last_is_damaged(
    of: dict[str, Any],
) -> None:
    codec = Codec()
    codec.decode(codec.encode(sample("1", "a"), 0.0))
    with pytest.raises(JournalError, match="damaged"):
        codec.decode(damaged(t="asked", k="sample", id="2", q={"messages": {**of, "add": []}}))


# failures


def test_a_failure_comes_back_as_the_error_that_it_was() -> None:
    error = StepError("It broke.", {"error_type": "OSError"})
    again = Failure.of(error).exception()
    assert type(again) is StepError
    assert (again.message, again.error_type) == ("It broke.", "OSError")


def test_a_failure_of_an_unknown_type_is_an_agent_error() -> None:
    failure = Failure.of(LookupError("gone"))
    assert failure == Failure("LookupError", "gone")
    error = failure.exception()
    assert type(error) is AgentError
    assert error.message == "gone"
