"""Who answers a question for a person: a file of answers, `--yes`, or the person at the terminal.

In that order. When none of them can, the question is dismissed ("cancel"), which is what a server
has to expect of a person who is not there, and the view says why. Called by `conversation`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from inverted.cli.answers import Answers, assumed, scripted
from inverted.cli.fields import UnsupportedForm, form_fields, review
from inverted.cli.prompts import Given, Prompter, unfit_url

TYPED: Final = "typed"
"""The note of an answer that the person typed here, where it can be seen already."""


@dataclass(frozen=True)
class Reply:
    """An answer and how it came about.

    Attributes:
        result: What is sent.
        note: How it came about, in words.
        summary: The answer as a person reads it.
    """

    result: ElicitResult
    note: str
    summary: str


@dataclass(frozen=True)
class Person:
    """Answers questions.

    Attributes:
        answers: The file of answers, if there is one.
        yes: Whether `--yes` was given.
        prompter: How to ask here; None without a terminal.
        turn: Gives the terminal to one question at a time, and quiets everything else.
    """

    answers: Answers | None
    yes: bool
    prompter: Prompter | None
    turn: Callable[[], AbstractAsyncContextManager[None]]

    async def answer(self, server: str, params: ElicitRequestParams) -> Reply:
        """Answer one question.

        Args:
            server: Who asks.
            params: The server's request.

        Raises:
            UsageProblem: The answer that the file gives does not fit.
        """
        given, note = await self._decide(server, params)
        return Reply(
            ElicitResult(action=given.action, content=given.content),  # pyright: ignore[reportArgumentType] - invariance of dict
            note,
            _summary(given, params),
        )

    async def _decide(self, server: str, params: ElicitRequestParams) -> tuple[Given, str]:
        form = isinstance(params, ElicitRequestFormParams)
        if not form and (reason := unfit_url(params.url)) is not None:
            return Given("decline"), f"the address was refused: {reason}"
        if self.answers is not None:
            found = self.answers.take(params.message)
            if found is not None:
                schema = params.requested_schema if form else None
                return scripted(found[0], params.message, schema), f"from {self.answers.where}"
        if self.yes and form:
            given = assumed(params.requested_schema)
            if given is not None:
                return given, "by --yes"
        if self.prompter is None:
            return Given("cancel"), "nobody to ask: no terminal here, and " + self._why_not(form)
        async with self.turn():
            try:
                if form:
                    schema = params.requested_schema
                    return await self.prompter.form(server, params.message, schema), TYPED
                return await self.prompter.page(server, params.message, params.url), TYPED
            except UnsupportedForm as error:
                return Given("cancel"), f"this form cannot be shown: {error}"

    def _why_not(self, form: bool) -> str:  # noqa: FBT001 - a fact about the question
        tried = [
            *(["--answers has no answer left for it"] if self.answers is not None else []),
            *(["--yes cannot fill it in"] if self.yes else []),
        ]
        if tried:
            return " and ".join(tried)
        return "no --answers FILE" + (" and no --yes" if form else "")


def _summary(given: Given, params: ElicitRequestParams) -> str:
    if given.action != "accept":
        return {"decline": "declined", "cancel": "dismissed"}[given.action]
    if not isinstance(params, ElicitRequestFormParams):
        return "agreed to open it"
    return review(form_fields(params.requested_schema), given.content or {})
