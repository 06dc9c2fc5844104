"""The rehearsal model: a policy over the real tools, without the framework."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from inverted_code_review.callers import Use
from inverted_code_review.collect import collect
from inverted_code_review.findings import FileFindings, Finding, Severity, Verdicts
from inverted_code_review.git import RepositoryError
from inverted_code_review.linters import run_checks, run_ruff
from inverted_code_review.prompts import judge_prompt, read_review, review_prompt
from inverted_code_review.rehearsal import policy
from inverted_code_review.signatures import definitions
from inverted_code_review.tools import Toolbox

if TYPE_CHECKING:
    from .conftest import Workshop


@dataclass
class Conversation:
    """Plays the server's side: serves the tool calls until the final answer."""

    tools: Toolbox
    turns: list[list[str]] = field(default_factory=list[list[str]])

    def review(self, prompt: str, most_turns: int = 6) -> FileFindings:
        named = {function.__name__: function for function in self.tools.functions()}
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": {"type": "text", "text": prompt}}
        ]
        for turn in range(1, most_turns + 1):
            answer = policy(
                {
                    "messages": messages,
                    "maxTokens": 100,
                    "tools": [{"name": name} for name in (*named, "final_response")],
                    "toolChoice": {"mode": "none" if turn == most_turns else "required"},
                }
            )
            assert answer["model"] == "rehearsal"
            if answer["stopReason"] == "endTurn":
                return FileFindings.model_validate_json(answer["content"]["text"])
            content: list[dict[str, Any]] = answer["content"]
            self.turns.append([block["name"] for block in content])
            if content[0]["name"] == "final_response":
                return FileFindings.model_validate(content[0]["input"])
            results: list[dict[str, Any]] = []
            for block in content:
                result: dict[str, Any] = {"type": "tool_result", "toolUseId": block["id"]}
                try:
                    value = named[block["name"]](**block["input"])
                except RepositoryError as error:
                    value, result["isError"] = str(error), True
                results.append({**result, "content": [{"type": "text", "text": _text(value)}]})
            messages.append({"role": "assistant", "content": content})
            messages.append({"role": "user", "content": results})
        raise AssertionError("no final answer")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return json.dumps(to_jsonable_python(value))


def _review(
    workshop: Workshop, path: str, most_turns: int = 6
) -> tuple[list[Finding], list[list[str]]]:
    changes = collect(str(workshop.path), "HEAD~1", "HEAD")
    place = (changes.root, changes.base, changes.head)
    linted = [f for f in [*run_ruff(*place), *run_checks(*place)] if f.file == path]
    change = next(change for change in changes.changes if change.path == path)
    talk = Conversation(Toolbox(*place))
    found = talk.review(review_prompt(changes, change, linted), most_turns)
    return found.findings, talk.turns


def _planted(workshop: Workshop) -> None:
    workshop.commit(
        {
            "shop/price.py": "def total(items, tax):\n    return sum(items) * tax\n",
            "shop/cart.py": "from shop.price import total\n\n\ndef pay(items):\n"
            "    return total(items, 1.2)\n",
        },
        "begin",
    )
    workshop.commit(
        {"shop/price.py": "def total(items, tax, currency):\n    return sum(items) * tax\n"}
    )


def test_a_changed_signature_with_a_stale_caller_is_found_through_the_tools(
    workshop: Workshop,
) -> None:
    _planted(workshop)
    findings, turns = _review(workshop, "shop/price.py")
    assert [(f.line, f.severity, f.title) for f in findings] == [
        (1, Severity.HIGH, "1 call(s) no longer fit the parameters of total")
    ]
    assert "`shop/cart.py:5` `return total(items, 1.2)`" in findings[0].explanation
    assert "last changed on 2026-01-02" in findings[0].explanation
    assert "does not pass currency" in findings[0].explanation
    assert findings[0].evidence == "def total(items, tax, currency):"
    assert turns == [["list_callers", "read_file"], ["blame", "read_file"], ["final_response"]]


def test_the_last_turn_is_answered_as_text_with_what_is_known(workshop: Workshop) -> None:
    _planted(workshop)
    findings, turns = _review(workshop, "shop/price.py", most_turns=2)
    assert len(findings) == 1
    assert "last changed" not in findings[0].explanation
    assert turns == [["list_callers", "read_file"]]


@pytest.mark.parametrize(
    "new",
    [
        "def total(items, tax, currency='EUR'):\n    return sum(items) * tax\n",
        "def total(items, tax, *, currency=None):\n    return sum(items) * tax\n",
        "def total(*items):\n    return sum(items)\n",
        "def total(items, tax):\n    return sum(items) + tax\n",
    ],
)
def test_a_caller_that_still_fits_is_not_reported(workshop: Workshop, new: str) -> None:
    _planted(workshop)
    workshop.git("reset", "-q", "--hard", "HEAD~1")
    workshop.commit({"shop/price.py": new})
    assert _review(workshop, "shop/price.py")[0] == []


def test_a_name_that_is_defined_twice_accuses_nobody(workshop: Workshop) -> None:
    _planted(workshop)
    workshop.commit({"other.py": "def total():\n    return 0\n"})
    workshop.git("reset", "-q", "--soft", "HEAD~2")
    workshop.commit({})
    assert _review(workshop, "shop/price.py")[0] == []


def test_a_removed_function_that_is_still_used_is_found(workshop: Workshop) -> None:
    _planted(workshop)
    workshop.commit({"shop/price.py": "def other():\n    return 1\n", "test_x.py": "other()\n"})
    findings, turns = _review(workshop, "shop/price.py")
    assert [(f.title, f.side, f.evidence) for f in findings] == [
        ("total was removed but is still used", "old", "def total(items, tax, currency):")
    ]
    assert "`shop/cart.py:5`" in findings[0].explanation
    assert {"list_callers", "search"} <= set(turns[0])


