"""Checks that changed JSON, TOML and YAML files still parse.

Rules: a file that did not parse before is left alone (it is a template, or has comments); YAML is
only split into events, which builds no object and expands no alias.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast

import yaml

from inverted_code_review.findings import Severity
from inverted_code_review.linters.sources import Rule, Source

_BROKEN = Rule(
    "check:parse-error",
    Severity.HIGH,
    "The file does not parse",
    "A program that reads this file will fail.",
    "Correct the syntax.",
)
_WITH_COMMENTS = re.compile(r"(^|/)(tsconfig|jsconfig)[^/]*\.json$|(^|/)\.(vscode|devcontainer)/")


def data_does_not_parse(source: Source) -> Iterator[tuple[int, Rule]]:
    """Report a data file that the change broke, at the changed line nearest to the error.

    Args:
        source: A changed file.

    Yields:
        At most one line and rule.
    """
    parse = _PARSERS.get(source.path.rpartition(".")[2].lower())
    lines = source.added or source.change.lines("new")
    if parse is None or not source.new or not lines or _WITH_COMMENTS.search(source.path):
        return
    broken = parse(source.new)
    if broken and not (source.old and parse(source.old)):
        at, reason = broken
        yield min(lines, key=lambda line: abs(line - at)), _BROKEN.about(f"{reason} at line {at}")


def _json(text: str) -> tuple[int, str] | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.lineno, error.msg
    except RecursionError:
        return 1, "nested too deeply"
    return None


def _toml(text: str) -> tuple[int, str] | None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        return int(where[1]) if where else text.count("\n") + 1, str(error)
    except RecursionError:
        return 1, "nested too deeply"
    return None


def _yaml(text: str) -> tuple[int, str] | None:
    try:
        deque(_yaml_events(text, Loader=yaml.SafeLoader), maxlen=0)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return line, error.problem or "invalid YAML"
    except yaml.YAMLError as error:
        return 1, str(error)
    return None


# The type stub of PyYAML leaves this function's types open.
_yaml_events = cast("Callable[..., Iterator[object]]", yaml.parse)
_PARSERS: dict[str, Callable[[str], tuple[int, str] | None]] = {
    "json": _json,
    "toml": _toml,
    "yaml": _yaml,
    "yml": _yaml,
}
