"""What the rehearsal model looks for, each as one function over the diff and the tools.

An inspection yields a finding only from what the tools returned and the diff shows; as long as an
answer is missing it yields nothing. `rehearsal.py` calls `inspect` in each turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inverted_code_review.callers import Use
from inverted_code_review.changes import Change
from inverted_code_review.desk import Desk
from inverted_code_review.findings import Finding, Severity
from inverted_code_review.signatures import Definition, definitions

MAX_LEADS = 5
MAX_SHOWN = 3
_TEST_PATH = re.compile(r"(^|/)(tests?|conftest\.py)(/|$)|(^|/)test_|_test\.")


def inspect(change: Change, linted: Sequence[Finding], desk: Desk) -> Iterator[Finding]:
    """Run every inspection.

    Args:
        change: The changed file.
        linted: What the linters found in it.
        desk: Where the tools are asked.

    Yields:
        The findings that the answers so far support.
    """
    yield from stale_callers(change, desk)
    yield from dangling_uses(change, desk)
    yield from untested_functions(change, desk)
    yield from confirmed_lint(change, linted, desk)


def stale_callers(change: Change, desk: Desk) -> Iterator[Finding]:
    """Find calls that fitted the old parameters of a function and do not fit the new ones."""
    before, after = _both_sides(change)
    changed = [
        (before[name], new)
        for name, new in after.items()
        if name in before and new.arguments and not new.same_parameters(before[name])
    ]
    for old, new in changed[:MAX_LEADS]:
        uses = desk.uses(new.name)
        there = desk.line(change.path, new.line)
        if uses is None or there is None or _defined(uses.uses) > 1:
            continue  # with several definitions of the name, nobody can tell whose call it is
        stale = [
            (use, new.misfit(use))
            for use in uses.uses
            if use.how == "call" and new.misfit(use) and not old.misfit(use)
        ]
        if stale and new.text in there:
            shown = [f"- {_told(use, desk)}: {reason}" for use, reason in stale[:MAX_SHOWN]]
            more = f"\n- and {len(stale) - MAX_SHOWN} more" if len(stale) > MAX_SHOWN else ""
            yield Finding(
                file=change.path,
                line=new.line,
                severity=Severity.HIGH,
                title=f"{len(stale)} call(s) no longer fit the parameters of {new.name}",
                explanation="The parameters changed, but these calls fit only the old ones:\n"
                + "\n".join(shown)
                + more,
                suggestion="Change these calls too, or give the new parameter a default.",
                evidence=new.text,
            )


def dangling_uses(change: Change, desk: Desk) -> Iterator[Finding]:
    """Find uses of a function or class that the change removed."""
    before, after = _both_sides(change)
    gone = [old for name, old in before.items() if name not in after and old.top]
    removed = change.changed("old")
    for old in [old for old in gone if old.line in removed][:MAX_LEADS]:
        uses = desk.uses(old.name)
        named = desk.search(old.name, "*.py")
        if uses is None or named is None or _defined(uses.uses):
            continue
        left = [use for use in uses.uses if use.how in {"call", "import", "mention"}]
        shown = [use for use in left if any(use.line == m.line for m in named.matches)]
        if shown:
            yield Finding(
                file=change.path,
                line=old.line,
                side="old",
                severity=Severity.HIGH,
                title=f"{old.name} was removed but is still used",
                explanation="No definition of it is left in the tree, and these lines use it:\n"
                + "\n".join(f"- {_told(use, desk)}" for use in shown[:MAX_SHOWN]),
                suggestion="Change these lines too, or keep the old name as an alias.",
                evidence=old.text,
            )


def untested_functions(change: Change, desk: Desk) -> Iterator[Finding]:
    """Find new public functions that no test names."""
    if _TEST_PATH.search(change.path):
        return
    before, after = _both_sides(change)
    added = change.changed("new")
    new = [
        definition
        for name, definition in after.items()
        if name not in before and definition.top and definition.line in added and name[0] != "_"
    ]
    unnamed: list[Definition] = []
    for definition in new[:MAX_LEADS]:
        named = desk.search(definition.name)
        if named and not named.cut and not any(_TEST_PATH.search(m.file) for m in named.matches):
            unnamed.append(definition)
    if unnamed:
        names = ", ".join(definition.name for definition in unnamed)
        yield Finding(
            file=change.path,
            line=unnamed[0].line,
            severity=Severity.INFO,
            title=f"No test names {names}",
            explanation="A search of the whole tree found the name in no test file.",
            suggestion="Add a test, if no other test reaches it.",
            evidence=unnamed[0].text,
        )


def confirmed_lint(change: Change, linted: Sequence[Finding], desk: Desk) -> Iterator[Finding]:
    """Read the line of each linter finding; say who is responsible for it when it is there."""
    for finding in linted[:MAX_LEADS]:
        old = finding.side == "old"
        path = (change.old_path or change.path) if old else change.path
        there = desk.line(path, finding.line, base=old)
        origin = None if old else desk.blame(path, finding.line)
        if there is None or finding.evidence not in there:
            continue
        whose = f" It came with commit {origin.commit} ({origin.summary})." if origin else ""
        yield finding.model_copy(
            update={"explanation": f"{finding.explanation} Read again at this revision.{whose}"}
        )


def _both_sides(change: Change) -> tuple[dict[str, Definition], dict[str, Definition]]:
    """The Python definitions before and after, by name."""
    if not change.path.endswith((".py", ".pyi")):
        return {}, {}
    return definitions(change.lines("old")), definitions(change.lines("new"))


def _defined(uses: Sequence[Use]) -> int:
    return sum(use.how == "definition" for use in uses)


def _told(use: Use, desk: Desk) -> str:
    """A use with its place, and with its last commit when blame was told."""
    origin = desk.blame(use.file, use.line)
    desk.line(use.file, use.line)
    since = f" (last changed on {origin.date} in {origin.commit})" if origin else ""
    return f"`{use.file}:{use.line}` `{use.text}`{since}"
