"""Every store, for the suite that all of them pass."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inverted.stores import MemoryStore, SQLiteStore, Store


@pytest.fixture(params=["memory", "sqlite file", "sqlite :memory:"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: dict[str, Store] = {
        "memory": MemoryStore(),
        "sqlite file": SQLiteStore(tmp_path / "runs.sqlite3"),
        "sqlite :memory:": SQLiteStore(":memory:"),
    }
    store = made[request.param]
    yield store
    await store.aclose()
