"""Reading a repository that nobody trusts."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from inverted_code_review.collect import collect
from inverted_code_review.git import GitError, RepositoryError, ask
from inverted_code_review.linters import run_checks, run_ruff
from inverted_code_review.repository import MAX_BLOB, Repository
from inverted_code_review.tools import Toolbox

if TYPE_CHECKING:
    from .conftest import Workshop


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../secret.txt", "could leave the repository"),
        ("src/../../secret.txt", "could leave the repository"),
        ("..\\secret.txt", "could leave the repository"),
        ("/etc/passwd", "it is absolute"),
        ("C:/Windows/win.ini", "it is absolute"),
        (".git/config", "not part of what is reviewed"),
        ("src/.GIT/config", "not part of what is reviewed"),
        ("", "names no file"),
        ("a\0b", "names no file"),
        ("src", "is a directory"),
        ("missing.py", "There is no"),
        (":(top)src/a.py", "There is no"),
        ("src/*.py", "There is no"),
        ("\ud800.py", "There is no"),
    ],
)
def test_a_path_that_names_no_file_of_the_tree_is_refused_with_the_reason(
    workshop: Workshop, path: str, reason: str
) -> None:
    (workshop.path.parent / "secret.txt").write_text("outside")
    head = workshop.commit({"src/a.py": "x = 1\n"})
    with pytest.raises(RepositoryError, match=reason):
        workshop.repository.text(head, path)


def test_a_link_out_of_the_tree_is_refused_and_a_link_inside_is_named(workshop: Workshop) -> None:
    workshop.write({"real/a.py": "x = 1\n"})
    (workshop.path / "out").symlink_to("/etc/passwd")
    (workshop.path / "up").symlink_to("../..")
    (workshop.path / "in.py").symlink_to("real/a.py")
    head = workshop.commit({})
    repo = workshop.repository
    for path in ("out", "up", "up/etc/passwd"):
        with pytest.raises(RepositoryError, match="link that leaves the repository"):
            repo.text(head, path)
    with pytest.raises(RepositoryError, match=r"symbolic link to 'real/a\.py': read that path"):
        repo.text(head, "in.py")


def test_files_are_read_from_the_commit_and_not_from_the_work_tree(workshop: Workshop) -> None:
    first = workshop.commit({"a.py": "one\n"})
    second = workshop.commit({"a.py": "two\n"})
    workshop.write({"a.py": "not committed\n", "new.py": "not committed\n"})
    repo = workshop.repository
    assert repo.text(first, "./a.py") == "one\n"
    assert repo.text(second, "a.py") == "two\n"
    with pytest.raises(RepositoryError, match=r"There is no 'new\.py'"):
        repo.text(second, "new.py")


@pytest.mark.parametrize(
    "revision",
    ["--upload-pack=touch hacked", "-h", "--all", "", "HEAD\n", "HEAD:a.py", "HEAD..HEAD", "nope"],
)
def test_a_revision_that_is_an_option_or_no_commit_is_refused(
    workshop: Workshop, revision: str
) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    with pytest.raises(RepositoryError, match=r"not a revision|was not found"):
        workshop.repository.commit(revision)
    assert not (workshop.path / "hacked").exists()


def test_names_with_odd_characters_are_shown_and_can_be_given_back(workshop: Workshop) -> None:
    names = ["sp ace.py", "new\nline.py", 'qu"ote.py', "-rf", "*.py", ":(top)x.py", "caf\u00e9.py"]
    latin = b"latin-\xe9.py"
    for name in names:
        workshop.write({name: "needle = 1\n"})
    (workshop.path / os.fsdecode(latin)).write_text("needle = 2\n")
    head = workshop.commit({})
    repo = workshop.repository
    found, cut = repo.grep(head, "needle")
    shown = sorted(match.file for match in found)
    assert shown == sorted([*names, "latin-\\xe9.py"])
    assert not cut
    for name in shown:
        assert repo.text(head, name).startswith("needle")
        assert repo.blame(head, name, 1, 1)[0].author == "Ada"


def test_binary_large_and_other_encodings(workshop: Workshop) -> None:
    head = workshop.commit(
        {
            "image.png": b"\x89PNG\0\0data",
            "huge.txt": b"a" * (MAX_BLOB + 1),
            "latin.txt": b"caf\xe9\n",
            "wide.txt": "hej\n".encode("utf-16"),
            "bom.txt": b"\xef\xbb\xbfhej\n",
        }
    )
    repo = workshop.repository
    with pytest.raises(RepositoryError, match=r"binary \(\d+ bytes\)"):
        repo.text(head, "image.png")
    with pytest.raises(RepositoryError, match="larger than 4 MiB"):
        repo.text(head, "huge.txt")
    assert repo.text(head, "latin.txt") == "caf\ufffd\n"
    assert repo.text(head, "wide.txt") == repo.text(head, "bom.txt") == "hej\n"


def test_a_submodule_is_not_entered(workshop: Workshop) -> None:
    inner = workshop.commit({"a.py": "x = 1\n"})
    workshop.git("update-index", "--add", "--cacheinfo", f"160000,{inner},library")
    workshop.git("commit", "-qm", "submodule")
    head = workshop.repository.commit("HEAD")
    for path in ("library", "library/a.py"):
        with pytest.raises(RepositoryError, match="submodule"):
            workshop.repository.text(head, path)


def test_search_takes_literal_text_and_regular_expressions_within_a_glob(
    workshop: Workshop,
) -> None:
    head = workshop.commit(
        {"a.py": "f(1)\n", "deep/down/b.py": "f(1)\n", "c.md": "f(1) and g\n", "img": b"f(1)\0"}
    )
    repo = workshop.repository
    assert [m.file for m in repo.grep(head, "f(1)")[0]] == ["a.py", "c.md", "deep/down/b.py"]
    assert [m.file for m in repo.grep(head, "f(1)", glob="*.py")[0]] == ["a.py", "deep/down/b.py"]
    assert [m.file for m in repo.grep(head, "f(1)", glob="deep/**/*.py")[0]] == ["deep/down/b.py"]
    assert [m.file for m in repo.grep(head, r"^f\(.\)$", regex=True)[0]] == [
        "a.py",
        "deep/down/b.py",
    ]
    assert repo.grep(head, "-e") == ([], False)
    assert repo.grep(head, "f", limit=1)[1]
    for pattern, glob in (("", ""), ("a\nb", ""), ("x", "../*"), ("x", "/etc/*"), ("x", ".git/*")):
        with pytest.raises(RepositoryError):
            repo.grep(head, pattern, glob=glob)
    with pytest.raises(GitError, match="git grep"):
        repo.grep(head, "(", regex=True)


def test_output_and_time_are_bounded(workshop: Workshop) -> None:
    head = workshop.commit({"long.txt": "needle " * 200_000})
    out = workshop.repository.git("cat-file", "blob", f"{head}:long.txt", limit=100)
    assert len(out.data) == 100
    assert out.cut
    # A pattern with back references keeps the matcher busy.
    heavy = workshop.commit({"heavy.txt": "a" * 5000 + "\n"})
    with pytest.raises(GitError, match=r"stopped after 0\.2 seconds"):
        workshop.repository.git(
            *("grep", "-E", "-e", r"(a*)*\1(a*)*\2b", heavy),
            seconds=0.2,
        )


def test_nothing_of_the_repository_is_executed(workshop: Workshop, tmp_path: Path) -> None:
    traps = tmp_path / "traps"
    traps.mkdir()

    def trap(name: str) -> str:
        script = traps / f"{name}.sh"
        script.write_text(f'#!/bin/sh\ntouch "{traps}/{name}.sprung"\ncat "$@" 2>/dev/null\n')
        script.chmod(0o755)
        return str(script)

    workshop.commit({"a.py": "def f():\n    return 1\n"})
    workshop.commit(
        {
            "a.py": "def f():\n    return 2\n",
            ".gitattributes": "*.py diff=evil filter=evil merge=evil\n",
        }
    )
    hooks = workshop.path / ".git" / "hooks"
    for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction"):
        (hooks / hook).write_text(f'#!/bin/sh\ntouch "{traps}/hook.sprung"\n')
        (hooks / hook).chmod(0o755)
    for key in (
        "diff.evil.textconv",
        "diff.evil.command",
        "diff.external",
        "filter.evil.smudge",
        "filter.evil.clean",
        "core.fsmonitor",
        "core.pager",
        "pager.grep",
        "core.sshCommand",
        "core.editor",
        "core.alternateRefsCommand",
        "gpg.program",
        "credential.helper",
        "alias.grep",
    ):
        workshop.git("config", key, trap(key.replace(".", "-")))
    for key, value in {
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "remote.origin.url": f"ext::{trap('transport')}",
        "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1",
        "submodule.recurse": "true",
        "blame.ignoreRevsFile": "/etc/passwd",
        "grep.patternType": "perl",
    }.items():
        workshop.git("config", key, value)
    with contextlib.suppress(subprocess.CalledProcessError):
        workshop.git("diff", "HEAD~1", "HEAD")
    assert list(traps.glob("*.sprung"))  # the traps work: git itself steps on them
    for sprung in traps.glob("*.sprung"):
        sprung.unlink()

    changes = collect(str(workshop.path), "HEAD~1", "HEAD")
    place = (changes.root, changes.base, changes.head)
    run_ruff(*place)
    run_checks(*place)
    tools = Toolbox(*place)
    assert "return 2" in tools.read_file("a.py")
    assert "return 1" in tools.read_base_file("a.py")
    assert tools.blame("a.py", 1, 2)[1].in_change
    assert tools.search("return").matches
    assert tools.list_callers("f").uses
    with pytest.raises(RepositoryError):  # a missing object of a partial clone is not fetched
        workshop.repository.blob("1" * 40)
    assert sorted(path.name for path in traps.glob("*.sprung")) == []


def test_variables_of_git_in_the_environment_do_not_redirect_it(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = workshop.commit({"a.py": "x = 1\n"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "zero")
    assert workshop.repository.commit("main") == head


def test_a_directory_without_a_repository_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="cannot be read as a git repository"):
        Repository.open(str(tmp_path))
    with pytest.raises(RepositoryError, match="is not a directory"):
        Repository.open(str(tmp_path / "missing"))


def test_only_repositories_inside_the_allowed_directories_are_opened(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.commit({"src/a.py": "x = 1\n"})
    inside = str(workshop.path / "src")
    assert Repository.open(inside, [tmp_path.resolve()]).root == workshop.path.resolve()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(RepositoryError, match="outside the directories"):
        Repository.open(inside, [other])
    # A work tree inside whose objects are elsewhere does not count as inside.
    (other / ".git").write_text(f"gitdir: {workshop.path}/.git\n")
    with pytest.raises(RepositoryError, match="outside the directories"):
        Repository.open(str(other), [other.resolve()])


def test_a_missing_git_says_what_to_do(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="Install git"):
        ask(workshop.path, "version")
