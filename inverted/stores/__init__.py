"""Stores: where runs and their journals live. One protocol, one test suite, several backends."""

from inverted.stores.base import Lease, RunRecord, Store
from inverted.stores.memory import MemoryStore
from inverted.stores.sqlite import SQLiteStore

__all__ = ["Lease", "MemoryStore", "RunRecord", "SQLiteStore", "Store"]
