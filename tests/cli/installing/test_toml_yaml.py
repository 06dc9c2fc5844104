"""TOML and YAML are changed in place, however they are written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inverted.cli.installing.change import install, restore, uninstall
from inverted.cli.installing.edits import Malformed, Unsafe
from inverted.cli.installing.hosts import HOSTS, Server
from inverted.cli.installing.tomltext import Toml

SERVER = Server(
    "reviewer", "/opt/bin/review", ("--root", "/home/a b"), {"LEVEL": "debug"}, ("API_KEY",)
)
OTHER = Server("other", "/opt/bin/other", secrets=("API_KEY", "SECOND"))

# TOML

TOMLS = st.lists(
    st.sampled_from(
        [
            "# a note\n",
            "\n",
            "[a]\nk = 1\n",
            "[mcp_servers.x]\ncommand = 'x' # mine\n",
            '[b]\nk = """\n[mcp_servers.reviewer]\n"""\n',
            "[c]\nk = [\n  [1],\n]\r\n",
            "[mcp_servers.x.env]\nK = 'v'\n",
            "[[d]]\n",
        ]
    ),
    max_size=5,
    unique=True,
).map("".join)


@settings(deadline=None)
@given(TOMLS.map(lambda text: 'model = "m"\n' + text), st.booleans())
def test_toml_gets_its_bytes_back(text: str, cut_short: bool) -> None:  # noqa: FBT001 - drawn
    host = HOSTS["codex"]
    text = text.rstrip("\r\n") if cut_short else text
    first = install(host, text, SERVER)
    second = install(host, first.text, OTHER)
    assert restore(second.text, second.spans) == first.text
    assert restore(first.text, first.spans) == text
    assert first.text.startswith(text)
    cut = uninstall(host, second.text, SERVER.name, created=first.created)
    assert cut is not None
    assert host.format.read(cut) == host.format.read(install(host, text, OTHER).text)


def test_a_table_is_cut_out_with_its_own_tables_and_without_the_next_comment() -> None:
    text = (
        'a = 1\n\n[mcp_servers.s]\ncommand = "x"\n\n[mcp_servers.s.env]\nK = "v"\n\n'
        "# about b\n[b]\n[[list.tables]]\nx = 1\n"
    )
    cut = uninstall(HOSTS["codex"], text, "s")
    assert cut == "a = 1\n\n# about b\n[b]\n[[list.tables]]\nx = 1\n"


def test_a_first_table_and_strange_values_in_toml() -> None:
    host = HOSTS["codex"]
    server = Server("s", "/bin/\x7f", ("\u2028", "é"), {"A.B": 'x"\n'})
    installed = install(host, "", server)
    data: Any = host.format.read(installed.text)
    assert data["mcp_servers"]["s"]["command"] == "/bin/\x7f"
    assert data["mcp_servers"]["s"]["env"] == {"A.B": 'x"\n'}
    assert uninstall(host, "\n" + installed.text, "s") == ""


@pytest.mark.parametrize("text", ["mcp_servers = {}\n", "mcp_servers = {a = {command = 'x'}}\n"])
def test_toml_that_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(Unsafe, match=r"mcp_servers\.reviewer is written in a way"):
        install(HOSTS["codex"], text, SERVER)


def test_a_server_that_is_no_table_of_its_own_is_refused() -> None:
    text = "[mcp_servers]\ns.command = 'x'\n"
    with pytest.raises(Unsafe, match=r"mcp_servers\.s is not written as a table of its own"):
        uninstall(HOSTS["codex"], text, "s")


@pytest.mark.parametrize(
    ("text", "line", "column"), [("a = 1\nb = ]", 2, 5), ('a = """', 1, 8), ("a = 1\na = 2", 2, 6)]
)
def test_toml_that_cannot_be_read_is_refused_with_its_place(
    text: str, line: int, column: int
) -> None:
    with pytest.raises(Malformed) as caught:
        Toml().read(text)
    assert (caught.value.line, caught.value.column) == (line, column)


# YAML

