"""The clock and the stores of the runtime's tests."""

from collections.abc import AsyncIterator

import pytest

from inverted import MemoryStore, SQLiteStore
from inverted.stores import Store
from inverted.testing import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else SQLiteStore(":memory:")
    yield store
    await store.aclose()
