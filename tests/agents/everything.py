"""One agent that does everything: the subject of the suites about carriers, crashes and processes.

It samples three times (once with two tools in parallel), asks the person twice, gathers five
samples and runs two steps. Everything that it does to the world is a line in a file, so that the
order of side effects can be compared between eras, transports and processes.

Run as a program it serves itself: `everything.py stdio STORE EFFECTS`, or
`everything.py http STORE EFFECTS FD` on a listening socket that the parent holds.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from inverted import AcceptedElicitation, AgentServer, Run, current_step
from inverted.stores import Store
from inverted.testing import final, text, tool_calls

KEYS = ["a key for tests, long enough to be one"]


class Plan(BaseModel):
    questions: list[str]


class Report(BaseModel):
    title: str
    notes: list[str]
    found: list[str]
    severity: str
    verdict: str
    filed: str
    sent: str


class Effects:
    """What happened to the world: lines in a file, appended as a whole by any process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.steps = Counter[str]()
        """How often each step ran in this process, by the id of its effect."""

    def add(self, line: str) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)

    def of_step(self, line: str) -> None:
        self.steps[current_step().effect_id] += 1
        self.add(line)

    @property
    def lines(self) -> list[str]:
        return self._path.read_text().splitlines() if self._path.exists() else []

    def clear(self) -> None:
        self._path.unlink()

    @property
    def gate(self) -> tuple[Path, Path]:
        """Two FIFOs, if a test made them: `pass_gate` tells that it is there, and waits."""
        return self._path.with_name("reached"), self._path.with_name("gate")

    def pass_gate(self) -> None:
        reached, gate = self.gate
        if gate.exists():
            reached.write_text("here")
            gate.read_text()


def make_server(store: Store | str, effects: Effects, **settings: Any) -> AgentServer:
    server = AgentServer("everything", store=store, keys=KEYS, **settings)

    # Async: they start in the order of the calls, where threads would race.
    async def look_up(word: str) -> str:
        """Look a word up."""
        effects.of_step(f"look up {word}")
        return f"all about {word}"

    async def count(word: str) -> int:
        """Count the letters of a word."""
        effects.of_step(f"count {word}")
        return len(word)

    def file(title: str, severity: str) -> str:
        effects.of_step(f"file {title} as {severity}")
        effects.pass_gate()
        return f"#{len(title)}"

    def send(number: str) -> str:
        effects.of_step(f"send {number}")
        return f"sent {number}"

    @server.agent
    async def triage(run: Run, report: str) -> Report:
        """Turn a report into a filed issue."""
        found = await run.sample(f"What is this about? {report}", tools=[look_up, count])
        plan = await run.sample(["Plan.", str(found.text)], result_type=Plan)
        notes = await run.gather(*(run.sample(each) for each in plan.result.questions))
        severity = await run.elicit("How severe is it?", Literal["low", "high"])
        assert isinstance(severity, AcceptedElicitation)
        filed = await run.step(file, report, severity.data)
        verdict = await run.sample(f"Judge {filed}.")
        await run.approve("Send it?", details=filed)
        sent = await run.step(send, filed)
        return Report(
            title=report,
            notes=[str(note.text) for note in notes],
            found=str(found.text).split(),
            severity=severity.data,
            verdict=str(verdict.text),
            filed=filed,
            sent=sent,
        )

    def note(line: str) -> str:
        effects.add(line)
        return line

    @server.agent
    async def ship(run: Run, number: int) -> list[str]:
        """Ask once, then do three things."""
        await run.approve("Ship it?")
        first = await run.step(note, f"{number} packed")
        rest = await run.gather(
            run.step(note, f"{number} labelled"), run.step(note, f"{number} weighed")
        )
        return [first, *rest]

    return server


ARGUMENTS = {"report": "boom"}
EXPECTED = {
    "title": "boom",
    "notes": ["yes to one", "yes to two", "yes to three", "yes to four", "yes to five"],
    "found": ["boom", "4"],
    "severity": "high",
    "verdict": "yes to Judge #4.",
    "filed": "#4",
    "sent": "sent #4",
}
EFFECTS = ["look up boom", "count boom", "file boom as high", "send #4"]


def model(params: dict[str, Any]) -> Any:
    """A model that answers each question in the same way, however often it is asked."""
    messages = params["messages"]
    first, last = messages[0]["content"], messages[-1]["content"]
    if first["text"] == "Plan.":
        plan = {"questions": ["one", "two", "three", "four", "five"]}
        return final(plan) if "tools" in params else text(json.dumps(plan))
    if "tools" not in params:
        return text(f"yes to {last['text']}")
    if len(messages) == 1:
        return tool_calls(("look_up", {"word": "boom"}), ("count", {"word": "boom"}))
    return text(f"boom {last[1]['content'][0]['text']}")


def person(params: dict[str, Any]) -> Any:
    return "high" if "severe" in params["message"] else True


def main() -> None:
    transport, store, effects, *rest = sys.argv[1:]
    log = Effects(Path(effects))
    log.add(f"process {os.getpid()}")
    server = make_server(store, log)
    if transport == "stdio":
        server.run("stdio", show_banner=False)
    else:
        listener = socket.socket(fileno=int(rest[0]))
        server.run("http", show_banner=False, sockets=[listener], log_level="error")


if __name__ == "__main__":
    main()
