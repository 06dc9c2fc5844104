"""Sampling and elicitation that run as tasks of the client (2025-11-25)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import anyio

from inverted_conformance.client_mode.answer import Answer
from inverted_conformance.client_mode.asks import REJECT, accept, form, sample, say, tool
from inverted_conformance.client_mode.call import Call
from inverted_conformance.client_mode.own_task import ELICITATION, OwnTask, needs_own_tasks
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.handshake import LEGACY
from inverted_conformance.client_mode.scenarios.rounds import NAME
from inverted_conformance.client_mode.scenarios.tasks_2025 import related
from inverted_conformance.client_mode.stage import MOMENT, Stage

THINKS: Final = 1.0
SHORTEST: Final = 16
"""Characters of an id that nobody guesses: 96 bits in Base64."""

REJECTED: Final = -1


async def begun(stage: Stage, capability: str = "") -> Call:
    """Open a scenario on the client's own tasks.

    Args:
        stage: The scenario.
        capability: What the client must declare; sampling as a task if not given.

    Raises:
        NotOffered: It does not.
    """
    await stage.open(tool("ask"))
    call = await stage.called("ask")
    needs_own_tasks(stage, *([capability] if capability else []))
    return call


@CLIENT.scenario(
    "tasks",
    checks=(
        "capabilities.tasks-declared",
        "tasks.create-result",
        "tasks.create-promptly",
        "tasks.starts-working",
        "tasks.created-at",
        "tasks.last-updated-at",
        "tasks.ttl-in-get",
        "tasks.transitions",
        "tasks.no-related-task-in-results",
        "tasks.terminal-stays",
        "tasks.no-related-task-in-notification",
    ),
    wires=LEGACY,
)
async def own_task_from_begin_to_end(stage: Stage) -> None:
    """The model thinks for a second as a task: how the task looks until then and after."""
    call = await begun(stage)
    before = anyio.current_time()
    own = await OwnTask.make(stage, call, sample(say("thought through", think=THINKS)))
    took = anyio.current_time() - before
    shape = f"A request with a task got {own.created}."
    if not stage.check("tasks.create-result", bool(own.task), shape, "a task"):
        return
    stage.met("capabilities.tasks-declared", "The client declared tasks for sampling.")
    stage.check(
        "tasks.create-promptly",
        took < THINKS * 0.8,
        f"The task came after {took:.1f} seconds; its work takes {THINKS:g}.",
        "at once",
    )
    status = own.task.get("status")
    stage.check("tasks.starts-working", status == "working", f"It began as {status!r}.", "working")
    looks = await own.ended()
    looks.append(await own.get())
    seen = [status, *(each.result.get("status") for each in looks)]
    moves = [one for one, two in zip([None, *seen], seen, strict=False) if one != two][1:]
    stage.check(
        "tasks.transitions",
        seen[-1] == "completed" and set(moves) <= {"working", "input_required"},
        f"The status was {seen}.",
        "working, perhaps input_required, then completed",
    )
    stage.check(
        "tasks.terminal-stays", seen[-1] == seen[-2], f"At the end it was {seen[-2:]}.", "the same"
    )
    _times(stage, [Answer(own.task), *looks])
    named = [related(each.result) for each in looks]
    stage.check(
        "tasks.no-related-task-in-results",
        not any(named),
        f"The answers to tasks/get name {set(named)} in related-task.",
        "none",
    )
    told = [
        each for _, each in stage.server.notifications if each["method"].endswith("tasks/status")
    ]
    if told:
        stage.check(
            "tasks.no-related-task-in-notification",
            not any(related(each.get("params", {})) for each in told),
            f"The client sent {len(told)} status notifications.",
            "none with related-task",
        )
    call.finish()


def _times(stage: Stage, looks: list[Answer]) -> None:
    for key, name in (("created-at", "createdAt"), ("last-updated-at", "lastUpdatedAt")):
        said = [each.result.get(name) for each in looks]
        stage.check(
            f"tasks.{key}",
            all(_iso(each) for each in said)
            and (name != "createdAt" or len(set(map(str, said))) == 1),
            f"{name} was {sorted(set(map(str, said)))}.",
            "ISO 8601 in every reply" + (", and always the same" if name == "createdAt" else ""),
        )
    ttls = [each.result.get("ttl", "missing") for each in looks]
    stage.check(
        "tasks.ttl-in-get",
        all(each is None or isinstance(each, int | float) for each in ttls),
        f"The ttl was {ttls}.",
        "a number, or null",
    )


def _iso(said: object) -> bool:
    try:
        return bool(datetime.fromisoformat(str(said)))
    except ValueError:
        return False


@CLIENT.scenario(
    "tasks",
    checks=(
        "tasks.result-blocks",
        "tasks.result-success",
        "tasks.result-exact",
        "tasks.result-terminal",
        "tasks.related-task-in-result",
        "tasks.related-task",
    ),
    wires=LEGACY,
)
async def own_result(stage: Stage) -> None:
    """tasks/result while the model still thinks, and once more after the end."""
    call = await begun(stage)
    plain = await call.ask(sample(say("thought through")))
    before = anyio.current_time()
    own = await OwnTask.make(stage, call, sample(say("thought through", think=THINKS)))
    answer = await own.result()
    took = anyio.current_time() - before
    stage.check(
        "tasks.result-blocks",
        took > THINKS * 0.9,
        f"tasks/result was answered after {took:.1f} seconds; the work takes {THINKS:g}.",
        "not before the end",
    )
    again = await own.result()
    for key, found in (("success", answer), ("terminal", again), ("exact", answer)):
        without = {name: value for name, value in found.result.items() if name != "_meta"}
        bare = {name: value for name, value in plain.result.items() if name != "_meta"}
        stage.check(
            f"tasks.result-{key}",
            without == bare,
            f"tasks/result gave {found}.",
            f"what the same request gives without a task: {bare}",
        )
    names = [related(answer.result), related(again.result)]
    for key in ("tasks.related-task-in-result", "tasks.related-task"):
        stage.check(
            key,
            names == [own.id, own.id],
            f"The replies to tasks/result of {own.id} name {names}.",
            "that task in related-task",
        )
    call.finish()


@CLIENT.scenario("tasks", checks=("tasks.result-exact",), wires=LEGACY)
async def own_form(stage: Stage) -> None:
    """A form that the person fills in as a task."""
    call = await begun(stage, ELICITATION)
    own = await OwnTask.make(stage, call, form(accept(name="Ada"), NAME))
    answer = await own.result()
    stage.check(
        "tasks.result-exact",
        answer.result.get("content") == {"name": "Ada"},
        f"A form as a task got {answer}.",
        "what was filled in",
    )
    call.finish()


@CLIENT.scenario(
    "tasks",
    checks=("tasks.result-error", "tasks.failed-status-message", "tasks.result-terminal"),
    wires=LEGACY,
)
async def own_task_rejected(stage: Stage) -> None:
    """The person rejects a request that runs as a task: the task fails with that error."""
    call = await begun(stage)
    own = await OwnTask.make(stage, call, sample(REJECT))
    looks = await own.ended()
    last = looks[-1].result if looks else {}
    stage.check(
        "tasks.failed-status-message",
        last.get("status") == "failed" and bool(last.get("statusMessage")),
        f"The rejected task ended as {last.get('status')!r}: {last.get('statusMessage')!r}.",
        "failed, and a reason",
    )
    answer = await own.result()
    seen = f"Its tasks/result got {answer}."
    rejected = answer.error.get("code") == REJECTED
    stage.check("tasks.result-error", rejected, seen, "the error -1")
    stage.check("tasks.result-terminal", rejected, seen, "the error -1")
    call.finish()


@CLIENT.scenario(
    "tasks",
    checks=("tasks.id-string", "tasks.id-unique", "tasks.id-generated", "tasks.id-entropy"),
    wires=LEGACY,
)
async def own_ids(stage: Stage) -> None:
    """The ids of several tasks, one of which the suite proposes."""
    call = await begun(stage)
    tasks = [
        await OwnTask.make(stage, call, sample(say("hello")), taskId="proposed") for _ in range(4)
    ]
    ids = [each.id for each in tasks]
    texts = [each for each in ids if isinstance(each, str)]
    stage.check("tasks.id-string", texts == ids, f"The ids are {ids}.", "strings")
    stage.check("tasks.id-unique", len(set(texts)) == len(ids), f"The ids are {ids}.", "different")
    stage.check("tasks.id-generated", "proposed" not in ids, f"The ids are {ids}.", "its own")
    stage.check(
        "tasks.id-entropy",
        all(len(each) >= SHORTEST for each in texts) and bool(texts),
        f"The ids are {ids}.",
        f"at least {SHORTEST} characters",
    )
    call.finish()


@CLIENT.scenario(
    "tasks",
    checks=(
        "tasks.cancel-status",
        "tasks.cancel-final",
        "tasks.cancel-stops",
        "tasks.cancel-terminal",
        "tasks.error-messages",
        "tasks.terminal-stays",
    ),
    wires=LEGACY,
)
async def own_task_cancelled(stage: Stage) -> None:
    """A task is cancelled while the model thinks: it stays cancelled, and the model stops."""
    call = await begun(stage)
    request = sample(say("too late", think=THINKS), _meta={"progressToken": "cancelled"})
    own = await OwnTask.make(stage, call, request)
    reply = await own.cancel()
    look = await own.get()
    both = [reply.result.get("status"), look.result.get("status")]
    stage.check(
        "tasks.cancel-status",
        both == ["cancelled", "cancelled"] or look.error.get("code") == INVALID,
        f"tasks/cancel and the next tasks/get show {both}.",
        "cancelled",
    )
    before = len(stage.server.notifications)
    await stage.maybe(lambda: None, THINKS + MOMENT)
    later = await own.get()
    gone = later.error.get("code") == INVALID
    for key in ("tasks.cancel-final", "tasks.terminal-stays"):
        stage.check(
            key,
            gone or later.result.get("status") == "cancelled",
            f"When its work would have ended the task showed {later}.",
            "cancelled still",
        )
    more = len(stage.server.notifications) - before
    stage.check(
        "tasks.cancel-stops",
        more == 0,
        f"After the cancellation the client sent {more} notifications.",
        "no more progress",
    )
    again = await own.cancel()
    stage.check(
        "tasks.cancel-terminal",
        again.error.get("code") == INVALID,
        f"A second tasks/cancel got {again}.",
        "the error -32602",
    )
    said = again.error.get("message")
    stage.check("tasks.error-messages", bool(said), f"Its error says {said!r}.", "what is wrong")
    call.finish()


INVALID: Final = -32602
