"""Sealing keys: given, from the environment, or made once in the data directory."""

import os
import secrets
import stat
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest
from mcp.server.request_state import InvalidRequestState

from inverted import InvertedError
from inverted.server import keys
from inverted.server.keys import VARIABLE, SealingKeys

KEY, OTHER = "k" * 32, "o" * 32


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The data directory of a person who never started a server; it is not there yet."""
    directory = tmp_path / "data" / "inverted"

    def user_data_dir(name: str) -> str:
        return str(directory.with_name(name))

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(keys, "user_data_dir", user_data_dir)
    return directory


def opens(reader: SealingKeys, writer: SealingKeys) -> bool:
    """Whether one opens what the other sealed."""
    try:
        return reader.unseal(writer.seal(b"payload")) == b"payload"
    except InvalidRequestState:
        return False


def test_what_is_sealed_is_opened_by_the_same_key_only() -> None:
    assert opens(SealingKeys([KEY]), SealingKeys([KEY]))
    assert not opens(SealingKeys([KEY]), SealingKeys([OTHER]))
    token = SealingKeys([KEY]).seal(b"payload")
    assert "payload" not in token


def test_a_changed_token_is_refused() -> None:
    sealing = SealingKeys([KEY])
    token = sealing.seal(b"payload")
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    for forged in (changed, "", "nonsense"):
        with pytest.raises(InvalidRequestState):
            sealing.unseal(forged)


def test_the_first_key_seals_and_every_key_opens() -> None:
    assert opens(SealingKeys([OTHER, KEY]), SealingKeys([KEY]))
    assert not opens(SealingKeys([KEY]), SealingKeys([OTHER, KEY]))


@pytest.mark.parametrize("given", [[], [""], ["short"], [KEY, "short"], [b"s" * 31]])
def test_a_short_key_is_refused_when_it_is_given(given: list[str | bytes]) -> None:
    with pytest.raises(InvertedError, match=r"at least 32 bytes .* Make one with: python -c"):
        SealingKeys(given)


def test_the_advice_how_to_make_a_key_gives_a_good_key() -> None:
    SealingKeys([secrets.token_hex(32)])


def test_the_environment_names_the_keys(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f" {KEY}  {OTHER}\n")
    assert opens(SealingKeys([KEY]), SealingKeys())
    assert opens(SealingKeys(), SealingKeys([OTHER]))
    assert not directory.exists()


def test_a_short_key_in_the_environment_is_refused_when_it_is_used(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "short")
    sealing = SealingKeys()
    with pytest.raises(InvertedError, match=VARIABLE):
        sealing.seal(b"x")
    with pytest.raises(InvertedError, match=VARIABLE):
        sealing.unseal("x")


def test_nothing_is_touched_before_a_key_is_used(directory: Path) -> None:
    SealingKeys()
    assert not directory.exists()


def test_a_key_is_made_once_and_survives_a_restart(directory: Path) -> None:
    first = SealingKeys()
    first.seal(b"x")
    made = (directory / "sealing.key").read_text()
    assert opens(SealingKeys(), first)
    assert (directory / "sealing.key").read_text() == made
    assert len(made) == 64
    assert [path.name for path in directory.iterdir()] == ["sealing.key"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of files are of another kind")
def test_nobody_else_may_read_the_key(directory: Path) -> None:
    before = os.umask(0)
    try:
        SealingKeys().seal(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "sealing.key").stat().st_mode) == 0o600


def test_processes_that_start_at_the_same_time_agree_on_one_key(directory: Path) -> None:
    count = 8
    together, tokens = Barrier(count), list[str]()

    def start() -> None:
        sealing = SealingKeys()
        together.wait(10)
        tokens.append(sealing.seal(b"payload"))

    threads = [Thread(target=start) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [SealingKeys().unseal(token) for token in tokens] == [b"payload"] * count
    assert [path.name for path in directory.iterdir()] == ["sealing.key"]


def test_the_key_of_whoever_was_first_is_used(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.mkdir(parents=True)
    (directory / "sealing.key").write_text(f"{KEY}\n")
    # It looked before the other one had written.
    monkeypatch.setattr(Path, "exists", Path.is_socket)
    assert opens(SealingKeys([KEY]), SealingKeys())
    assert [path.name for path in directory.iterdir()] == ["sealing.key"]


def test_a_directory_that_cannot_be_written_is_named_with_what_to_do(directory: Path) -> None:
    directory.parent.parent.joinpath("data").write_text("a file")
    with pytest.raises(InvertedError, match=r"cannot be kept in .*sealing\.key.* INVERTED_KEYS"):
        SealingKeys().seal(b"x")


def test_a_damaged_key_file_is_named_with_what_to_do(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "sealing.key").write_text("half a k")
    with pytest.raises(InvertedError, match=r"key in .*sealing\.key is damaged: it has 8 bytes"):
        SealingKeys().seal(b"x")
