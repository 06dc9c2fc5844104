"""A client that does the worst: the run ends in bounded time, says what it did, and goes on."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import Final

import pytest

from inverted_conformance.client_mode import server
from inverted_conformance.client_mode.runner import run
from inverted_conformance.client_mode.scenarios import CLIENT
from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.verdicts import Report, Status

FACTOR = 0.12
"""What takes 8 s to be given up takes 1 s here."""

PLAIN: Final[list[tuple[Scenario, Wire]]] = [
    (scenario, wire)
    for scenario in CLIENT
    for wire in scenario.wires
    if scenario.name == "sampling/plain-answer" and wire == "2025-11-25"
]
SEVERAL: Final = PLAIN * 5

HELLO = """
    import json, sys, time, urllib.request
    url, ids = sys.argv[-1], iter(range(10**9))
    def post(body):
        headers = {"Content-Type": "application/json"}
        data = body if isinstance(body, bytes) else json.dumps({"jsonrpc": "2.0", **body}).encode()
        request = urllib.request.Request(url, data, headers)
        return urllib.request.urlopen(request)
    def ask(method, **params):
        return post({"id": next(ids), "method": method, "params": params})
    def hello(capabilities):
        info = {"name": "bad", "version": "1"}
        ask("initialize", protocolVersion="2025-11-25", capabilities=capabilities,
            clientInfo=info).read()
        post({"method": "notifications/initialized"}).read()
        ask("tools/list").read()
    def question(stream):
        for line in stream:
            if line.startswith(b"data:"):
                return json.loads(line[5:])
"""


async def played(program: str, chosen: Sequence[tuple[Scenario, Wire]] = PLAIN) -> Report:
    code = textwrap.dedent(HELLO) + textwrap.dedent(program)
    return await run([sys.executable, "-c", code], chosen, told=lambda _: None, factor=FACTOR)


def said(report: Report) -> str:
    return " ".join(finding.detail for finding in report.results[0].failures)


async def test_a_client_that_cannot_be_started() -> None:
    report = await run(["/nowhere/client"], PLAIN, told=lambda _: None)

    assert report.results[0].status is Status.FAILED
    assert "cannot be started" in said(report)


async def test_a_client_that_never_connects_is_not_tried_for_ever() -> None:
    report = await played("time.sleep(60)", SEVERAL)

    assert "expected to connect" in said(report)
    assert "Not tried" in report.results[-1].failures[0].detail


async def test_a_client_that_ends_at_once() -> None:
    report = await played("sys.exit('no server wanted')")

    assert "ended with 1; it said last: no server wanted" in said(report)


async def test_a_client_that_sends_no_json() -> None:
    report = await played("""
        try:
            post(b"{")
        except Exception:
            pass
    """)

    assert "no JSON" in said(report)


async def test_a_client_that_sends_an_invalid_message() -> None:
    report = await played("""
        try:
            post({"id": None, "method": "initialize"})
        except Exception:
            pass
    """)

    assert "no JSON-RPC 2.0" in said(report)


async def test_a_client_that_floods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST", 50)

    report = await played("""
        hello({"sampling": {}})
        try:
            while True:
                ask("ping").read()
        except Exception:
            pass
    """)

    assert "more than 50 messages" in said(report)


async def test_a_client_that_does_not_call() -> None:
    report = await played("hello({'sampling': {}}); time.sleep(60)")

    assert "expected to call ask" in said(report)


async def test_a_client_that_does_not_answer() -> None:
    report = await played("""
        hello({"sampling": {}})
        question(ask("tools/call", name="ask", arguments={}))
        time.sleep(60)
    """)

    assert "expected to answer" in said(report)


async def test_a_client_that_answers_what_nobody_asked_and_twice() -> None:
    report = await played("""
        hello({"sampling": {}})
        asked = question(ask("tools/call", name="ask", arguments={}))
        post({"id": "nothing", "result": {}})
        for _ in range(2):
            post({"id": asked["id"], "result": {}})
        post({"id": ["a", "list"], "result": {}})
    """)

    assert "that nobody made" in said(report)
    assert "neither a string nor an integer" in said(report)
    assert "twice" in said(report)


async def test_a_client_that_does_not_end_is_killed() -> None:
    report = await played("""
        hello({"sampling": {}})
        asked = question(ask("tools/call", name="ask", arguments={}))
        content = {"type": "text", "text": "hello there"}
        answer = {"role": "assistant", "content": content, "model": "m"}
        post({"id": asked["id"], "result": answer})
        time.sleep(60)
    """)

    assert said(report) == "The client did not end after its last call; it was killed."


async def test_a_client_without_the_capability_is_not_offered() -> None:
    report = await played("hello({}); time.sleep(60)")

    assert report.results[0].not_offered == "The client does not declare sampling."


async def test_a_client_of_another_revision_is_not_offered() -> None:
    report = await played("""
        info = {"name": "old", "version": "1"}
        ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=info).read()
    """)

    assert report.results[0].not_offered == "The client does not speak 2025-11-25."
