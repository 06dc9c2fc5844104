"""Several processes on one SQLite file, and what is left when one of them dies."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inverted.stores import SQLiteStore

PROGRAMS = Path(__file__).parent / "programs"

Process = subprocess.Popen[str]


@contextmanager
def running(program: str, *arguments: str) -> Generator[Process]:
    """A program of the folder `programs`; killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAMS / program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(processes: list[Process], path: Path, position: int) -> list[str]:
    """Which programs won, when all are told at once to append to this file at this position."""
    for process in processes:
        assert process.stdin
        process.stdin.write(f"{path} {position}\n")
        process.stdin.flush()
    return [process.stdout.readline().strip() for process in processes if process.stdout]


async def test_of_two_processes_that_write_at_once_exactly_one_wins(tmp_path: Path) -> None:
    new = [tmp_path / f"{number}.sqlite3" for number in range(20)]
    # Both make a new file 20 times, then append to the last one 200 times.
    told_to = [*((path, 0) for path in new), *((new[-1], position) for position in range(1, 201))]
    winners: dict[Path, list[str]] = {path: [] for path in new}
    with running("append_when_told.py", "a") as a, running("append_when_told.py", "b") as b:
        for path, position in told_to:
            answers = told([a, b], path, position)
            assert sorted(answers) == ["False", "True"]
            winners[path].append("ab"[answers.index("True")])
    for path, names in winners.items():
        store = SQLiteStore(path)
        expected = [f"{name} {position}".encode() for position, name in enumerate(names)]
        assert await store.read("r1") == expected
        await store.aclose()


async def test_every_append_that_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    with running("append_forever.py", str(path)) as process:
        assert process.stdout
        for _ in range(100):
            process.stdout.readline()
        process.kill()
        # The last line may be cut off, as any write to a pipe.
        acknowledged = [int(line) for line in process.stdout.read().split("\n")[:-1]]
        process.wait(20)
    store = SQLiteStore(path)
    record = await store.get("r1")
    assert record is not None
    assert record.position >= max(acknowledged, default=200)
    # Appends were of two lines: none is there by half.
    assert record.position % 2 == 0
    lines = await store.read("r1")
    assert lines == [b"%d" % position * 50 for position in range(record.position)]
    assert record.size == sum(map(len, lines))
    await store.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
async def test_a_disk_that_fails_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    with running("fill_disk.py", str(path)) as process:
        output, _ = process.communicate(timeout=30)
    name, message, state = output.splitlines()
    assert name == "StoreError"
    assert message.startswith(f"{path}: disk I/O error. Nothing was written. Check the disk")
    position, intact = state.split()
    assert intact == "True"
    store = SQLiteStore(path)
    assert await store.read("r1") == [b"x" * 3000] * int(position)
    await store.aclose()
