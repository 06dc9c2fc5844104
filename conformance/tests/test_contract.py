"""What is written for people is what the fixture says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[1]


def test_the_contract_is_written_from_the_fixture() -> None:
    written = subprocess.run(
        [sys.executable, HERE / "tools" / "contract.py"], capture_output=True, text=True, check=True
    ).stdout
    assert (HERE / "CONTRACT.md").read_text("utf-8") == written, (
        "The fixture changed: run `python conformance/tools/contract.py > conformance/CONTRACT.md`."
    )


def test_every_tool_of_the_fixture_tells_what_it_does() -> None:
    contract = (HERE / "CONTRACT.md").read_text("utf-8")
    for part in contract.split("### ")[1:]:
        heading, _, about = part.partition("\n")
        assert len(about.strip()) > 30, heading
