"""JSON is changed in place, in all documents and not in nice ones; and what all formats share."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inverted.cli.installing.change import Taken, digest, install, restore, uninstall
from inverted.cli.installing.edits import Malformed, Unsafe, delete, insert, merged, track
from inverted.cli.installing.hosts import HOSTS, Server
from inverted.cli.installing.jsonc import Jsonc
from inverted.cli.installing.yamltext import Yaml

SERVER = Server(
    "reviewer", "/opt/bin/review", ("--root", "/home/a b"), {"LEVEL": "debug"}, ("API_KEY",)
)
OTHER = Server("other", "/opt/bin/other", secrets=("API_KEY", "SECOND"))

BLANKS = st.lists(
    st.sampled_from([" ", "  ", "\t", "\n", "\r\n", "// a } note\n", "/* a { note */", "//\r\n"]),
    max_size=3,
).map("".join)
SCALARS = st.one_of(
    st.sampled_from(["null", "true", "false", "0", "-1.5e3", '"a\\u00e9\\"}"', '"// no"']),
    st.text(max_size=5).map(json.dumps),
)
KEYS = st.sampled_from(["a", "b", "mcpServers", "servers", "inputs", "ä"])


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    keys = draw(st.lists(KEYS, max_size=3, unique=True))
    text = "{" + draw(BLANKS)
    for number, key in enumerate(keys):
        inner = draw(values)
        if key in ("mcpServers", "servers"):
            inner = draw(maps())
        elif key == "inputs":
            inner = draw(lists(maps()))
        text += json.dumps(key) + draw(BLANKS) + ":" + draw(BLANKS) + inner + draw(BLANKS)
        if number < len(keys) - 1 or draw(st.booleans()):
            text += "," + draw(BLANKS)
    return text + "}"


@st.composite
def maps(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["x", "y"]), max_size=2, unique=True))
    text = "{" + draw(BLANKS)
    for number, name in enumerate(names):
        text += json.dumps(name) + ":" + draw(BLANKS) + draw(SCALARS) + draw(BLANKS)
        if number < len(names) - 1 or draw(st.booleans()):
            text += "," + draw(BLANKS)
    return text + "}"


@st.composite
def lists(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(values, max_size=2))
    text = "[" + draw(BLANKS)
    for number, item in enumerate(items):
        text += item + draw(BLANKS)
        if number < len(items) - 1 or draw(st.booleans()):
            text += "," + draw(BLANKS)
    return text + "]"


VALUES = st.recursive(SCALARS, lambda inner: objects(inner) | lists(inner), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return mark + draw(BLANKS) + draw(objects(VALUES) | st.just("")) + draw(BLANKS)


def subsequence(short: str, long: str) -> bool:
    rest = iter(long)
    return all(char in rest for char in short)


@settings(deadline=None)
@given(documents(), st.sampled_from(["vscode", "cursor"]))
def test_an_uninstalled_server_leaves_the_bytes_that_were_there(text: str, name: str) -> None:
    host = HOSTS[name]
    first = install(host, text, SERVER)
    second = install(host, first.text, OTHER)
    assert restore(second.text, second.spans) == first.text
    assert restore(first.text, first.spans) == text
    assert host.format.read(first.text)[host.servers][SERVER.name] == host.entry(host, SERVER)  # type: ignore[index]


@settings(deadline=None)
@given(documents())
def test_nothing_but_the_server_changes_in_a_document(text: str) -> None:
    host = HOSTS["vscode"]
    before: Any = host.format.read(text)
    installed = install(host, text, SERVER)
    after: Any = host.format.read(installed.text)
    assert subsequence(text, installed.text)
    del after["servers"][SERVER.name]
    after["inputs"] = [each for each in after["inputs"] if each not in ({}, None)][:-1]
    for key in before:
        if key != "inputs":
            assert after[key] == before[key]
    assert install(host, installed.text, SERVER).text == installed.text


@settings(deadline=None)
@given(documents())
def test_a_server_is_cut_out_of_a_document_that_changed_since(text: str) -> None:
    host = HOSTS["vscode"]
    before = host.format.read(text)
    first = install(host, text, SERVER)
    second = install(host, first.text, OTHER)
    cut = uninstall(host, second.text, SERVER.name, inputs=first.inputs, created=first.created)
    assert cut is not None
    both = sorted({*first.created, *second.created})
    last = uninstall(host, cut, OTHER.name, inputs=second.inputs, created=both)
    assert last is not None
    assert host.format.read(last) == before
    assert uninstall(host, last, OTHER.name) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"mcpServers": {"a": {"command": "x"}}, "b": 1}',
        '{\n\t"mcpServers": {\n\t\t"a": {} // mine\n\t}\n}\n',
        '{\r\n    "mcpServers": {}\r\n}\r\n',
        '{\n  // first\n  "x": [\n    1\n  ],\n  "mcpServers": {\n    "a": 1,\n  },\n}',
        '{"a": 1}',
    ],
)
def test_a_usual_document_gets_its_bytes_back_without_a_receipt_of_places(text: str) -> None:
    host = HOSTS["cursor"]
    installed = install(host, text, SERVER)
    assert uninstall(host, installed.text, SERVER.name, created=installed.created) == text


def test_an_entry_takes_the_indentation_and_the_line_ends_of_its_neighbours() -> None:
    text = '{\r\n    "mcpServers": {\r\n        "a": {} // mine\r\n    }\r\n}\r\n'
    installed = install(HOSTS["gemini"], text, Server("b", "/b", env={"K": "v"}))
    assert installed.text == (
        '{\r\n    "mcpServers": {\r\n        "a": {}, // mine\r\n        "b": {\r\n'
        '            "command": "/b",\r\n            "args": [],\r\n            "env": {\r\n'
        '                "K": "v"\r\n            }\r\n        }\r\n    }\r\n}\r\n'
    )


def test_a_document_on_one_line_stays_on_one_line() -> None:
    installed = install(HOSTS["gemini"], '{"a": 1, }', Server("b", "/b"))
    assert installed.text == '{"a": 1, "mcpServers": {"b": {"command": "/b", "args": []}}, }'


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ('{"a": }', 1, 7, "a value is missing"),
        ('{\n  "a" 1}', 2, 7, "a colon is missing"),
        ('{"a": 1 "b"}', 1, 9, "a comma or } is missing"),
        ("{a: 1}", 1, 2, "a key in double quotes, or }, is missing"),
        ('{"a": "x\n"}', 1, 9, "Invalid control character at"),
        ('{"a": 1} x', 1, 10, "something stands after the end of the JSON value"),
        ("[1]", 1, 1, "the configuration is not a JSON object"),
        ('{"mcpServers": [1}', 1, 18, "a comma or ] is missing"),
        ('\ufeff{"mcpServers": {\r\n"a" }}', 2, 5, "a colon is missing"),
        ('{"mcpServers": []}', 1, 16, "mcpServers is not an object"),
        ('{"a": ' + "[" * 300, 1, 107, "nested more than 100 deep"),
    ],
)
def test_json_that_cannot_be_read_is_refused_with_its_place(
    text: str, line: int, column: int, reason: str
) -> None:
    with pytest.raises(Malformed) as caught:
        install(HOSTS["cursor"], text, SERVER)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.reason == reason


def test_a_list_of_inputs_that_is_none_is_refused() -> None:
    with pytest.raises(Malformed, match="inputs is not a list"):
        install(HOSTS["vscode"], '{"inputs": {}}', SERVER)


def test_of_two_equal_keys_the_last_counts_as_for_the_hosts() -> None:
    text = '{"mcpServers": {"a": 1}, "mcpServers": {"b": 2}}'
    installed = install(HOSTS["cursor"], text, SERVER)
    assert set(json.loads(installed.text)["mcpServers"]) == {"b", "reviewer"}


def test_a_double_entry_is_not_half_removed() -> None:
    text = '{"mcpServers": {"a": 1, "a": 2}}'
    with pytest.raises(Unsafe, match="cannot be changed without touching the rest"):
        uninstall(HOSTS["cursor"], text, "a")


def test_a_comment_before_the_comma_is_kept() -> None:
    text = '{"mcpServers": {"a": 1 /* one */, "b": 2}}'
    assert uninstall(HOSTS["cursor"], text, "a") == '{"mcpServers": { /* one */ "b": 2}}'


def test_a_comment_in_an_emptied_object_is_kept() -> None:
    text = '{"mcpServers": {/* all */ "a": 1 }}'
    assert uninstall(HOSTS["cursor"], text, "a") == '{"mcpServers": {/* all */ }}'


# Inputs of VS Code


def test_an_input_that_something_else_refers_to_stays() -> None:
    host = HOSTS["vscode"]
    installed = install(host, "{}", SERVER)
    shared = installed.text.replace(
        '"servers": {', '"servers": {"mine": {"env": {"K": "${input:reviewer-API_KEY}"}},'
    )
    cut = uninstall(host, shared, SERVER.name, inputs=installed.inputs)
    assert cut is not None
    assert [each["id"] for each in json.loads(cut)["inputs"]] == ["reviewer-API_KEY"]


def test_an_input_that_is_there_already_is_used() -> None:
    text = '{"inputs": [{"id": "reviewer-API_KEY", "type": "command"}, 3]}'
    installed = install(HOSTS["vscode"], text, SERVER)
    assert installed.inputs == ()
    assert len(json.loads(installed.text)["inputs"]) == 2


def test_an_input_that_is_gone_comes_back() -> None:
    host = HOSTS["vscode"]
    installed = install(host, "{}", SERVER)
    without = json.dumps(json.loads(installed.text) | {"inputs": []})
    again = install(host, without, SERVER)
    assert again.inputs == ("reviewer-API_KEY",)
    assert json.loads(again.text) == json.loads(installed.text)


# What is there already


@pytest.mark.parametrize("name", list(HOSTS))
def test_what_a_person_added_to_an_entry_does_no_harm(name: str) -> None:
    host = HOSTS[name]
    server = Server("s", "/bin/s", ("a",), {"K": "v"})
    installed = install(host, "", server)
    less = Server("s", "/bin/s", ("a",))
    assert install(host, installed.text, less).text == installed.text


@pytest.mark.parametrize("name", list(HOSTS))
def test_another_server_of_that_name_is_replaced_by_force_alone(name: str) -> None:
    host = HOSTS[name]
    before = install(host, install(host, "", OTHER).text, Server("s", "/bin/old", env={"A": "b"}))
    with pytest.raises(Taken):
        install(host, before.text, Server("s", "/bin/new"))
    after = install(host, before.text, Server("s", "/bin/new"), force=True)
    assert after.replaced
    data: Any = host.format.read(after.text)[host.servers]
    assert data["s"] == host.entry(host, Server("s", "/bin/new"))
    assert data["other"] == host.entry(host, OTHER)


# The tools themselves


@settings(deadline=None)
@given(
    st.text("ab", min_size=1, max_size=12),
    st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.text("XY", min_size=1, max_size=3)), max_size=3),
        max_size=4,
    ),
)
def test_deleting_what_was_inserted_gives_the_text_back(
    text: str, rounds: list[list[tuple[int, str]]]
) -> None:
    now = text
    spans: list[tuple[int, int]] = []
    for each in rounds:
        insertions = [(min(at, len(now)), what) for at, what in each]
        spans = track(spans, insertions)
        now = insert(now, insertions)
    assert delete(now, spans) == text
    assert merged(spans) == spans


@pytest.mark.parametrize("host", [Jsonc(), Yaml()])
def test_cutting_what_is_not_there_is_a_mistake_of_the_caller(host: Jsonc | Yaml) -> None:
    for text in ("", '{"a": {}}', '{"a": 1}'):
        with pytest.raises(KeyError):
            host.cut(text, ("a", "b"))


def test_adding_what_is_there_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="is taken"):
        Jsonc().add('{"a": 1}', ("a",), 2)


def test_a_digest_tells_texts_apart() -> None:
    assert digest("a") == digest("a") != digest("b")