def test_a_deleted_file_is_inspected_too(workshop: Workshop) -> None:
    _planted(workshop)
    workshop.commit({"shop/price.py": None})
    findings, _ = _review(workshop, "shop/price.py")
    assert [f.title for f in findings] == ["total was removed but is still used"]


def test_a_new_function_that_no_test_names_is_a_remark(workshop: Workshop) -> None:
    workshop.commit({"tests/test_a.py": "from a import tested\n"})
    new = "def tested():\n    pass\n\n\ndef forgotten():\n    pass\n\n\ndef _private():\n    pass\n"
    workshop.commit({"a.py": new})
    findings, _ = _review(workshop, "a.py")
    assert [(f.title, f.severity) for f in findings] == [("No test names forgotten", Severity.INFO)]


def test_a_linter_finding_is_read_again_and_keeps_its_source(workshop: Workshop) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    workshop.commit({"a.py": "x = 1\ny = x == None\n"}, "compare")
    findings, turns = _review(workshop, "a.py")
    assert [(f.source, f.line) for f in findings] == [("ruff:E711", 2)]
    assert "Read again at this revision. It came with commit" in findings[0].explanation
    assert "(compare)" in findings[0].explanation
    assert turns[0] == ["read_file", "blame"]


def test_a_file_without_leads_gives_no_finding_and_calls_nothing(workshop: Workshop) -> None:
    workshop.commit({"a.md": "one\n"})
    workshop.commit({"a.md": "two\n"})
    assert _review(workshop, "a.md") == ([], [["final_response"]])


def test_a_failed_tool_call_supports_no_finding(workshop: Workshop) -> None:
    _planted(workshop)
    changes = collect(str(workshop.path), "HEAD~1", "HEAD")
    prompt = review_prompt(changes, changes.changes[0], [])
    broken = Conversation(Toolbox(changes.root, changes.base, changes.base))
    assert broken.review(prompt).findings == []  # the tools show another revision than the diff


def test_the_judge_drops_doubles_and_what_quotes_nothing(workshop: Workshop) -> None:
    workshop.commit({})
    changes = collect(str(workshop.path), "HEAD~1", "HEAD")
    one = Finding(
        file="a.py", line=1, severity=Severity.LOW, title="t", explanation="e", evidence="x"
    )
    doubled = one.model_copy(update={"explanation": "again"})
    other = one.model_copy(update={"line": 2})
    empty = one.model_copy(update={"line": 3, "evidence": " "})
    prompt = judge_prompt(changes, [one, doubled, other, empty])
    answer = policy(
        {
            "messages": [{"role": "user", "content": [{"type": "text", "text": prompt}]}],
            "tools": [{"name": "final_response"}],
        }
    )
    verdicts = Verdicts.model_validate(answer["content"][0]["input"])
    assert [(v.number, v.keep, v.reason) for v in verdicts.verdicts] == [
        (2, False, "the same as number 1"),
        (4, False, "it quotes no evidence"),
    ]


@pytest.mark.parametrize(
    "prompt", ["Write a poem.", "x\n\nThe facts:\n\n[1]", "x\n\nThe facts:\n\n{}", ""]
)
def test_the_prompt_of_another_server_is_refused(prompt: str) -> None:
    with pytest.raises(ValueError, match="only knows the prompts of the code-review server"):
        policy({"messages": [{"role": "user", "content": {"type": "text", "text": prompt}}]})


def test_a_prompt_is_read_back_as_it_was_written(workshop: Workshop) -> None:
    workshop.commit({"a.py": "".join(f"{n}\n" for n in range(40))})
    changed = "\n\x0codd\n@@\n" + "".join(f"{n}\n" for n in range(38)) + "end\n"
    workshop.commit({"a.py": changed, "b.py": "x = 1\n"})
    changes = collect(str(workshop.path), "HEAD~1", "HEAD")
    for change in changes.changes:
        read, _ = read_review(review_prompt(changes, change, []))
        assert read.lines("new") == change.lines("new")
        assert read.changed("old") == change.changed("old")


@pytest.mark.parametrize(
    ("header", "positional", "keywords", "reason"),
    [
        ("def f(a, b=1): ...", 1, (), ""),
        ("def f(a, b=1): ...", 0, ("a",), ""),
        ("def f(a, b=1): ...", 0, (), "it does not pass a"),
        ("def f(a): ...", 2, (), "it passes 2 positional arguments of at most 1"),
        ("def f(a): ...", 1, ("z",), "there is no parameter z"),
        ("def f(a, /, *rest, k, **more): ...", 3, ("k", "z"), ""),
        ("def f(a, *, k): ...", 1, (), "it does not pass k"),
        ("def f(\n    self,\n    a: int,\n) -> None:", 1, (), ""),
        ("async def f(cls, a): ...", 0, (), "it does not pass a"),
        ("class f(Base):", 9, (), ""),
    ],
)
def test_a_call_is_compared_with_the_parameters(
    header: str, positional: int, keywords: tuple[str, ...], reason: str
) -> None:
    lines = dict(enumerate(header.split("\n"), start=7))
    definition = definitions(lines)["f"]
    call = Use(
        file="a.py", line=1, text="f()", how="call", positional=positional, keywords=keywords
    )
    assert definition.misfit(call) == reason
    assert definition.misfit(call.model_copy(update={"spread": True})) == ""
    assert definition.line == 7


def test_a_definition_counts_only_when_its_header_is_complete() -> None:
    assert definitions({1: "def f(a,", 2: "    b"}) == {}
    assert definitions({1: "def f(a,", 5: "    b): ..."}) == {}
    assert definitions({1: "def f(): ...", 2: "def f(a): ..."}) == {}