YAMLS = st.lists(
    st.sampled_from(
        [
            "# a note\n",
            "\n",
            "GOOSE_MODEL: m # mine\n",
            "text: |\n  a\n\n  b\n\n",
            "kept: |+\n  a\n\n\n",
            "list:\n- 1\n-   2\n",
            "empty:\n",
            "anchor: &a {x: 1}\n",
        ]
    ),
    max_size=5,
    unique=True,
).map("".join)
MORE = st.sampled_from(["", "# the end\n", "last: 1\n", "\n\nlast: |+\n  x\n\n", "...\n"])
EXTENSIONS = st.sampled_from(
    [
        "",
        "extensions:\n",
        "extensions: # mine\n    # first\n    dev:\n        on: 1\n        d: >\n          x\n\n",
        "extensions: {}\n",
        "extensions: { dev: {enabled: true} , b: 1 }\n",
        "extensions:\r\n  a:\r\n    b: [1,\r\n      2]\r\n",
        "extensions:\n  dev:\n",
    ]
)


@settings(deadline=None)
@given(YAMLS, EXTENSIONS, MORE, st.booleans())
def test_yaml_gets_its_bytes_back(
    before: str,
    extensions: str,
    after: str,
    cut_short: bool,  # noqa: FBT001 - drawn
) -> None:
    host = HOSTS["goose"]
    text = before + extensions + after
    text = text.rstrip("\r\n ") if cut_short else text
    try:
        data = host.format.read(text)
        first = install(host, text, SERVER)
    except (Malformed, Unsafe):
        # Nothing can follow `...`, and what follows a text block changes it when the last line
        # has no end. It was refused, so it is untouched.
        assert extensions == ""
        assert after == "...\n" or cut_short
        return
    second = install(host, first.text, OTHER)
    assert restore(second.text, second.spans) == first.text
    assert restore(first.text, first.spans) == text
    cut = uninstall(host, second.text, OTHER.name)
    assert cut is not None
    last = uninstall(host, cut, SERVER.name, created=first.created)
    assert last is not None
    assert (host.format.read(last).get("extensions") or {}) == (data.get("extensions") or {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("extensions: {a: 1, s: 2}", "extensions: {a: 1}"),
        ("extensions: {s: 2, a: 1}", "extensions: {a: 1}"),
        ("extensions: {b: 1, s: 2, a: 1}", "extensions: {b: 1, a: 1}"),
        ("extensions: {s: 2}", "extensions: {}"),
        ("extensions:\n  s:\n  a: 1\n", "extensions:\n  a: 1\n"),
        ("extensions:\n  s:\n  - 1\n  -\n  a: 1\n", "extensions:\n  a: 1\n"),
        ("extensions:\n  a: 1\n  s: |\n    x\n", "extensions:\n  a: 1\n"),
        ("extensions:\n  a: 1\n  s: 2", "extensions:\n  a: 1\n"),
    ],
)
def test_an_entry_is_cut_out_of_yaml_however_it_is_written(text: str, expected: str) -> None:
    assert uninstall(HOSTS["goose"], text, "s") == expected


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1", 1, 6),
        ("- 1", 1, 1),
        ("a: \x01", 1, 4),
        ("a: 1\n b: 2", 2, 3),
        ("extensions:\n- 1\n", 2, 1),
        ("extensions: none\n", 1, 13),
        ("a: !!int x", 1, 1),
    ],
)
def test_yaml_that_cannot_be_read_is_refused_with_its_place(
    text: str, line: int, column: int
) -> None:
    with pytest.raises(Malformed) as caught:
        install(HOSTS["goose"], text, SERVER)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_last_line_without_an_end_gets_one() -> None:
    installed = install(HOSTS["goose"], "extensions:", Server("s", "/x"))
    assert installed.text.startswith("extensions:\n  s:\n")
    assert restore(installed.text, installed.spans) == "extensions:"


def test_yaml_that_ends_in_a_way_that_nothing_can_follow_is_refused() -> None:
    with pytest.raises(Unsafe):
        install(HOSTS["goose"], "{a: 1}\n", SERVER)


def test_values_mean_the_same_to_every_reader_of_yaml() -> None:
    server = Server("on", "/x", ("1e3", "yes", "\u2028"), {"off": "0o17"})
    installed = install(HOSTS["goose"], "", server)
    assert '"on":' in installed.text
    assert '- "1e3"\n' in installed.text
    assert '"off": "0o17"' in installed.text
    data: Any = HOSTS["goose"].format.read(installed.text)
    assert data["extensions"]["on"]["args"] == list(server.args)
