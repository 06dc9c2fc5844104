"""The agent server: one agent, `review`, that owns the flow of a code review.

The body decides and waits; whatever touches git, the file system or a linter is a step, and the
tools of the model run as steps too. The order is: collect, lint, review each file in a branch of
its own (and ask the person meanwhile), judge, write the report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from fastmcp.tools import ToolResult

from inverted import (
    AcceptedElicitation,
    AgentServer,
    CapabilityError,
    ClientError,
    DeclinedElicitation,
    InvalidAnswerError,
    LimitExceeded,
    Run,
)
from inverted_code_review import __version__
from inverted_code_review.changes import Change, ChangeSet
from inverted_code_review.collect import collect
from inverted_code_review.findings import (
    DEFAULT_SEVERITY,
    MODEL,
    REHEARSAL,
    FileFindings,
    Finding,
    Removed,
    Severity,
    Skipped,
    ThresholdChoice,
    Verdicts,
)
from inverted_code_review.linters import run_checks, run_ruff
from inverted_code_review.prompts import JUDGE, REVIEWER, judge_prompt, review_prompt
from inverted_code_review.report import Threshold, assemble, by_weight
from inverted_code_review.tools import Toolbox
from inverted_code_review.verify import checked, judged

FILES_AT_ONCE = 16
MAX_TOKENS = 8000
MAX_JUDGED = 100
LINTERS_ONLY = "Only the linters looked at the change, as the caller asked: no model reviewed it."
# Clients end a call of 2026-07-28 after ten rounds. Questions that are asked together share one,
# so a batch of files needs as many rounds as its longest branch has turns.
REVIEW_ROUNDS = 7
JUDGE_TURNS = 2

server = AgentServer(
    "code-review",
    version=__version__,
    instructions="Reviews the changes between two revisions of a git repository on this machine. "
    "It only reads. It asks a model to review, which is yours, and the person for a threshold.",
)


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the review contributes to the report: a file, or the judging pass."""

    findings: Sequence[Finding] = ()
    removed: Sequence[Removed] = ()
    skipped: Sequence[Skipped] = ()
    models: Sequence[str] = ()
    notes: Sequence[str] = ()


@server.agent(title="Review a change", annotations={"readOnlyHint": True})
async def review(  # noqa: PLR0917 - they are the arguments of the tool
    run: Run,
    repository: str = ".",
    base: str = "HEAD~1",
    head: str = "HEAD",
    min_severity: Severity | None = None,
    linters_only: bool = False,  # noqa: FBT001, FBT002 - the same
) -> ToolResult:
    """Review the changes between two revisions of a git repository.

    Linters and a model look at each changed file; the model may read, search and blame.
    Findings whose evidence is not in the change are taken out, then a judging pass removes weak
    and duplicate ones. The report comes as Markdown and as SARIF.

    Args:
        run: The run.
        repository: Path of a git repository on the server's machine.
        base: Revision before the change; a branch is compared from where the head left it.
        head: Revision after the change.
        min_severity: Report findings from this severity on; the person is asked if it is missing.
        linters_only: Ask no model.

    Returns:
        The report as Markdown, with a `ReviewReport` as the structured content.
    """
    changes = await run.step(collect, repository, base, head)
    linted, notes = await _lint(run, changes)
    threshold, reviews = cast(
        "tuple[Threshold, list[Part]]",
        await run.gather(
            _threshold(run, min_severity, changes),
            _review_files(run, changes, linted, by_model=not linters_only),
        ),
    )
    findings = by_weight([finding for each in reviews for finding in each.findings])
    if linters_only:
        judgement = Part(findings=findings, notes=[LINTERS_ONLY])
    else:
        judgement = await _judge(run, changes, findings)
    total = len(changes.changes) + 1
    await run.report_progress(total, total, "judged the findings")
    parts = (*reviews, judgement)
    report = assemble(
        changes,
        judgement.findings,
        threshold=threshold,
        removed=[removed for part in parts for removed in part.removed],
        skipped=[skipped for part in parts for skipped in part.skipped],
        models=list(dict.fromkeys(model for part in parts for model in part.models)),
        notes=list(dict.fromkeys([*notes, *(note for part in parts for note in part.notes)])),
    )
    return ToolResult(content=report.markdown, structured_content=report)


