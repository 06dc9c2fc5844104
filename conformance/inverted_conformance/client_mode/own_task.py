"""A question of the suite that runs as a task of the client (2025-11-25)."""

from __future__ import annotations

from typing import Final

import anyio

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.client_mode.stage import MOMENT, NotOffered, Stage
from inverted_conformance.wire.transcript import Message

SAMPLING: Final = "tasks.requests.sampling.createMessage"
ELICITATION: Final = "tasks.requests.elicitation.create"
POLL: Final = 0.1


class OwnTask:
    """A task of the client, as the suite drives it.

    Args:
        stage: The scenario.
        call: The call on whose stream everything is asked.
        created: The answer to the request that made it.

    Attributes:
        created: The answer that made it.
        id: Its id; whatever the client wrote there.
    """

    def __init__(self, stage: Stage, call: Call, created: Answer) -> None:
        self.created: Final = created
        self.task: Final = mapping(created.result.get("task"))
        self.id: Final[object] = self.task.get("taskId")
        self._stage = stage
        self._call = call

    @classmethod
    async def make(cls, stage: Stage, call: Call, request: Message, **task: object) -> OwnTask:
        """Send a request that shall become a task.

        Args:
            stage: The scenario.
            call: On whose stream.
            request: The request.
            task: What stands in its `task`, besides a ttl of a minute.

        Raises:
            Over: There is no answer.
        """
        params = {**request["params"], "task": {"ttl": 60_000, **task}}
        return cls(stage, call, await ask(stage, call, request["method"], params))

    async def get(self, **params: object) -> Answer:
        """`tasks/get`. Raises `Over` if there is no answer."""
        return await self._about("get", **params)

    async def result(self, **params: object) -> Answer:
        """`tasks/result`. Raises `Over` if there is no answer."""
        return await self._about("result", **params)

    async def cancel(self, **params: object) -> Answer:
        """`tasks/cancel`. Raises `Over` if there is no answer."""
        return await self._about("cancel", **params)

    async def ended(self) -> list[Answer]:
        """Poll until the task has ended, for some seconds.

        Returns:
            Every answer to tasks/get; the last one shows the end, if there was one.
        """
        seen: list[Answer] = []
        with anyio.move_on_after(MOMENT * 8):
            while not seen or seen[-1].result.get("status") in {"working", "input_required"}:
                await self._stage.maybe(lambda: None, POLL)
                seen.append(await self.get())
        return seen

    async def _about(self, what: str, **params: object) -> Answer:
        return await ask(self._stage, self._call, f"tasks/{what}", {"taskId": self.id, **params})


async def ask(stage: Stage, call: Call, method: str, params: Message) -> Answer:
    """Send a request on the stream of a call, and wait for the answer.

    Args:
        stage: The scenario.
        call: The call.
        method: The request's method.
        params: Its parameters.

    Raises:
        Over: There is none.
    """
    id = stage.server.ask(call.exchange, {"method": method, "params": params})
    return (await stage.answers({"answer": id}))["answer"]


def needs_own_tasks(stage: Stage, name: str = SAMPLING) -> None:
    """End the scenario unless the client runs requests as tasks.

    Args:
        stage: The scenario.
        name: The capability.

    Raises:
        NotOffered: It does not.
    """
    if not stage.declares(name):
        raise NotOffered(f"The client does not declare {name}.")
