"""Repositories that tests build with git, as a person would."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from inverted_code_review.repository import Repository

_IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}


@dataclass
class Workshop:
    """A repository under construction."""

    path: Path

    def git(self, *arguments: str | bytes | Path) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=os.environ | _IDENTITY,
            check=True,
            capture_output=True,
            timeout=30,
        )
        return done.stdout.decode().strip()

    def write(self, files: dict[str, str | bytes | None]) -> None:
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: dict[str, str | bytes | None], message: str = "change") -> str:
        """Write files (None deletes one) and commit them; give the commit's hash."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    @property
    def repository(self) -> Repository:
        return Repository.open(str(self.path))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    place = tmp_path / "project"
    place.mkdir()
    shop = Workshop(place)
    shop.git("init", "--quiet", "--initial-branch=main")
    return shop
