"""A server that does the worst: the suite ends in bounded time, says what it did, and goes on."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

import pytest

from inverted_conformance.scenario import Registry, Scenario, Wire
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.runner import run
from inverted_conformance.server_mode.target import Target
from inverted_conformance.verdicts import Report, Status

FACTOR = 0.2
"""What takes 8 s to be given up takes 1.6 s here."""

CHECKED = "capabilities.sampling-context-undeclared"
"""Any requirement."""

ECHO = """
    import json, sys
    def say(message): print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
    def opened(id):
        say({"id": id, "result": {"protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}}, "serverInfo": {"name": "bad", "version": "1"}}})
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("method") == "initialize":
            opened(message["id"])
        elif message.get("method") == "tools/list":
            say({"id": message["id"], "result": {"tools": [
                {"name": "test_sampling", "inputSchema": {"type": "object"}}]}})
        elif message.get("method") == "tools/call":
            id = message["id"]
"""


BOTH = Registry("server")


@BOTH.scenario("sampling", checks=(CHECKED,), needs=("test_sampling",))
async def first(lab: Lab) -> None:
    """Call the tool."""
    await call(lab)


@BOTH.scenario("sampling", checks=(CHECKED,), needs=("test_sampling",))
async def second(lab: Lab) -> None:
    """Call the tool again."""
    await call(lab)


async def call(lab: Lab) -> None:
    reply = await (await lab.client()).call("test_sampling")
    lab.check(CHECKED, not reply.failed, f"In the end {reply.told}.")


async def against(*command: str, url: str | None = None) -> Report:
    told: list[str] = []
    chosen: list[tuple[Scenario, Wire]] = [(scenario, "2025-11-25") for scenario in BOTH]
    report = await run(
        Target(url, command), chosen, told=lambda result: told.append(result.id), factor=FACTOR
    )
    assert told == [result.id for result in report.results]
    assert len(told) == 2, "the second scenario must run whatever happened in the first"
    return report


async def python(program: str) -> Report:
    return await against(sys.executable, "-c", textwrap.dedent(program))


def reasons(report: Report) -> Sequence[str]:
    assert [result.status for result in report.results] == [Status.FAILED] * 2
    return [" ".join(f.detail for f in result.failures) for result in report.results]


async def test_a_command_that_does_not_exist_is_named() -> None:
    for reason in reasons(await against("no-such-command-at-all")):
        assert "'no-such-command-at-all' cannot be started" in reason


async def test_a_command_that_ends_at_once_is_quoted_with_its_exit_code() -> None:
    report = await python("import sys; sys.exit('no configuration file')")
    for reason in reasons(report):
        assert "no configuration file" in reason


async def test_a_server_that_never_answers_is_given_up() -> None:
    for reason in reasons(await python("import sys; sys.stdin.read()")):
        assert "did not answer initialize within" in reason


async def test_a_server_that_closes_in_the_middle_of_a_message_is_noticed() -> None:
    report = await python("""
        import sys
        sys.stdin.readline(); sys.stdout.write('{"jsonrpc": "2.0", "id"'); sys.stdout.flush()
    """)
    for reason in reasons(report):
        assert "ended in the middle of a message" in reason


async def test_what_is_no_json_is_quoted() -> None:
    report = await python("print('Server is starting…', flush=True); import sys; sys.stdin.read()")
    for reason in reasons(report):
        assert "sent what is no JSON: 'Server is starting…'" in reason


async def test_a_message_of_100_megabytes_ends_the_connection_only() -> None:
    report = await python("""
        import sys
        sys.stdin.readline()
        for _ in range(100): sys.stdout.write("x" * 1_000_000)
        sys.stdout.flush(); sys.stdin.read()
    """)
    for reason in reasons(report):
        assert "sent a message of more than" in reason


async def test_a_flood_of_messages_ends_the_connection_only() -> None:
    flood = """
            while True: say({"method": "notifications/message",
                             "params": {"level": "info", "data": "again"}})
    """
    for reason in reasons(await python(ECHO + flood)):
        assert "sent more than 5000 messages" in reason


async def test_a_server_that_dies_in_a_call_is_started_again_for_the_next_scenario() -> None:
    for reason in reasons(await python(ECHO + "            sys.exit(3)")):
        assert "did not answer tools/call: it ended the connection (exit code 3)" in reason


async def test_a_result_without_what_it_must_have_is_read_as_such() -> None:
    for reason in reasons(await python(ECHO + '            say({"id": id, "result": {}})')):
        assert "does not fit the schema" in reason


@pytest.mark.parametrize("id", ["[]", "{}", "True", "1.5"])
async def test_an_id_that_is_none_ends_nothing(id: str) -> None:
    odd = f'            say({{"id": {id}, "result": {{}}}}); '
    for reason in reasons(await python(ECHO + odd + 'say({"id": id, "result": {"content": []}})')):
        assert "its id is neither a string nor an integer" in reason


async def test_an_answer_to_a_request_that_nobody_sent_is_noticed() -> None:
    answer = (
        '            say({"id": "who?", "result": {}}); say({"id": id, "result": {"content": []}})'
    )
    for reason in reasons(await python(ECHO + answer)):
        assert "answered request 'who?', which nobody sent" in reason


async def test_an_address_where_nobody_listens_is_named() -> None:
    for reason in reasons(await against(url="http://127.0.0.1:9/mcp")):
        assert "broke the exchange" in reason


@pytest.mark.parametrize("body", ["<html>Hello</html>", "[]", '{"hello": 1}'])
async def test_an_address_that_is_not_mcp_is_quoted(body: str) -> None:
    program = f"""
        from http.server import BaseHTTPRequestHandler, HTTPServer
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                kind = "application/json" if {body!r}[0] in "[{{" else "text/html"
                self.send_header("content-type", kind)
                self.end_headers(); self.wfile.write({body!r}.encode())
            def log_message(self, *_): pass
        HTTPServer(("127.0.0.1", 8931), Handler).serve_forever()
    """
    command = (sys.executable, "-c", textwrap.dedent(program))
    for reason in reasons(await against(*command, url="http://127.0.0.1:8931/mcp")):
        assert body in reason


async def test_a_command_that_never_listens_at_its_address_is_given_up() -> None:
    command = (sys.executable, "-c", "import sys, time; time.sleep(60)")
    for reason in reasons(await against(*command, url="http://127.0.0.1:8932/mcp")):
        assert "did not listen within" in reason
