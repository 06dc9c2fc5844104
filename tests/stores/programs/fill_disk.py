"""Append to run r1 until a limit on the size of files stops it; print what happened."""
# ruff: noqa: T201 # the tests read what is printed

import asyncio
import resource
import sys

from inverted.core.lifecycle import Status
from inverted.errors import StoreError
from inverted.stores import RunRecord, SQLiteStore
from inverted.stores.base import Append


async def main() -> None:
    store = SQLiteStore(sys.argv[1])
    record = RunRecord("r1", "triage", None, None, Status.WORKING, 1.0, 1.0, 0, 0, 0, 0, None)
    await store.create(record, [])
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
    try:
        while True:
            append = Append(record.position, 0, "me", [b"x" * 3000], Status.WORKING, 2.0)
            record = await store.append("r1", append)
    except StoreError as error:
        print(type(error).__name__)
        print(error)
        print(record.position, await store.get("r1") == record)


asyncio.run(main())
