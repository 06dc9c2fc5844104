"""Append to run r1 of the store that is named, and print each position that was acknowledged."""
# ruff: noqa: T201 # the tests read what is printed

import asyncio
import sys

from inverted.core.lifecycle import Status
from inverted.stores import RunRecord, SQLiteStore
from inverted.stores.base import Append


async def main() -> None:
    store = SQLiteStore(sys.argv[1])
    record = RunRecord("r1", "triage", None, None, Status.WORKING, 1.0, 1.0, 0, 0, 0, 0, None)
    await store.create(record, [])
    while True:
        position = record.position
        lines = [b"%d" % position * 50, b"%d" % (position + 1) * 50]
        append = Append(position, 0, "me", lines, Status.WORKING, 2.0, 3.0)
        record = await store.append("r1", append)
        print(record.position, flush=True)


asyncio.run(main())
