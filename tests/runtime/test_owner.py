"""Names of lease holders: only a process that is certainly gone counts as dead."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from inverted.runtime import owner
from inverted.runtime.owner import new_owner, surely_dead

NO_PROCESS = 2**31 - 1
"""A process id that no system gives out."""


def renamed(place: str | None = None, pid: object = None) -> str:
    """This process's name with another place or process."""
    own_place, own_pid, token = new_owner().rsplit("/", 2)
    return f"{own_place if place is None else place}/{own_pid if pid is None else pid}/{token}"


def test_every_runtime_has_a_name_of_its_own() -> None:
    assert new_owner() != new_owner()
    assert f"/{os.getpid()}/" in new_owner()


def test_this_process_is_alive() -> None:
    assert not surely_dead(new_owner())


def test_a_process_that_has_ended_is_dead() -> None:
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert surely_dead(renamed(pid=child.stdout.strip()))
    assert surely_dead(renamed(pid=NO_PROCESS))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "somebody",
        f"elsewhere/{NO_PROCESS}/x",
        f"{NO_PROCESS}/x",
        f"elsewhere/pid:[1]/{NO_PROCESS}/x",
    ],
)
def test_nothing_is_known_of_other_machines_and_odd_names(name: str) -> None:
    assert not surely_dead(name)


@pytest.mark.parametrize("pid", ["", "x", "-1", "1.5", "²", 2**70])
def test_what_is_no_process_id_counts_as_alive(pid: object) -> None:
    assert not surely_dead(renamed(pid=pid))


def test_the_process_of_another_user_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, signal: int) -> NoReturn:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not surely_dead(renamed(pid=NO_PROCESS))


def test_where_processes_cannot_be_looked_up_all_are_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = renamed(pid=NO_PROCESS)
    monkeypatch.setattr(owner, "os", SimpleNamespace(name="nt", kill=os.kill))
    assert not surely_dead(name)


def test_a_system_without_process_namespaces_names_the_machine_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(path: Path) -> NoReturn:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "readlink", missing)
    assert new_owner().count("/") == 2
    assert surely_dead(renamed(pid=NO_PROCESS))
    assert not surely_dead(new_owner())
