"""What the official suite makes of a mutant, so that the two can be read side by side."""

from __future__ import annotations

from contextlib import AsyncExitStack

import anyio

from inverted_conformance.scenario import WIRES
from inverted_conformance.server_mode.target import Server
from mutants.mutant import Mutant
from mutants.noticing import serving
from tests.conformance.install import Suite
from tests.conformance.judged import judged
from tests.conformance.verdict import Verdict

Passed = frozenset[tuple[str, str]]
"""Scenarios that passed, each with its revision."""


async def passed(suite: Suite, mutant: Mutant | None = None) -> Passed:
    """The official scenarios that a fixture server passes.

    Args:
        suite: The official suite.
        mutant: The mutant; `None` for the unbroken fixture.
    """
    target = serving(None if mutant is None else mutant.name)
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(anyio.create_task_group())
        server = Server(target, tasks)
        stack.push_async_callback(server.aclose)
        channel = await server.connect(WIRES[0])
        await channel.aclose()
        found, _ = await judged(suite, target.url or "", WIRES)
        tasks.cancel_scope.cancel()
    return frozenset((row.revision, row.scenario) for row in found if row.verdict is Verdict.PASSED)
