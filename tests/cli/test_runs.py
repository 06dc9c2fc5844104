"""`inverted runs` on a store file that agents have written."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inverted.cli.lines import Glyphs
from inverted.cli.serve import load_file
from inverted.cli.stored import Written, outstanding
from inverted.cli.timeline import age, rows
from inverted.core.effects import Kind
from inverted.core.journal import Answered, Asked, Checkpointed, Codec, Failure, Started
from inverted.core.lifecycle import Status
from inverted.runtime.owner import new_owner
from inverted.stores import Lease, RunRecord, SQLiteStore
from inverted.testing import ScriptedHost
from inverted.testing.connection import Call

Host = Callable[..., Any]

SOURCE = """
from pathlib import Path
from typing import Literal
from inverted import AgentServer, Run

HERE = Path(__file__).parent
server = AgentServer("shop", store=str(HERE / "runs.sqlite3"), keys=["k" * 32])

def order(what: str) -> str:
    with (HERE / "orders").open("a") as orders:
        orders.write("x")
    if len((HERE / "orders").read_text()) == 1:
        raise OSError("busy")
    return f"ordered {what}"

@server.agent
async def buy(run: Run, what: str) -> str:
    first, _ = await run.gather(
        run.sample(f"Describe {what}"), run.elicit("Which size?", Literal["s", "l"])
    )
    bill = await run.step(order, what, retry=2)
    token = await run.step(str, 12345, secret=True)
    await run.approve("Pay the bill?", details=bill + token[:0])
    return f"{first.text}: {bill}"

@server.agent
async def tally(run: Run) -> int:
    total = run.restored(int, 0) + 1
    if total < 3:
        await run.checkpoint(total)
    await run.sleep(0.001)
    await run.approve("Go on?")
    return total

@server.agent
async def broken(run: Run) -> str:
    await run.approve("Break?")
    raise ValueError("\\x1b[31mbroken\\x1b[0m [bold]for good[/bold]")
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a server; its store lies beside it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    file = tmp_path / "shop.py"
    file.write_text(SOURCE)
    return file


def call(file: Path, agent: str, arguments: dict[str, Any] | None = None, rounds: int = 0) -> str:
    """Call an agent, answer some rounds of questions and leave. Returns the id of its run."""
    server = load_file(file).server

    def person(question: dict[str, Any]) -> object:
        return "l" if "size" in question["message"] else True

    async def leave() -> str:
        host = ScriptedHost(model=lambda _: "A \x1b[31mthing\x1b[0m", person=person)  # pyright: ignore[reportArgumentType]
        async with host.connect(server) as connection:
            wanted = Call(agent, arguments or {})
            reply: Any = await connection.send(wanted)
            for _ in range(rounds):
                wanted = await connection.answered(wanted, reply)
                reply = await connection.send(wanted)
        (newest,) = await server.runtime.store.list(limit=1)
        await server.runtime.store.aclose()
        return newest.id

    return asyncio.run(leave())


def store_of(file: Path) -> Path:
    return file.parent / "runs.sqlite3"


def record(file: Path, run: str) -> RunRecord:
    found = asyncio.run(SQLiteStore(store_of(file)).get(run))
    assert found is not None
    return found


def put(file: Path, run: str, **fields: Any) -> RunRecord:
    """Write a run with nothing but its start into the store."""
    now = time.time()
    plain = RunRecord(run, "buy", None, None, Status.WORKING, now, now, 1, 0, 10, 0, None)
    made = plain._replace(**fields)
    line = Codec().encode(Started("buy", {"what": "tea"}), now)
    asyncio.run(SQLiteStore(store_of(file)).create(made, [line]))
    return made


# -- ls -------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first_with_what_they_wait_for(host: Host, shop: Path) -> None:
    asking = call(shop, "buy", {"what": "tea"})
    done = call(shop, "tally", rounds=1)
    found = host("runs", "ls", "--store", store_of(shop))
    assert found.code == 0
    head, first, second = (line.split() for line in found.out.splitlines())
    assert head == ["run", "agent", "status", "age", "task", "waiting", "for"]
    assert first == [done, "tally", "completed", "0", "s"]
    assert second[:3] == [asking, "buy", "input_required"]
    assert "model: Describe tea (and 1 more)" in found.out


