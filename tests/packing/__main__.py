"""`python -m tests.packing`: our bundles before the official validator. `scripts/pack-check`.

It packs the code review server and a server of one file, twice each, and asks npm's
`@anthropic-ai/mcpb` (pinned by the lock in `validator/`) to validate, show and unpack them. The
unpacked bundle is started with uv, as a host would, and must list its tools. The server.json is
held against the schema that the registry publishes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import jsonschema

from inverted.cli import main as inverted
from inverted.cli.errors import CliError
from inverted.cli.installing.launch import find_uv
from inverted.cli.packing.registry import SCHEMA
from inverted.cli.packing.tools import listed
from tests.conformance.install import InstallError, UnavailableError, node, packages

LOCK: Final = Path(__file__).with_name("validator")
NOT_RUN: Final = 77
"""Exit code of a test that could not run, as automake and meson have it."""

SERVER: Final = '''\
"""Brews tea."""
from fastmcp import FastMCP

server = FastMCP("tea")


@server.tool
def brew() -> str:
    """Brew a pot."""
    return "tea"
'''


class Failed(Exception):
    """A bundle is not as it must be."""


class NotReached(Exception):
    """A registry is out of reach. Nothing is known of the bundles."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every bundle.

    Args:
        arguments: The command line; the process's own by default.

    Returns:
        0 if all is well, 1 if a bundle is not, 77 if something could not be checked.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/pack-check",
        description="Hold bundles of `inverted pack` against the official validator.",
        epilog=f"Exit code {NOT_RUN}: npm or the schema of the registry is out of reach.",
    )
    parser.add_argument("--schema", type=Path, metavar="FILE", help=f"a copy of {SCHEMA}")
    schema: Path | None = parser.parse_args(arguments).schema
    try:
        validator = _validator()
    except NotReached as problem:
        _say(f"pack-check: SKIPPED, not passed: {problem}")
        return NOT_RUN
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tea.py"
        file.write_text(SERVER)
        for target, tool in (("inverted-code-review", "review"), (str(file), "brew")):
            name = Path(target).name
            place = Path(folder) / tool
            place.mkdir()
            try:
                _check(target, tool, place, validator, schema)
            except NotReached as problem:
                _say(f"{name}: {problem}")
                code = code or NOT_RUN
            except (Failed, CliError) as problem:
                _say(f"{name}: FAILED: {problem}")
                code = 1
    return code


def _check(
    target: str, tool: str, place: Path, validator: Callable[..., str], schema: Path | None
) -> None:
    name = Path(target).name
    bundle, again = place / "bundle.mcpb", place / "again.mcpb"
    registry, unpacked = place / "server.json", place / "unpacked"
    for output in (bundle, again):
        command = ["pack", target, "-o", str(output), "--author", "Ada", "--secret", "API_KEY"]
        command += ["--registry", str(registry), "--namespace", "io.github.ada"]
        command += ["--url", "https://example.org/bundle-mcp.mcpb"]
        with redirect_stdout(io.StringIO()):
            code = inverted(command)
        if code:
            raise Failed("inverted pack says why above")
    digests = [hashlib.sha256(each.read_bytes()).hexdigest() for each in (bundle, again)]
    if digests[0] != digests[1]:
        raise Failed("packed twice, it is not the same")
    validator("unpack", str(bundle), str(unpacked))
    if "passes" not in validator("validate", str(unpacked / "manifest.json")):
        raise Failed("the validator does not say that it passes")
    if bundle.name not in validator("info", str(bundle)):
        raise Failed("the validator does not know it")
    manifest = json.loads((unpacked / "manifest.json").read_text())
    if tool not in [each["name"] for each in manifest["tools"]]:
        raise Failed(f"the manifest does not list {tool}")
    _say(f"{name}: the validator accepts the bundle {digests[0][:12]}, the same twice")
    _start(unpacked, tool)
    _say(f"{name}: unpacked, it starts with uv and has {tool}")
    jsonschema.validate(json.loads(registry.read_text()), _schema(schema))
    _say(f"{name}: the registry's schema accepts server.json")


def _start(unpacked: Path, tool: str) -> None:
    uv = find_uv("pack-check")
    done = subprocess.run(
        [uv, "sync", "--quiet", "--directory", str(unpacked)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise Failed(f"uv cannot make the environment: {done.stderr.strip()}")
    found = listed((uv, "run", "--directory", str(unpacked), "src/main.py"), {"API_KEY": "x"})
    if tool not in [each["name"] for each in found]:
        raise Failed(f"started from the bundle, the server has no {tool}")


def _schema(copy: Path | None) -> dict[str, Any]:
    if copy is not None:
        return json.loads(copy.read_text())
    try:
        with urlopen(SCHEMA, timeout=20) as answer:  # noqa: S310 - our own constant, https
            return json.load(answer)
    except URLError as error:
        raise NotReached(f"server.json: SKIPPED, not passed: {SCHEMA}: {error.reason}") from None


def _validator() -> Callable[..., str]:
    """What runs a command of the validator; it is installed now if it was not."""
    try:
        program = packages(LOCK, "mcpb") / "node_modules/@anthropic-ai/mcpb/dist/cli/cli.js"
    except UnavailableError as problem:
        raise NotReached(str(problem)) from None
    except InstallError as problem:
        raise Failed(str(problem)) from None

    def run(*arguments: str) -> str:
        command = node(program, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            raise Failed(f"mcpb {arguments[0]} says:\n{said}")
        return done.stdout

    return run


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
