"""Working out what changed."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from inverted_code_review.changes import Change, ChangeSet
from inverted_code_review.collect import MAX_FILES, MAX_PATCH, ROOTS_VARIABLE, collect
from inverted_code_review.compare import Version, compare
from inverted_code_review.git import RepositoryError
from inverted_code_review.repository import MAX_BLOB, lines_of

if TYPE_CHECKING:
    from .conftest import Workshop


def _by_path(changes: ChangeSet) -> dict[str, Change]:
    return {change.path: change for change in changes.changes}


def test_every_kind_of_change_is_told(workshop: Workshop) -> None:
    long = "".join(f"line {n}\n" for n in range(20))
    workshop.commit(
        {
            "edited.py": "a\nb\nc\n",
            "gone.py": "x\n",
            "old.py": long,
            "moved.py": long.replace("line", "row"),
            "run.sh": "#!/bin/sh\n",
            "image.png": b"\0one",
        }
    )
    (workshop.path / "run.sh").chmod(0o755)
    (workshop.path / "link").symlink_to("edited.py")
    workshop.git("mv", "old.py", "new.py")
    workshop.git("mv", "moved.py", "moved_and_edited.py")
    workshop.commit(
        {
            "edited.py": "a\nB\nc\n",
            "gone.py": None,
            "added.py": "new\n",
            "moved_and_edited.py": long.replace("line", "row") + "more\n",
            "image.png": b"\0two",
            "empty.txt": "",
        }
    )
    changes = _by_path(collect(str(workshop.path), "HEAD~1", "HEAD"))
    assert {path: (c.status, c.skipped) for path, c in changes.items()} == {
        "added.py": ("added", ""),
        "edited.py": ("modified", ""),
        "empty.txt": ("added", "empty"),
        "gone.py": ("deleted", ""),
        "image.png": ("modified", "binary"),
        "link": ("added", "a symbolic link"),
        "moved_and_edited.py": ("renamed", ""),
        "new.py": ("renamed", "only renamed, from old.py, its text is the same"),
        "run.sh": ("modified", "only its mode changed, its text is the same"),
    }
    assert changes["moved_and_edited.py"].old_path == "moved.py"
    assert changes["edited.py"].lines("new") == {1: "a", 2: "B", 3: "c"}
    assert changes["edited.py"].changed("new") == {2: "B"}
    assert changes["edited.py"].changed("old") == {2: "b"}
    assert changes["gone.py"].changed("old") == {1: "x"}
    assert changes["added.py"].changed("new") == {1: "new"}
    assert changes["moved_and_edited.py"].changed("new") == {21: "more"}


def test_the_first_commit_is_compared_with_nothing(workshop: Workshop) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    changes = collect(str(workshop.path), "HEAD~1", "HEAD")
    assert [change.status for change in changes.changes] == ["added"]
    assert changes.notes == ("HEAD is the first commit: all of its files are new.",)
    with pytest.raises(RepositoryError, match="'HEAD~2' was not found"):
        collect(str(workshop.path), "HEAD~2", "HEAD")


def test_a_repository_without_commits_is_a_clear_error(workshop: Workshop) -> None:
    with pytest.raises(RepositoryError, match="'HEAD' was not found"):
        collect(str(workshop.path), "HEAD~1", "HEAD")


def test_a_branch_is_compared_from_where_it_left(workshop: Workshop) -> None:
    start = workshop.commit({"a.py": "x = 1\n"})
    workshop.git("checkout", "-qb", "feature")
    workshop.commit({"b.py": "y = 1\n"})
    workshop.git("checkout", "-q", "main")
    workshop.commit({"c.py": "z = 1\n"})
    changes = collect(str(workshop.path), "main", "feature")
    assert list(_by_path(changes)) == ["b.py"]
    assert changes.base == start
    assert "main has moved on" in changes.notes[0]


def test_a_merge_is_compared_with_its_first_parent(workshop: Workshop) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    workshop.git("checkout", "-qb", "side")
    workshop.commit({"b.py": "y = 1\n"})
    workshop.git("checkout", "-q", "main")
    workshop.commit({"c.py": "z = 1\n"})
    workshop.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    assert list(_by_path(collect(str(workshop.path), "HEAD~1", "HEAD"))) == ["b.py"]


def test_revisions_without_common_history_are_compared_directly(workshop: Workshop) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    workshop.git("checkout", "-q", "--orphan", "other")
    workshop.commit({"a.py": "x = 2\n"})
    changes = collect(str(workshop.path), "main", "other")
    assert changes.changes[0].changed("new") == {1: "x = 2"}
    assert "share no history" in changes.notes[0]


def test_a_shallow_clone_says_what_to_fetch(workshop: Workshop, tmp_path: Path) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    workshop.commit({"a.py": "x = 2\n"})
    workshop.commit({"a.py": "x = 3\n"})
    clone = tmp_path / "clone"
    workshop.git("clone", "-q", "--depth=2", workshop.path.as_uri(), clone)
    changes = collect(str(clone), "HEAD~1", "HEAD")
    assert changes.changes[0].changed("new") == {1: "x = 3"}
    with pytest.raises(RepositoryError, match="shallow, so fetch more"):
        collect(str(clone), "HEAD~2", "HEAD~1")


def test_a_linked_work_tree_and_a_sha256_repository_are_read(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    workshop.commit({"a.py": "x = 2\n"})
    workshop.git("worktree", "add", "-q", "--detach", tmp_path / "linked")
    assert collect(str(tmp_path / "linked"), "HEAD~1", "HEAD").changes[0].changed("new")
    other = type(workshop)(tmp_path / "sha256")
    other.path.mkdir()
    other.git("init", "-q", "--object-format=sha256")
    other.commit({"a.py": "x = 1\n"})
    changes = collect(str(other.path), "HEAD~1", "HEAD")
    assert len(changes.head) == 64
    assert changes.changes[0].changed("new") == {1: "x = 1"}


def test_what_is_too_much_for_the_model_is_left_out_with_the_reason(workshop: Workshop) -> None:
    workshop.commit({})
    files: dict[str, str | bytes | None] = {
        f"many/{number:03}.py": f"x = {number}\n" for number in range(MAX_FILES + 1)
    }
    files["big.py"] = "x = 1\n" * MAX_PATCH
    files["uv.lock"] = "x\n"
    files["web/app.min.js"] = "x\n"
    workshop.commit(files)
    changes = _by_path(collect(str(workshop.path), "HEAD~1", "HEAD"))
    skipped = {path: change.skipped for path, change in changes.items() if change.skipped}
    assert "its diff has" in skipped.pop("big.py")
    assert "generated" in skipped.pop("uv.lock")
    assert "generated" in skipped.pop("web/app.min.js")
    assert skipped == {f"many/{MAX_FILES:03}.py": "more than 64 files changed; linters only"}
    assert not changes["big.py"].hunks


def test_secrets_are_redacted_in_the_hunks_and_line_ends_do_not_matter(
    workshop: Workshop,
) -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    workshop.commit({"a.py": "one\r\ntwo\r\n"})
    workshop.commit({"a.py": f'one\r\nkey = "{key}"\r\n@@ -1 +1 @@ odd'})
    change = collect(str(workshop.path), "HEAD~1", "HEAD").changes[0]
    assert change.lines("new") == {1: "one", 2: 'key = "[redacted]"', 3: "@@ -1 +1 @@ odd"}
    assert change.changed("old") == {2: "two"}


def test_the_allowed_directories_come_from_the_environment(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    monkeypatch.setenv(ROOTS_VARIABLE, os.pathsep.join(["/nowhere", str(tmp_path)]))
    assert collect(str(workshop.path), "HEAD~1", "HEAD").changes
    monkeypatch.setenv(ROOTS_VARIABLE, "/nowhere")
    with pytest.raises(RepositoryError, match="outside the directories"):
        collect(str(workshop.path), "HEAD~1", "HEAD")


def test_a_text_that_git_cannot_compare_by_lines_is_named(workshop: Workshop) -> None:
    workshop.commit({"a.txt": "one\ntwo\n".encode("utf-16")})
    workshop.commit({"a.txt": "one\nTWO\n".encode("utf-16")})
    change = collect(str(workshop.path), "HEAD~1", "HEAD").changes[0]
    assert change.skipped == "UTF-16, which git does not compare by lines"


def test_patches_beyond_the_limit_of_one_output_are_made_one_by_one(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.commit({f"{n}.txt": f"a\n{n}\n" for n in range(5)})
    workshop.commit({f"{n}.txt": f"b\n{n}\n" for n in range(5)})
    monkeypatch.setattr("inverted_code_review.compare.MAX_PATCH_OUTPUT", 400)
    changes = collect(str(workshop.path), "HEAD~1", "HEAD").changes
    assert [change.changed("new") for change in changes] == [{1: "b"}] * 5


def test_a_file_that_is_too_large_to_read_is_named(workshop: Workshop) -> None:
    workshop.commit({})
    workshop.commit({"a.txt": "x" * (MAX_BLOB + 1), "b.txt": "x\n"})
    changes = _by_path(collect(str(workshop.path), "HEAD~1", "HEAD"))
    assert changes["a.txt"].skipped == "larger than 4 MiB"
    assert not changes["b.txt"].skipped


def test_a_partial_clone_says_what_to_fetch(workshop: Workshop, tmp_path: Path) -> None:
    workshop.git("config", "uploadpack.allowFilter", "true")
    workshop.commit({"a.py": "x = 1\n"})
    workshop.commit({"a.py": "x = 2\n"})
    clone = tmp_path / "clone"
    workshop.git("clone", "-q", "--filter=blob:none", workshop.path.as_uri(), clone)
    with pytest.raises(RepositoryError, match=r"missing from this clone.*git fetch --refetch"):
        collect(str(clone), "HEAD~1", "HEAD")


def test_the_hunks_turn_the_old_version_into_the_new_one(workshop: Workshop) -> None:
    chance = random.Random(7)
    pieces = [b"a", b"b", b"\n", b"\n", b"\r\n", b"\xe9", b"\x0c", b"\n-", b"\n+", b"@@ -1 +1 @@\n"]
    pieces += [b"diff --git ", b"index ab..cd\n", "\u2028".encode(), b"\n\\ No newline"]

    def text(most: int) -> list[bytes]:
        return [chance.choice(pieces) for _ in range(chance.randrange(most))]

    for _ in range(3):
        before = {f"{n}.txt": text(60) for n in range(30)}
        after = {
            name: [*old[: len(old) // 2], *text(6), *old[len(old) // 2 + 2 :]]
            for name, old in before.items()
        }
        workshop.commit({name: b"".join(parts) for name, parts in before.items()})
        workshop.commit({name: b"".join(parts) for name, parts in after.items()})
        repo = workshop.repository
        for version in compare(repo, repo.commit("HEAD~1"), repo.commit("HEAD")):
            assert version.change.skipped in {"", "binary"}
            assert _applied(version) == lines_of(version.new)


def _applied(version: Version) -> list[str]:
    old = lines_of(version.old)
    result: list[str] = []
    at = 0
    for hunk in version.change.hunks:
        numbers = [number for number, _, mark, _ in hunk.numbered() if mark != "+"]
        start = numbers[0] - 1 if numbers else (hunk.old_start if version.change.old else 0)
        result += old[at:start]
        result += [line[1:] for line in hunk.lines if line[0] != "-"]
        assert [line[1:] for line in hunk.lines if line[0] != "+"] == [old[n - 1] for n in numbers]
        at = start + len(numbers)
    return result + old[at:]
