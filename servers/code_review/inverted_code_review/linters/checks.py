"""Checks of this server's own, over the changed lines of every kind of file. They execute nothing.

Each check is a function from a changed file to the rules that apply and the lines where they do;
`CHECKS` lists them. What ruff reports (bare `except`, mutable defaults, `breakpoint()` in Python
...) is not repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from inverted_code_review.findings import Finding, Severity
from inverted_code_review.linters.data_files import data_does_not_parse
from inverted_code_review.linters.sources import Rule, Source, few, sources
from inverted_code_review.redaction import secrets_in

MAX_SIZE = 1024 * 1024

_CONFLICT = Rule(
    "check:merge-conflict",
    Severity.HIGH,
    "Merge conflict marker committed",
    "A conflict of a merge was committed unresolved.",
    "Resolve the conflict and remove the markers.",
)
_SECRET = Rule(
    "check:secret",
    Severity.CRITICAL,
    "Secret committed",
    "The line looks like a credential. This report does not show it, but the history does.",
    "Revoke it, and take it from the environment or a secret store.",
)
_DEBUGGER = Rule(
    "check:debugger",
    Severity.LOW,
    "Debugging code left in",
    "The line prints or stops for a developer.",
    "Remove it, or use the project's logging.",
)
_TODO = Rule(
    "check:todo",
    Severity.INFO,
    "Note about unfinished work",
    "The change adds a note that something is left to do.",
    "Finish it, or file an issue and name it in the note.",
)
_LARGE = Rule(
    "check:large-file",
    Severity.LOW,
    "Large file added",
    "It stays in every clone for ever, also after it is deleted.",
    "Keep it outside of git, or in Git LFS.",
)
_TEST_REMOVED = Rule(
    "check:test-removed",
    Severity.MEDIUM,
    "Test removed",
    "No changed file has a test of that name any more.",
    "Say in the commit why the behaviour need not be tested.",
)

_MARKER = re.compile(r"(<{7}|>{7}|\|{7}) |={7}$")
_LEFTOVERS = {
    ("js", "jsx", "mjs", "cjs", "ts", "tsx", "vue", "svelte"): re.compile(
        r"^\s*debugger\s*;?\s*$|\bconsole\.(log|debug|trace)\("
    ),
    ("rb",): re.compile(r"\bbinding\.(pry|irb)\b|^\s*byebug\b"),
    ("php",): re.compile(r"\b(var_dump|dd)\("),
    ("rs",): re.compile(r"\bdbg!\("),
    ("java", "kt"): re.compile(r"\.printStackTrace\(\)"),
}
_NOTES = "TODO|FIXME|XXX|HACK"
_UNFINISHED = re.compile(rf"(?:#|//|/\*|<!--|--|^\s*\*).*?\b({_NOTES})\b")
_TEST_FILE = re.compile(r"(^|/)(tests?|__tests__|spec)/|(^|[/_.-])(test|spec)s?[_.-]|_test\.")
_TEST = re.compile(
    r"""^\s*(?:async\s+)?def\s+(test\w*)|^\s*(?:it|test)\(\s*["'`](.+?)["'`]|^func\s+(Test\w+)\("""
)


def run_checks(root: str, base: str, head: str) -> list[Finding]:
    """Run every check over the changed files.

    Args:
        root: The repository's directory.
        base: The commit before the change.
        head: The commit after it.

    Returns:
        The findings, in the order of the files.
    """
    files = list(sources(root, base, head))
    found = (
        source.finding(rule, line)
        for source in files
        for check in CHECKS
        for line, rule in check(source)
    )
    return [*few(found), *few(_removed_tests(files))]


def _conflicts(source: Source) -> Iterator[tuple[int, Rule]]:
    marked = {n: text for n, text in source.added.items() if _MARKER.match(text)}
    if any(not text.startswith("=") for text in marked.values()):  # `=======` may be a heading
        yield from ((line, _CONFLICT) for line in marked)


def _secrets(source: Source) -> Iterator[tuple[int, Rule]]:
    texts = source.new.split("\n")  # the hunks are redacted, the file itself is not
    for line in source.added:
        yield from ((line, _SECRET.about(format_)) for format_, _ in secrets_in(texts[line - 1]))


def _debugging(source: Source) -> Iterator[tuple[int, Rule]]:
    ending = source.path.rpartition(".")[2]
    for endings, pattern in _LEFTOVERS.items():
        if ending in endings:
            yield from ((n, _DEBUGGER) for n, text in source.added.items() if pattern.search(text))


def _unfinished(source: Source) -> Iterator[tuple[int, Rule]]:
    for line, text in source.added.items():
        if match := _UNFINISHED.search(text):
            yield line, _TODO.about(match[1])


def _large(source: Source) -> Iterator[tuple[int, Rule]]:
    if source.size > MAX_SIZE and not source.change.old:
        yield 1, _LARGE.about(f"{source.size / MAX_SIZE:.1f} MiB")


def _removed_tests(files: list[Source]) -> Iterator[Finding]:
    names = (_test_name(text) for source in files for text in source.added.values())
    still_there = {name for name in names if name}
    for source in files:
        if _TEST_FILE.search(source.path.lower()):
            for line, text in source.change.changed("old").items():
                name = _test_name(text)
                if name and name not in still_there:
                    yield source.finding(_TEST_REMOVED.about(name), line, "old")


def _test_name(text: str) -> str:
    match = _TEST.match(text)
    return next((name for name in match.groups() if name), "") if match else ""


CHECKS: tuple[Callable[[Source], Iterator[tuple[int, Rule]]], ...] = (
    _conflicts,
    _secrets,
    _debugging,
    data_does_not_parse,
    _large,
    _unfinished,
)
