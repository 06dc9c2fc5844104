"""Tools emulated in text: what the model's words are read as."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inverted.carriers.emulation import INVALID, from_text

from .emulated import (
    IMAGE,
    SEARCH,
    assistant,
    calls,
    problem,
    read,
    request,
    result,
    said,
    text,
    use,
    user,
)


def test_text_before_the_calls_stays_and_what_is_between_and_after_them_goes() -> None:
    words = f"I look.\n\n{SEARCH}\nand\n{SEARCH}\n<tool_response>made up</tool_response>"
    answer = from_text(request(), said(words))
    assert answer["content"] == [text("I look."), use(1, query="tea"), use(2, query="tea")]
    assert answer["stopReason"] == "toolUse"
    assert (answer["role"], answer["model"]) == ("assistant", "m")


@pytest.mark.parametrize(
    "words",
    [
        "Just an answer.",
        '{"name": "search", "arguments": {}}',
        "I would use the <tool_call> tag, and close it with </tool_call>.",
        'Write `<tool_call>{"name": "now"}</tool_call>` and it is called.',
        'As code:\n```python\nX = """\n<tool_call>{"name": "now"}</tool_call>\n"""\n```\nSo.',
        '```\nfirst\n<tool_call>\n{"name": "now"}\n</tool_call>\n<tool_call>\n{}\n```',
        "",
    ],
)
def test_an_answer_that_calls_nothing_is_left_as_it_is(words: str) -> None:
    answer = said(words)
    assert from_text(request(), answer) is answer


ONE_CALL: dict[str, str] = {
    "as told": SEARCH,
    "after text": f"So: {SEARCH}",
    "a fence around": f"```xml\n{SEARCH}\n```",
    "a fence on its line": f"```{SEARCH}```",
    "a fence within": '<tool_call>\n```json\n{"name":"search","arguments":{"query":"tea"}}\n```\n'
    "</tool_call>",
    "a code block before": f"```py\nx\n```\n{SEARCH}",
    "an open code block before": f"```py\nx\n{SEARCH}",
    "a backtick": f"`{SEARCH}`",
    "no closing tag": SEARCH.removesuffix("</tool_call>"),
    "no closing tag, then words": SEARCH.replace("</tool_call>", "I wait."),
    "a start tag twice": f"<tool_call>\n{SEARCH}",
    "input": SEARCH.replace("arguments", "input"),
    "parameters": SEARCH.replace("arguments", "parameters"),
    "args, tool": SEARCH.replace("arguments", "args").replace('"name"', '"tool"'),
    "as OpenAI": '<tool_call>{"id":"x","type":"function","function":{"name":"search",'
    '"arguments":"{\\"query\\": \\"tea\\"}"}}</tool_call>',
    "as Anthropic": '<tool_call>{"type":"tool_use","id":"x","name":"search","input":'
    '{"query":"tea"}}</tool_call>',
    "a list": '<tool_call>[{"name":"search","arguments":{"query":"tea"}}]</tool_call>',
    "trailing commas": '<tool_call>{"name":"search","arguments":{"query":"tea",},}</tool_call>',
    "a missing bracket": '<tool_call>{"name":"search","arguments":{"query":"tea"}</tool_call>',
    "a missing bracket after a comma": '<tool_call>{"name":"search","arguments":{"query":"tea",'
    "</tool_call>",
    "a bracket too many": '<tool_call>{"name":"search","arguments":{"query":"tea"}}}</tool_call>',
    "single quotes": "<tool_call>{'name': 'search', 'arguments': {'query': 'tea'}}</tool_call>",
    "curly quotes": "<tool_call>{“name”: “search”, “arguments”: {“query”: “tea”}}</tool_call>",
    "keys without quotes": '<tool_call>{name: "search", arguments: {query: "tea"}}</tool_call>',
}


@pytest.mark.parametrize("words", ONE_CALL.values(), ids=ONE_CALL.keys())
def test_a_call_is_read_however_models_write_it(words: str) -> None:
    assert calls(words) == [("search", {"query": "tea"})]


@pytest.mark.parametrize(
    ("words", "before"),
    [
        (f"So:\n```xml\n{SEARCH}\n```", "So:"),
        (f"So:\n```{SEARCH}```", "So:"),
        (f"So:\n`{SEARCH}`", "So:"),
        (f"```py\nx\n```\n{SEARCH}", "```py\nx\n```"),
        (f"```py\nx\n{SEARCH}", "```py\nx"),
    ],
)
def test_a_fence_around_calls_is_no_text(words: str, before: str) -> None:
    assert read(words) == [text(before), use(1, query="tea")]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"two\nlines\tand"', "two\nlines\tand"),
        (r'"\d+ \w \'x\' C:\\temp"', r"\d+ \w 'x' C:\temp"),
        (r"""'it\'s "quoted" \n'""", 'it\'s "quoted" \n'),
        (r"""'already \"quoted\"'""", 'already "quoted"'),
        ('“says "hi"”', 'says "hi"'),
        ("\u2018so\u2019", "so"),
        ("[True, False, None, 1.5e3, -2,]", [True, False, None, 1500.0, -2]),
        ("{a: 1, 'b': [], }", {"a": 1, "b": []}),
        ('"</tool_call> and <tool_call>{}"', "</tool_call> and <tool_call>{}"),
        ("'</tool_call> and <tool_call>{}'", "</tool_call> and <tool_call>{}"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"lone \ud800"', "lone ?"),
        ('"Infinity", ', "Infinity"),
    ],
)
def test_a_value_is_repaired_where_its_meaning_is_certain(written: str, value: Any) -> None:
    words = f'<tool_call>{{"name": "now", "arguments": {{"x": {written}}}}}</tool_call>'
    assert calls(words) == [("now", {"x": value})]


@pytest.mark.parametrize("given", ["", ', "arguments": null', ', "arguments": ""', ', "args": {}'])
def test_a_tool_may_be_called_without_arguments(given: str) -> None:
    assert calls(f'<tool_call>{{"name": "now"{given}}}</tool_call>') == [("now", {})]


def test_several_calls_may_stand_between_one_pair_of_tags() -> None:
    both = '{"name": "now"}\n{"name": "search", "arguments": {"query": "a"}}'
    expected: list[Any] = [("now", {}), ("search", {"query": "a"})]
    assert calls(f"<tool_call>{both}</tool_call>") == expected
    assert calls(f"<tool_call>[{both.replace(chr(10), ',')}]</tool_call>") == expected


def test_several_calls_may_stand_in_one_code_block() -> None:
    assert read(f"So:\n```\n{SEARCH}\n{SEARCH}\n```") == [
        text("So:"),
        use(1, query="tea"),
        use(2, query="tea"),
    ]


def test_a_name_that_is_no_tool_stays_a_call() -> None:
    assert calls('<tool_call>{"name": "fly"}</tool_call>') == [("fly", {})]


def test_ids_go_on_from_those_of_the_conversation() -> None:
    history = [user(text("go")), assistant(use(1), use(3)), user(result(1), result(3))]
    words = f"{SEARCH}\n{SEARCH}"
    assert [block["id"] for block in read(words, *history)] == ["call_4", "call_5"]
    taken = [assistant(use(4)), user(result(4))]
    assert [block["id"] for block in read(words, *taken)] == ["call_2", "call_3"]
    assert [block["id"] for block in read(words, assistant(use(2)))] == ["call_3", "call_4"]


def test_content_that_is_no_text_is_kept_beside_the_calls() -> None:
    content = [text("I look."), IMAGE, text(SEARCH)]
    assert read(content) == [text("I look."), IMAGE, use(1, query="tea")]


def test_lone_surrogates_are_replaced_in_text_that_calls_nothing() -> None:
    assert read("a\ud800b") == [text("a?b")]


def test_with_choice_none_a_call_is_left_out_beside_text_and_stays_text_alone() -> None:
    assert read(f"So.\n{SEARCH}", choice="none") == [text("So.")]
    assert read(SEARCH, choice="none") == text(SEARCH)
    answer = from_text(request(choice="none"), said(f"So.\n{SEARCH}"))
    assert answer["stopReason"] == "endTurn"


# --- what cannot be read


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "it is no JSON object"),
        ("search(query='tea')", "it is no JSON object"),
        ("[]", "it is no JSON object"),
        ("[1]", "it is no JSON object"),
        ("{}", 'it has no "name"'),
        ('{"name": ""}', 'it has no "name"'),
        ('{"name": 5}', 'it has no "name"'),
        ('{"name": "search", "query": "tea"}', 'its arguments belong into "arguments"'),
        ('{"name": "search", "arguments": ["tea"]}', 'its "arguments" are no JSON object'),
        ('{"name": "search", "arguments": "tea"}', 'its "arguments" are no JSON object'),
        ('{"name": "search", "arguments": "{} x"}', 'its "arguments" are no JSON object'),
        ('{"name": "invalid_tool_call"}', "invalid_tool_call is no tool"),
        ('{"name": "a", "arguments": {"x": NaN}}', "NaN is no JSON"),
        ('{"name": "a", "arguments": {"x": 1e999}}', "a number is too large"),
        ('{"name": "a", "arguments": {"x": %s}}' % ("9" * 5000), "a number is too large"),
        ('{"name": "a", "arguments": {"x": "say "hi" now"}}', "at '"),
        ('{"name": "a", "arguments": {"x": [1 2]}}', "at '"),
        ('{"name": "a", "arguments": {"x": 1] }', "at '"),
        ('{"name": "a", "arguments": {"x": @}}', "it breaks at '"),
        ('{"name": "a", "arguments": {"x": "half', "it is cut off"),
        ('{"name": "a", ' + " " * 40_000 + "}", "too long to be repaired"),
        ('{"name": "a", "arguments": {"x": %s}}' % ("[" * 64 + "]" * 64), "deeper than 64 levels"),
        ('{"name": "a", "arguments": {"x": %s}}' % ("[" * 9000 + "]" * 9000), "deeper than 64"),
        ('{"name": "a", "arguments": {"x": [%s]}}' % ("[]," * 20_000), "more than 20000 objects"),
    ],
    ids=range(24),
)
def test_what_cannot_be_read_becomes_a_call_that_says_why(body: str, reason: str) -> None:
    words = f"<tool_call>{body}</tool_call>"
    told = problem(words)
    assert reason in told
    assert told.endswith('Write one JSON object with "name" and "arguments" between the tags.')
    (block,) = read(words)
    assert len(block["input"]["text"]) <= 500
    assert len(told) < 250


@pytest.mark.parametrize("depth", [60, 62])
def test_arguments_may_nest_and_hold_brackets_in_strings(depth: int) -> None:
    nested = "[" * depth + r'"[[[\"[[[\\"' + "]" * depth
    ((_, given),) = calls(f'<tool_call>{{"name": "a", "arguments": {{"x": {nested}}}}}</tool_call>')
    assert json.dumps(given["x"]) == nested


def test_many_brackets_in_strings_are_no_many_lists() -> None:
    code = "if (a[0]) { b[1] = {}; }\n" * 10_000
    written = json.dumps({"name": "write", "arguments": {"x": code, "y": "1e999 Infinity"}})
    assert calls(f"<tool_call>{written}</tool_call>")[0][1]["x"] == code


def test_calls_before_an_unreadable_one_count_and_nothing_after_it() -> None:
    broken = '<tool_call>{"name": "a", "arguments": {"x": "a "b" <tool_call>{}"}}</tool_call>'
    names = [name for name, _ in calls(f"{SEARCH}\n{broken}\n{SEARCH}")]
    assert names == ["search", INVALID]
    empty = '<tool_call>{"name": ""}</tool_call>'
    names = [name for name, _ in calls(f"{SEARCH}\n{empty}\n{SEARCH}")]
    assert names == ["search", INVALID, "search"]


def test_a_call_that_was_cut_off_at_the_token_limit_is_told_so() -> None:
    words = '<tool_call>{"name": "a", "arguments": {"x": "half'
    assert problem(words, stopReason="maxTokens").endswith("token limit: write a shorter one.")


def test_more_calls_than_fit_are_refused_in_one() -> None:
    found = calls(f"{SEARCH}\n" * 150)
    assert len(found) == 101
    assert found[-1][0] == INVALID
    assert "Only 100 calls fit" in found[-1][1]["problem"]


def test_an_answer_without_a_call_where_one_is_required_is_kept_and_told() -> None:
    words = "The answer is 4. " * 100
    content = read(words, choice="required")
    assert content == [text(words), use(1, INVALID, **content[1]["input"])]
    assert content[1]["input"] == {
        "problem": "A tool must be called now, and none was called.",
        "text": words[:500],
    }
    assert read([use(9)], choice="required") == [use(9)]
