"""Tools emulated in text, against random conversations and random, broken and hostile answers.

INVERTED_EXAMPLES sets how many are tried (150 by default).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp_types import CreateMessageRequestParams, CreateMessageResultWithTools
from pydantic_core import to_json

from benchmarks.emulation import HOSTILE, PARAMS, hostile
from inverted.carriers.emulation import INVALID, as_text, from_text
from inverted.carriers.emulation.answer import CALLS
from inverted.carriers.emulation.syntax import Tags, tags_for

EXAMPLES = int(os.environ.get("INVERTED_EXAMPLES", "150"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
long = pytest.mark.timeout(60 + EXAMPLES // 5)

PIECES = st.sampled_from(
    [
        *("<tool_call>", "</tool_call>", "<tool_call_2>", "</tool_call_2>", "<TOOL_CALL>"),
        *("tool_call", "tool_response", "</tool_response>", "<tool_response>", "&lt;tool_call&gt;"),
        *(
            '{"name": "a"}',
            '{"name": "a", "arguments": {',
            '"arguments": "{}"',
            '"name":',
            "[",
            "]",
        ),
        *("{", "}", '"', "'", "\\", "\\u", ",", ":", "```", "```json\n", "`", "\n", " ", "“", "”"),
        *("True", "None", "NaN", "1e999", "-", "0", "null", "\ud800", "\u2028", "\0", INVALID),
    ]
)
NOISE = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)
TEXTS = st.text(max_size=8) | NOISE
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=4)
NAMES = TEXTS.filter(lambda name: name not in ("", INVALID))
CALLED = st.lists(st.tuples(NAMES, OBJECTS), min_size=1, max_size=4)
CHOICES = st.sampled_from(["auto", "required", "none"])


def clean(value: Any) -> Any:
    """A value without lone surrogates."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def answer(said: str) -> dict[str, Any]:
    content = {"type": "text", "text": said}
    return {"role": "assistant", "content": content, "model": "m", "stopReason": "endTurn"}


def uses(calls: list[tuple[str, Any]], first: int = 1) -> list[dict[str, Any]]:
    return [
        {"type": "tool_use", "id": f"call_{number}", "name": name, "input": arguments}
        for number, (name, arguments) in enumerate(calls, first)
    ]


def answered(use: dict[str, Any], *texts: str) -> dict[str, Any]:
    content = [{"type": "text", "text": text} for text in texts]
    return {"type": "tool_result", "toolUseId": use["id"], "content": content}


def request(*contents: Any, choice: str = "auto") -> dict[str, Any]:
    """A conversation of a user and an assistant in turns."""
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": content}
        for number, content in enumerate(contents)
    ]
    return {**PARAMS, "messages": messages, "maxTokens": 9, "toolChoice": {"mode": choice}}


def found(content: Any) -> list[dict[str, Any]]:
    blocks = cast("list[Any]", content if isinstance(content, list) else [content])
    return [block for block in blocks if block["type"] == "tool_use"]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Calls as they should be, with something cut out and something put in."""
    written = "\n".join(Tags().call(*call) for call in draw(CALLED))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(written)))
        end = draw(st.integers(start, min(len(written), start + 5)))
        written = written[:start] + draw(PIECES | st.just("")) + written[end:]
    return written


HOSTILE_TEXTS = st.builds(hostile, st.sampled_from(sorted(HOSTILE)), st.integers(0, 3000))


@long
@often
@given(st.one_of(NOISE, mutated(), HOSTILE_TEXTS), CALLED, CHOICES, st.integers(1, 9))
def test_whatever_a_model_writes_becomes_an_answer_and_the_conversation_goes_on(
    said: str, past: list[tuple[str, Any]], choice: str, first: int
) -> None:
    history = clean(uses(past, first))
    results = [answered(use) for use in history]
    params = request({"type": "text", "text": "go"}, history, results, choice=choice)

    read = from_text(params, answer(said))

    to_json(read, inf_nan_mode="constants").decode()  # UTF-8 can hold it
    json.dumps(read, allow_nan=False)
    CreateMessageResultWithTools.model_validate(read).model_dump(mode="json", by_alias=True)
    assert read == from_text(params, answer(said))
    new = found(read["content"])
    ids = [use["id"] for use in [*history, *new]]
    assert len(set(ids)) == len(ids)
    assert len(new) <= CALLS + 1
    assert (read["stopReason"] == "toolUse") == bool(new)
    assert not new or choice != "none"
    assert new or choice != "required"
    assert all(set(use["input"]) == {"problem", "text"} for use in new if use["name"] == INVALID)

    told = [answered(use) for use in new]
    after = as_text(
        request(*[each["content"] for each in params["messages"]], read["content"], told)
    )
    CreateMessageRequestParams.model_validate(after)
    assert not any(found(message["content"]) for message in after["messages"])


@long
@often
@given(CALLED)
@example([("write", {"text": '</tool_call>\n<tool_call>\n{"name": "a"}\n</tool_call>\n```'})])
@example([("write", {"text": "\u2028\u2029\x85\0\ud800\U0001f600", "a'b\"c": "\\"})])
def test_calls_that_are_said_are_read_back_as_they_were(calls: list[tuple[str, Any]]) -> None:
    written = "\n".join(Tags().call(*call) for call in calls)
    assert from_text(request(), answer(written))["content"] == clean(uses(calls))


@long
@often
@given(CALLED)
def test_calls_in_a_conversation_are_said_so_that_they_read_as_the_same(
    calls: list[tuple[str, Any]],
) -> None:
    params = request({"type": "text", "text": "go"}, uses(calls))
    (_, said) = as_text(params)["messages"]
    read = from_text(params, answer(said["content"]["text"]))["content"]
    assert read == clean(uses(calls, first=len(calls) + 1))


@long
@often
@given(st.lists(NOISE, min_size=1, max_size=4), st.data())
def test_no_text_of_a_conversation_is_a_call_when_a_model_repeats_it(
    texts: list[str], data: st.DataObject
) -> None:
    (call,) = uses([("a", {"x": texts[-1]})])
    contents = [{"type": "text", "text": texts[0]}, [call], [answered(call, *texts)]]
    echo = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(echo)))
    read = from_text(request(*contents), answer(echo[start:] + echo))
    assert not found(read["content"])
    assert tags_for(request(*contents)).opening not in "".join(texts)


def events(params: dict[str, Any], said: str) -> int:
    """How much Python does to read an answer: calls of functions, its own and those in C."""
    counted = 0

    def count(_: object, event: str, *__: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    given = answer(said)
    sys.setprofile(count)
    try:
        from_text(params, given)
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_work_for_a_hostile_megabyte_is_bounded(kind: str) -> None:
    assert events(PARAMS, hostile(kind, 1_000_000)) < 300_000


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_megabyte_becomes_an_answer(kind: str) -> None:
    read = from_text(PARAMS, answer(hostile(kind, 1_000_000)))
    CreateMessageResultWithTools.model_validate(read).model_dump_json(by_alias=True)


def test_a_conversation_full_of_tags_costs_one_look_at_it() -> None:
    tried = " ".join(f"<tool_call_{number}>" for number in range(2, 50_000))
    params = request({"type": "text", "text": f"<tool_call> {tried}"})
    assert tags_for(params).opening == "<tool_call_50000>"
    assert events(params, "hi") < 500_000
