"""Runs ruff over the changed Python files.

Rules: the files are written from git objects into a temporary directory under names of our own;
`--isolated` keeps every configuration of the repository (and of the machine) out; ruff parses, it
executes nothing. Only findings on changed lines count. The rules are those that point at defects,
not at style. Ruff's parser also reports syntax errors, for newer Pythons than this process is.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, cast

from ruff import find_ruff_bin  # pyright: ignore[reportMissingTypeStubs]

from inverted_code_review.findings import Finding, Severity
from inverted_code_review.linters.sources import Rule, Source, few, sources

SECONDS = 60
SELECT = (
    "E711,E721,E722,E9,F,B,PLE,ASYNC,T100,RUF006,"
    "S102,S301,S306,S307,S323,S501,S506,S602,S604,S605,S701"
)
_SEVERITY = {
    "invalid-syntax": Severity.HIGH,
    "F821": Severity.HIGH,
    "F822": Severity.HIGH,
    "F401": Severity.LOW,
    "F841": Severity.LOW,
    "F541": Severity.LOW,
    "E711": Severity.LOW,
    "B007": Severity.LOW,
}


def run_ruff(root: str, base: str, head: str) -> list[Finding]:
    """Lint the changed Python files.

    Args:
        root: The repository's directory.
        base: The commit before the change.
        head: The commit after it.

    Returns:
        The findings on changed lines.

    Raises:
        RuntimeError: Ruff itself failed.
    """
    python = [
        source for source in sources(root, base, head) if source.path.endswith((".py", ".pyi"))
    ]
    with tempfile.TemporaryDirectory(prefix="code-review-") as place:
        files: dict[str, Source] = {}
        for number, source in enumerate(python):
            # Ruff's rules ask for an `__init__` or a stub by name; no other name of the repository
            # reaches the file system.
            name = PurePosixPath(source.path).name
            own = name if name == "__init__.py" else f"module{PurePosixPath(name).suffix}"
            path = Path(place).resolve() / str(number) / own
            path.parent.mkdir()
            path.write_text(source.new, encoding="utf-8", errors="replace", newline="")
            files[str(path)] = source
        return few(_on_changed_lines(_ruff(place) if files else [], files))


def _ruff(place: str) -> list[dict[str, Any]]:
    command = [find_ruff_bin(), "check", "--isolated", "--no-cache", "--exit-zero", "--quiet"]
    command += ["--no-respect-gitignore", "--output-format=json", "--target-version=py314"]
    command += [f"--select={SELECT}", "--", place]
    done = subprocess.run(command, cwd=place, capture_output=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"ruff failed with exit code {done.returncode}: {said[:1000]}")
    return json.loads(done.stdout)


def _on_changed_lines(results: list[dict[str, Any]], files: dict[str, Source]) -> Iterator[Finding]:
    broken: set[str] = set()
    for result in results:
        source = files[result["filename"]]
        rule, line = result["code"] or "invalid-syntax", result["location"]["row"]
        changed = source.added
        if rule == "invalid-syntax":
            if source.path in broken:
                continue  # what else does not parse follows from the first error
            broken.add(source.path)
            # The parser notices an error after its cause, often on the next line.
            line = max((n for n in changed if n <= line), default=line)
        if line not in changed:
            continue
        where: str | None = result.get("url")  # a syntax error has none
        fix = cast("dict[str, str | None]", result.get("fix") or {})
        about = Rule(
            f"ruff:{rule}",
            _SEVERITY.get(rule, Severity.MEDIUM),
            result["message"].splitlines()[0],
            f"Ruff's rule {rule}: {where}" if where else "This is no valid Python: it cannot run.",
            fix.get("message") or "",
        )
        yield source.finding(about, line)
