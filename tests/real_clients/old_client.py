"""The client of the previous generation of the SDK, in a Python of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from tests.agents.old_python import VERSION, install
from tests.conformance.install import UnavailableError
from tests.real_clients.bridge import opening
from tests.real_clients.client import RealClient

PROGRAM = Path(__file__).with_name("programs") / "old_sdk.py"
ROOT = Path(__file__).parents[2]


def old_client(python: Path | None = None) -> RealClient:
    """The client.

    Args:
        python: A Python that has it; one is made in the user's cache if not given.

    Raises:
        UnavailableError: It cannot be installed here.
    """
    if python is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        home = user_cache_path("inverted") / "clients" / f"mcp-{VERSION}-python{version}"
        python = home / "bin" / "python"
        if not python.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
            sys.stderr.write(f"Installing mcp {VERSION} into {home}\n")
            try:
                install(home, ROOT / ".uv" / "bin")
            except pytest.skip.Exception as problem:
                raise UnavailableError(str(problem)) from problem
    start = opening([str(python), str(PROGRAM)])
    return RealClient(f"mcp {VERSION} ClientSession", start, eras=("2025-11-25",))