def test_a_list_can_be_narrowed(host: Host, shop: Path) -> None:
    call(shop, "buy", {"what": "tea"})
    call(shop, "tally", rounds=1)

    def agents(*options: str) -> list[str]:
        found = host("runs", "ls", "--store", store_of(shop), "--json", *options)
        return [row["agent"] for row in found.json]

    assert agents() == ["tally", "buy"]
    assert agents("--agent", "buy") == ["buy"]
    assert agents("--status", "completed") == ["tally"]
    assert agents("--status", "cancelling") == []
    assert agents("--limit", "1") == ["tally"]
    found = host("runs", "ls", "--store", store_of(shop), "--limit", "1")
    assert "and more: --limit 2 shows them" in found.out
    found = host("runs", "ls", "--store", store_of(shop), "--agent", "nobody")
    assert (found.code, found.out) == (0, f"no such runs in {store_of(shop)}\n")


def test_a_task_is_listed_as_one(host: Host, shop: Path) -> None:
    put(shop, "a" * 22, task='{"form": "2026-07-28"}', message="half\x1b[2J way", stop="enough")
    found = host("runs", "ls", "--store", store_of(shop))
    row = found.out.splitlines()[1]
    assert row.split() == ["a" * 22, "buy", "cancelling", "0", "s", "2026-07-28", "half", "way"]
    assert host("runs", "ls", "--store", store_of(shop), "--json").json[0]["task"] == {
        "form": "2026-07-28"
    }


