"""The command line of the server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from inverted_code_review.__main__ import main
from inverted_code_review.collect import ROOTS_VARIABLE
from inverted_code_review.server import server


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How the server was asked to run, in place of running it."""
    calls: list[dict[str, Any]] = []

    def run(**how: Any) -> None:
        calls.append({**how, "roots": os.environ.get(ROOTS_VARIABLE)})

    monkeypatch.setattr(server, "run", run)
    monkeypatch.setenv(ROOTS_VARIABLE, "")
    monkeypatch.delenv(ROOTS_VARIABLE)
    return calls


def test_stdio_is_the_default_and_reads_every_repository(served: list[dict[str, Any]]) -> None:
    main([])
    assert served == [{"show_banner": False, "roots": None}]


def test_http_reads_only_the_working_directory_unless_told_otherwise(
    served: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["--http", "127.0.0.1:8123"])
    (tmp_path / "sub").mkdir()
    main(["--http", "[::1]:8123", "--root", "sub", "--root", "/srv"])
    place = {"transport": "http", "port": 8123, "show_banner": False}
    assert served == [
        {**place, "host": "127.0.0.1", "roots": str(tmp_path)},
        {**place, "host": "::1", "roots": os.pathsep.join([str(tmp_path / "sub"), "/srv"])},
    ]


@pytest.mark.parametrize("address", ["8000", "localhost", "localhost:http", ":8000"])
def test_a_wrong_address_is_explained(
    served: list[dict[str, Any]], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--http", address])
    assert "is not HOST:PORT, for example 127.0.0.1:8000" in capsys.readouterr().err
    assert served == []
