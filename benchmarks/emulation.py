"""Calls read from a megabyte of a model's text: honest text, and text made to be slow."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from typing import Any, Final

from benchmarks.measure import Effort, in_turns
from benchmarks.rows import Goal, Row
from inverted.carriers.emulation import from_text
from inverted.core.effects import Json

SIZE: Final = 1_000_000
LINE: Final = 'A line of the file, with "quotes" and a \\ in it.\n'
GOAL: Final = Goal("ours", at_most=50)
PARAMS: Final[dict[str, Json]] = {
    "messages": [{"role": "user", "content": {"type": "text", "text": "Go on."}}],
    "tools": [{"name": "write", "inputSchema": {"type": "object"}}],
}
TAG: Final = "<tool_call>"
CALL: Final = TAG + '{"name": "write", "arguments": {"x": '

HOSTILE: Final[dict[str, tuple[str, str]]] = {
    "<": ("", "<"),
    "{": (TAG, "{"),
    "[ in an argument": (CALL, "["),
    "lists in lists": (CALL, '[{"a":'),
    "empty lists": (CALL + "[", "[],"),
    "empty strings": (CALL + "[[]" + ",[]" * 99, ',""'),
    "numbers": (CALL + "[[]" + ",[]" * 99, ",1.5"),
    "opening tags": ("", TAG),
    "opening tags in prose": ("", f"see {TAG} "),
    "opening tags in code": ("", f"```\nx{TAG}{{\n"),
    "half calls": ("", CALL + '"'),
    "backslashes in a string": (CALL + '"', "\\"),
    "unknown escapes": (CALL + '"', "\\d"),
    "double quotes": (CALL, '"'),
    "single quotes": (CALL, "'"),
    "broken tokens": (f"{TAG}{{'a':[", "1,"),
    "code fences": ("", "```\n"),
    "lone surrogates": ("", "\ud800"),
    "calls without end": ("", TAG + '{"name":"a"}'),
    "other tags": ("", "tool_call_2 <tool_call_3>"),
}
"""Kinds of text that a careless parser is slow at: how each begins, and what it repeats."""


def hostile(kind: str, size: int) -> str:
    """Text of a kind."""
    begin, unit = HOSTILE[kind]
    return (begin + unit * (size // len(unit) + 1))[:size]


def honest(size: int) -> str:
    """Prose, then calls that each write a file."""
    calls = max(1, size // 20_000)
    arguments = {"path": "a.md", "content": LINE * (size // calls // len(LINE))}
    call = json.dumps({"name": "write", "arguments": arguments})
    return "\n".join(["I write them all.", *[f"{TAG}\n{call}\n</tool_call>"] * calls])


def answer(said: str) -> dict[str, Any]:
    """The client's result with a text."""
    return {"role": "assistant", "content": {"type": "text", "text": said}, "model": "m"}


async def _read(said: str) -> float:
    given = answer(said)
    start = time.perf_counter()
    from_text(PARAMS, given)
    return (time.perf_counter() - start) * 1000


def rows(effort: Effort) -> list[Row]:
    """Milliseconds of honest text, and of the slowest hostile kind with the others beside."""
    size = effort.of(SIZE)
    sides = {kind: partial(_read, hostile(kind, size)) for kind in HOSTILE}
    sides["honest"] = partial(_read, honest(size))
    figures = asyncio.run(in_turns(sides, effort.part(0.25)))
    times = {kind: figures.median(kind) for kind in HOSTILE}
    beside = {f"{kind} (ms)": spent for kind, spent in times.items()}
    slowest = max(times.values())
    return [
        Row("1 MB of text with calls, read", "ms", figures.median("honest"), None, GOAL),
        Row("1 MB of hostile text, the slowest", "ms", slowest, None, GOAL, beside=beside),
    ]
