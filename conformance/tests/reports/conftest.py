"""Every test of the reports has the made-up manifest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.tests.reports import made_up


@pytest.fixture(autouse=True)
def _made_up_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made_up.use(tmp_path, monkeypatch)
