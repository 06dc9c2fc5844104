"""What is shown of a change: a diff without values that may be secret, paths the short way."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, cast

from rich.text import Text

from inverted.cli.installing.edits import Data
from inverted.cli.text import clean

HIDDEN: Final = "•••"

_VARIABLES: Final = frozenset({"env", "envs", "headers", "http_headers"})
_TELLING: Final = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|PRIVATE", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"\$\{[^}]*\}|\$\w+")
_WIDE: Final = 60
_LONG: Final = 8  # shorter values are hidden beside their names only; they occur in other words


def looks_secret(name: str) -> bool:
    """Whether a variable of this name usually holds a secret."""
    return _TELLING.search(name) is not None


def short(path: Path) -> str:
    """A path with `~` for the home directory."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except ValueError:
        return str(path)


def diff(path: Path, before: str, after: str, shown: Iterable[str], data: Iterable[Data]) -> Text:
    """What changes, line by line, without the lines around.

    Args:
        path: The file.
        before: Its text.
        after: What becomes of it.
        shown: Variables whose values may be seen: those that the person typed for everybody.
        data: The configuration before and after, to know the values that may be secret.
    """
    hide = _hider({pair for each in data for pair in _variables(each)}, frozenset(shown))
    out = Text(f"--- {short(path)}\n+++ {short(path)}", "bold")
    for line in _changes(_lines(before), _lines(after)):
        style = {"+": "green", "-": "red"}.get(line[0], "cyan")
        out.append(f"\n{hide(clean(line))}", style)
    return out


def _changes(before: list[str], after: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, to, until in matcher.get_opcodes():
        if kind == "equal":
            continue
        gone, come = before[start:end], after[to:until]
        for number, (old, new) in enumerate(zip(gone, come, strict=False)):
            gone[number], come[number] = _changed_part(old, new)
        yield f"@@ line {to + 1} @@"
        yield from (f"-{line}" for line in gone)
        yield from (f"+{line}" for line in come)


def _changed_part(old: str, new: str) -> tuple[str, str]:
    """Of long lines only what changed: a configuration may be one line, with everything in it."""
    if len(old) <= _WIDE:
        return old, new
    start = _alike(old, new)
    old, new = old[start:], new[start:]
    end = _alike(old[::-1], new[::-1])
    return f"…{old[: len(old) - end]}…", f"…{new[: len(new) - end]}…"


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").splitlines()


def _variables(data: object, *, inside: bool = False) -> Iterator[tuple[str, str]]:
    """Every variable that some server is given, with its value."""
    if isinstance(data, dict):
        for key, value in cast("Data", data).items():
            if inside and isinstance(value, str):
                yield key, value
            else:
                yield from _variables(value, inside=key in _VARIABLES)
    elif isinstance(data, list):
        for each in cast("list[object]", data):
            yield from _variables(each)


def _hider(pairs: set[tuple[str, str]], shown: frozenset[str]) -> _Hider:
    return _Hider(
        [
            (key, value)
            for key, value in sorted(pairs, key=lambda pair: -len(pair[1]))
            if value and not _REFERENCE.fullmatch(value) and (key not in shown or looks_secret(key))
        ]
    )


class _Hider:
    """Takes values out of a line."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._beside = [
            re.compile(
                rf'("?{re.escape(key)}"?\s*[:=]\s*)"?(?:{re.escape(value)}|{re.escape(_inner(value))})"?'
            )
            for key, value in pairs
        ]
        lines = (line.strip() for _, value in pairs for line in value.splitlines())
        self._anywhere = [line for line in lines if len(line) >= _LONG]

    def __call__(self, line: str) -> str:
        for pattern in self._beside:
            line = pattern.sub(rf'\g<1>"{HIDDEN}"', line)
        for value in self._anywhere:
            line = line.replace(_inner(value), HIDDEN).replace(value, HIDDEN)
        return line


def _inner(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
