"""docs/installing.md says what the tables in the code say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inverted.cli.installing.hosts import HOSTS, input_id
from inverted.cli.packing.manifest import MANIFEST_VERSION
from inverted.cli.packing.registry import SCHEMA

PAGE = (Path(__file__).parents[3] / "docs" / "installing.md").read_text()
ROWS = {
    cells[0].strip("` "): [cell.strip() for cell in cells]
    for cells in (
        line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| `")
    )
    if len(cells) == 5
}


def test_every_host_has_its_row() -> None:
    assert list(ROWS) == list(HOSTS)


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_row_names_the_files_the_secrets_and_the_source(name: str) -> None:
    host = HOSTS[name]
    _, user, project, secret, read = ROWS[name]
    assert Path(host.user[""]).name in user
    assert re.findall(r"`([^`]+)`", project)[:1] == ([host.project] if host.project else [])
    assert read == f"{host.source}, {host.checked}"
    if host.reference and not host.prompts:
        assert f"`{host.reference.format(key='KEY')}`" in secret
    assert ("no place" in secret) == (not host.keeps)
    if host.reads_env_file:
        assert re.search(rf"{host.title}.* read it themselves", PAGE)


def test_an_input_is_called_as_its_reference_says() -> None:
    host = HOSTS["vscode"]
    assert host.reference.format(name="a", key="K") == f"${{input:{input_id('a', 'K')}}}"


def test_the_versions_of_the_forms_are_named() -> None:
    assert f"of version {MANIFEST_VERSION}," in PAGE
    assert SCHEMA.split("/")[-2] in PAGE