def test_the_default_store_is_the_one_that_servers_use(
    host: Host, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(shop, "tally", rounds=1)
    monkeypatch.setenv("INVERTED_STORE", str(store_of(shop)))
    assert "tally" in host("runs", "ls").out


def test_a_store_that_is_not_there_is_not_made(host: Host, tmp_path: Path) -> None:
    found = host("runs", "ls", "--store", tmp_path / "none.sqlite3")
    assert found.code == 2
    assert f"there is no store at {tmp_path / 'none.sqlite3'}. Name the file" in found.err
    assert list(tmp_path.glob("*.sqlite3")) == []
    assert "No server has kept a run there yet" in host("runs", "ls").err


def test_a_file_that_is_no_store_is_refused(host: Host, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a database, but long enough to look at" * 50)
    found = host("runs", "ls", "--store", tmp_path / "notes")
    assert found.code == 1
    assert found.err.startswith("inverted: ")
    assert "Traceback" not in found.err


# -- show -----------------------------------------------------------------------------------------


def test_a_journal_is_a_timeline(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"}, rounds=1)
    found = host("runs", "show", run, "--store", store_of(shop))
    assert found.code == 0
    about, timeline, waiting = found.out.split("\n\n")
    assert f"run       {run}" in about
    assert "status    input_required" in about
    rows = [line.split() for line in timeline.splitlines()]
    assert [row[0] for row in rows] == [str(number) for number in range(len(rows))]
    assert all(row[1].startswith("+") for row in rows)
    words = "\n".join(" ".join(row[3:]) for row in rows)
    assert words.splitlines()[0] == 'started buy(what="tea")'
    assert "1.0.1 model Describe tea" in words
    assert "1.0.1 model → scripted: A thing (0.0 s)" in words
    assert '1.1.1 person → "l"' in words
    assert '2 step order("tea")' in words
    assert "2 step attempt 1 failed: StepError: Step order failed: OSError: busy" in words
    assert "2 step → ordered tea (attempt 2, " in words
    assert "3 step str(secret)\n3 step → (sealed)" in words
    assert waiting == "waits for\n  person: Pay the bill?\n"
    assert "\x1b" not in found.out


def test_branches_are_indented(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"})
    lines = host("runs", "show", run, "--store", store_of(shop)).out.splitlines()
    (model,) = (line for line in lines if "1.0.1" in line)
    assert "model      Describe tea" in model


def test_checkpoints_timers_and_the_end_are_rows_too(host: Host, shop: Path) -> None:
    run = call(shop, "tally", rounds=1)
    out = host("runs", "show", run, "--store", store_of(shop)).out
    assert 'checkpoint  1, from here on with {"state": 1}' in out
    assert "2~1  timer       0.0 s, until " in out
    assert "2~1  timer       → over" in out
    assert "2~2  person      → true" in out
    assert out.splitlines()[-1].split()[3:] == ["completed", "3"]
    failed = call(shop, "broken", rounds=1)
    out = host("runs", "show", failed, "--store", store_of(shop)).out
    assert "failed   ValueError: broken [bold]for good[/bold]" in out
    assert "waits for" not in out


def test_a_beginning_of_an_id_is_enough_if_only_one_run_has_it(host: Host, shop: Path) -> None:
    for run in ("-abc" + "x" * 18, "-abd" + "x" * 18, "--Ef" + "x" * 18):
        put(shop, run)

    def show(written: str) -> Any:
        return host("runs", "show", written, "--store", store_of(shop), "--json")

    assert show("-abcx").json["id"].startswith("-abc")
    assert show("--Ef").json["id"].startswith("--Ef")
    assert "2 runs begin with '-ab'" in show("-ab").err
    nobody = show("zzz")
    assert nobody.code == 2
    assert "begins with 'zzz'. inverted runs ls shows" in nobody.err


def test_a_beginning_of_several_ids_is_refused_with_the_list(host: Host, shop: Path) -> None:
    for run in ("abc" + "x" * 19, "abd" + "x" * 19):
        put(shop, run)
    found = host("runs", "show", "ab", "--store", store_of(shop))
    assert found.code == 2
    assert "2 runs begin with 'ab'. Write more of the id." in found.err
    assert f"abc{'x' * 19}  buy, working" in found.err


def test_a_journal_for_programs_is_whole(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"}, rounds=1)
    found = host("runs", "show", run, "--store", store_of(shop), "--json").json
    assert found["waitingFor"] == ["person: Pay the bill?"]
    assert found["entries"] == len(found["journal"])
    started, asked = found["journal"][:2]
    assert (started["type"], started["arguments"]) == ("started", {"what": "tea"})
    assert (asked["type"], asked["id"], asked["kind"]) == ("asked", "1.0.1", "sample")
    assert asked["question"]["messages"][0]["content"]["text"] == "Describe tea"
    (attempted,) = (entry for entry in found["journal"] if entry["type"] == "attempted")
    assert attempted["failure"]["type"] == "StepError"


def test_a_damaged_journal_is_shown_as_far_as_it_goes(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"}, rounds=1)
    with sqlite3.connect(store_of(shop)) as database:
        database.execute("UPDATE entries SET line = 'nonsense' WHERE position = 3")
    found = host("runs", "show", run, "--store", store_of(shop))
    assert found.code == 1
    assert "Describe tea" in found.out
    assert "the rest cannot be read: entry 3: A journal line is damaged" in found.out
    found = host("runs", "replay", run, "--target", shop)
    assert found.code == 1
    assert "the journal cannot be read: entry 3:" in found.err
    assert host("runs", "replay", run, "--target", shop, "--to", 2).code == 0


def test_an_outstanding_effect_is_one_that_its_branch_has_not_left() -> None:
    def asked(id: str) -> Asked:
        return Asked(id, Kind.STEP, {"name": id})

    entries = [
        Started("a", {}),
        asked("1.0.1"),
        asked("1.1.1"),
        Answered("1.0.1"),
        asked("2"),  # the fork at 1 is over: a race, and 1.1.1 lost it
        Answered("2"),
        asked("3.0.1"),
        asked("3.1.1.0.1"),
        asked("3.1.1.1.1"),
        Answered("3.1.1.0.1"),
        asked("3.1.2"),
    ]
    written = [Written(position, 0.0, entry) for position, entry in enumerate(entries)]
    assert [entries[each.position] for each in outstanding(written)] == [entries[6], entries[10]]
    again = [*entries, Checkpointed(1, None), asked("1~1")]
    written = [Written(position, 0.0, entry) for position, entry in enumerate(again)]
    assert [each.position for each in outstanding(written)] == [len(again) - 1]


def test_answers_that_nobody_has_delivered_yet_are_named(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"})
    asyncio.run(SQLiteStore(store_of(shop)).post(run, {"1.0.1": b"{}"}, time.time()))
    found = host("runs", "show", run, "--store", store_of(shop))
    assert "answered  1.0.1; not delivered yet" in found.out
    assert host("runs", "show", run, "--store", store_of(shop), "--json").json["posted"] == [
        "1.0.1"
    ]


def asking(kind: Kind, question: Any, answer: Any = None, **how: Any) -> list[str]:
    """The rows of one effect: what is asked, and what came back."""
    entries = [Asked("1", kind, question), Answered("1", answer, **how)]
    found = rows(
        [Written(position, 0.0, entry) for position, entry in enumerate(entries)],
        Glyphs.for_encoding("utf-8"),
    )
    return [f"{row.who}: {row.text.removesuffix('  (0.0 s)')}" for row in found]


USE: dict[str, Any] = {"type": "tool_use", "id": "1", "name": "find", "input": {"word": "tea"}}


Case = tuple[Kind, Any, Any, str, str]
CASES: list[Case] = [
    (
        Kind.SAMPLE,
        {"messages": [{"role": "user", "content": {"type": "image"}}], "tools": [{}]},
        {"role": "assistant", "content": [USE], "model": "m"},
        "model: (no text)  [1 tool]",
        'model: → m: find(word="tea")',
    ),
    (Kind.SAMPLE, {"messages": []}, {"content": []}, "model: (no text)", "model: → (nothing)"),
    (
        Kind.ELICIT,
        {"mode": "url", "message": "Sign in", "url": "https://x.example"},
        {"action": "accept"},
        "person: Sign in  https://x.example",
        "person: → agreed",
    ),
    (
        Kind.ELICIT,
        {"message": "Who?"},
        {"action": "accept", "content": {"name": "Ada", "age": 3}},
        "person: Who?",
        'person: → name="Ada", age=3',
    ),
    (Kind.ELICIT, {"message": "?"}, {"action": "decline"}, "person: ?", "person: → declined"),
    (Kind.ELICIT, {"message": "?"}, {"action": "cancel"}, "person: ?", "person: → dismissed"),
    (Kind.ELICIT, {"message": "?"}, {"odd": 1}, "person: ?", 'person: → {"odd": 1}'),
    (
        Kind.ROOTS,
        {},
        {"roots": [{"uri": "file:///a"}, {"uri": "file:///b"}]},
        "roots: which directories may be used",
        "roots: → file:///a, file:///b",
    ),
    (Kind.ROOTS, {}, {"roots": []}, "roots: which directories may be used", "roots: → none"),
    (Kind.VALUE, {"of": "now"}, 12.5, "value: the clock", "value: → 12.5"),
    (Kind.STEP, {"name": "f", "args": "…"}, {"a": 1}, 'step: f("…")', 'step: → {"a": 1}'),
    (
        Kind.STEP,
        {"name": "f", "args": [1, {"by": "name"}, {"a": 1, "b": 2}]},
        [{"type": "text", "text": "said\nmore"}],
        'step: f(1, by="name", {"a": 1, "b": 2})',
        "step: → said",
    ),
    (Kind.STEP, {"name": "f"}, [{"text": "a"}, 5], "step: f()", 'step: → [{"text": "a"}, 5]'),
    (Kind.STEP, {"name": "f"}, "", "step: f()", "step: → (no text)"),
]


@pytest.mark.parametrize(("kind", "question", "answer", "asks", "gets"), CASES)
def test_every_kind_of_question_and_answer_has_its_words(
    kind: Kind, question: Any, answer: Any, asks: str, gets: str
) -> None:
    assert asking(kind, question, answer) == [asks, gets]


def test_a_failure_is_named_once() -> None:
    failed = Failure("ClientError", "busy")
    assert asking(Kind.ROOTS, {}, failure=failed)[1] == "roots: → failed: ClientError: busy"
    named = Failure("ValueError", "ValueError: bad")
    assert asking(Kind.ROOTS, {}, failure=named)[1] == "roots: → failed: ValueError: bad"


def test_ages_have_one_unit() -> None:
    ages = [age(seconds) for seconds in (-1, 59, 60, 3599, 7200, 86400 * 3)]
    assert ages == ["0 s", "59 s", "1 min", "59 min", "2 h", "3 d"]


# -- cancel ---------------------------------------------------------------------------------------


def test_cancelling_a_task_leaves_a_request_in_the_store(host: Host, shop: Path) -> None:
    run = put(shop, "a" * 22, task='{"form": "2026-07-28"}').id
    found = host("runs", "cancel", "aaa", "--reason", "too late", "--store", store_of(shop))
    assert found.code == 0
    assert f"run {run} of buy is cancelled: the request is in the store." in found.out
    assert "driven by a server process on this store" in found.out
    after = record(shop, run)
    assert (after.status, after.stop) == (Status.WORKING, "too late")
    assert after.wake is not None
    again = host("runs", "cancel", run, "--store", store_of(shop))
    assert (again.code, again.out) == (0, f"run {run} of buy is being cancelled already.\n")


def test_cancelling_any_other_run_ends_it_and_says_what_that_means(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"})
    found = host("runs", "cancel", run, "--store", store_of(shop))
    assert found.code == 0
    assert f"run {run} of buy has ended as cancelled." in found.out
    assert "the cleanup in its code does not run" in found.out
    assert record(shop, run).status is Status.CANCELLED
    last = host("runs", "show", run, "--store", store_of(shop), "--json").json["journal"][-2:]
    assert [entry["type"] for entry in last] == ["cancelrequested", "finished"]
    again = host("runs", "cancel", run, "--store", store_of(shop))
    assert again.code == 1
    assert "has ended already: cancelled. Nothing was changed." in again.err


def test_a_run_that_a_process_works_on_is_not_ended(host: Host, shop: Path) -> None:
    alive = f"elsewhere/1/{'0' * 16}"
    run = put(shop, "a" * 22, lease=Lease(alive, time.time() + 600), fence=1).id
    found = host("runs", "cancel", run, "--store", store_of(shop))
    assert found.code == 1
    assert f"is being worked on by {alive}. Nothing was changed." in found.err
    assert record(shop, run).status is Status.WORKING


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no process counts as dead")
def test_a_run_that_a_dead_process_worked_on_is_ended(host: Host, shop: Path) -> None:
    place, _, _ = new_owner().rsplit("/", 2)
    dead = f"{place}/999999999/{'0' * 16}"
    run = put(shop, "a" * 22, lease=Lease(dead, time.time() + 600), fence=1).id
    assert host("runs", "cancel", run, "--store", store_of(shop)).code == 0
    assert record(shop, run).status is Status.CANCELLED


# -- replay ---------------------------------------------------------------------------------------


def test_a_journal_is_replayed_and_the_next_questions_are_told(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"}, rounds=1)
    before = (record(shop, run), (shop.parent / "orders").read_text())
    whole = host("runs", "replay", run, "--target", shop)
    assert whole.code == 0
    assert "the code follows the journal: 11 entries replayed, to 10. No step was run" in whole.out
    assert "  4  person  Pay the bill?" in whole.out
    first = host("runs", "replay", run, "--target", shop, "--to", 0).out
    assert "1 entry replayed, to 0 of 0 to 10." in first
    assert "It asks next:" in first
    assert "  1.0.1  model   Describe tea\n  1.1.1  person  Which size?" in first
    later = host("runs", "replay", run, "--target", f"{shop}:server", "--to", 3).out
    assert "It waits for (asked before, not answered yet):\n  1.1.1  person  Which size?" in later
    assert (record(shop, run), (shop.parent / "orders").read_text()) == before


def test_a_replay_begins_at_the_last_checkpoint_before(host: Host, shop: Path) -> None:
    run = call(shop, "tally")
    found = host("runs", "replay", run, "--target", shop)
    assert "from the checkpoint at 2 on" in found.out
    early = host("runs", "replay", run, "--target", shop, "--to", 0).out
    assert "It makes a checkpoint next." in early


def test_a_run_that_has_ended_is_replayed_to_its_end(host: Host, shop: Path) -> None:
    run = call(shop, "tally", rounds=1)
    found = host("runs", "replay", run, "--target", shop)
    assert found.code == 0
    assert "The code ends here: completed: " in found.out


def test_code_that_asks_something_else_is_shown_beside_the_journal(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"}, rounds=1)
    shop.write_text(SOURCE.replace("Which size?", "What size?"))
    sys.modules.pop("shop")
    found = host("runs", "replay", run, "--target", shop)
    assert found.code == 1
    assert "does not follow its journal any more" in found.out
    assert '-    "message": "Which size?",' in found.out
    assert '+    "message": "What size?",' in found.out


def test_code_that_ends_otherwise_is_a_difference(host: Host, shop: Path) -> None:
    run = call(shop, "tally", rounds=1)
    shop.write_text(SOURCE.replace("return total", "return total + 1"))
    sys.modules.pop("shop")
    found = host("runs", "replay", run, "--target", shop)
    assert found.code == 1
    assert "The code ends here: completed: " in found.out
    assert "The code ends otherwise than the journal says" in found.out


def test_an_end_that_came_from_outside_is_no_difference(host: Host, shop: Path) -> None:
    run = call(shop, "buy", {"what": "tea"})
    host("runs", "cancel", run, "--store", store_of(shop))
    found = host("runs", "replay", run, "--target", shop)
    assert found.code == 0
    assert "The code ends here: cancelled" in found.out


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("none.py", "--target: there is no file"),
        ("shop.txt", "is no Python file. Write server.py, or server.py:NAME"),
        ("empty.py", "holds no AgentServer at its top level"),
        ("shop.py:nothing", "has no 'nothing'"),
        ("shop.py:HERE", "is no MCP server"),
        ("bad.py", "cannot be imported: RuntimeError: no luck. Run this in the environment"),
        ("other.py", "--target has no agent 'buy'. It has: sell."),
    ],
)
def test_a_target_that_does_not_fit_is_explained(
    host: Host, shop: Path, target: str, problem: str
) -> None:
    run = call(shop, "buy", {"what": "tea"})
    (shop.parent / "empty.py").write_text("x = 1")
    (shop.parent / "bad.py").write_text("raise RuntimeError('no luck')")
    (shop.parent / "other.py").write_text(
        "from inverted import AgentServer, Run\nserver = AgentServer('o', store=':memory:')\n"
        "@server.agent\nasync def sell(run: Run) -> None: ...\n"
    )
    argv = ("runs", "replay", run, "--target", shop.parent / target, "--store", store_of(shop))
    found = host(*argv)
    assert found.code == (1 if target == "bad.py" else 2)
    assert problem in found.err


# -- the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ([], "runs needs one of: ls, show, cancel, replay."),
        (["walk"], "invalid choice: 'walk'"),
        (["show"], "the following arguments are required: RUN. See inverted runs show --help."),
        (["replay", "x"], "required: --target"),
        (["ls", "--limit", "none"], "--limit none does not fit: it takes a whole number from 1"),
        (["ls", "--status", "gone"], "invalid choice: 'gone'"),
        (["ls", "--colour", "red"], "unrecognized arguments"),
        (["ls", "--store"], "--store: expected one argument"),
    ],
)
def test_a_command_line_that_does_not_fit_is_explained(
    host: Host, argv: list[str], problem: str
) -> None:
    found = host("runs", *argv)
    assert (found.code, found.out) == (2, "")
    assert problem in found.err


def test_help_tells_what_there_is(host: Host) -> None:
    found = host("runs", "--help")
    assert found.code == 0
    assert "replay a journal against the agent's code" in found.out
    assert "stop after entry N" in host("runs", "replay", "--help").out


def test_an_entry_that_is_not_there_is_named(host: Host, shop: Path) -> None:
    run = call(shop, "tally")
    found = host("runs", "replay", run, "--target", shop, "--to", 99)
    assert found.code == 2
    assert "--to 99: the journal has the entries 0 to " in found.err


def test_json_is_json_only(host: Host, shop: Path) -> None:
    call(shop, "tally")
    assert isinstance(json.loads(host("runs", "ls", "--store", store_of(shop), "--json").out), list)
