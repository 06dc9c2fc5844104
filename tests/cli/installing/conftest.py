"""Homes where every host was started once."""

from __future__ import annotations

from pathlib import Path

import pytest

from inverted.cli.installing.hosts import HOSTS, signs

SERVER = "from fastmcp import FastMCP\nserver = FastMCP('tea')\n@server.tool\ndef brew(): ...\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where every host was started once, a working directory, and no variables of here."""
    place = tmp_path / "home"
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(place))
    for name in ("XDG_CONFIG_HOME", "APPDATA", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    for each in HOSTS.values():
        signs(each)[-1].mkdir(parents=True)
    work = tmp_path / "work"
    work.mkdir()
    (work / "tea.py").write_text(SERVER)
    monkeypatch.chdir(work)
    return place