async def _lint(run: Run, changes: ChangeSet) -> tuple[list[Finding], list[str]]:
    """Run the linters side by side; one that fails is noted, the review goes on."""
    place = (changes.root, changes.base, changes.head)
    results = await run.gather(
        run.step(run_ruff, *place), run.step(run_checks, *place), return_exceptions=True
    )
    findings = [
        finding for result in results if not isinstance(result, Exception) for finding in result
    ]
    return findings, [str(result) for result in results if isinstance(result, Exception)]


async def _threshold(run: Run, given: Severity | None, changes: ChangeSet) -> Threshold:
    if given is not None:
        return Threshold(given, "as the caller asked")
    if not changes.changes:
        return Threshold(DEFAULT_SEVERITY, "the default")
    try:
        answer = await run.elicit("Report findings from which severity on?", ThresholdChoice)
    except (CapabilityError, ClientError, InvalidAnswerError):
        return Threshold(DEFAULT_SEVERITY, "the default, as nobody could be asked")
    match answer:
        case AcceptedElicitation(data=choice):
            return Threshold(choice.severity, "as the person chose")
        case DeclinedElicitation():
            return Threshold(DEFAULT_SEVERITY, "the default, as the person declined to choose")
        case _:
            return Threshold(DEFAULT_SEVERITY, "the default, as the person closed the question")


async def _review_files(
    run: Run, changes: ChangeSet, linted: Sequence[Finding], *, by_model: bool
) -> list[Part]:
    """Review every file in a branch of its own."""
    turns = turns_for(sum(not change.skipped for change in changes.changes))
    done = 0

    async def one(change: Change) -> Part:
        nonlocal done
        known = [finding for finding in linted if finding.file == change.path]
        if not by_model:
            outcome = Part(findings=known)
        elif change.skipped:
            skipped = Skipped(file=change.path, reason=change.skipped)
            outcome = Part(findings=known, skipped=[skipped])
        else:
            outcome = await _review_file(run, changes, change, known, max_turns=turns)
        done += 1
        await run.report_progress(done, len(changes.changes) + 1, f"reviewed {change.path}")
        return outcome

    return await run.map(one, changes.changes, limit=FILES_AT_ONCE)


async def _review_file(
    run: Run, changes: ChangeSet, change: Change, linted: list[Finding], *, max_turns: int
) -> Part:
    """Let the model review one file, with tools; what it cannot show is taken out."""
    tools = Toolbox(changes.root, changes.base, changes.head).functions()
    try:
        answer = await run.sample(
            review_prompt(changes, change, linted),
            system_prompt=REVIEWER,
            max_tokens=MAX_TOKENS,
            tools=tools,
            result_type=FileFindings,
            tool_concurrency=0,
            max_turns=max_turns,
        )
    except (ClientError, InvalidAnswerError, LimitExceeded) as error:
        failed = Skipped(file=change.path, reason=f"the model's review failed: {error}")
        return Part(findings=linted, skipped=[failed])
    source = REHEARSAL if answer.model == REHEARSAL else MODEL
    kept, removed = checked(answer.result.findings, change, linted, source)
    return Part(findings=kept, removed=removed, models=[answer.model])


async def _judge(run: Run, changes: ChangeSet, findings: list[Finding]) -> Part:
    """Let the model remove weak and duplicate findings; without a verdict all stay."""
    judgeable, rest = findings[:MAX_JUDGED], findings[MAX_JUDGED:]
    if not judgeable:
        return Part(findings=rest)
    try:
        answer = await run.sample(
            judge_prompt(changes, judgeable),
            system_prompt=JUDGE,
            max_tokens=MAX_TOKENS,
            result_type=Verdicts,
            max_turns=JUDGE_TURNS,
        )
    except (CapabilityError, ClientError, InvalidAnswerError, LimitExceeded) as error:
        note = f"There was no judging pass, so every finding is kept: {error}"
        return Part(findings=findings, notes=[note])
    kept, removed = judged(judgeable, answer.result)
    return Part(findings=[*kept, *rest], removed=removed, models=[answer.model])


def turns_for(files: int) -> int:
    """How many turns the model may take for each file, so that all fits into the rounds."""
    batches = max(1, math.ceil(files / FILES_AT_ONCE))
    return max(2, min(6, REVIEW_ROUNDS // batches))
