"""Clients over stdio that do the worst, and the program that leads their pipes to the suite."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from typing import Final

import anyio
import pytest

from inverted_conformance.client_mode import server, stdio
from inverted_conformance.client_mode.runner import run
from inverted_conformance.client_mode.scenarios import CLIENT
from inverted_conformance.client_mode.server import Server
from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.verdicts import Result
from inverted_conformance.wire.transcript import Transcript

FACTOR: Final = 0.12
"""What takes 15 s to be given up takes 2 s here."""

CHOSEN: Final[list[tuple[Scenario, Wire]]] = [
    (scenario, "2026-07-28")
    for scenario in CLIENT
    if scenario.name == "cancellation/gives-up-on-stdio"
]

HELLO: Final = """
    import json, os, subprocess, sys, time
    assert os.environ["MCP_CONFORMANCE_TRANSPORT"] == "stdio"
    def begin():
        return subprocess.Popen(json.loads(sys.argv[-1]), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True)
    def say(pipe, text):
        pipe.stdin.write(text)
        pipe.stdin.flush()
    def ask(pipe, id, method, **params):
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}, "progressToken": id}
        body = {"jsonrpc": "2.0", "id": id, "method": method, "params": {**params, "_meta": meta}}
        say(pipe, json.dumps(body).encode() + b"\\n")
"""


async def played(program: str) -> Result:
    code = textwrap.dedent(HELLO) + textwrap.dedent(program)
    command = [sys.executable, "-c", code]
    with anyio.fail_after(30):
        report = await run(command, CHOSEN, told=lambda _: None, factor=FACTOR)
    return report.results[0]


def said(result: Result) -> str:
    return " ".join(finding.detail for finding in result.failures)


@pytest.mark.parametrize("program", ["sys.exit('no address')", "time.sleep(60)"])
async def test_a_client_that_starts_no_server_is_not_offered(program: str) -> None:
    result = await played(program)

    assert result.not_offered == "The client starts no server over stdio."


async def test_clients_that_start_no_server_are_not_taken_for_mute() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit(1)"]
    report = await run(command, CHOSEN * 6, told=lambda _: None, factor=FACTOR)

    assert {result.not_offered for result in report.results} == {
        "The client starts no server over stdio."
    }


async def test_a_client_that_starts_its_server_and_says_nothing() -> None:
    assert "expected to connect" in said(await played("begin(); time.sleep(60)"))


async def test_a_client_that_writes_no_json() -> None:
    assert "no JSON" in said(await played("say(begin(), b'hello\\n'); time.sleep(1)"))


async def test_a_client_that_writes_a_line_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "LARGEST", 1000)

    result = await played("say(begin(), b'x' * 100_000); time.sleep(60)")

    assert "1000 bytes without the end of a line" in said(result)


async def test_a_client_that_floods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST", 50)

    result = await played("""
        pipe = begin()
        for id in range(100):
            ask(pipe, id, "tools/list")
        time.sleep(60)
    """)

    assert "more than 50 messages" in said(result)


async def test_a_client_that_closes_its_pipes_has_not_cancelled() -> None:
    result = await played("""
        pipe = begin()
        ask(pipe, 1, "tools/list")
        ask(pipe, 2, "tools/call", name="cancel_me", arguments={})
        pipe.stdout.readline()
        pipe.stdin.close()
        other = begin()
        ask(other, 3, "tools/call", name="after", arguments={})
        other.stdout.readline()
    """)

    assert "cancelled: nothing" in said(result)


async def test_only_who_knows_the_word_is_let_in() -> None:
    peer = Server("2026-07-28", Transcript())
    async with anyio.create_task_group() as group:
        *_, address, token = await stdio.listen(peer, group)
        port = int(address.rpartition(":")[2])
        with anyio.fail_after(5):
            async with await anyio.connect_tcp("127.0.0.1", port) as stranger:
                await stranger.send(b"x" * len(token) + b"\n")
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stranger.receive()
        group.cancel_scope.cancel()

    assert not peer.started


@pytest.mark.parametrize("first", ["suite", "client"])
def test_the_pipe_ends_with_either_side(first: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, "-I", "-S", str(stdio.PIPE), address, "word"]
        listening.settimeout(10)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pipe:
            assert pipe.stdin is not None
            assert pipe.stdout is not None
            suite, _ = listening.accept()
            with suite, suite.makefile("rwb") as lines:
                assert lines.readline() == b"word\n"
                pipe.stdin.write(b"there\n")
                pipe.stdin.flush()
                assert lines.readline() == b"there\n"
                lines.write(b"back\n")
                lines.flush()
                assert pipe.stdout.readline() == b"back\n"
                if first == "suite":
                    suite.shutdown(socket.SHUT_RDWR)
                else:
                    pipe.stdin.close()
                assert pipe.wait(10) == 0
