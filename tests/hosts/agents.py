"""The agents of the table: each asks in another way, and says what must come of it.

Called by `cells`, which runs them in the double of every known host.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcp_types import CreateMessageResultWithTools
from pydantic import BaseModel

from inverted import AgentServer, Run
from inverted.carriers.emulation.syntax import blocks_of
from inverted.testing import text
from inverted.testing.script import ModelReply
from inverted_code_review.rehearsal import policy
from inverted_code_review.server import review as review_agent
from tests.hosts.models import in_words

Wire = dict[str, Any]
SAMPLES: Final = 50
QUESTIONS: Final = 10
PARALLEL: Final = 4


class Sum(BaseModel):
    total: int
    steps: list[str]


@dataclass(frozen=True, slots=True)
class Subject:
    """One agent of the table.

    Attributes:
        name: Its name here, and that of its tool.
        what: What it does, for the reader.
        register: Adds it to a server.
        model: Answers as its model.
        asks_model: How often it asks a model; None if that depends.
        asks_person: Whether it cannot do without a person.
        expected: Whether a result is the right one.
        arguments: What it is called with, in a folder of its own.
    """

    name: str
    what: str
    register: Callable[[AgentServer], object]
    model: Callable[[Wire], ModelReply]
    asks_model: int | None
    asks_person: bool
    expected: Callable[[Any], bool]
    arguments: Callable[[Path], Wire] = lambda folder: {}  # most take nothing


def person(params: Wire) -> Any:
    """The person at a form or a card: agrees, or answers in a word."""
    (field,) = params["requestedSchema"]["properties"].values()
    if field["type"] == "boolean":
        return True
    return field.get("default", "blue")


def _echo(params: Wire) -> ModelReply:
    """A model whose answer shows that it read the whole question."""
    return text(f"yes to {_last(params)}")


def _last(params: Wire) -> str:
    return blocks_of(params["messages"][-1]["content"])[-1]["text"]


# -- fifty, approvals, parallel, interview ----------------------------------------------------


async def fifty(run: Run) -> list[str]:
    """Ask a model fifty times, one after the other."""
    return [str((await run.sample(f"Question {n}?")).text) for n in range(SAMPLES)]


async def approvals(run: Run) -> list[str]:
    """Do two things that need a yes each."""
    done: list[str] = []
    for what in ("build", "ship"):
        await run.approve(f"May I {what} it?", details="Version 3.")
        done.append(await run.step(str.upper, what))
    return done


async def parallel(run: Run) -> list[str]:
    """Ask a model and a person several things at once."""
    samples = [run.sample(f"Part {n}?") for n in range(PARALLEL)]
    forms = [run.elicit(f"Which {what}?", str) for what in ("colour", "tint")]
    answers: list[Any] = list(await run.gather(*samples, *forms))
    said = [str(each.text) for each in answers[:PARALLEL]]
    return [*said, *(f"{each.action} {each.data}" for each in answers[PARALLEL:])]


async def interview(run: Run) -> list[str]:
    """Ask ten questions in one conversation."""
    messages: list[Any] = []
    said: list[str] = []
    for n in range(QUESTIONS):
        answer = await run.sample(
            [*messages, f"Question {n}?"], system_prompt="You are the witness. Answer briefly."
        )
        messages = list(answer.history)
        said.append(str(answer.text))
    return said


# -- tools ------------------------------------------------------------------------------------


def _add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def tools(run: Run) -> Sum:
    """Let a model add with a tool, and give a typed result."""
    answer = await run.sample(
        "What is 1 + 2, and 3 + 4? Use the tool.", tools=[_add], result_type=Sum
    )
    return answer.result


def _adds(params: Wire) -> ModelReply:
    """A model that calls a tool twice at once, then gives the typed result."""
    results = [
        block["content"][0]["text"]
        for message in params["messages"]
        for block in blocks_of(message["content"])
        if block["type"] == "tool_result"
    ]
    if not results:
        calls = [("_add", {"a": 1, "b": 2}), ("_add", {"a": 3, "b": 4})]
        return _calls(*calls)
    return _calls(("final_response", {"total": sum(map(int, results)), "steps": results}))


def _calls(*calls: tuple[str, Wire]) -> CreateMessageResultWithTools:
    blocks = [
        {"type": "tool_use", "id": f"c{n}", "name": name, "input": given}
        for n, (name, given) in enumerate(calls)
    ]
    said = {"role": "assistant", "model": "m", "content": blocks, "stopReason": "toolUse"}
    return CreateMessageResultWithTools.model_validate(said, by_name=False)


# -- the code reviewer ------------------------------------------------------------------------


def _reviews(params: Wire) -> ModelReply:
    return CreateMessageResultWithTools.model_validate(policy(params), by_name=False)


def _repository(folder: Path) -> Wire:
    """A change with a caller that was forgotten, as a commit."""
    before = {
        "shop/price.py": "def total(items, tax):\n    return sum(items) * tax\n",
        "shop/cart.py": "from shop.price import total\n\n\ndef pay(items):\n"
        "    return total(items, 1.2)\n",
    }
    after = {"shop/price.py": "def total(items, tax, currency):\n    return sum(items) * tax\n"}
    identity = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    }

    def git(*arguments: str) -> None:
        command = ["git", *arguments]
        subprocess.run(
            command, cwd=folder, env=os.environ | identity, check=True, capture_output=True
        )

    git("init", "--quiet")
    for files in (before, after):
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(content)
        git("add", "--all")
        git("commit", "--quiet", "-m", "change")
    return {"repository": str(folder)}


def _found(result: Any) -> bool:
    """Whether the forgotten caller was found: by a model, since no linter sees it."""
    found = [(each["file"], each["source"]) for each in result["findings"]]
    return [file for file, source in found if source in ("model", "rehearsal")] == ["shop/price.py"]


AGENTS: Final = {
    subject.name: subject
    for subject in (
        Subject(
            "review",
            "the code reviewer, on a git repository",
            lambda server: server.agent(review_agent),
            in_words(_reviews),
            None,
            asks_person=False,
            expected=_found,
            arguments=_repository,
        ),
        Subject(
            "fifty",
            "50 samples, one after the other",
            lambda server: server.agent(fifty),
            _echo,
            SAMPLES,
            asks_person=False,
            expected=lambda result: result == [f"yes to Question {n}?" for n in range(SAMPLES)],
        ),
        Subject(
            "approvals",
            "two approvals, a step after each",
            lambda server: server.agent(approvals),
            _echo,
            0,
            asks_person=True,
            expected=lambda result: result == ["BUILD", "SHIP"],
        ),
        Subject(
            "parallel",
            "4 samples and 2 forms at once",
            lambda server: server.agent(parallel),
            _echo,
            PARALLEL,
            asks_person=True,
            expected=lambda result: (
                result == [*(f"yes to Part {n}?" for n in range(PARALLEL)), *["accept blue"] * 2]
            ),
        ),
        Subject(
            "interview",
            "10 questions in one conversation",
            lambda server: server.agent(interview),
            _echo,
            QUESTIONS,
            asks_person=False,
            expected=lambda result: result == [f"yes to Question {n}?" for n in range(QUESTIONS)],
        ),
        Subject(
            "tools",
            "a tool called twice, then a typed result",
            lambda server: server.agent(tools),
            in_words(_adds),
            2,
            asks_person=False,
            expected=lambda result: result == {"total": 10, "steps": ["3", "7"]},
        ),
    )
}
"""The agents of the table, by name."""
