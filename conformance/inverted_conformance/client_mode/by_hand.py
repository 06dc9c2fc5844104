"""The suite as a server over stdio, which a person installs in a real client and goes through.

`inverted-conformance client --install HOST` installs it. Its tool `next_check` runs one check after
another; `report` tells how they came out, and writes the run for `inverted-conformance report`.
"""

from __future__ import annotations

import re
import secrets
import sys
import time
from pathlib import Path
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.by_hand_checks import HAND
from inverted_conformance.client_mode.plain import declares
from inverted_conformance.client_mode.stage import NotOffered
from inverted_conformance.fixture.asking import Call, Rounds
from inverted_conformance.reports import data
from inverted_conformance.scenario import Scenario, Wire
from inverted_conformance.verdicts import Finding, Report, Result
from inverted_conformance.wire.transcript import Message, Transcript

NAME: Final = "inverted-conformance"
NOTHING: Final = types.Tool(name="", input_schema={"type": "object", "properties": {}})
TOOLS: Final = {
    "next_check": "Run the next conformance check. Show the person what it says to do.",
    "repeat_check": "Run the last conformance check once more.",
    "report": "Tell how the checks came out so far, and write them to a file.",
}
UNANSWERED: Final = "The client did not come back with an answer."


class ByHand:
    """One person with one client.

    Args:
        folder: Where the report is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._results: dict[str, Result] = {}
        self._open: tuple[Scenario, str] | None = None
        self._last: Scenario | None = None
        self._peer = ""
        self._began = time.monotonic()

    def server(self) -> Server[Any]:
        """Put the server together."""
        server: Server[Any] = Server(
            NAME,
            instructions="Call next_check again and again until it says that all is done; "
            "then call report. Tell the person each time what to do.",
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        security = RequestStateSecurity(keys=[secrets.token_bytes(32)])
        server.middleware.append(RequestStateBoundary(security, default_audience=NAME))
        return server

    async def _list(
        self, context: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        del context, params
        listed = [
            NOTHING.model_copy(update={"name": name, "description": description})
            for name, description in TOOLS.items()
        ]
        return types.ListToolsResult(tools=listed)

    async def _call(
        self, context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        info = context.session.client_params.client_info if context.session.client_params else None
        self._peer = f"{info.name} {info.version}" if info else self._peer
        wire: Wire = "2026-07-28" if context.protocol_version == "2026-07-28" else "2025-11-25"
        call = Call(context, params)
        try:
            if params.name == "report":
                said = self._report(wire)
            elif params.name in TOOLS:
                said = await self._check(call, wire, again=params.name == "repeat_check")
            else:
                raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name!r}.")
        except Rounds as rounds:
            return rounds.result
        return types.CallToolResult(content=[types.TextContent(text=said)])

    async def _check(self, call: Call, wire: Wire, *, again: bool) -> str:
        retry = call.params.input_responses is not None
        if self._open is not None and not retry:
            self._unanswered(*self._open, wire)
        scenario = self._last if again or retry else self._following(wire)
        if scenario is None:
            return "All checks are done. Call report."
        self._last = scenario
        result = Result(scenario, wire)
        hand = _Hand(call, result, lambda: self._asks(scenario))
        try:
            await scenario.run(hand)
        except NotOffered as missing:
            result.not_offered = str(missing)
        self._open = None
        result.lines.extend(hand.transcript.lines)
        self._results[result.id] = result
        return self._said(result, wire)

    def _asks(self, scenario: Scenario) -> None:
        self._open = (scenario, scenario.about)

    def _unanswered(self, scenario: Scenario, about: str, wire: Wire) -> None:
        """A question of 2026-07-28 was refused: the call did not come back."""
        result = Result(scenario, wire)
        wanted = "must refuse" in about
        for key in result.requirements:
            result.findings.append(Finding(key, ok=wanted, detail=UNANSWERED))
        self._results[result.id] = result
        self._open = None

    def _following(self, wire: Wire) -> Scenario | None:
        rest = [each for each in _checks(wire) if f"{each.name}@{wire}" not in self._results]
        return rest[0] if rest else None

    def _said(self, result: Result, wire: Wire) -> str:
        following = self._following(wire)
        lines = [f"{result.scenario.name}: {result.status}.", result.not_offered or ""]
        lines += [finding.detail for finding in result.failures]
        lines.append(
            f"Call next_check. The person then has to do this: {following.about}"
            if following
            else "All checks are done. Call report."
        )
        return "\n".join(line for line in lines if line)

    def _report(self, wire: Wire) -> str:
        if self._open is not None:
            self._unanswered(*self._open, wire)
        results = list(self._results.values())
        report = Report("client", "by hand", self._peer, results, time.monotonic() - self._began)
        name = re.sub(r"[^a-zA-Z0-9.-]+", "-", self._peer).strip("-") or "client"
        file = self._folder / f"conformance-{name}.json"
        file.write_text(data.write(report, data.now()), "utf-8")
        lines = [f"{result.status:<12} {result.id}  {result.scenario.about}" for result in results]
        missing = [
            each.name for each in _checks(wire) if f"{each.name}@{wire}" not in self._results
        ]
        lines += [f"{'not run':<12} {name}" for name in missing]
        lines += [f"Written to {file}; inverted-conformance report {file} makes a page of it."]
        return "\n".join(lines)


def _checks(wire: Wire) -> list[Scenario]:
    return [each for each in HAND if wire in each.wires]


class _Hand:
    """See `by_hand_checks.Hand`."""

    def __init__(self, call: Call, result: Result, asks: Any) -> None:
        self.transcript = Transcript()
        self._call = call
        self._result = result
        self._asks = asks

    @property
    def modern(self) -> bool:
        return self._result.wire == "2026-07-28"

    async def ask(self, *needs: str, **requests: Message) -> dict[str, Answer]:
        for name in needs:
            if not self._declares(name):
                raise NotOffered(f"The client does not declare {name}.")
        for request in requests.values():
            self.transcript.add("sent", request)
        self._asks()
        try:
            found = await self._call.ask(**requests)
        except MCPError as error:
            return self._refused(requests, error.error.code, error.error.message)
        except ValidationError as error:
            return self._refused(requests, 0, f"no answer that the schema has: {error}")
        self.transcript.add("received", found)
        return {key: Answer(answer) for key, answer in found.items()}

    def _refused(self, requests: dict[str, Message], code: int, message: str) -> dict[str, Answer]:
        said: Message = {"code": code, "message": message}
        self.transcript.add("received", {"error": said})
        return {key: Answer(None, said) for key in requests}

    def _declares(self, name: str) -> bool:
        declared = self._call.context.session.client_capabilities
        shown = declared.model_dump(by_alias=True, exclude_none=True) if declared else {}
        return declares(shown, name)

    def check(self, key: str, ok: bool, seen: str, wanted: str = "") -> None:  # noqa: FBT001 - as `Stage.check`
        if key in self._result.requirements:
            detail = seen if ok or not wanted else f"{seen} Expected: {wanted}"
            self._result.findings.append(Finding(key, ok, detail, len(self.transcript.lines)))


def main() -> int:
    """Serve over stdio until the client closes it."""

    async def serve() -> None:
        server = ByHand(Path.home()).server()
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)
    return 0


if __name__ == "__main__":
    sys.exit(main())
