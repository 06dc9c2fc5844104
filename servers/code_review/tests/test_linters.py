"""The linters: what they report, where, and that they only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from inverted_code_review.collect import collect
from inverted_code_review.findings import Finding, Severity
from inverted_code_review.linters import run_checks, run_ruff
from inverted_code_review.linters.sources import MAX_PER_RULE
from inverted_code_review.redaction import redact

if TYPE_CHECKING:
    from .conftest import Workshop


def _place(workshop: Workshop) -> tuple[str, str, str]:
    changes = collect(str(workshop.path), "HEAD~1", "HEAD")
    return changes.root, changes.base, changes.head


def _told(findings: list[Finding]) -> list[tuple[str, int, str]]:
    return [(finding.file, finding.line, finding.source) for finding in findings]


def test_ruff_reports_defects_on_changed_lines_only(workshop: Workshop) -> None:
    workshop.commit({"a.py": "import os\n\n\ndef f(x=[]):\n    return x\n"})
    workshop.commit(
        {
            "a.py": "import os\n\n\ndef f(x=[]):\n    return x\n"
            "\n\ndef g(y={}):\n    return y == None\n",
            "notes.md": "def f(x=[]):\n",
        }
    )
    found = run_ruff(*_place(workshop))
    assert _told(found) == [("a.py", 8, "ruff:B006"), ("a.py", 9, "ruff:E711")]
    assert found[0].evidence == "def g(y={}):"
    assert found[0].severity is Severity.MEDIUM


def test_ruff_reports_a_syntax_error_at_the_changed_line_before_it(workshop: Workshop) -> None:
    workshop.commit({"a.py": "x = 1\ny = 2\n"})
    workshop.commit({"a.py": "x = (1\ny = 2\n"})
    found = run_ruff(*_place(workshop))
    assert _told(found) == [("a.py", 1, "ruff:invalid-syntax")]
    assert found[0].severity is Severity.HIGH


def test_ruff_knows_python_that_is_newer_than_this_process(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit(
        {"a.py": "type Pair[T] = tuple[T, T]\n\n\ndef f[T](x: T) -> T:\n    return x\n"}
    )
    assert run_ruff(*_place(workshop)) == []


def test_configuration_of_the_repository_does_not_reach_ruff(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit(
        {
            "ruff.toml": 'lint.ignore = ["ALL"]\nextend = "/etc/passwd"\n',
            "pyproject.toml": '[tool.ruff]\nexclude = ["*"]\n',
            ".gitignore": "*.py\n",
            "-odd name'.py": "def f(x=[]):\n    return x\n",
        }
    )
    assert _told(run_ruff(*_place(workshop))) == []  # ignored by git, so not in the commit
    workshop.git("add", "--force", "--all")
    workshop.git("commit", "-q", "--amend", "-m", "forced")
    assert _told(run_ruff(*_place(workshop))) == [("-odd name'.py", 1, "ruff:B006")]


@pytest.mark.parametrize(
    ("path", "text", "line", "rule", "severity"),
    [
        ("a.txt", "ok\n<<<<<<< HEAD\n", 2, "check:merge-conflict", Severity.HIGH),
        ("a.py", "x = 1\nkey = 'ghp_" + "a1" * 20 + "'\n", 2, "check:secret", Severity.CRITICAL),
        ("a.js", "f()\n  debugger;\n", 2, "check:debugger", Severity.LOW),
        ("a.ts", "console.log(1)\n", 1, "check:debugger", Severity.LOW),
        ("a.rs", "dbg!(x);\n", 1, "check:debugger", Severity.LOW),
        ("a.c", "int x; //" + " FIXME later\n", 1, "check:todo", Severity.INFO),
        ("a.json", '{\n "a": 1,\n}\n', 3, "check:parse-error", Severity.HIGH),
        ("a.toml", "a = 1\nb = \n", 2, "check:parse-error", Severity.HIGH),
        ("a.yaml", "a: 1\nb: [1\nc: 2\n", 3, "check:parse-error", Severity.HIGH),
        ("deep.json", "[" * 200_000, 1, "check:parse-error", Severity.HIGH),
        ("a.bin", b"\0" * (1024 * 1024 + 1), 1, "check:large-file", Severity.LOW),
    ],
)
def test_each_check_reports_its_line(  # noqa: PLR0917 - one parameter for each column
    workshop: Workshop, path: str, text: str | bytes, line: int, rule: str, severity: Severity
) -> None:
    workshop.commit({})
    workshop.commit({path: text})
    found = run_checks(*_place(workshop))
    assert _told(found) == [(path, line, rule)]
    assert found[0].severity is severity


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("title.md", "", "Heading\n=======\n"),
        ("a.py", "", "password = input('password: ')\ntoken = 'your-token-here-please'\n"),
        ("a.py", "", 'pattern = "(TODO|FIXME)"\n'),
        ("tsconfig.json", "", "{ // a comment\n}\n"),
        ("broken.json", "{,}\n", "{,,}\n"),
        ("cloud.yaml", "", "a: !Ref b\nbomb: &a [1]\nmore: [*a, *a]\n"),
        ("a.js", "console.log(1)\n", "console.log(1)\nf()\n"),
    ],
)
def test_what_is_fine_or_was_there_before_is_not_reported(
    workshop: Workshop, path: str, before: str, after: str
) -> None:
    workshop.commit({path: before} if before else {})
    workshop.commit({path: after})
    assert run_checks(*_place(workshop)) == []


def test_a_removed_test_is_reported_and_a_moved_one_is_not(workshop: Workshop) -> None:
    workshop.commit(
        {
            "tests/test_a.py": "def test_moved():\n    pass\n\n\ndef test_gone():\n    pass\n",
            "src/a.py": "def test_of_nothing():\n    pass\n",
        }
    )
    workshop.commit(
        {
            "tests/test_a.py": None,
            "tests/test_b.py": "def test_moved():\n    pass\n",
            "src/a.py": None,
        }
    )
    found = run_checks(*_place(workshop))
    assert _told(found) == [("tests/test_a.py", 5, "check:test-removed")]
    assert found[0].side == "old"
    assert found[0].evidence == "def test_gone():"


def test_many_of_the_same_are_cut(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit({"a.js": "debugger\n" * 100})
    assert len(run_checks(*_place(workshop))) == MAX_PER_RULE


def test_a_secret_is_found_but_never_shown(workshop: Workshop) -> None:
    secrets = [
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1" * 20,
        "sk-ant-" + "api03-" + "a1B2" * 10,
        "xoxb-" + "1234567890-abcdefghij",
    ]
    lines = [f'k{n} = "{secret}"' for n, secret in enumerate(secrets)]
    lines.append('url = "https://bob:' + 'hunter2secret@host/"')
    lines.append('{"password": ' + '"c0rrecthorse-battery"}')
    lines += ["-----BEGIN RSA " + "PRIVATE KEY-----", "MIIE" + "a1B2" * 15, "-----END"]
    workshop.commit({})
    workshop.commit({"a.txt": "\n".join(lines) + "\n"})
    found = [f for f in run_checks(*_place(workshop)) if f.source == "check:secret"]
    assert len(found) == MAX_PER_RULE
    shown = collect(str(workshop.path), "HEAD~1", "HEAD").model_dump_json()
    shown += "".join(finding.model_dump_json() for finding in found)
    for hidden in [*secrets, "hunter2secret", "c0rrecthorse", "a1B2a1B2"]:
        assert hidden not in shown


def test_redaction_keeps_the_lines_and_covers_overlaps() -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    text = f'api_key = "{key}" # and {key}\n\nplain text stays = "as it is"\n'
    assert redact(text) == (
        'api_key = "[redacted]" # and [redacted]\n\nplain text stays = "as it is"\n'
    )
