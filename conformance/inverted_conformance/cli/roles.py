"""The two halves of the suite, loaded when they are needed: `--help` waits for neither."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from inverted_conformance.cli.selection import Chosen
from inverted_conformance.manifest import Role
from inverted_conformance.scenario import Registry
from inverted_conformance.verdicts import Report, Result


def registry(role: Role) -> Registry:
    """The scenarios for one role.

    Args:
        role: What the peer under test is.
    """
    scenarios = import_module(f"inverted_conformance.{role}_mode.scenarios")
    return cast("Registry", getattr(scenarios, role.upper()))


async def run(
    role: Role,
    options: Namespace,
    command: Sequence[str],
    chosen: Sequence[Chosen],
    told: Callable[[Result], None],
) -> Report:
    """Run scenarios against the peer.

    Args:
        role: What the peer under test is.
        options: The command line.
        command: What starts the peer.
        chosen: The scenarios.
        told: Called with each result as it is there.
    """
    runner = import_module(f"inverted_conformance.{role}_mode.runner")
    peer = command
    if role == "server":
        headers, others = dict(options.header), dict(options.other_header)
        peer = runner.Target(options.url, tuple(command), headers, others)
    report = await runner.run(peer, chosen, told=told, factor=options.timeout_factor)
    return cast("Report", report)
