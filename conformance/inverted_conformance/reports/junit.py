"""A run as JUnit XML, in the part of the format that GitHub, GitLab and Jenkins all read.

A suite in a revision is a `testsuite`, a scenario a `testcase`. What is not offered is skipped,
and so is an expected failure, each with its reason. Warnings stand in `system-out`.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from inverted_conformance.expected import Judgement
from inverted_conformance.reports.again import Again
from inverted_conformance.reports.plain import visible, visible_lines
from inverted_conformance.reports.tally import Shortfall, by_group, shortfalls
from inverted_conformance.verdicts import Result, Status


def junit(judgement: Judgement, *, again: Again) -> str:
    """The document.

    Args:
        judgement: The run.
        again: The command that runs a scenario again.
    """
    report = judgement.report
    root = Element("testsuites", {"name": f"MCP conformance of the {report.role}"})
    failing = {result.id for result in judgement.failed}
    for group, wire in by_group(report):
        suite = SubElement(root, "testsuite", {"name": visible(f"{wire} {group}")})
        mine = [r for r in report.results if (r.scenario.group, r.wire) == (group, wire)]
        for result in mine:
            _case(suite, judgement, result, again if result.id in failing else None)
        _count(suite, sum(result.seconds for result in mine))
    if judgement.stale:
        suite = SubElement(root, "testsuite", {"name": "expected failures"})
        for sentence in judgement.stale:
            case = SubElement(suite, "testcase", {"classname": "expected", "name": "stale entry"})
            SubElement(case, "failure", {"message": visible(sentence)})
        _count(suite, 0)
    _count(root, report.seconds)
    indent(root)
    return tostring(root, "utf-8", xml_declaration=True).decode() + "\n"


def _case(suite: Element, judgement: Judgement, result: Result, again: Again | None) -> None:
    case = SubElement(
        suite,
        "testcase",
        {
            "classname": visible(f"{judgement.report.role}.{result.wire}.{result.scenario.group}"),
            "name": visible(result.id),
            "time": f"{result.seconds:.3f}",
        },
    )
    said = [_told(short) for short in shortfalls([result])]
    if again is not None:
        failure = SubElement(case, "failure", {"message": _first(result), "type": result.status})
        failure.text = "\n\n".join([*said, f"again: {visible(again(result))}"])
        return
    if result.not_offered is not None:
        SubElement(case, "skipped", {"message": visible(f"not offered: {result.not_offered}")})
    elif result.id in judgement.excused:
        why = visible(f"expected to fail: {judgement.excused[result.id]}")
        SubElement(case, "skipped", {"message": why})
    if said:
        SubElement(case, "system-out").text = "\n\n".join(said)


def _first(result: Result) -> str:
    """The worst of what was seen, in a line."""
    shorts = sorted(shortfalls([result]), key=lambda short: short.status is not Status.FAILED)
    return visible(shorts[0].finding.detail) if shorts else str(result.status)


def _told(short: Shortfall) -> str:
    requirement = short.requirement
    seen = "\n".join(visible_lines(f"{short.status}: {short.finding.detail}"))
    if requirement is None:
        return seen
    return f"{seen}\n{requirement.level}: {requirement.sense}\n{requirement.url}"


def _count(element: Element, seconds: float) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    element.set("errors", "0")
    element.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    element.set("time", f"{seconds:.3f}")
