"""A configuration file is replaced so that nobody loses anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from inverted.cli.errors import CliError
from inverted.cli.installing import files
from inverted.cli.installing.files import ATTEMPTS, update


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*.bak"))


def append(text: str | None) -> str:
    return (text or "") + "more\n"


def test_a_change_keeps_the_mode_and_leaves_a_backup(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_bytes(b"\xef\xbb\xbfa\r\n")
    file.chmod(0o640)
    replaced = update(file, append)
    assert file.read_bytes() == b"\xef\xbb\xbfa\r\nmore\n"
    assert [replaced.backup] == backups(file)
    assert replaced.backup is not None
    assert replaced.backup.read_bytes() == b"\xef\xbb\xbfa\r\n"
    for each in (file, replaced.backup):
        assert stat.S_IMODE(each.stat().st_mode) == 0o640
    assert len(list(tmp_path.iterdir())) == 2


def test_two_changes_in_one_second_leave_two_backups(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("a\n")
    update(file, append)
    update(file, append)
    assert {each.read_text() for each in backups(file)} == {"a\n", "a\nmore\n"}


def test_no_change_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("a\n")
    before = file.stat().st_ino, file.stat().st_mtime_ns
    assert update(file, lambda text: text).backup is None
    assert update(file, append, write=False).after == "a\nmore\n"
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_a_new_file_is_made_with_its_directories(
    tmp_path: Path,
    private: bool,  # noqa: FBT001 - parametrized
    mode: int,
) -> None:
    file = tmp_path / "deep" / "er" / "mcp.json"
    old = os.umask(0o022)
    try:
        assert update(file, append, private=private).backup is None
    finally:
        os.umask(old)
    assert file.read_text() == "more\n"
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("a\n")
    link = tmp_path / "mcp.json"
    link.symlink_to(Path("dotfiles") / "mcp.json")
    update(link, append)
    assert link.is_symlink()
    assert link.readlink() == Path("dotfiles") / "mcp.json"
    assert real.read_text() == "a\nmore\n"
    assert len(backups(real)) == 1


def test_a_file_can_be_taken_away_with_a_backup(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("a\n")
    update(file, lambda _: None)
    assert not file.exists()
    assert [each.read_text() for each in backups(file)] == ["a\n"]
    assert update(file, lambda _: None).backup is None


def test_a_change_is_worked_out_again_from_what_somebody_else_wrote(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("a\n")
    seen: list[str | None] = []

    def slow(text: str | None) -> str:
        seen.append(text)
        if len(seen) == 1:
            file.write_text("theirs\n")
        return append(text)

    update(file, slow)
    assert seen == ["a\n", "theirs\n"]
    assert file.read_text() == "theirs\nmore\n"
    assert [each.read_text() for each in backups(file)] == ["theirs\n"]


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_somebody_keeps_writing_is_given_up(
    tmp_path: Path,
    there: bool,  # noqa: FBT001 - parametrized
) -> None:
    file = tmp_path / "mcp.json"
    if there:
        file.write_text("0")
    seen: list[str | None] = []

    def busy(text: str | None) -> str:
        seen.append(text)
        file.write_text(str(len(seen)))
        return append(text)

    with pytest.raises(CliError, match="was written by another program each of the 5 times"):
        update(file, busy)
    assert len(seen) == ATTEMPTS
    assert file.read_text() == str(ATTEMPTS)
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_bytes(b"{\xff")
    with pytest.raises(CliError, match=r"is no UTF-8 text \(byte 1\)"):
        update(file, append)
    assert file.read_bytes() == b"{\xff"


def test_a_write_protected_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("a\n")

    def never(path: Path, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", never)  # root may write anything
    with pytest.raises(CliError, match=r"cannot write .*: it is write-protected. It was not ch"):
        update(file, append)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "a\n"


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"cannot read .*directory. Nothing was changed"):
        update(tmp_path, append)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("a\n")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", fails)
    else:
        monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(CliError, match="No space left on device"):
        update(file, append)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "a\n"


def test_too_many_backups_of_one_second_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("a\n")
    real: Callable[..., int] = os.open

    def taken(path: object, *rest: int) -> int:
        if str(path).endswith(".bak"):
            raise FileExistsError
        return real(path, *rest)

    monkeypatch.setattr(files.os, "open", taken)
    with pytest.raises(CliError, match="a thousand backups"):
        update(file, append)
    assert list(tmp_path.iterdir()) == [file]
