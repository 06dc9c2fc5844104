"""Builds the wheels that go into a bundle, with uv."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from inverted.cli.errors import CliError
from inverted.cli.installing.launch import find_uv

_EPOCH: Final = "315532800"  # 1980-01-01, the earliest date of a zip archive
_SECONDS: Final = 300
_TAIL: Final = 12


def build(name: str, directory: Path, into: Path) -> Path:
    """Build the wheel of a project.

    Args:
        name: What the package is called.
        directory: The project.
        into: Where the wheel is put.

    Returns:
        The wheel.

    Raises:
        CliError: It cannot be built, or is for one platform only.
    """
    command = [find_uv("`inverted pack`"), "build", "--wheel", "--quiet"]
    into = into / name
    try:
        done = subprocess.run(
            [*command, "--out-dir", str(into), str(directory)],
            env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CliError(f"building {name} took longer than {_SECONDS} s. Try uv build.") from None
    found = sorted(into.glob("*.whl"))
    if done.returncode or len(found) != 1:
        raise CliError(
            f"{name} cannot be built. `uv build --wheel {directory}` says:",
            done.stderr.strip().splitlines()[-_TAIL:],
        )
    if not found[0].stem.endswith("-none-any"):
        raise CliError(
            f"{found[0].name} runs on this platform only, and a bundle is for every one. Publish "
            f"{name} on an index, so that uv can choose the wheel."
        )
    return found[0]
