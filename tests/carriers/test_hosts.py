"""The known hosts: found by the name that they send, and recorded without contradiction."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from mcp_types import ClientCapabilities
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from inverted.carriers.hosts import HOSTS, Host, host_of

EACH = pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)


@EACH
def test_a_host_is_found_by_every_name_that_it_sends(host: Host) -> None:
    assert [host_of(name) for name in host.client_names] == [host] * len(host.client_names)


@pytest.mark.parametrize(
    ("client_name", "name"),
    [
        ("CLAUDE-AI", "claude-desktop"),
        ("visual studio code", "vscode"),
        ("claude-ai (via mcp-remote 0.1.29)", "claude-desktop"),
    ],
)
def test_case_and_a_proxy_in_between_make_no_difference(client_name: str, name: str) -> None:
    assert host_of(client_name) is HOSTS[name]


@pytest.mark.parametrize("client_name", [None, "", "claude", "my claude-ai", "mcp"])
def test_an_unknown_client_is_no_known_host(client_name: str | None) -> None:
    assert host_of(client_name) is None


def test_no_two_hosts_share_a_name() -> None:
    names = [name.casefold() for host in HOSTS.values() for name in host.client_names]
    assert len(set(names)) == len(names)


@EACH
def test_the_recorded_capabilities_are_those_of_the_protocol(host: Host) -> None:
    read = ClientCapabilities.model_validate(host.capabilities)
    wire = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert wire == host.capabilities
    assert host.revision in KNOWN_PROTOCOL_VERSIONS


@EACH
def test_a_habit_is_recorded_only_where_it_can_be_had(host: Host) -> None:
    """A round cap belongs to 2026-07-28, an approval to sampling, a decline to elicitation."""
    assert host.rounds is None or host.revision in MODERN_PROTOCOL_VERSIONS
    assert host.approves is None or "sampling" in host.capabilities
    assert not host.declines or "elicitation" in host.capabilities


@EACH
def test_everything_recorded_has_a_dated_source(host: Host) -> None:
    assert host.sources
    for source in host.sources:
        assert source.where
        assert source.note
        assert re.fullmatch(r"202\d-[01]\d-[0-3]\d", source.date)


def test_the_rows_need_no_sdk() -> None:
    """Read alone, without the package around them, which imports the SDKs for other things."""
    alone = """
import importlib.machinery, sys, types
from pathlib import Path
for name in ("inverted", "inverted.carriers", "inverted.core"):
    package = types.ModuleType(name)
    package.__path__ = [str(Path(sys.argv[1], *name.split(".")))]
    sys.modules[name] = package
import inverted.carriers.hosts
print([name for name in ("mcp", "mcp_types", "fastmcp") if name in sys.modules])
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", alone, str(root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
