"""For each file and position read from standard input, try to append there, and print who won.

The first mention of a file makes it, and its run.
"""
# ruff: noqa: T201 # the tests read what is printed

import asyncio
import sys

from inverted.core.lifecycle import Status
from inverted.errors import StoreConflict
from inverted.stores import RunRecord, SQLiteStore
from inverted.stores.base import Append

RUN = RunRecord("r1", "triage", None, None, Status.WORKING, 1.0, 1.0, 1, 0, 3, 0, None)


async def won(store: SQLiteStore, name: str, position: int) -> bool:
    line = f"{name} {position}".encode()
    try:
        if position == 0:
            await store.create(RUN, [line])
        else:
            await store.append("r1", Append(position, 0, name, [line], Status.WORKING, 2.0))
    except StoreConflict:
        return False
    return True


async def main(name: str) -> None:
    stores: dict[str, SQLiteStore] = {}
    for told in sys.stdin:
        path, position = told.split()
        if path not in stores:
            stores[path] = SQLiteStore(path)
        print(await won(stores[path], name, int(position)), flush=True)


asyncio.run(main(sys.argv[1]))
