"""Reads Python definitions out of one side of a diff, and tells whether a call fits one.

A definition counts only when its whole header is in the diff. Used by the rehearsal model.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inverted_code_review.callers import Use

_START = re.compile(r"(\s*)(?:async\s+def|def|class)\s+(\w+)")
_MAX_HEADER = 30


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class whose header is in the diff.

    Args:
        name: Its name.
        line: The line of `def` or `class`.
        text: That line.
        top: Whether it stands at the top level of its module.
        arguments: The parameters of a function, None for a class.
    """

    name: str
    line: int
    text: str
    top: bool
    arguments: ast.arguments | None

    def same_parameters(self, other: Definition) -> bool:
        """Whether both take the same parameters, defaults included."""
        mine, theirs = (
            ast.dump(definition.arguments) if definition.arguments else ""
            for definition in (self, other)
        )
        return mine == theirs

    def misfit(self, call: Use) -> str:
        """Tell why a call does not fit the parameters; empty if it fits or cannot be told."""
        if self.arguments is None or call.spread:
            return ""
        positional = [*self.arguments.posonlyargs, *self.arguments.args]
        if positional and positional[0].arg in {"self", "cls"}:
            positional = positional[1:]
        names = [parameter.arg for parameter in positional]
        optional = names[len(names) - len(self.arguments.defaults) :]
        only = [parameter.arg for parameter in self.arguments.kwonlyargs]
        demanded = [
            name for name, value in zip(only, self.arguments.kw_defaults, strict=True) if not value
        ]
        given = {*names[: call.positional], *call.keywords}
        missing = [
            name
            for name in [*names, *demanded]
            if name not in given and (name in demanded or name not in optional)
        ]
        unknown = [name for name in call.keywords if name not in {*names, *only}]
        if missing:
            return f"it does not pass {', '.join(missing)}"
        if call.positional > len(names) and not self.arguments.vararg:
            return f"it passes {call.positional} positional arguments of at most {len(names)}"
        if unknown and not self.arguments.kwarg:
            return f"there is no parameter {', '.join(unknown)}"
        return ""


def definitions(lines: Mapping[int, str]) -> dict[str, Definition]:
    """Find the definitions in some lines of a module.

    Args:
        lines: The lines by their number.

    Returns:
        The definitions by name; a name that is defined twice is left out.
    """
    found: dict[str, Definition] = {}
    twice: set[str] = set()
    for definition in _definitions(lines):
        if definition.name in found:
            twice.add(definition.name)
        found[definition.name] = definition
    return {name: found[name] for name in found if name not in twice}


def _definitions(lines: Mapping[int, str]) -> Iterator[Definition]:
    for number, text in lines.items():
        start = _START.match(text)
        if start is None:
            continue
        for end in range(number, number + _MAX_HEADER):
            if end not in lines:
                break
            header = "\n".join(lines[n] for n in range(number, end + 1))
            node = _parsed(header)
            if node is not None:
                arguments = None if isinstance(node, ast.ClassDef) else node.args
                yield Definition(start[2], number, text.strip(), not start[1], arguments)
                break


def _parsed(header: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
    for body in ("", "\n    pass"):
        try:
            node = ast.parse(textwrap.dedent(header) + body).body[0]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return node
    return None
