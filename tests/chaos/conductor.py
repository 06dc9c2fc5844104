"""Starts the processes, kills them at random moments, and plays the clients meanwhile.

A call counts as acknowledged when its reply was read. The process that serves it may die at any
moment of it; then it is called again, elsewhere. One thread, no event loop: it forks.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple, TextIO

from tests.chaos.process import CHUNK, Call, live
from tests.chaos.work import WRONG, Place, answer_to

MOST_CALLS: Final = 12
"""Calls under way at one time."""
SHORTEST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.25
"""Seconds between two calls for one task."""
ANYWHERE: Final = 0.5
"""The part of the kills that hits any process, whether it serves a call or not."""
LONGEST_CALL: Final = 0.005
HEAD_START: Final = 0.15
"""The part of the tasks that is there before the first kill."""
LONGEST_LIFE: Final = 2.0
"""Seconds after its creation within which a task is cancelled that shall be."""
ENDED: Final = ("completed", "failed", "cancelled")


class Sizes(NamedTuple):
    """How much chaos.

    Attributes:
        processes: Processes on the file.
        tasks: Tasks.
        kills: Kills.
        pause: Seconds between two kills, on average.
        cancels: The part of the tasks that somebody tries to cancel.
        patience: Seconds after which a task that does not end counts as lost.
    """

    processes: int = 4
    tasks: int = 200
    kills: int = 500
    pause: float = 0.15
    cancels: float = 0.08
    patience: float = 120.0


@dataclass
class Task:
    """What the clients know of one task."""

    number: int
    shall_be_cancelled_at: float | None
    run: str | None = None
    status: str = ""
    questions: dict[str, str] = field(default_factory=dict[str, str])
    sent: dict[str, int] = field(default_factory=dict[str, int])
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])
    cancel_sent: bool = False
    cancel_acknowledged: bool = False
    ended: list[Any] | None = None
    calling: bool = False
    next_call: float = 0.0
    looks: int = 0


@dataclass
class Process:
    """A process that is alive."""

    number: int
    pid: int
    calls: int
    replies: int
    rest: bytes = b""
    under_way: dict[int, tuple[Task, Call]] = field(default_factory=dict[int, tuple[Task, Call]])


class Conductor:
    """One run of the chaos. `run` does it; the rest is what was seen.

    Args:
        place: Where the files go.
        seed: Makes the tasks, and when what is called and killed.
        sizes: How much.
    """

    def __init__(self, place: Place, seed: int, sizes: Sizes) -> None:
        self.tasks = [Task(number, None) for number in range(sizes.tasks)]
        self.kills = 0
        self.deaths: dict[int, float] = {}
        """When each process was dead."""
        self.calls = 0
        self.died = 0
        """Calls whose process was killed meanwhile."""
        self.refused: list[str] = []
        """Errors of the store that a client was told; it called again."""
        self.wrong: list[str] = []
        """What a client has seen and must not."""
        self._place, self._seed, self._sizes = place, seed, sizes
        self._world = Random(seed)
        self._selector = selectors.DefaultSelector()
        self._processes: list[Process] = []
        self._started = 0
        self._log: TextIO

    def run(self) -> None:
        """Until every task has ended and every kill is done, or nothing moves any more."""
        gc.freeze()  # what was imported is shared with the forks
        with self._place.calls.open("w", buffering=1) as self._log:
            try:
                for _ in range(self._sizes.processes):
                    self._start()
                self._conduct()
            finally:
                for process in list(self._processes):
                    self._end(process)
                self._selector.close()

    def _conduct(self) -> None:
        now = time.monotonic()
        next_kill, moved = now + self._sizes.pause, now
        while True:
            now = time.monotonic()
            here = self.tasks[: self._how_many()]
            left = [each for each in here if each.ended is None]
            if not left and self.kills >= self._sizes.kills:
                return
            if now > moved + self._sizes.patience:
                return  # what is left counts as lost
            self._call_some(here, now)
            if self.kills < self._sizes.kills and now >= next_kill:
                self._kill(self._victim())
                next_kill = now + self._world.expovariate(1 / self._sizes.pause)
            if self._hear(0.005):
                moved = now

    def _how_many(self) -> int:
        """Tasks are created as the kills go on, so that there is always something to disturb."""
        done = self.kills / self._sizes.kills if self._sizes.kills else 1.0
        return min(len(self.tasks), int(len(self.tasks) * (HEAD_START + done)))

    # -- the processes ----------------------------------------------------------------------

    def _start(self) -> None:
        self._started += 1
        calls, to = os.pipe()
        of, replies = os.pipe()
        pid = os.fork()
        if pid == 0:
            # It must see when the conductor is gone, so it keeps no other end of any pipe.
            for end in (
                to,
                of,
                *(fd for each in self._processes for fd in (each.calls, each.replies)),
            ):
                os.close(end)
            live(self._place, self._seed, self._started, calls, replies)
        os.close(calls)
        os.close(replies)
        process = Process(self._started, pid, to, of)
        self._processes.append(process)
        self._selector.register(of, selectors.EVENT_READ, process)

    def _end(self, process: Process) -> None:
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)  # a zombie would count as alive
        self.deaths[process.number] = time.time()
        self._processes.remove(process)
        self._selector.unregister(process.replies)
        while self._read(process):
            pass  # what it has said before was said
        os.close(process.calls)
        os.close(process.replies)

    def _kill(self, process: Process) -> None:
        self._end(process)
        self.kills += 1
        self._note({"killed": process.number})
        for task, call in process.under_way.values():
            self.died += 1
            task.calling = False
            self._note({"died": call})
        self._start()

    def _victim(self) -> Process:
        """Any process, or one in the middle of a call."""
        serving = [each for each in self._processes if each.under_way]
        if not serving or self._world.random() < ANYWHERE:
            return self._world.choice(self._processes)
        time.sleep(self._world.uniform(0, LONGEST_CALL))
        return self._world.choice(serving)

    def _note(self, what: dict[str, Any]) -> None:
        self._log.write(json.dumps({"at": time.time(), **what}) + "\n")

    # -- the clients ------------------------------------------------------------------------

    def _call_some(self, here: list[Task], now: float) -> None:
        room = MOST_CALLS - sum(len(each.under_way) for each in self._processes)
        idle = [each for each in here if not each.calling and each.next_call <= now]
        for task in self._world.sample(idle, min(max(room, 0), len(idle))):
            call = {"id": self.calls, **self._next_call(task)}
            process = self._world.choice(self._processes)
            self.calls += 1
            self._note({"call": call, "of": task.number, "process": process.number})
            task.calling = True
            process.under_way[call["id"]] = (task, call)
            os.write(process.calls, json.dumps(call).encode() + b"\n")

    def _next_call(self, task: Task) -> Call:
        world = self._world
        if task.run is None:
            return {"call": "create", "number": task.number}
        again = list(task.acknowledged)
        if again and world.random() < 0.05:  # a client that repeats itself, and says something else
            return {"call": "answer", "run": task.run, "answers": {world.choice(again): WRONG}}
        if task.ended is not None:
            return {"call": world.choice(["look", "look", "cancel"]), "run": task.run}
        cancel_at = task.shall_be_cancelled_at
        if cancel_at is not None and time.monotonic() > cancel_at and not task.cancel_acknowledged:
            task.cancel_sent = True
            return {"call": "cancel", "run": task.run}
        if task.questions and task.status == "input_required":
            some = world.sample(list(task.questions), world.randint(1, len(task.questions)))
            answers = {id: self._answer(task.questions[id]) for id in some}
            task.sent.update(answers)
            return {"call": "answer", "run": task.run, "answers": answers}
        return {"call": "look", "run": task.run}

    def _answer(self, message: str) -> int:
        number, effect = message.split()
        return answer_to(int(number), int(effect))

    def _hear(self, seconds: float) -> bool:
        """Wait for replies. Returns whether one of them tells that something has moved."""
        moved = False
        for key, _ in self._selector.select(seconds):
            process: Process = key.data
            if process not in self._processes:
                continue
            before = [
                (task, task.status, len(task.questions)) for task, _ in process.under_way.values()
            ]
            if not self._read(process):
                self.wrong.append(
                    f"process {process.number} ended by itself, see {self._place.log}"
                )
                self._kill(process)
                self.kills -= 1
            moved = moved or any(
                (task.status, len(task.questions)) != (status, asked)
                for task, status, asked in before
            )
        return moved

    def _read(self, process: Process) -> bool:
        """Take what a process has said. False at the end of it."""
        chunk = os.read(process.replies, CHUNK)
        *lines, process.rest = (process.rest + chunk).split(b"\n")
        for line in lines:
            reply = json.loads(line)
            task, call = process.under_way.pop(reply["id"])
            self._note({"reply": reply})
            self._acknowledge(task, call, reply)
        return bool(chunk)

    def _acknowledge(self, task: Task, call: Call, reply: dict[str, Any]) -> None:
        task.calling = False
        task.next_call = time.monotonic() + self._world.uniform(SHORTEST_PAUSE, LONGEST_PAUSE)
        if "error" in reply:
            said = f"task {task.number}, {call['call']}: {reply['error']}: {reply['message']}"
            (self.refused if reply["error"].startswith("Store") else self.wrong).append(said)
            return
        if task.run is None:
            task.run = reply["run"]
            if self._world.random() < self._sizes.cancels:
                task.shall_be_cancelled_at = time.monotonic() + self._world.uniform(0, LONGEST_LIFE)
        self._compare(task, reply)
        task.status, task.questions = reply["status"], reply["questions"]
        if task.status not in ENDED and call["call"] == "answer":
            for id, value in call["answers"].items():
                if value != WRONG:
                    task.acknowledged[id] = value
        if call["call"] == "cancel":
            task.cancel_acknowledged = True
        if reply["ended"] is not None:
            task.ended = reply["ended"]
            # Looked at again now and then: what has ended must stay as it is.
            task.looks += 1
            task.next_call += 2.0**task.looks

    def _compare(self, task: Task, reply: dict[str, Any]) -> None:
        """A reply against what the clients were told before."""
        number, status = task.number, reply["status"]
        if reply["run"] != task.run:
            self.wrong.append(f"task {number} is run {task.run}, and then {reply['run']}")
        if reply["problem"] is not None:
            self.wrong.append(f"task {number} has a problem: {reply['problem']}")
        if task.status in ENDED and status != task.status:
            self.wrong.append(f"task {number} was {task.status}, and then {status}")
        if task.ended is not None and reply["ended"] != task.ended:
            self.wrong.append(f"task {number} ended as {task.ended}, and then {reply['ended']}")
        if task.cancel_acknowledged and status not in ENDED:
            self.wrong.append(f"task {number} goes on after its cancellation was acknowledged")
        again = task.acknowledged.keys() & reply["questions"].keys()
        if again:
            self.wrong.append(f"task {number} asks again what was answered: {sorted(again)}")
