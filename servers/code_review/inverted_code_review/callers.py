"""Finds the uses of a symbol in the tree of a commit.

Rules: Python files are parsed (never imported), so a call is told from a mention and its arguments
are counted; every other language is searched for the word, and the result says so. Both match by
name alone: two methods of the same name in different classes are not told apart. `tools.py` offers
it to the model.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from pydantic import BaseModel, ConfigDict

from inverted_code_review.git import RepositoryError
from inverted_code_review.redaction import redact
from inverted_code_review.repository import Match, Repository, lines_of

LIMIT = 60
_PYTHON = (".py", ".pyi")


class Use(BaseModel):
    """One use of a symbol.

    Attributes:
        file: The file's path.
        line: The line, from 1.
        text: The line's text.
        how: `call`, `definition`, `import` and `mention` come from parsed Python; `word` is a line
            of another language (or of Python that does not parse) that contains the word.
        inside: The function or class around it, empty at the top level.
        positional: How many positional arguments a call has, `self` not counted.
        keywords: The names of a call's keyword arguments.
        spread: Whether a call passes `*` or `**`, so that its arguments are not known.
        method: Whether it is called on an object or defined in a class.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    text: str
    how: Literal["call", "definition", "import", "mention", "word"]
    inside: str = ""
    positional: int = 0
    keywords: tuple[str, ...] = ()
    spread: bool = False
    method: bool = False


class Uses(BaseModel):
    """The uses of a symbol.

    Attributes:
        symbol: The name that was looked for, without what stood before its last dot.
        uses: Where it is used, in the order of the files.
        cut: Whether there were more than are listed.
    """

    model_config = ConfigDict(frozen=True)

    symbol: str
    uses: tuple[Use, ...]
    cut: bool


def find_uses(repo: Repository, commit: str, symbol: str) -> Uses:
    """Find where a function, class or variable is used.

    Args:
        repo: The repository.
        commit: A full hash.
        symbol: Its name; of a dotted name only the last part counts.

    Returns:
        The uses.

    Raises:
        RepositoryError: It is not a name.
    """
    name = symbol.strip().removesuffix("()").rpartition(".")[2]
    if not name.isidentifier():
        raise RepositoryError(f"{symbol!r} is not a name. Give the name of a function or class.")
    matches, cut = repo.grep(commit, name, word=True, limit=1000)
    by_file: dict[str, list[Match]] = {}
    for match in matches:
        by_file.setdefault(match.file, []).append(match)
    every = (
        use for file, found in by_file.items() for use in _uses_in(repo, commit, file, name, found)
    )
    uses = list(islice(every, LIMIT + 1))  # no file is parsed beyond what is listed
    return Uses(symbol=name, uses=tuple(uses[:LIMIT]), cut=cut or len(uses) > LIMIT)


def _uses_in(
    repo: Repository, commit: str, file: str, name: str, found: list[Match]
) -> Iterator[Use]:
    if file.endswith(_PYTHON):
        try:
            text = repo.text(commit, file)
            tree = ast.parse(text)
        except (RepositoryError, SyntaxError, ValueError, RecursionError, MemoryError):
            pass  # too large, or no Python of this version: the word will do
        else:
            visitor = _Uses(file, name, lines_of(redact(text)))
            visitor.visit(tree)
            yield from sorted(visitor.found, key=lambda use: use.line)
            return
    for match in found:
        yield Use(file=file, line=match.line, text=redact(match.text.strip()), how="word")


class _Uses(ast.NodeVisitor):
    """Collects the uses of one name in one module."""

    def __init__(self, file: str, name: str, lines: list[str]) -> None:
        self.found: list[Use] = []
        self._file = file
        self._name = name
        self._lines = lines
        self._around: list[ast.AST] = []
        self._called: set[int] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._define(node, node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node, node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._define(node, node.name)

    def visit_Call(self, node: ast.Call) -> None:
        if _last_name(node.func) == self._name:
            self._called.add(id(node.func))
            starred = any(isinstance(argument, ast.Starred) for argument in node.args)
            named = [keyword.arg for keyword in node.keywords]
            self._add(
                Use(
                    file=self._file,
                    line=_line(node.func),
                    text="",
                    how="call",
                    positional=len(node.args),
                    keywords=tuple(name for name in named if name is not None),
                    spread=starred or None in named,
                    method=isinstance(node.func, ast.Attribute),
                ),
            )
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._mention(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._mention(node, node.attr)
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        if self._name in {node.name.rpartition(".")[2], node.asname}:
            self._add(Use(file=self._file, line=node.lineno, text="", how="import"))

    def _define(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, name: str
    ) -> None:
        if name == self._name:
            method = bool(self._around) and isinstance(self._around[-1], ast.ClassDef)
            use = Use(file=self._file, line=node.lineno, text="", how="definition", method=method)
            self._add(use)
        self._around.append(node)
        self.generic_visit(node)
        self._around.pop()

    def _mention(self, node: ast.expr, name: str) -> None:
        if name == self._name and id(node) not in self._called:
            self._add(Use(file=self._file, line=_line(node), text="", how="mention"))

    def _add(self, use: Use) -> None:
        inside = ".".join(str(getattr(around, "name", "")) for around in self._around)
        text = self._lines[use.line - 1].strip() if use.line <= len(self._lines) else ""
        self.found.append(use.model_copy(update={"inside": inside, "text": text}))


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _line(node: ast.expr) -> int:
    """The line of a name: of `a.b.c` the last part counts, which may stand on a later line."""
    return (node.end_lineno or node.lineno) if isinstance(node, ast.Attribute) else node.lineno
