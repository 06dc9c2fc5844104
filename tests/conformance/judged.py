"""Runs the official suite against a server at a URL."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.conformance.install import Suite, environment
from tests.conformance.verdict import Requirements, Row, rows

SECONDS: Final = 600
"""For one revision. A scenario may take 30 s, nearly all take less than one."""


async def judged(
    suite: Suite, url: str, revisions: Sequence[str], only: Sequence[str] = ()
) -> tuple[list[Row], str]:
    """Run the suite against a server.

    Args:
        suite: The suite.
        url: Where the server is.
        revisions: The revisions to speak.
        only: The scenarios to run; all by default.

    Returns:
        What became of each scenario, and what the suite printed.
    """
    found: list[Row] = []
    said: list[str] = []
    for revision in revisions:
        listing = await _node(suite, "list", "--requirements", revision)
        required = Requirements.read(listing)
        wanted = [each for each in only if each in (*required.scored, *required.unscored)]
        which = [("--requirements", revision)]
        if only:
            which = [("--scenario", each, "--spec-version", revision) for each in wanted]
        if not which:
            continue
        with tempfile.TemporaryDirectory() as results:
            run = ("server", "--url", url, "--output-dir", results)
            # Extensions belong to no revision: one by one they run only by force.
            force = ("--force",) if only else ()
            said += [await _node(suite, *run, *each, *force) for each in which]
            found += rows(revision, required, Path(results), wanted)
    return found, "\n".join(said)


async def _node(suite: Suite, *arguments: str) -> str:
    """Run the suite's program. Its exit code says less than its results, so it is not looked at."""
    process = await asyncio.create_subprocess_exec(
        *suite.command(*arguments),
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        return f"The suite was not done after {SECONDS} s and was ended."
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace")
