"""Servers whose tasks ask, are cancelled, named or listed in a wrong way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from inverted_conformance.fixture import task_store, tasks_extension, tasks_legacy
from inverted_conformance.fixture.task_store import STORE, Question, Task
from inverted_conformance.fixture.tasks_legacy import RELATED
from inverted_conformance.fixture.tools import TOOLS
from mutants import patches
from mutants.mutant import mutant
from mutants.tasks import LEGACY, MODERN, Shown, shows

# -- questions of 2025-11-25 -----------------------------------------------------------------------


def sends(change: Callable[[Shown], Shown]) -> None:
    """Change what a task asks on 2025-11-25.

    Args:
        change: What makes the wrong parameters of the right ones.
    """
    right = tasks_legacy.send

    async def send(ctx: Any, request: Any) -> Any:
        return await right(ctx, {**request, "params": change(request["params"])})

    tasks_legacy.send = send


@mutant("tasks/asks", "tasks.question-names-task", "tasks.related-task", wires=LEGACY)
def asks_without_a_name() -> None:
    """Asks for a task without saying for which."""
    sends(lambda params: {k: v for k, v in params.items() if k != "_meta"})


@mutant("tasks/asks", "tasks.question-same-task", wires=LEGACY)
def asks_under_a_name_of_its_own() -> None:
    """Gives the question an id of its own in related-task."""
    sends(lambda params: {**params, "_meta": {RELATED: {"taskId": "question-1"}}})


@mutant("tasks/asks", "tasks.input-required", wires=LEGACY)
def asks_while_it_works() -> None:
    """Stays working while it waits for an answer."""
    shows(
        lambda _, shown: {
            **shown,
            "status": "working" if shown["status"] == "input_required" else shown["status"],
        }
    )


@mutant("tasks/asks", "tasks.leaves-input-required", wires=LEGACY)
def never_has_enough() -> None:
    """Stays input_required once it has asked, whatever is answered."""
    shows(lambda task, shown: {**shown, "status": "input_required"} if task.asked else shown)


@mutant("tasks/asks", "tasks.related-task-in-result", "tasks.related-task", wires=LEGACY)
def names_only_its_questions() -> None:
    """Names the task in questions and not in the result."""
    patches.results("tasks/result", lambda r: {k: v for k, v in r.items() if k != "_meta"})


@mutant("tasks/asks-several", "tasks.question-names-task", "tasks.related-task", wires=LEGACY)
def names_the_first_question_only() -> None:
    """Names the task in its first question and in no later one."""
    asked: list[Shown] = []

    def change(params: Shown) -> Shown:
        asked.append(params)
        return params if len(asked) == 1 else {k: v for k, v in params.items() if k != "_meta"}

    sends(change)


@mutant("tasks/notifications", "tasks.no-related-task-in-notification", wires=LEGACY)
def names_the_task_twice() -> None:
    """Puts related-task into status notifications."""
    right = tasks_legacy.notification

    def notification(method: str, params: Shown) -> Any:
        named = {RELATED: {"taskId": params.get("taskId")}}
        return right(method, {**params, "_meta": named} if "taskId" in params else params)

    tasks_legacy.notification = notification


@mutant("tasks/break-while-it-asks", "tasks.result-success", wires=LEGACY)
def breaks_with_its_listener() -> None:
    """Ends a task with whoever was fetching its result."""
    right = tasks_legacy.result

    async def result(ctx: Any, params: Any) -> Any:
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=True)
        try:
            return await right(ctx, params)
        finally:
            error = {"code": types.INTERNAL_ERROR, "message": "Nobody listens any more"}
            task.end("failed", "Nobody listens any more", {"error": error})

    tasks_legacy.result = result


# -- questions of 2026-07-28 -----------------------------------------------------------------------


@mutant(
    "tasks/answers",
    "tasks.input-keys-unique",
    "tasks.input-keys-not-reused",
    "tasks.input-keys-one-meaning",
    wires=MODERN,
)
def takes_keys_again() -> None:
    """Numbers the open questions from one, at each look."""

    async def ask(self: Task, key: str, request: Any) -> Any:
        del key
        free = next(n for n in range(10) if f"question-{n}" not in self.questions)
        question = Question(f"question-{free}", request)
        self.questions[question.key] = question
        STORE.change(self, "input_required")
        while question.answer is None:
            await self.changed.wait()
        return question.answer

    Task.ask = ask


@mutant("tasks/answers", "tasks.get-all-input", wires=MODERN)
def asks_one_after_the_other() -> None:
    """Shows one of its questions at a time."""

    def change(shown: Shown) -> Shown:
        asked = shown.get("inputRequests", {})
        return {**shown, "inputRequests": dict([*asked.items()][:1])} if asked else shown

    patches.results("tasks/get", change)


@mutant("tasks/answers", "tasks.get-all-input", wires=MODERN)
def asks_once_only() -> None:
    """Shows a question at the first look only."""
    shown_before: set[str] = set()

    def change(shown: Shown) -> Shown:
        asked = shown.get("inputRequests")
        if asked is None:
            return shown
        new = {k: v for k, v in asked.items() if f"{shown['taskId']} {k}" not in shown_before}
        shown_before.update(f"{shown['taskId']} {k}" for k in asked)
        return {**shown, "inputRequests": new}

    patches.results("tasks/get", change)


@mutant("tasks/answers", "tasks.get-input-required", wires=MODERN)
def says_only_that_it_asks() -> None:
    """Shows input_required without the questions."""
    patches.results(
        "tasks/get", lambda shown: {k: v for k, v in shown.items() if k != "inputRequests"}
    )


@mutant("tasks/answers", "tasks.update-empty", wires=MODERN)
def returns_the_updated_task() -> None:
    """Answers tasks/update with the task."""
    right = tasks_extension.update

    async def update(ctx: Any, params: Any) -> Any:
        await right(ctx, params)
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=False)
        return tasks_extension.shown(task)

    tasks_extension.update = update


@mutant("tasks/answers", "tasks.update-result-type", wires=MODERN)
def updates_to_a_task() -> None:
    """Gives tasks/update the resultType `task`."""
    patches.results("tasks/update", lambda result: {**result, "resultType": "task"})


@mutant("tasks/stray-answers", "tasks.stray-answers-ignored", wires=MODERN)
def refuses_stray_answers() -> None:
    """Refuses an update with a key that is not open."""
    right = tasks_extension.update

    async def update(ctx: Any, params: Any) -> Any:
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=False)
        if params.input_responses.keys() - task.questions.keys():
            raise MCPError(types.INVALID_PARAMS, "There is no such question")
        return await right(ctx, params)

    tasks_extension.update = update


@mutant("tasks/stray-answers", "tasks.stray-answers-ignored", wires=MODERN)
def takes_any_key_for_the_first_question() -> None:
    """Takes an answer with an unknown key for an answer to whatever it asks."""
    right = tasks_extension.update

    async def update(ctx: Any, params: Any) -> Any:
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=False)
        open_ = [*task.questions]
        given = {
            key if key in open_ or not open_ else open_[0]: said
            for key, said in params.input_responses.items()
        }
        return await right(ctx, params.model_copy(update={"input_responses": given}))

    tasks_extension.update = update


@mutant("tasks/rounds-first", "tasks.rounds-first", wires=MODERN)
def becomes_a_task_before_it_asks() -> None:
    """Hands the task over first and asks in it then."""
    TOOLS["test_tool_with_task"].task = "optional"


# -- cancellation ----------------------------------------------------------------------------------


@mutant("tasks/cancel", "tasks.cancel-status", wires=LEGACY)
def cancels_later() -> None:
    """Answers tasks/cancel before the task is cancelled, as 2026-07-28 allows."""
    patches.results("tasks/cancel", lambda shown: {**shown, "status": "working"})


@mutant("tasks/cancel", "tasks.cancel-empty", wires=MODERN)
def returns_the_cancelled_task() -> None:
    """Answers tasks/cancel with the task, as 2025-11-25 has it."""
    _returns_the_task()


def _returns_the_task() -> None:
    right = tasks_extension.cancel

    async def cancel(ctx: Any, params: Any) -> Any:
        await right(ctx, params)
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=False)
        return tasks_extension.shown(task)

    tasks_extension.cancel = cancel


@mutant("tasks/cancel", "tasks.cancel-result-type", wires=MODERN)
def cancels_to_a_task() -> None:
    """Gives tasks/cancel the resultType `task`."""
    patches.results("tasks/cancel", lambda result: {**result, "resultType": "task"})


def _works_on() -> None:
    right = tasks_legacy.begin

    def begin(*args: Any, **kwargs: Any) -> Task:
        task = right(*args, **kwargs)
        task.stop = lambda: None
        return task

    tasks_legacy.begin = begin


@mutant("tasks/cancel", "tasks.cancel-final", wires=LEGACY)
def completes_what_was_cancelled() -> None:
    """Lets the work of a cancelled task end it again."""
    _works_on()
    right = Task.end

    def end(self: Task, status: str, message: str, outcome: Any = None) -> None:
        if self.status == "cancelled":
            self.status = "working"
        right(self, status, message, outcome)

    Task.end = end


@mutant("tasks/cancel-stops", "tasks.cancel-stops", wires=LEGACY)
def works_on_in_vain() -> None:
    """Calls a task cancelled and goes on with its work."""
    _works_on()


@mutant("tasks/cancelled-is-shown", "tasks.get-cancelled", wires=MODERN)
def cancels_with_an_error() -> None:
    """Shows an error with a cancelled task."""
    error = {"code": types.INTERNAL_ERROR, "message": "It was cancelled"}
    patches.results(
        "tasks/get",
        lambda shown: {**shown, "error": error} if shown["status"] == "cancelled" else shown,
    )


@mutant("tasks/cancel-ended", "tasks.cancel-terminal", wires=LEGACY)
def grants_late_cancellation() -> None:
    """Grants tasks/cancel for what has ended, and changes nothing."""
    _grants_all()


def _grants_all() -> None:
    right = tasks_legacy.cancel

    async def cancel(ctx: Any, params: Any) -> Any:
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=True)
        return tasks_legacy.shown(task) if task.ended else await right(ctx, params)

    tasks_legacy.cancel = cancel


@mutant("tasks/cancel-races", "tasks.cancel-final", wires=LEGACY)
def loses_races() -> None:
    """Grants a cancellation that came when the work had just ended."""
    _grants_all()


@mutant("tasks/cancel-while-it-asks", "tasks.cancel-status", wires=LEGACY)
def asks_on_when_cancelled() -> None:
    """Does not cancel a task that waits for an answer."""
    right = tasks_legacy.cancel

    async def cancel(ctx: Any, params: Any) -> Any:
        task = STORE.find(params.task_id, task_store.owner(ctx), legacy=True)
        if not task.questions:
            return await right(ctx, params)
        error = {"code": types.INTERNAL_ERROR, "message": "It was asking"}
        task.end("failed", "It was asking", {"error": error})
        return tasks_legacy.shown(task)

    tasks_legacy.cancel = cancel


@mutant("tasks/cancel-while-it-asks", "tasks.cancel-empty", wires=MODERN)
def tells_what_it_asked() -> None:
    """Answers tasks/cancel with the task and what it was asking."""
    _returns_the_task()
